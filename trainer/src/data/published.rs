//! Whether the files of a set are those that its name stands for: files of one's own may have the same names.

use super::{
    DataSet, Wanted,
    catalogue::{Format, Set},
    cifar, folder, mnist, rendered,
};
use crate::error::{Error, Result};

/// Has a set that was read say so where its pictures are others than its name stands for: whether its files are the published
/// ones is `seen`, or told by the pictures.
///
/// # Errors
/// They are those of another set.
pub(super) fn tell_others(
    data: &mut DataSet,
    set: &Set,
    &Wanted { named, dir, .. }: &Wanted<'_>,
    seen: Option<bool>,
) -> Result<()> {
    let parts = [&data.train, &data.held_out];
    let fingerprint = || folder::fingerprint_of(parts.map(|images| &images.pixels));
    let published = || "its files are not those that were published under that name".to_owned();
    let others = match &set.format {
        Format::Embedded => None,
        Format::Idx(_) => {
            let of = parts.map(mnist::published_in);
            if let Some(other) = of.into_iter().flatten().find(|other| other.name != set.name) {
                let place = dir.map_or_else(|| named.to_owned(), |dir| format!("--data-dir {}", dir.display()));
                let text = format!("its files are those of {0}; say --data {0}, or give another folder", other.name);
                return Err(Error::input(format!("{place}: {text}")));
            }
            of.iter().any(Option::is_none).then(|| (fingerprint(), published()))
        }
        Format::Cifar(_) => (!cifar::are_published(parts)).then(|| (fingerprint(), published())),
        Format::Svhn(_) => (seen != Some(true)).then(|| (fingerprint(), published())),
        Format::Rendered(recipe) => {
            let fingerprint = fingerprint();
            let drawn = rendered::are_drawn(set, recipe, dir, &fingerprint);
            let told = || format!("its files are not those that `trainer data fetch {}` draws", set.name);
            (!drawn).then(|| (fingerprint, told()))
        }
    };
    if let Some((fingerprint, told)) = others {
        data.licence = "that of the files that were given".into();
        data.fingerprint = Some(fingerprint);
        data.told.push(told);
    }
    Ok(())
}
