//! The named data sets: what they are, where their files come from and how a file is known to be the right one.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::cifar;
use crate::{
    cache, console,
    error::{Error, Result},
};

/// A data set that the command line knows by name.
pub(super) struct Set {
    pub name: &'static str,
    pub about: &'static str,
    pub licence: &'static str,
    pub format: Format,
}

/// How the pictures are stored, and the files that hold them.
pub(super) enum Format {
    /// In the program itself.
    Embedded,
    /// One IDX file of training pictures and one of test pictures, each gzipped or not.
    Idx(Source),
    /// CIFAR-10's "binary version": six batches, in the archive or unpacked.
    Cifar(Source),
    /// SVHN's two Matlab files.
    Svhn(Source),
    /// Rendered on this machine.
    Rendered(Recipe),
}

/// How a set is rendered.
pub(super) struct Recipe {
    /// The program, one of `rendered/`.
    pub script: &'static str,
    /// Side of the square colour pictures.
    pub side: usize,
    /// What the pictures are known by, drawn on a usual processor.
    pub fingerprint: &'static str,
}

/// Where the files of a set can be had.
pub(super) struct Source {
    /// The folder, on the web, of the published files.
    pub url: &'static str,
    pub files: &'static [Published],
    /// The classes of the training and of the test pictures, which only evaluation needs.
    pub labels: &'static [Published],
    /// Where a system's package puts the same files, and the command that installs it.
    pub package: Option<Package>,
}

impl Source {
    /// Which of the files are not in this folder.
    pub(super) fn lacks(&self, folder: &Path) -> Vec<&'static str> {
        self.files.iter().filter(|file| file.found_in(folder).is_none()).map(|file| file.name).collect()
    }

    /// The file of training pictures and that of test pictures, where this folder has both.
    pub(super) fn pair_in(&self, folder: &Path) -> Option<[PathBuf; 2]> {
        pair(self.files, folder)
    }

    /// The same of their labels.
    pub(super) fn labels_in(&self, folder: &Path) -> Option<[PathBuf; 2]> {
        pair(self.labels, folder)
    }
}

fn pair(files: &[Published], folder: &Path) -> Option<[PathBuf; 2]> {
    match files {
        [train, test] => Some([train.found_in(folder)?, test.found_in(folder)?]),
        _ => None,
    }
}

pub(super) struct Package {
    pub folder: &'static str,
    pub install: &'static str,
}

/// A published file.
pub(super) struct Published {
    pub name: &'static str,
    pub sha256: &'static str,
    /// Whether the checksum is that of the content without its gzip wrapping, which differs from mirror to mirror.
    pub of_unpacked: bool,
}

impl Published {
    /// The file in this folder: as published, or unpacked where it is gzipped; with `.idx` in its name where some publishers
    /// have it.
    pub(super) fn found_in(&self, folder: &Path) -> Option<PathBuf> {
        let names = [self.name, self.name.trim_end_matches(".gz")];
        let names = names.into_iter().flat_map(|name| [name.to_owned(), name.replace("-idx", ".idx")]);
        names.map(|name| folder.join(name)).find(|path| path.is_file())
    }
}

pub(super) const SETS: [Set; 8] = [
    Set {
        name: "digits",
        about: "1,797 handwritten digits, grey 8x8 enlarged to 16x16",
        licence: "CC BY 4.0 (UCI), BSD-3-Clause packaging (scikit-learn)",
        format: Format::Embedded,
    },
    Set {
        name: "fashion-mnist",
        about: "60,000 + 10,000 pieces of clothing, grey 28x28",
        licence: "MIT (Zalando)",
        format: Format::Idx(Source {
            url: "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
            files: &[
                Published {
                    name: "train-images-idx3-ubyte.gz",
                    sha256: "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
                    of_unpacked: true,
                },
                Published {
                    name: "t10k-images-idx3-ubyte.gz",
                    sha256: "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
                    of_unpacked: true,
                },
            ],
            labels: &[
                Published {
                    name: "train-labels-idx1-ubyte.gz",
                    sha256: "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
                    of_unpacked: true,
                },
                Published {
                    name: "t10k-labels-idx1-ubyte.gz",
                    sha256: "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
                    of_unpacked: true,
                },
            ],
            package: Some(Package {
                folder: "/usr/share/datasets/fashion-mnist",
                install: "apt install dataset-fashion-mnist",
            }),
        }),
    },
    Set {
        name: "mnist",
        about: "60,000 + 10,000 handwritten digits, grey 28x28",
        licence: "CC BY-SA 3.0 (LeCun, Cortes)",
        format: Format::Idx(Source {
            url: "https://ossci-datasets.s3.amazonaws.com/mnist",
            files: &[
                Published {
                    name: "train-images-idx3-ubyte.gz",
                    sha256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
                    of_unpacked: true,
                },
                Published {
                    name: "t10k-images-idx3-ubyte.gz",
                    sha256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
                    of_unpacked: true,
                },
            ],
            labels: &[
                Published {
                    name: "train-labels-idx1-ubyte.gz",
                    sha256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
                    of_unpacked: true,
                },
                Published {
                    name: "t10k-labels-idx1-ubyte.gz",
                    sha256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
                    of_unpacked: true,
                },
            ],
            package: None,
        }),
    },
    Set {
        name: "cifar-10",
        about: "50,000 + 10,000 photographs of ten kinds of object, colour 32x32",
        licence: "none stated (Krizhevsky 2009)",
        format: Format::Cifar(Source {
            url: "https://www.cs.toronto.edu/~kriz",
            files: &[Published {
                name: "cifar-10-binary.tar.gz",
                sha256: "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
                of_unpacked: false,
            }],
            labels: &[],
            package: None,
        }),
    },
    Set {
        name: "svhn",
        about: "73,257 + 26,032 digits of house numbers, colour 32x32",
        licence: "non-commercial use only (Netzer and others 2011)",
        format: Format::Svhn(Source {
            url: "http://ufldl.stanford.edu/housenumbers",
            files: &[
                Published {
                    name: "train_32x32.mat",
                    sha256: "435e94d69a87fde4fd4d7f3dd208dfc32cb6ae8af2240d066de1df7508d083b8",
                    of_unpacked: false,
                },
                Published {
                    name: "test_32x32.mat",
                    sha256: "cdce80dfb2a2c4c6160906d0bd7c68ec5a99d7ca4831afa54f09182025b6a75b",
                    of_unpacked: false,
                },
            ],
            labels: &[],
            package: None,
        }),
    },
    Set {
        name: "faces",
        about: "60,000 + 6,000 pixel-art faces, colour 16x16, drawn by a package of Node.js",
        licence: "CC0 1.0 (DiceBear Pixel Art)",
        format: Format::Rendered(Recipe {
            script: "faces.mjs",
            side: 16,
            fingerprint: "2-76c1a293715a9fe6a9f346754520e4d8",
        }),
    },
    Set {
        name: "avatars",
        about: "50,000 + 4,638 people drawn by hand, colour 64x64, put together by a package of Node.js",
        licence: "CC0 1.0 (Open Peeps by Pablo Stanley, DiceBear)",
        format: Format::Rendered(Recipe {
            script: "avatars.mjs",
            side: 64,
            fingerprint: "2-d428926098f9d63a72b49898ad500f76",
        }),
    },
    Set {
        name: "emoji",
        about: "3,185 + 174 emoji in 16 variants each, colour 32x32, drawn from packages of Node.js",
        licence: "MIT (Microsoft, Fluent Emoji) and Apache-2.0 (Google, Noto Emoji)",
        format: Format::Rendered(Recipe {
            script: "emoji.mjs",
            side: 32,
            fingerprint: "2-cae643c76723727695c7c8021264130e",
        }),
    },
];

