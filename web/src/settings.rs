//! The settings of a run, and how the address bar spells them.

use std::ops::RangeInclusive;

use options::{Region, Sampler, ToyShape, Words};
use serde::{Deserialize, Serialize};
use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::{Known, texts};

/// Where the engine computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Backend {
    /// The graphics processor, through WebGPU.
    WebGpu,
    /// The processor, with SIMD on as many cores as help.
    Cpu,
}

/// What is done with the model: each is a room of the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, EnumString, IntoStaticStr, VariantArray)]
#[serde(rename_all = "lowercase")]
#[strum(serialize_all = "lowercase")]
pub enum Task {
    /// New pictures from noise.
    Sample,
    /// A given picture of which only something is known: a part, a smaller picture and others.
    Inpaint,
    /// A picture from under noise.
    Denoise,
    /// How usual pictures are.
    Outliers,
    /// The energy over a plane, and the method in two dimensions.
    Landscape,
    /// What all of this is.
    About,
}

impl Task {
    /// What the page calls its room.
    pub fn title(self) -> &'static str {
        match self {
            Self::Sample => texts::room_sample(),
            Self::Inpaint => texts::room_inpaint(),
            Self::Denoise => texts::room_denoise(),
            Self::Outliers => texts::room_outliers(),
            Self::Landscape => texts::room_landscape(),
            Self::About => texts::room_about(),
        }
    }

    /// Whether it runs chains with the settings of the form.
    pub fn runs_chains(self) -> bool {
        matches!(self, Self::Sample | Self::Inpaint | Self::Denoise)
    }
}

impl Backend {
    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::WebGpu => "GPU",
            Self::Cpu => "CPU",
        }
    }
}

/// Steps of a sampler where nobody says how many: for the paper's far fewer than the paper's, so that a page without a
/// GPU shows something soon; the clothes are no worse for it (`docs/samplers.md`).
pub fn default_steps(sampler: Sampler) -> usize {
    match sampler {
        Sampler::Annealed => 100,
        Sampler::Consistent | Sampler::Ode => sampler.default_steps(),
    }
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The model's folder; none means the first.
    pub model: Option<String>,
    /// Seed of the noise.
    pub seed: u64,
    /// Number of chains.
    pub count: usize,
    /// How noise becomes pictures.
    pub sampler: Sampler,
    /// Steps of each chain.
    pub steps: usize,
    /// Where to compute; none means the GPU if there is one.
    pub backend: Option<Backend>,
    /// What the chains are for.
    pub task: Task,
    /// Which held-out picture is completed, denoised or judged, from 0; none where it is the visitor's own.
    pub picture: Option<usize>,
    /// For restoring: what is known.
    pub known: Known,
    /// Where that is a part: the unknown region, unless it was painted by hand.
    pub mask: Option<Region>,
    /// For denoising: the noise level.
    pub level: f32,
    /// For the landscape: the held-out pictures that its plane goes through.
    pub corners: [usize; 3],
    /// For the landscape: what the toy learns.
    pub toy: ToyShape,
}

impl Settings {
    /// How many chains the page runs.
    pub const COUNTS: RangeInclusive<usize> = 1..=256;
    /// How many steps a chain may have.
    pub const STEPS: RangeInclusive<usize> = 1..=100_000;
    /// Where the plane of the landscape goes through, if nobody says.
    pub const CORNERS: [usize; 3] = [0, 1, 2];
    /// How much noise the page adds.
    pub const LEVELS: RangeInclusive<f32> = 0.05..=2.0;

