//! A site gets the models of a folder.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::Path;

use tempfile::TempDir;
use xtask::models::{list, replace};

fn add(folder: &Path, name: &str) {
    fs::create_dir_all(folder.join(name)).unwrap();
    fs::write(folder.join(name).join("model.json"), "{}").unwrap();
    fs::write(folder.join(name).join("model.safetensors"), name).unwrap();
}

#[test]
fn every_model_of_the_folder_is_packed_and_no_other() {
    let (models, site) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    add(&site.path().join("models"), "old");
    add(models.path(), "b");
    add(models.path(), "a");
    fs::create_dir(models.path().join("notes")).unwrap();
    fs::write(models.path().join("b/run.png"), "a recorded run").unwrap();
    let found = list(models.path()).unwrap();
    let entry = |name: &str, recorded: bool| serde_json::json!({ "name": name, "recorded": recorded });
    assert_eq!(found, serde_json::json!({ "models": [entry("a", false), entry("b", true)] }));
    replace(models.path(), &found, site.path()).unwrap();
    let packed = site.path().join("models");
    assert!(!packed.join("old").exists() && !packed.join("notes").exists());
    assert_eq!(fs::read_to_string(packed.join("b/model.safetensors")).unwrap(), "b");
    assert_eq!(list(&packed).unwrap(), found, "the list that was written is the list");
}

#[test]
fn a_folder_without_models_and_a_wrong_list_are_refused() {
    let folder = TempDir::new().unwrap();
    assert!(list(folder.path()).unwrap_err().to_string().contains("trainer export"));
    assert!(list(&folder.path().join("nowhere")).is_err());
    add(folder.path(), "a");
    fs::write(folder.path().join("index.json"), r#"{"models": [{"name": "a"}, {"name": "gone"}]}"#).unwrap();
    assert!(list(folder.path()).unwrap_err().to_string().contains("gone"));
    fs::write(folder.path().join("index.json"), r#"{"models": []}"#).unwrap();
    assert!(list(folder.path()).unwrap_err().to_string().contains("has no model"));
    let utf_16 = [0xFF, 0xFE, b'{', 0];
    fs::write(folder.path().join("index.json"), utf_16).unwrap();
    let told = list(folder.path()).unwrap_err().to_string();
    assert!(told.contains("index.json: it is not written in UTF-8"), "{told}");
    let told = list(&folder.path().join("a")).unwrap_err().to_string();
    assert!(told.contains("is a model itself"), "{told}");
}

#[test]
#[cfg(unix)]
fn a_link_to_a_file_is_a_file_of_the_model() {
    let (models, site) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    add(models.path(), "a");
    let weights = models.path().join("a/model.safetensors");
    fs::rename(&weights, models.path().join("elsewhere")).unwrap();
    std::os::unix::fs::symlink(models.path().join("elsewhere"), weights).unwrap();
    replace(models.path(), &list(models.path()).unwrap(), site.path()).unwrap();
    assert_eq!(fs::read_to_string(site.path().join("models/a/model.safetensors")).unwrap(), "a");
}

#[test]
fn a_list_that_leads_out_of_the_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    add(folder.path(), "models/a");
    add(folder.path(), "beside");
    let models = folder.path().join("models");
    let absolute = models.join("a").display().to_string();
    for name in ["../beside", ".", "a/../../beside", "a/", absolute.as_str()] {
        fs::write(models.join("index.json"), serde_json::json!({ "models": [{ "name": name }] }).to_string()).unwrap();
        assert!(list(&models).unwrap_err().to_string().contains("is not the name"), "{name}");
    }
}