impl Set {
    pub(super) fn named(name: &str) -> Option<&'static Self> {
        SETS.iter().find(|set| set.name == name)
    }

    /// Where the files can be had; none for a set that has no files.
    pub(super) fn source(&self) -> Option<&Source> {
        match &self.format {
            Format::Idx(source) | Format::Cifar(source) | Format::Svhn(source) => Some(source),
            Format::Embedded | Format::Rendered(_) => None,
        }
    }

    /// The folders where the files may lie: the one that the user gave, or else the package's and the cache.
    pub(super) fn folders(&self, dir: Option<&Path>) -> Vec<PathBuf> {
        let packaged = self.source().and_then(|source| source.package.as_ref());
        match dir {
            Some(dir) => vec![dir.to_path_buf()],
            None => packaged.map(|package| package.folder.into()).into_iter().chain(self.cache()).collect(),
        }
    }

    /// The folder that downloads go to: the one that the user gave, or else the cache.
    pub(super) fn download_folder(&self, dir: Option<&Path>) -> Result<PathBuf> {
        dir.map(Path::to_path_buf)
            .or_else(|| self.cache())
            .ok_or_else(|| Error::input(format!("{}: this system has no cache folder; give one with --dir", self.name)))
    }

    /// The error for files that are nowhere, with the way to get them.
    pub(super) fn missing(&self, dir: Option<&Path>) -> Error {
        let name = self.name;
        let source = self.source();
        let package = source.and_then(|source| source.package.as_ref());
        let text = match (dir, package) {
            // Nothing in a folder that may not be entered is seen.
            (Some(dir), _)
                if dir.join(".").metadata().is_err_and(|error| error.kind() == ErrorKind::PermissionDenied) =>
            {
                format!("--data-dir {}: permission denied", dir.display())
            }
            (Some(dir), _) => {
                let lacks = match &self.format {
                    Format::Idx(source) => {
                        format!("{} (or unpacked, without .gz)", source.lacks(dir).join(" and "))
                    }
                    Format::Cifar(source) => {
                        let files: Vec<_> = source.files.iter().map(|file| file.name).collect();
                        format!("{} (or unpacked, its .bin files)", files.join(" and "))
                    }
                    Format::Svhn(source) => source.lacks(dir).join(" and "),
                    Format::Embedded | Format::Rendered(_) => "the set".to_owned(),
                };
                let other = match &self.format {
                    Format::Cifar(_) => cifar::other_version(dir),
                    _ => None,
                };
                let other = other.map(|found| format!("; {found} in it is of another version")).unwrap_or_default();
                format!(
                    "--data-dir {}: lacks {lacks} of {name}{other}; try `trainer data fetch {name} --dir {}`",
                    dir.display(),
                    console::quoted(dir)
                )
            }
            (None, Some(package)) => {
                format!("{name}: not on this machine; try `trainer data fetch {name}` or `{}`", package.install)
            }
            (None, None) => format!("{name}: not on this machine; try `trainer data fetch {name}`"),
        };
        // A folder of this name may be what was meant.
        let here = if Path::new(name).is_dir() {
            format!("; the folder that lies here is `--data ./{name}`")
        } else {
            String::new()
        };
        Error::input(text + &here)
    }

    fn cache(&self) -> Option<PathBuf> {
        Some(cache::folder()?.join(self.name))
    }
}
