//! An evaluation while it is made: whatever is measured is on the disk at once.

use std::{
    fs,
    path::{Path, PathBuf},
};

use super::{
    evaluation::{Evaluation, Part},
    report, summary,
};
use crate::{
    error::{Error, Result},
    pictures::{self, Picture},
};

/// Takes parts as they are measured.
pub struct Record {
    folder: PathBuf,
    evaluation: Evaluation,
    failures: Vec<Part>,
}

impl Record {
    /// Begins with nothing but what the evaluation is of, in a folder that is there. A folder without an evaluation gets that:
    /// by it, it is known as one that was written here. An earlier evaluation stays until something is measured.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn new(folder: &Path, evaluation: Evaluation) -> Result<Self> {
        let mut record = Self { folder: folder.to_owned(), evaluation, failures: Vec::new() };
        if !folder.join("evaluation.json").exists() {
            record.write()?;
        }
        Ok(record)
    }

    /// Writes pictures for the report to show. It is as good without them.
    pub fn show(&self, name: &str, grid: &[Picture], columns: Option<usize>) {
        let path = self.folder.join(name);
        if let Err(error) = pictures::write_grid(&path, grid, columns) {
            eprintln!("warning: {error}; the report goes on without it");
            // An earlier evaluation's is not this one's.
            fs::remove_file(path).ok();
        }
    }

    /// Takes what a part came to, and writes all that there is. What cannot be measured of such pictures, an
    /// [`Error::Input`], is missing from the report with its reason, and so is what failed.
    ///
    /// # Errors
    /// The folder cannot be written.
    pub fn take<T>(&mut self, part: Part, measured: Result<T>, keep: impl FnOnce(&mut Evaluation, T)) -> Result<()> {
        match measured {
            Ok(value) => {
                self.evaluation.missing.remove(&part);
                keep(&mut self.evaluation, value);
            }
            Err(error) => {
                eprintln!("warning: {}: not measured: {error}", part.title());
                if matches!(error, Error::Failed(_)) {
                    self.failures.push(part);
                }
                self.evaluation.missing.insert(part, error.to_string());
            }
        }
        self.write()
    }

    /// Leaves out a part that nobody asked for.
    pub fn skip(&mut self, part: Part, reason: &str) {
        self.evaluation.missing.insert(part, reason.to_owned());
    }

    /// The whole, when every part has had its turn.
    ///
    /// # Errors
    /// The folder cannot be written, or a part failed.
    pub fn finish(mut self) -> Result<Evaluation> {
        self.evaluation.finished = true;
        self.write()?;
        let Some(first) = self.failures.first() else { return Ok(self.evaluation) };
        let reason = self.evaluation.missing.get(first).map_or("", String::as_str);
        Err(Error::failed(format!(
            "{}: {} of the parts failed, first \"{}\": {reason}",
            self.folder.join("index.html").display(),
            self.failures.len(),
            first.title()
        )))
    }

    fn write(&mut self) -> Result<()> {
        self.evaluation.card = summary::card(&self.evaluation);
        report::write(&self.folder, &self.evaluation)
    }
}

#[cfg(test)]
mod tests {
    use options::Sampler;
    use serde_json::Value;
    use shared::sampling::Churn;

    use super::*;
    use crate::evaluate::{Sampling, Summary, denoising::Denoising};

    fn record(folder: &Path) -> Record {
        let sampling = Sampling {
            from_files: false,
            sampler: Sampler::Consistent,
            steps: 2,
            initial_temperature: None,
            churn: Churn::USUAL,
            guidance: None,
            seed: 1001,
            count: 4,
        };
        let model = ("models/none".to_owned(), String::new());
        let nothing = Evaluation::begun(model, "a folder".to_owned(), [9, 1], sampling);
        let record = Record::new(folder, nothing).unwrap();
        let grey = Picture { channels: 1, height: 8, width: 8, pixels: vec![0.5; 64] };
        record.show("samples.png", &[grey], None);
        record
    }

    #[test]
    fn an_earlier_evaluation_stays_until_something_is_measured() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("evaluation.json");
        fs::write(&path, "earlier").unwrap();
        let mut record = record(folder.path());
        assert_eq!(fs::read_to_string(&path).unwrap(), "earlier");
        // A picture that cannot be written leaves none of before.
        let broken = Picture { channels: 1, height: 8, width: 8, pixels: vec![f32::NAN; 64] };
        assert!(folder.path().join("samples.png").exists());
        record.show("samples.png", &[broken], None);
        assert!(!folder.path().join("samples.png").exists());
        record.take(Part::Denoising, Ok(denoised()), |all, rows| all.denoising = rows).unwrap();
        assert_ne!(fs::read_to_string(&path).unwrap(), "earlier");
    }

    fn denoised() -> Vec<Denoising> {
        vec![Denoising { level: 0.1, pictures: 1, noisy: 20.0, jump: 30.0, gaussian: f64::INFINITY }]
    }

    #[test]
    fn what_was_measured_before_an_interruption_is_there_and_is_no_model_s_card() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        record.take(Part::Denoising, Ok(denoised()), |all, rows| all.denoising = rows).unwrap();
        // Here the program is ended.
        drop(record);
        let path = folder.path().join("evaluation.json");
        let json: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        assert_eq!((&json["denoising"][0]["jump"], &json["finished"]), (&Value::from(30.0), &Value::from(false)));
        assert!(json["missing"]["energies"].as_str().unwrap().contains("ended before"), "{json:#}");
        assert!(json["missing"].get("denoising").is_none());
        let page = fs::read_to_string(folder.path().join("index.html")).unwrap();
        assert!(page.contains("not finished") && page.contains("30.0"), "{page}");
        let refused = Summary::read(&path).err().unwrap().to_string();
        assert!(refused.contains("interrupted"), "{refused}");
    }

    #[test]
    fn a_part_that_cannot_be_measured_is_missing_with_its_reason_and_one_that_failed_fails_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let mut record = record(folder.path());
        let nothing = |_: &mut Evaluation, ()| ();
        record.take(Part::Interpolation, Err(Error::input("one picture is no pair")), nothing).unwrap();
        record.take(Part::Denoising, Ok(denoised()), |all, rows| all.denoising = rows).unwrap();
        let evaluation = record.finish().unwrap();
        assert_eq!(evaluation.missing[&Part::Interpolation], "one picture is no pair");
        // The other numbers of the same row are not finite, and no reader of JSON could have them.
        assert_eq!(evaluation.card.len(), 1);

        let mut record = self::record(folder.path());
        record.take(Part::Energies, Err(Error::failed("the device is lost")), nothing).unwrap();
        record.take(Part::Denoising, Ok(denoised()), |all, rows| all.denoising = rows).unwrap();
        let error = record.finish().err().unwrap();
        assert!(error.exit_code() == 1 && error.to_string().contains("Energies\": the device is lost"), "{error}");
        let page = fs::read_to_string(folder.path().join("index.html")).unwrap();
        assert!(page.contains("Not measured: the device is lost.") && page.contains("30.0"), "{page}");
    }
}