    /// What is in force where the address says nothing.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            model: None,
            seed,
            count: 16,
            sampler: Sampler::Consistent,
            steps: default_steps(Sampler::Consistent),
            backend: None,
            task: Task::Sample,
            picture: Some(0),
            known: Known::Part,
            mask: Some(Region::Right),
            level: 0.4,
            corners: Self::CORNERS,
            toy: ToyShape::Moons,
        }
    }

    /// The same corners for somebody who has only the model's pictures, so many: others of these take the place of those
    /// that are not among them.
    pub fn corners_of_model(&self, of_model: usize) -> [usize; 3] {
        let mut corners = self.corners;
        for at in 0..corners.len() {
            let other = (0..of_model).find(|other| !corners.contains(other)).filter(|_| corners[at] >= of_model);
            corners[at] = other.unwrap_or(corners[at]);
        }
        corners
    }

    /// The query, without a question mark, that leads to what the room shows.
    pub fn to_query(&self) -> String {
        self.query(false)
    }

    /// The same with what other rooms show, where that is not as usual: a link's settings are still there after a visit to
    /// another room, and when the page is loaded again in it.
    pub fn to_address(&self) -> String {
        self.query(true)
    }

    fn query(&self, of_other_rooms: bool) -> String {
        let usual = Self::with_seed(0);
        let (room, chains) = (self.task, self.task.runs_chains());
        let mut query = form_urlencoded::Serializer::new(String::new());
        let mut add = |key: &str, value: &str, shown: bool, chosen: bool| {
            if shown || of_other_rooms && chosen {
                query.append_pair(key, value);
            }
        };
        if let Some(model) = &self.model {
            add("model", model, true, true);
        }
        add("seed", &self.seed.to_string(), chains, true);
        add("count", &self.count.to_string(), chains, self.count != usual.count);
        // Chains that begin at a picture have a schedule of their own.
        let samples = chains && room != Task::Denoise;
        add("sampler", self.sampler.word(), samples, self.sampler != usual.sampler);
        add("steps", &self.steps.to_string(), chains, self.steps != default_steps(self.sampler));
        if let Some(backend) = self.backend {
            add("backend", backend.word(), true, true);
        }
        add("task", room.word(), true, true);
        if let Some(picture) = self.picture {
            let shown = matches!(room, Task::Inpaint | Task::Denoise | Task::Outliers);
            add("picture", &picture.to_string(), shown, self.picture != usual.picture);
        }
        let (restores, part) = (room == Task::Inpaint, self.known == Known::Part);
        add("known", self.known.word(), restores && !part, !part);
        if let Some(region) = self.mask {
            add("mask", region.word(), restores && part, self.mask != usual.mask);
        }
        add("level", &self.level.to_string(), room == Task::Denoise, self.level != usual.level);
        let corners = self.corners.map(|corner| corner.to_string()).join(",");
        add("corners", &corners, room == Task::Landscape, self.corners != usual.corners);
        add("toy", self.toy.word(), room == Task::Landscape, self.toy != usual.toy);
        query.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Request;

    #[test]
    fn an_address_has_what_every_room_shows_and_a_query_what_one_does() {
        let chosen = Settings {
            model: Some("faces".to_owned()),
            count: 4,
            sampler: Sampler::Annealed,
            steps: 9,
            picture: Some(5),
            known: Known::Quarter,
            mask: Some(Region::Top),
            level: 1.0,
            corners: [3, 4, 5],
            toy: ToyShape::Spiral,
            ..Settings::with_seed(7)
        };
        for &task in Task::all() {
            let settings = Settings { task, ..chosen.clone() };
            let read = Request::parse(&settings.to_address(), 0);
            assert_eq!((read.settings, read.problems), (settings, Vec::new()));
            let usual = Settings { task, ..Settings::with_seed(7) };
            assert_eq!(Request::parse(&usual.to_address(), 0).settings, usual);
        }
        assert_eq!(Settings { task: Task::About, ..chosen.clone() }.to_query(), "model=faces&task=about");
        let [sampled, denoised] =
            [Task::Sample, Task::Denoise].map(|task| Settings { task, ..chosen.clone() }.to_query());
        assert!(sampled.contains("sampler") && !denoised.contains("sampler"), "{sampled} {denoised}");
        assert_eq!(Settings { task: Task::About, ..Settings::with_seed(7) }.to_address(), "seed=7&task=about");
    }

    #[test]
    fn a_link_has_corners_that_whoever_opens_it_has() {
        let corners = |corners, of_model| Settings { corners, ..Settings::with_seed(0) }.corners_of_model(of_model);
        assert_eq!(corners([4, 1, 2], 24), [4, 1, 2]);
        assert_eq!(corners([24, 0, 25], 24), [1, 0, 2]);
        // Before the model has come nobody knows.
        assert_eq!(corners([4, 1, 2], 0), [4, 1, 2]);
        assert_eq!(corners([2, 3, 4], 2), [0, 1, 4]);
    }
}
