//! A site replaces an earlier site and nothing else.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use xtask::destination::{Destination, Surroundings};
use xtask::misuse::Misuse;

/// A repository with models and a target directory, and room beside it.
struct Place {
    folder: TempDir,
}

impl Place {
    fn new() -> Self {
        let place = Self { folder: TempDir::new().unwrap() };
        for file in ["repository/models/a/model.json", "repository/.git/HEAD", "target/xtask"] {
            write(&place.path(file), "kept");
        }
        place
    }

    fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    fn check(&self, out: &str) -> anyhow::Result<Destination> {
        self.check_with_models(out, "repository/models")
    }

    fn check_with_models(&self, out: &str, models: &str) -> anyhow::Result<Destination> {
        Destination::check(
            &self.path(out),
            &Surroundings {
                repository: &self.path("repository"),
                target: &self.path("target"),
                models: &self.path(models),
                unlisted: &self.path("repository/dist"),
            },
        )
    }

    /// The one line that says why a folder is refused. It names the folder.
    fn refusal(&self, out: &str) -> String {
        refusal(self.check(out), &self.path(out))
    }

    /// A site of this title, as trunk leaves it.
    fn build(&self, title: &str) -> PathBuf {
        let site = self.path(&format!("target/built-{title}"));
        for file in ["page_bg.wasm", "engine_bg.wasm", "models/index.json"] {
            write(&site.join(file), title);
        }
        write(&site.join("index.html"), title);
        site
    }

    fn title(&self, out: &str) -> String {
        fs::read_to_string(self.path(out).join("index.html")).unwrap()
    }
}

fn write(file: &Path, text: &str) {
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    fs::write(file, text).unwrap();
}

fn refusal(checked: anyhow::Result<Destination>, out: &Path) -> String {
    let error = checked.unwrap_err();
    assert!(error.downcast_ref::<Misuse>().is_some(), "{error:#}");
    let message = format!("{error:#}");
    assert!(message.contains(&out.display().to_string()) && !message.contains('\n'), "{message}");
    message
}

#[test]
#[cfg(target_os = "linux")]
fn where_nothing_can_be_written_is_said_before_the_build() {
    let place = Place::new();
    // Not even for root.
    for out in ["/proc/site", "/proc/a/new/site"] {
        let line = place.refusal(out);
        assert!(line.contains("nothing can be written in /proc"), "{line}");
    }
}

#[test]
fn a_new_and_an_empty_folder_get_the_site_and_a_later_one_replaces_it() {
    let place = Place::new();
    fs::create_dir(place.path("empty")).unwrap();
    write(&place.path("shown/.DS_Store"), "of a file manager");
    for out in ["new/below/new", "empty", "shown", "repository/site", "target/site"] {
        place.check(out).unwrap().put(&place.build("first")).unwrap();
        assert_eq!(place.title(out), "first");
        for file in ["engine_bg.wasm.gz", "models/index.json.gz", ".energy-site.gz"] {
            write(&place.path(out).join(file), "compressed for a host");
        }
        write(&place.path(out).join("models/.DS_Store"), "of a file manager");
        place.check(out).unwrap().put(&place.build("second")).unwrap();
        assert_eq!(place.title(out), "second");
        assert!(!place.path(out).join("engine_bg.wasm.gz").exists(), "of the earlier site");
        let beside = fs::read_dir(place.path(out).parent().unwrap()).unwrap();
        let hidden = beside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().contains("-"));
        let left: Vec<_> = hidden.map(|entry| entry.unwrap().file_name()).collect();
        assert!(left.iter().all(|name| name.to_string_lossy().starts_with("built-")), "{left:?}");
    }
}

#[test]
fn a_file_is_refused() {
    let place = Place::new();
    write(&place.path("page.html"), "");
    assert!(place.refusal("page.html").contains("is a file"));
}

#[test]
fn the_repository_and_what_holds_it_are_refused() {
    let place = Place::new();
    for out in ["repository", "repository/.", "repository/models/..", ".", "repository/new/../../repository"] {
        assert!(place.refusal(out).contains("holds this repository"), "{out}");
    }
}

