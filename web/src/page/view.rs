//! A run as the page shows it: each room that runs chains has its last one.

use std::borrow::Cow;

use web::{Mask, Moment, Pictures, RecordedRun, SavedRun, Settings, Task, Trajectory, messages::Stepped, psnr, texts};

use crate::numbers::{decibels, short};

/// A run and what has become of it.
pub struct View {
    pub settings: Settings,
    /// What was unknown, for inpainting.
    pub mask: Option<Mask>,
    /// The noise level from which the run of before was continued.
    pub continued_from: Option<f32>,
    /// The steps after which another engine went on with it, as the one before was lost.
    pub resumed_at: Option<usize>,
    /// The picture that was completed or denoised.
    pub given: Option<Vec<f32>>,
    pub trajectory: Trajectory,
    /// Where the chains are now, or were left.
    pub pictures: Pictures,
    pub energies: Vec<f32>,
    /// The run, once it is done or was stopped.
    pub saved: Option<SavedRun>,
    /// The pictures beside the chains: name, picture, and a number.
    pub beside: Vec<(&'static str, Vec<f32>, String)>,
    /// The question about one of them, while the answer is on its way.
    pub question: Option<u32>,
    /// Which noise level the model reads from the noisy picture, in words.
    pub level_read: String,
    /// The moment that is looked at; none: the newest.
    pub looked_at: Option<usize>,
    /// Whether it came with the model.
    pub recorded: bool,
}

impl View {
    pub fn new(settings: Settings, mask: Option<Mask>, given: Option<Vec<f32>>) -> Self {
        Self {
            settings,
            mask,
            continued_from: None,
            resumed_at: None,
            given,
            trajectory: Trajectory::default(),
            pictures: Pictures::default(),
            energies: Vec::new(),
            saved: None,
            beside: Vec::new(),
            question: None,
            level_read: String::new(),
            looked_at: None,
            recorded: false,
        }
    }

    /// A run that came with a model.
    pub fn recorded(model: String, run: RecordedRun) -> Self {
        let RecordedRun { settings, trajectory, pictures } = run;
        let energies = trajectory.last().map(|last| last.energies.clone()).unwrap_or_default();
        let settings = Settings { model: Some(model), ..settings };
        Self { trajectory, pictures, energies, recorded: true, ..Self::new(settings, None, None) }
    }

    /// Notes how far the run is.
    pub fn step(&mut self, report: &Stepped, pictures: Pictures) {
        // An engine that goes on with chains of another has not asked for their energies: they are where they were.
        if report.done == 0 || !report.energies.is_empty() {
            self.energies.clone_from(&report.energies);
        }
        self.note(Moment {
            done: report.done,
            temperature: report.temperature,
            noise_level: report.noise_level,
            energies: self.energies.clone(),
            pixels: pictures.bytes(),
        });
        self.pictures = pictures;
    }

    /// Adds a moment; the one that is looked at stays where it is, as nearly as it is still there.
    fn note(&mut self, moment: Moment) {
        if self.trajectory.push(moment) {
            self.looked_at = self.looked_at.map(|index| index / 2);
        }
    }

    /// Notes what the run came to.
    pub fn finish(&mut self, sha256: String, energies: Vec<f32>, pictures: Pictures) {
        if let Some(last) = self.trajectory.last().cloned() {
            let (energies, pixels) = (energies.clone(), pictures.bytes());
            self.note(Moment { done: self.settings.steps, energies, pixels, ..last });
        }
        self.energies = energies;
        self.pictures = pictures.clone();
        self.save(sha256, None, pictures);
        if let (Task::Denoise, Some(clean)) = (self.settings.task, &self.given) {
            let length = clean.len();
            let sum = |i: usize| self.pictures.values.iter().skip(i).step_by(length).sum::<f32>();
            let middle: Vec<f32> = (0..length).map(|i| sum(i) / self.pictures.count() as f32).collect();
            let number = decibels(psnr(&middle, clean));
            self.beside.push((texts::mean_of_chains(), middle, number));
        }
    }

    /// Notes that the run was stopped after so many steps: what there is can be saved.
    pub fn stop(&mut self, sha256: String, done: usize) {
        if done == 0 || self.pictures.values.is_empty() {
            return;
        }
        let mut pictures = self.pictures.clone();
        for value in &mut pictures.values {
            *value = value.clamp(0.0, 1.0);
        }
        self.save(sha256, Some(done), pictures);
    }

    fn save(&mut self, sha256: String, stopped_at: Option<usize>, pictures: Pictures) {
        self.saved = Some(SavedRun {
            settings: self.settings.clone(),
            sha256,
            mask: self.mask.clone(),
            continued_from: self.continued_from,
            resumed_at: self.resumed_at,
            stopped_at,
            energies: self.energies.clone(),
            pictures,
        });
    }

    /// Whether the settings alone lead to these pictures again: they know none of the visitor's own, and no painted mask.
    pub fn can_be_repeated(&self) -> bool {
        let given = self.given.is_none() || self.settings.picture.is_some();
        let mask = self.mask.is_none() || self.settings.mask.is_some();
        let whole = self.saved.as_ref().is_none_or(|run| run.stopped_at.is_none());
        self.continued_from.is_none() && self.resumed_at.is_none() && whole && given && mask
    }

    /// Whether the end of a run is shown: its settings lead to no other moment of it.
    pub fn shows_end(&self) -> bool {
        self.looked_at.is_none() && (self.recorded || self.saved.is_some())
    }

