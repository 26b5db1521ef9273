//! A finished run as JSON.

use std::iter;

use options::{Region, Sampler};
use serde::Serialize;
use serde_json::Value;

use crate::{Backend, Known, Mask, Pictures, Settings, Task};

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
    /// The steps after which it was stopped, or those of an earlier moment: then its pictures have not had their denoising
    /// jump either.
    pub stopped_at: Option<usize>,
    /// Energy of each picture.
    pub energies: Vec<f32>,
    /// The pictures.
    pub pictures: Pictures,
}

impl SavedRun {
    /// A file in parts, one for each picture, as all of it together may take a hundred megabytes: an object with `settings`,
    /// `model_sha256`, `shape` and the nested `pixels` `[N][H][W][C]`, numbers 0..1; `mask` `[H][W]`, 1 = unknown. A seed
    /// above 2^53 is a string: many readers would round the number.
    pub fn json_parts(&self) -> impl Iterator<Item = Vec<u8>> {
        let Pictures { side, channels, .. } = self.pictures;
        // The pixels take the place of the bracket that ends the object.
        let mut head = json(&self.head());
        head.pop();
        head.extend(br#","pixels":["#);
        let pictures = (0..self.pictures.count()).map(move |index| {
            let mut part = if index == 0 { Vec::new() } else { b",".to_vec() };
            let picture: Vec<f64> = self.pictures.picture(index).iter().copied().map(f64::from).collect();
            let rows = picture.chunks(side * channels).map(|row| row.chunks(channels).collect::<Vec<_>>());
            part.extend(json(&rows.collect::<Vec<_>>()));
            part
        });
        iter::once(head).chain(pictures).chain(iter::once(b"]}".to_vec()))
    }

    /// All but the pixels.
    fn head(&self) -> Head<'_> {
        let Settings { model, seed, count, sampler, steps, backend, task, picture, known, mask, level, .. } =
            &self.settings;
        let (restores, denoises) = (*task == Task::Inpaint, *task == Task::Denoise);
        let bits = |row: &[bool]| row.iter().copied().map(u8::from).collect();
        Head {
            settings: Used {
                model,
                seed: if *seed > EXACT { seed.to_string().into() } else { (*seed).into() },
                count: *count,
                // Chains that begin at pictures have a schedule of their own.
                sampler: (!denoises && self.continued_from.is_none()).then_some(*sampler),
                steps: *steps,
                backend: *backend,
                task: *task,
                picture: (restores || denoises).then_some(*picture),
                known: restores.then_some(*known),
                mask: restores.then_some(*mask),
                level: denoises.then_some((*level).into()),
            },
            model_sha256: &self.sha256,
            continued_from_level: self.continued_from.map(f64::from),
            resumed_at_step: self.resumed_at,
            stopped_at_step: self.stopped_at,
            energies: self.energies.iter().copied().map(f64::from).collect(),
            shape: [self.pictures.count(), self.pictures.side, self.pictures.side, self.pictures.channels],
            mask: self.mask.as_ref().map(|mask| mask.unknown().chunks(mask.side().max(1)).map(bits).collect()),
        }
    }
}

#[derive(Serialize)]
struct Head<'a> {
    settings: Used<'a>,
    model_sha256: &'a str,
    // Before all that is long, for who brings the file back.
    #[serde(skip_serializing_if = "Option::is_none")]
    continued_from_level: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resumed_at_step: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_at_step: Option<usize>,
    energies: Vec<f64>,
    shape: [usize; 4],
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<Vec<Vec<u8>>>,
}

/// The settings that the run's room has; what it has and does not use is null.
#[derive(Serialize)]
struct Used<'a> {
    model: &'a Option<String>,
    seed: Value,
    count: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    sampler: Option<Sampler>,
    steps: usize,
    backend: Option<Backend>,
    task: Task,
    #[serde(skip_serializing_if = "Option::is_none")]
    picture: Option<Option<usize>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    known: Option<Known>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mask: Option<Option<Region>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    level: Option<f64>,
}

/// Up to here every whole number is a double.
const EXACT: u64 = 1 << 53;

