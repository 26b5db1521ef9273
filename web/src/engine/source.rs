//! The files of a model: fetched, kept, checked for size.

use shared::model::{Manifest, ModelError, WeightsCard};
use web::{Pictures, address, messages::ModelFiles, texts};

use crate::{
    fetch::{Problem, fetch, newest},
    store,
};

const HELD_OUT_LIMIT: u64 = 1 << 24;

/// Where a model's files come from: a folder of the site, or the visitor.
pub struct Source<'a> {
    /// The model's name.
    pub name: &'a str,
    /// What the visitor brought.
    pub files: Option<&'a ModelFiles>,
}

impl Source<'_> {
    fn path(&self, file: &str) -> String {
        address(self.name, file)
    }

    /// What is wrong with them, with what a visitor can do.
    pub(crate) fn advised(&self, problem: Problem) -> String {
        let advice = match (self.files, &problem) {
            (Some(_), _) => texts::own_model_advice(),
            (None, Problem::Offline(_)) => texts::try_later(),
            (None, Problem::Other(_)) => texts::model_advice(),
        };
        format!("{} {advice}", String::from(problem))
    }

    /// That the model cannot be used.
    pub(crate) fn unusable(&self, error: &ModelError) -> Problem {
        Problem::Other(texts::model_unusable(self.name, error))
    }

    /// `model.json`. One that is kept stays until the weights of another have come: without them it would be of no use.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) async fn manifest(&self) -> Result<Vec<u8>, Problem> {
        if let Some(files) = self.files {
            return fetch(&files.manifest, Manifest::LIMIT as u64, |_| ()).await;
        }
        let path = self.path("model.json");
        let manifest = newest(&path, Manifest::LIMIT as u64).await?;
        if store::find(&path).await.is_none() {
            store::keep(&path, &manifest).await;
        }
        Ok(manifest)
    }

    /// The weights that a manifest's card names, from the browser's cache if they are there; `progress` hears how many bytes
    /// have come. Whether they are those of the card, the model checks.
    ///
    /// # Errors
    /// A sentence.
    pub(crate) async fn weights(
        &self,
        manifest: &[u8],
        card: &WeightsCard,
        progress: impl FnMut(u64),
    ) -> Result<Vec<u8>, Problem> {
        let total = card.bytes;
        if let Some(files) = self.files {
            return fetch(&files.weights, total, progress).await;
        }
        // By hash, so that a model that was trained on never meets its old weights, which are forgotten once the new ones and
        // their manifest are kept.
        let folder = self.path("weights/");
        let kept = format!("{folder}{}", card.sha256.to_ascii_lowercase());
        let right = |bytes: &[u8]| WeightsCard::of("", bytes).sha256.eq_ignore_ascii_case(&card.sha256);
        let path = self.path("model.json");
        if let Some(bytes) = store::find(&kept).await.filter(|bytes| right(bytes)) {
            store::keep(&path, manifest).await;
            return Ok(bytes);
        }
        let bytes = fetch(&self.path(&card.file), total, progress).await?;
        if right(&bytes) && store::keep(&kept, &bytes).await && store::keep(&path, manifest).await {
            store::forget_others(&folder, &kept).await;
        }
        Ok(bytes)
    }

    /// The held-out pictures, if the model has any.
    ///
    /// # Errors
    /// A sentence.
    pub async fn held_out(&self, manifest: &Manifest) -> Result<Pictures, String> {
        if manifest.held_out_pictures == 0 {
            return Ok(Pictures::default());
        }
        let file = match self.files.map(|files| files.held_out.as_ref()) {
            Some(None) => return Err(texts::no_held_out().to_owned()),
            Some(Some(address)) => fetch(address, HELD_OUT_LIMIT, |_| ()).await?,
            None => newest(&self.path("held-out.png"), HELD_OUT_LIMIT).await?,
        };
        let (count, size, channels) = (manifest.held_out_pictures, manifest.data.size, manifest.network.channels);
        let pictures = Pictures::from_strip(&file, count, size, channels).map_err(texts::held_out_unusable)?;
        if self.files.is_none() {
            store::keep(&self.path("held-out.png"), &file).await;
        }
        Ok(pictures)
    }
}