    /// The run as it is saved: as it is shown. An earlier moment is what a stop there would have left.
    pub fn shown_run(&self) -> Option<SavedRun> {
        let mut run = self.saved.clone()?;
        if let Some(moment) = self.moment() {
            let (pictures, energies) = self.shown();
            (run.pictures, run.energies, run.stopped_at) =
                (pictures.into_owned(), energies.to_vec(), Some(moment.done));
        }
        Some(run)
    }

    /// The moment that is looked at, unless it is the newest.
    fn moment(&self) -> Option<&Moment> {
        self.trajectory.moments().get(self.looked_at?)
    }

    /// The pictures and energies of the moment that is looked at.
    pub fn shown(&self) -> (Cow<'_, Pictures>, &[f32]) {
        match self.moment() {
            None => (Cow::Borrowed(&self.pictures), &self.energies),
            Some(moment) => {
                let Pictures { side, channels, .. } = self.pictures;
                (Cow::Owned(Pictures::from_bytes(side, channels, &moment.pixels)), &moment.energies)
            }
        }
    }

    /// The number below each of the pictures that are shown.
    pub fn captions(&self, pictures: &Pictures, energies: &[f32]) -> Vec<String> {
        match (self.settings.task, &self.given) {
            (Task::Denoise, Some(clean)) => {
                (0..pictures.count()).map(|index| decibels(psnr(pictures.picture(index), clean))).collect()
            }
            _ => energies.iter().map(|&energy| short(energy)).collect(),
        }
    }
}

/// The last run of each room.
#[derive(Default)]
pub struct Views(pub Vec<View>);

impl Views {
    pub fn get(&self, room: Task) -> Option<&View> {
        self.0.iter().find(|view| view.settings.task == room)
    }

    pub fn get_mut(&mut self, room: Task) -> Option<&mut View> {
        self.0.iter_mut().find(|view| view.settings.task == room)
    }

    /// Puts a run in the place of the one before.
    pub fn insert(&mut self, view: View) {
        self.0.retain(|before| before.settings.task != view.settings.task);
        self.0.push(view);
    }
}

#[cfg(test)]
mod tests {
    use options::Region;

    use super::*;

    #[test]
    fn what_only_the_visitor_has_cannot_be_repeated_by_settings() {
        let view = |picture, region, mask: bool| {
            let settings = Settings { task: Task::Inpaint, picture, mask: region, ..Settings::with_seed(1) };
            View::new(settings, mask.then(|| Mask::known(2)), Some(vec![0.0; 4]))
        };
        assert!(view(Some(0), Some(Region::Left), true).can_be_repeated());
        assert!(view(Some(0), None, false).can_be_repeated(), "of a smaller copy there is no mask");
        assert!(!view(None, Some(Region::Left), true).can_be_repeated(), "a picture of the visitor's");
        assert!(!view(Some(0), None, true).can_be_repeated(), "a painted mask");
        assert!(View::new(Settings { picture: None, ..Settings::with_seed(1) }, None, None).can_be_repeated());
    }

    #[test]
    fn what_is_shown_is_what_is_saved() {
        let mut view = View::new(Settings { steps: 9, ..Settings::with_seed(1) }, None, None);
        let picture = |value| Pictures { side: 1, channels: 1, values: vec![value] };
        assert!(view.shown_run().is_none(), "it goes on");
        for (done, value) in [(0, 1.0), (4, 0.2)] {
            let energies = vec![done as f32];
            let report = Stepped { run: 1, done, temperature: 1.0, noise_level: 1.0, energies };
            view.step(&report, picture(value));
        }
        view.finish("ab".to_owned(), vec![9.5], picture(0.6));
        let saved = |view: &View| view.shown_run().map(|run| (run.pictures.values, run.energies, run.stopped_at));
        assert_eq!(saved(&view), Some((vec![0.6], vec![9.5], None)));
        view.looked_at = Some(1);
        assert_eq!(saved(&view), Some((vec![0.2], vec![4.0], Some(4))));
        view.looked_at = Some(99);
        assert_eq!(saved(&view), Some((vec![0.6], vec![9.5], None)), "there is no such moment");
    }

    #[test]
    fn energies_stay_where_another_engine_goes_on() {
        let mut view = View::new(Settings::with_seed(1), None, None);
        let mut report = |done, energies: &[f32]| {
            let report = Stepped { run: 1, done, temperature: 1.0, noise_level: 1.0, energies: energies.to_vec() };
            view.step(&report, Pictures { side: 1, channels: 1, values: vec![0.5] });
            (view.energies.clone(), view.trajectory.last().map(|last| last.energies.clone()).unwrap_or_default())
        };
        let both = |energies: &[f32]| (energies.to_vec(), energies.to_vec());
        assert_eq!(report(0, &[]), both(&[]));
        assert_eq!(report(4, &[2.5]), both(&[2.5]));
        assert_eq!(report(4, &[]), both(&[2.5]), "the chains are where they were");
        assert_eq!(report(0, &[]), both(&[]), "they begin once more");
    }

    #[test]
    fn settings_lead_to_the_end_of_a_run_that_one_engine_made() {
        let mut view = View::new(Settings::with_seed(1), None, None);
        assert!(!view.shows_end(), "it goes on");
        view.finish("ab".to_owned(), vec![1.0], Pictures { side: 1, channels: 1, values: vec![0.5] });
        assert!(view.shows_end() && view.can_be_repeated());
        view.looked_at = Some(0);
        assert!(!view.shows_end(), "an earlier moment");
        view.looked_at = None;
        view.resumed_at = Some(3);
        assert!(!view.can_be_repeated(), "two engines made it");
    }
}
