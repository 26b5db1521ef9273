//! A finished run as JSON.

use serde::Serialize;
use serde_json::{Value, json};

use crate::{Mask, Pictures, Settings, Task};

/// Everything that a finished run was and became.
#[derive(Clone, Debug)]
pub struct SavedRun {
    /// Its settings, with the model and the backend that were used.
    pub settings: Settings,
    /// SHA-256 of the model's weights.
    pub sha256: String,
    /// The unknown pixels, for inpainting.
    pub mask: Option<Mask>,
    /// The noise level that the run was continued from after its end, if it was: then the settings alone do not repeat
    /// it.
    pub continued_from: Option<f32>,
    /// The steps after which another engine went on with it, with the backend of the settings, if the one before was lost:
    /// then the settings alone do not repeat it either.
    pub resumed_at: Option<usize>,
    /// The steps after which it was stopped, if it was: then its pictures have not had their denoising jump either.
    pub stopped_at: Option<usize>,
    /// Energy of each chain before the denoising jump.
    pub energies: Vec<f32>,
    /// The pictures.
    pub pictures: Pictures,
}

impl SavedRun {
    /// `settings`, `model_sha256`, `shape` and the nested `pixels` `[N][H][W][C]`, numbers 0..1; `mask` `[H][W]`, 1 =
    /// unknown.
    pub fn to_json(&self) -> String {
        let Pictures { side, channels, values } = &self.pictures;
        let mut settings = json!(self.settings);
        let foreign: &[&str] = match self.settings.task {
            Task::Inpaint => &["level", "corners", "toy"],
            Task::Denoise => &["known", "mask", "corners", "toy"],
            _ => &["picture", "known", "mask", "level", "corners", "toy"],
        };
        if let Some(settings) = settings.as_object_mut() {
            settings.retain(|key, _| !foreign.contains(&key.as_str()));
        }
        let mask = self.mask.as_ref().map(|mask| {
            let bits: Vec<u8> = mask.unknown().iter().map(|&unknown| u8::from(unknown)).collect();
            nested(&bits, &[mask.side()])
        });
        let mut run = json!({
            "settings": settings,
            "model_sha256": self.sha256,
            "energies": self.energies,
            "shape": [self.pictures.count(), side, side, channels],
            "pixels": nested(values, &[*side, *side, *channels]),
        });
        if let Some(mask) = mask {
            run["mask"] = mask;
        }
        if let Some(level) = self.continued_from {
            run["continued_from_level"] = json!(level);
        }
        if let Some(step) = self.resumed_at {
            run["resumed_at_step"] = json!(step);
        }
        if let Some(step) = self.stopped_at {
            run["stopped_at_step"] = json!(step);
        }
        run.to_string()
    }
}

/// Numbers in row-major order as nested arrays; `inner` are all lengths but the first.
fn nested<T: Serialize>(values: &[T], inner: &[usize]) -> Value {
    match inner {
        [] => json!(values),
        [_, deeper @ ..] => {
            let length = inner.iter().product::<usize>().max(1);
            values.chunks(length).map(|part| nested(part, deeper)).collect()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_nested_in_picture_row_column_channel_order_and_exact() {
        let values: Vec<f32> = (0..24).map(|i| i as f32 / 7.0).collect();
        let run = SavedRun {
            settings: Settings::with_seed(9),
            sha256: "ab".to_owned(),
            mask: Some(Mask::region(2, options::Region::Top)),
            continued_from: None,
            resumed_at: Some(3),
            stopped_at: Some(7),
            energies: vec![1.5, -2.0],
            pictures: Pictures { side: 2, channels: 3, values: values.clone() },
        };
        let json: Value = serde_json::from_str(&run.to_json()).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(json["shape"], json!([2, 2, 2, 3]));
        assert_eq!(json["settings"]["seed"], 9);
        assert_eq!(json["settings"].get("picture"), None, "sampling starts from no picture");
        assert_eq!((&json["resumed_at_step"], &json["stopped_at_step"]), (&json!(3), &json!(7)));
        assert_eq!(json["mask"], json!([[1, 1], [0, 0]]));
        for (i, &value) in values.iter().enumerate() {
            let number = &json["pixels"][i / 12][i / 6 % 2][i / 3 % 2][i % 3];
            assert_eq!(number.as_f64().map(|number| number as f32), Some(value));
        }
    }
}
