//! A folder of models, and the list of them that the page reads.

use std::fs;
use std::path::{Component, Path};

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::{Value, json};

/// What stands in `index.json`: that of the folder if it has one, else every folder in it with a `model.json`, by name;
/// and which of them have a recorded run, for the page not to ask for others.
///
/// # Errors
/// There is no model, or the folder's own list names one that is not there.
pub fn list(folder: &Path) -> Result<Value> {
    let named = folder.join("index.json");
    if named.is_file() {
        let bytes = fs::read(&named).with_context(|| format!("{}", named.display()))?;
        let text = user_files::text(&bytes).map_err(|problem| anyhow!("{}: {problem}", named.display()))?;
        let mut list: Value = serde_json::from_str(text).with_context(|| format!("{}", named.display()))?;
        let models =
            list["models"].as_array_mut().with_context(|| format!("{}: has no list “models”", named.display()))?;
        ensure!(!models.is_empty(), "{}: has no model", named.display());
        for model in models {
            let name =
                model["name"].as_str().with_context(|| format!("{}: a model without a name", named.display()))?;
            // Such as “../mine”: the site has a folder of this name.
            ensure!(is_name(name), "{}: {name:?} is not the name of a folder in it", named.display());
            let place = folder.join(name);
            ensure!(is_model(&place), "{}: names {name}, which is no exported model", named.display());
            model["recorded"] = json!(is_recorded(&place));
        }
        return Ok(list);
    }
    ensure!(!is_model(folder), "{}: is a model itself; give the folder that it lies in", folder.display());
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("{}", folder.display()))? {
        let (entry, name) = entry.map(|entry| (entry.path(), entry.file_name().to_string_lossy().into_owned()))?;
        // What an export was writing when it was killed is hidden.
        if is_model(&entry) && !name.starts_with('.') {
            names.push(name);
        }
    }
    ensure!(!names.is_empty(), "{}: has no exported model; `trainer export` writes one", folder.display());
    names.sort();
    let entry = |name: &String| json!({ "name": name, "recorded": is_recorded(&folder.join(name)) });
    Ok(json!({ "models": names.iter().map(entry).collect::<Vec<_>>() }))
}

/// Gives a built site the models of this list, and no others.
///
/// # Errors
/// A file cannot be copied.
pub fn replace(folder: &Path, list: &Value, site: &Path) -> Result<()> {
    let models = site.join("models");
    if models.exists() {
        fs::remove_dir_all(&models).with_context(|| format!("{}", models.display()))?;
    }
    fs::create_dir_all(&models).with_context(|| format!("{}", models.display()))?;
    for name in list["models"].as_array().into_iter().flatten().filter_map(|model| model["name"].as_str()) {
        let (from, to) = (folder.join(name), models.join(name));
        fs::create_dir_all(&to)?;
        for entry in fs::read_dir(&from).with_context(|| format!("{}", from.display()))? {
            let entry = entry?;
            // A link to a file is a file of the model.
            if entry.path().is_file() {
                fs::copy(entry.path(), to.join(entry.file_name()))
                    .with_context(|| format!("{}", entry.path().display()))?;
            }
        }
    }
    let index = models.join("index.json");
    fs::write(&index, format!("{list:#}\n")).with_context(|| format!("{}", index.display()))
}

fn is_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    matches!((parts.next(), parts.next()), (Some(Component::Normal(part)), None) if part == name)
}

fn is_recorded(folder: &Path) -> bool {
    folder.join("run.png").is_file()
}

fn is_model(folder: &Path) -> bool {
    folder.join("model.json").is_file()
}