/// The settings that a file of [`SavedRun::json_parts`] carries, as those of a saved picture; empty where they do not lead
/// to its run: it was continued, or another engine went on with it. Its beginning is enough.
pub fn settings_of_json(head: &[u8]) -> Option<String> {
    // The pixels, and whatever else is long, come later.
    let (head, _) = str::from_utf8(head).ok()?.split_once(r#","energies":["#)?;
    let run: Value = serde_json::from_str(&format!("{head}}}")).ok()?;
    if run.get("continued_from_level").or(run.get("resumed_at_step")).is_some() {
        return Some(String::new());
    }
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (key, value) in run["settings"].as_object()? {
        let text = value.as_str().map(str::to_owned);
        let whole = || value.as_u64().map(|number| number.to_string());
        if let Some(text) = text.or_else(whole).or_else(|| Some((value.as_f64()? as f32).to_string())) {
            query.append_pair(key, &text);
        }
    }
    if let Some(weights) = run["model_sha256"].as_str()?.get(..8) {
        query.append_pair("weights", weights);
    }
    Some(query.finish())
}

/// Numbers, words and lists of them have a JSON form, whatever they are.
fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;
    use serde_json::json;

    fn file(run: &SavedRun) -> Value {
        let text: Vec<u8> = run.json_parts().flatten().collect();
        serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&text)))
    }

    fn finished(pictures: Pictures) -> SavedRun {
        SavedRun {
            settings: Settings { model: Some("a \"b\"".to_owned()), ..Settings::with_seed(u64::MAX) },
            sha256: "ab".to_owned(),
            mask: None,
            continued_from: None,
            resumed_at: None,
            stopped_at: None,
            energies: vec![1.5, -0.1, f32::NAN],
            pictures,
        }
    }

    #[test]
    fn pixels_are_nested_in_picture_row_column_channel_order_and_exact() {
        let values: Vec<f32> = (0..24).map(|i| i as f32 / 7.0).collect();
        let run = finished(Pictures { side: 2, channels: 3, values: values.clone() });
        let json = file(&run);
        assert_eq!(json["shape"], json!([2, 2, 2, 3]));
        for (i, &value) in values.iter().enumerate() {
            let number = &json["pixels"][i / 12][i / 6 % 2][i / 3 % 2][i % 3];
            assert_eq!(number.as_f64(), Some(value.into()));
        }
        assert!(run.json_parts().all(|part| part.len() < 400), "one picture in a part");
        assert_eq!(file(&finished(Pictures::default()))["pixels"], json!([]));
    }

    #[test]
    fn a_file_brings_its_settings_back() {
        for seed in [0, 7, EXACT, EXACT + 1, u64::MAX] {
            for task in [Task::Sample, Task::Inpaint, Task::Denoise] {
                let mut run = finished(Pictures { side: 1, channels: 1, values: vec![0.5] });
                run.settings =
                    Settings { seed, task, count: 3, level: 0.7, backend: Some(Backend::Cpu), ..run.settings };
                run.sha256 = "0a1b2c3d4e5f".to_owned();
                if task != Task::Denoise {
                    run.settings.level = Settings::with_seed(0).level;
                }
                let json = file(&run);
                assert_eq!(json["settings"]["seed"].is_string(), seed > EXACT, "{seed}");
                let head = run.json_parts().next().unwrap_or_default();
                let read = Request::parse(&settings_of_json(&head).unwrap_or_default(), 1);
                assert_eq!((read.settings, read.problems), (run.settings, vec![]));
                assert_eq!(read.weights.as_deref(), Some("0a1b2c3d"));
            }
        }
        // Those of an earlier moment lead to the run that it is of, those of a run that went on otherwise do not.
        let of = |continued_from, resumed_at, stopped_at| {
            let run = finished(Pictures { side: 1, channels: 1, values: vec![0.5] });
            let run = SavedRun { sha256: "0a1b2c3d4e5f".to_owned(), continued_from, resumed_at, stopped_at, ..run };
            settings_of_json(&run.json_parts().next().unwrap_or_default())
        };
        assert_eq!(of(None, None, Some(3)), of(None, None, None));
        for none in [of(Some(0.5), None, None), of(None, Some(3), None), of(Some(0.5), Some(3), Some(4))] {
            assert_eq!(none.as_deref(), Some(""));
        }
        // As they were written before.
        let before = br#"{"settings":{"model":"a","seed":18446744073709551615,"mask":null,"task":"inpaint"},"model_sha256":"ab","energies":[1"#;
        let read = settings_of_json(before).unwrap_or_default();
        assert_eq!(Request::parse(&read, 1).settings.seed, u64::MAX, "{read}");
        for other in [&b""[..], b"{}", br#"{"models": []}"#, b"{\"settings\":", b"\xFF{", br#"{"settings":[1}"#] {
            assert_eq!(settings_of_json(other), None);
        }
    }

    #[test]
    fn a_run_says_what_it_was_and_nothing_else() {
        let picture = || Pictures { side: 1, channels: 1, values: vec![0.5] };
        let sampled = file(&finished(picture()));
        assert_eq!(
            sampled,
            json!({
                "settings": {
                    "model": "a \"b\"", "seed": u64::MAX.to_string(), "count": 16, "sampler": "consistent",
                    "steps": crate::default_steps(Sampler::Consistent), "backend": null, "task": "sample",
                },
                "model_sha256": "ab",
                "energies": [1.5, f64::from(-0.1_f32), null],
                "shape": [1, 1, 1, 1],
                "pixels": [[[[0.5]]]],
            }),
            "sampling starts from no picture"
        );
        let mut restored = finished(picture());
        (restored.settings.task, restored.settings.mask) = (Task::Inpaint, None);
        restored.mask = Some(Mask::region(2, Region::Top));
        (restored.continued_from, restored.resumed_at, restored.stopped_at) = (Some(0.5), Some(3), Some(7));
        let restored = file(&restored);
        let known = ["picture", "known", "mask", "level"].map(|key| restored["settings"].get(key).cloned());
        assert_eq!(known, [Some(json!(0)), Some(json!("part")), Some(Value::Null), None]);
        assert_eq!(restored["mask"], json!([[1, 1], [0, 0]]));
        let marks = ["continued_from_level", "resumed_at_step", "stopped_at_step"].map(|key| restored[key].clone());
        assert_eq!(marks, [json!(0.5), json!(3), json!(7)]);
        let mut denoised = finished(picture());
        denoised.settings.task = Task::Denoise;
        let settings = &file(&denoised)["settings"];
        let known = ["picture", "known", "mask", "level"].map(|key| settings.get(key).cloned());
        assert_eq!(known, [Some(json!(0)), None, None, Some(json!(f64::from(0.4_f32)))]);
        // It had no part in it.
        assert_eq!(settings.get("sampler"), None);
        let continued = SavedRun { continued_from: Some(0.5), ..finished(picture()) };
        assert_eq!(file(&continued)["settings"].get("sampler"), None);
    }
}