#[test]
fn the_models_and_what_is_in_or_around_them_are_refused() {
    let place = Place::new();
    write(&place.path("mine/models/a/model.json"), "{}");
    for out in ["mine/models", "mine/models/site", "mine", "mine/models/a", "mine/x/../models"] {
        let message = refusal(place.check_with_models(out, "mine/models"), &place.path(out));
        assert!(message.contains("overlaps the models"), "{message}");
    }
    place.check_with_models("mine/models-site", "mine/models").unwrap();
}

#[test]
fn what_holds_the_target_directory_is_refused() {
    let place = Place::new();
    assert!(place.refusal("target").contains("where the site is built"));
}

#[cfg(unix)]
#[test]
fn links_lead_to_no_other_answer() {
    use std::os::unix::fs::symlink;
    let place = Place::new();
    symlink(place.path("repository"), place.path("link")).unwrap();
    symlink(place.path("nowhere"), place.path("dangling")).unwrap();
    assert!(place.refusal("link").contains("holds this repository"));
    assert!(place.refusal("link/models").contains("overlaps the models"));
    assert!(place.refusal("link/models/new").contains("overlaps the models"));
    assert!(format!("{:#}", place.check("dangling").unwrap_err()).contains("leads nowhere"));
    // A link to a site stays a link.
    place.check("site").unwrap().put(&place.build("first")).unwrap();
    symlink(place.path("site"), place.path("to-site")).unwrap();
    place.check("to-site").unwrap().put(&place.build("second")).unwrap();
    assert_eq!(place.title("site"), "second");
    assert!(place.path("to-site").is_symlink());
}

#[test]
fn a_folder_with_anything_else_in_it_is_refused() {
    let place = Place::new();
    write(&place.path("pictures/cat.png"), "cat");
    write(&place.path("hidden/.git/HEAD"), "history");
    // A page of someone else, and one of ours whose list is lost.
    write(&place.path("other/index.html"), "page");
    place.check("listless").unwrap().put(&place.build("first")).unwrap();
    fs::remove_file(place.path("listless/.energy-site")).unwrap();
    // A list of someone else.
    write(&place.path("named/.energy-site"), "something");
    for out in ["pictures", "hidden", "other", "listless", "named"] {
        assert!(place.refusal(out).contains("holds no site"), "{out}");
    }
}

#[test]
fn a_site_that_has_been_added_to_is_refused() {
    let place = Place::new();
    for added in [".git/HEAD", "CNAME", "models/mine/model.json", "notes.gz"] {
        let out = format!("site-{}", added.len());
        place.check(&out).unwrap().put(&place.build("first")).unwrap();
        write(&place.path(&out).join(added), "of the user");
        let message = place.refusal(&out);
        assert!(message.replace('\\', "/").contains(&format!("holds {added}")), "{message}");
    }
}

#[test]
fn a_site_without_a_list_is_replaced_where_earlier_versions_left_one() {
    let place = Place::new();
    fs::rename(place.build("older"), place.path("repository/dist")).unwrap();
    write(&place.path("repository/dist/.stage/page.js"), "of a build that was stopped");
    place.check("repository/dist").unwrap().put(&place.build("newer")).unwrap();
    assert_eq!(place.title("repository/dist"), "newer");
    // Not so with anything hidden in it, or without the page.
    fs::remove_file(place.path("repository/dist/.energy-site")).unwrap();
    write(&place.path("repository/dist/.git/HEAD"), "history");
    assert!(place.refusal("repository/dist").contains("holds no site"));
}

#[test]
fn what_came_into_the_folder_during_the_build_stays() {
    let place = Place::new();
    let destination = place.check("site").unwrap();
    write(&place.path("site/thesis.txt"), "written meanwhile");
    let site = place.build("first");
    let message = format!("{:#}", destination.put(&site).unwrap_err());
    assert!(message.contains(&site.display().to_string()), "says where the new site is: {message}");
    assert_eq!(fs::read_to_string(place.path("site/thesis.txt")).unwrap(), "written meanwhile");
    assert!(site.join("index.html").is_file());
}

#[test]
fn a_site_that_cannot_be_put_leaves_the_earlier_one_whole() {
    let place = Place::new();
    place.check("site").unwrap().put(&place.build("first")).unwrap();
    let destination = place.check("site").unwrap();
    assert!(destination.put(&place.path("target/never-built")).is_err());
    assert_eq!(place.title("site"), "first");
    place.check("site").unwrap();
}
