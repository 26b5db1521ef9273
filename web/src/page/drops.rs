//! Files that are dropped on the page, folders among them.

use js_sys::Promise;
use wasm_bindgen::{JsCast, JsValue};
use wasm_bindgen_futures::JsFuture;
use web::messages::ModelFiles;
use web_sys::{DataTransfer, DragEvent, File, FileSystemDirectoryEntry, FileSystemEntry, FileSystemFileEntry, Url};

use crate::dom::{Result, document, on};

/// Has `handle` hear of every drop.
pub fn listen(handle: impl Fn(Vec<File>) + Clone + 'static) -> Result<()> {
    let document = document()?;
    on(&document, "dragover", |event: DragEvent| event.prevent_default())?;
    on(&document, "drop", move |event: DragEvent| {
        event.prevent_default();
        let Some(transfer) = event.data_transfer() else { return };
        let dropped = dropped(&transfer);
        let handle = handle.clone();
        wasm_bindgen_futures::spawn_local(async move {
            let mut files = Vec::new();
            for item in dropped {
                match item {
                    Dropped::File(file) => files.push(file),
                    // What cannot be listed is not there.
                    Dropped::Folder(folder) => files.extend(files_of(&folder).await.unwrap_or_default()),
                }
            }
            handle(files);
        });
    })
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

/// The files of a folder, without those of folders in it.
async fn files_of(folder: &FileSystemDirectoryEntry) -> Result<Vec<File>> {
    let reader = folder.create_reader();
    let entries = promise(|resolve, reject| reader.read_entries_with_callback_and_callback(resolve, reject)).await?;
    let mut files = Vec::new();
    for entry in js_sys::Array::from(&entries).iter() {
        let entry: FileSystemFileEntry = entry.unchecked_into();
        if entry.is_file() {
            let file = promise(|resolve, reject| {
                entry.file_with_callback_and_callback(resolve, reject);
                Ok(())
            });
            files.push(file.await?.unchecked_into());
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

/// Addresses of the files of a model, if they are one: `model.json`, weights, and perhaps `held-out.png`.
pub fn as_model(files: &[File]) -> Option<ModelFiles> {
    let address = |file: &File| Url::create_object_url_with_blob(file).ok();
    let named = |name: &str| files.iter().find(|file| file.name() == name);
    let weights = files.iter().find(|file| file.name().ends_with(".safetensors"));
    Some(ModelFiles {
        manifest: address(named("model.json")?)?,
        weights: address(weights?)?,
        held_out: named("held-out.png").and_then(address),
    })
}
