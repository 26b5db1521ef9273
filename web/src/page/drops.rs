//! Files that are dropped on the page or chosen, folders among them.

use js_sys::{Promise, Reflect};
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::messages::ModelFiles;
use web_sys::{
    DataTransfer, DragEvent, File, FileList, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, Url,
};

use crate::dom::{Result, document, on};

/// A file, and where it lies in what was brought: `faces/model.json`, or `me.png` for one by itself.
#[derive(Clone)]
pub struct Item {
    pub path: String,
    source: Source,
}

#[derive(Clone)]
enum Source {
    File(File),
    /// Of a folder: the browser has only read its name yet.
    Entry(FileSystemFileEntry),
}

impl Item {
    /// The file itself.
    pub async fn file(&self) -> Result<File> {
        match &self.source {
            Source::File(file) => Ok(file.clone()),
            Source::Entry(entry) => {
                let file = promise(|resolve, reject| {
                    entry.file_with_callback_and_callback(resolve, reject);
                    Ok(())
                });
                Ok(file.await?.unchecked_into())
            }
        }
    }
}

/// Has `handle` hear of every drop: of what was dropped, in the order of its paths.
pub fn listen(handle: impl Fn(Vec<Item>) + Clone + 'static) -> Result<()> {
    let document = document()?;
    on(&document, "dragover", |event: DragEvent| event.prevent_default())?;
    on(&document, "drop", move |event: DragEvent| {
        event.prevent_default();
        let Some(transfer) = event.data_transfer() else { return };
        let dropped = dropped(&transfer);
        // Such as a part of a text.
        if dropped.is_empty() {
            return;
        }
        let handle = handle.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let mut items = Vec::new();
            for item in dropped {
                match item {
                    Dropped::File(file) => items.push(Item { path: file.name(), source: Source::File(file) }),
                    // What cannot be listed is not there.
                    Dropped::Folder(folder) => items.extend(files_of(folder).await.unwrap_or_default()),
                }
            }
            handle(in_order(items));
        });
    })
}

/// The files that a field has, in the order of their paths.
pub fn chosen(list: Option<FileList>) -> Vec<Item> {
    let files = list.iter().flat_map(|list| (0..list.length()).filter_map(|index| list.get(index)));
    let item = |file: File| {
        // Where a folder was chosen, the path begins with its name.
        let path = Reflect::get(&file, &"webkitRelativePath".into()).ok().and_then(|path| path.as_string());
        let path = path.filter(|path| !path.is_empty()).unwrap_or_else(|| file.name());
        Item { path, source: Source::File(file) }
    };
    in_order(files.map(item).collect())
}

fn in_order(mut items: Vec<Item>) -> Vec<Item> {
    web::sort_by(&mut items, |a, b| a.path < b.path);
    items
}

enum Dropped {
    File(File),
    Folder(FileSystemDirectoryEntry),
}

/// Must be asked within the event: the list is empty afterwards.
fn dropped(transfer: &DataTransfer) -> Vec<Dropped> {
    let items = transfer.items();
    let item = |index| {
        let item = items.get(index)?;
        let entry = item.webkit_get_as_entry().ok().flatten();
        match entry.filter(FileSystemEntry::is_directory) {
            Some(folder) => Some(Dropped::Folder(folder.unchecked_into())),
            None => item.get_as_file().ok().flatten().map(Dropped::File),
        }
    };
    (0..items.length()).filter_map(item).collect()
}

/// The files of a folder and of those in it, up to a number and a depth beyond which nobody keeps a model.
async fn files_of(folder: FileSystemDirectoryEntry) -> Result<Vec<Item>> {
    const MOST: usize = 50_000;
    const DEEPEST: usize = 8;
    let mut files = Vec::new();
    let mut folders = vec![(folder.name(), folder)];
    while let Some((path, folder)) = folders.pop() {
        let reader = folder.create_reader();
        loop {
            // A hundred at a time, until there are none.
            let entries =
                promise(|resolve, reject| reader.read_entries_with_callback_and_callback(resolve, reject)).await?;
            let entries = js_sys::Array::from(&entries);
            if entries.length() == 0 || files.len() > MOST {
                break;
            }
            for entry in entries.iter() {
                let entry: FileSystemEntry = entry.unchecked_into();
                let path = format!("{path}/{}", entry.name());
                if entry.is_file() {
                    files.push(Item { path, source: Source::Entry(entry.unchecked_into()) });
                } else if path.split('/').count() <= DEEPEST {
                    folders.push((path, entry.unchecked_into()));
                }
            }
        }
    }
    Ok(files)
}

/// Waits for an interface that calls back.
async fn promise(ask: impl Fn(&js_sys::Function, &js_sys::Function) -> Result<()>) -> Result<JsValue> {
    let promise = Promise::new(&mut |resolve, reject| {
        if let Err(error) = ask(&resolve, &reject) {
            // A rejection that cannot be told is one all the same.
            let _ = reject.call1(&JsValue::NULL, &error);
        }
    });
    JsFuture::from(promise).await
}

/// Addresses of the files of a model. Where several may be its weights, `model.json` says which.
pub async fn as_model(manifest: &Item, weights: &[Item], held_out: Option<&Item>) -> Result<ModelFiles> {
    let manifest = manifest.file().await?;
    let address = |file: &File| Url::create_object_url_with_blob(file);
    let chosen = match weights {
        [only] => only.file().await?,
        several => {
            let named = named_weights(&manifest).await?.unwrap_or_else(|| "model.safetensors".to_owned());
            let is_named =
                |item: &&Item| item.path.rsplit('/').next().is_some_and(|name| name.eq_ignore_ascii_case(&named));
            let item = several.iter().find(is_named).or(several.first()).ok_or("there are no weights")?;
            item.file().await?
        }
    };
    let held_out = match held_out {
        Some(item) => Some(address(&item.file().await?)?),
        None => None,
    };
    Ok(ModelFiles { manifest: address(&manifest)?, weights: address(&chosen)?, held_out })
}

/// Gives the addresses of a model's files back: the browser keeps the files as long as there are any.
pub fn forget(files: &ModelFiles) {
    for address in [Some(&files.manifest), Some(&files.weights), files.held_out.as_ref()].into_iter().flatten() {
        // It was an address of this page's.
        let _ = Url::revoke_object_url(address);
    }
}

/// The weights' name that a manifest says, if it can be read.
async fn named_weights(manifest: &File) -> Result<Option<String>> {
    let text = JsFuture::from(manifest.text()).await?.as_string().unwrap_or_default();
    let json: Option<serde_json::Value> = serde_json::from_str(&text).ok();
    Ok(json.and_then(|json| json["weights"]["file"].as_str().map(str::to_owned)))
}
