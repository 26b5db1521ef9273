//! The settings of a run, and how the address bar spells them.

use std::fmt::Display;
use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::Region;

/// Where the engine computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Backend {
    /// The graphics processor, through WebGPU.
    WebGpu,
    /// The processor, one thread with SIMD.
    Cpu,
}

/// How noise becomes pictures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sampler {
    /// Annealed Langevin dynamics, as in the paper.
    Annealed,
}

/// What the chains are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Task {
    /// New pictures from noise.
    Sample,
    /// The unknown part of a given picture.
    Inpaint,
}

/// A choice that the address bar spells as a word.
trait Word: Copy + PartialEq + 'static {
    const WORDS: &'static [(Self, &'static str)];

    fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
    }

    fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
    }
}

impl Word for Backend {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::WebGpu, "webgpu"), (Self::Cpu, "cpu")];
}

impl Word for Sampler {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Annealed, "annealed")];
}

impl Word for Task {
    const WORDS: &'static [(Self, &'static str)] = &[(Self::Sample, "sample"), (Self::Inpaint, "inpaint")];
}

impl Word for Region {
    const WORDS: &'static [(Self, &'static str)] = &Self::ALL;
}

impl Backend {
    /// The word that the address bar and the document use.
    pub fn name(self) -> &'static str {
        self.word()
    }

    /// What people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::WebGpu => "GPU (WebGPU)",
            Self::Cpu => "CPU",
        }
    }
}

/// Everything that decides a run.
#[derive(Clone, Debug, PartialEq, Serialize)]
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
    /// For inpainting: which held-out picture, from 0.
    pub picture: usize,
    /// For inpainting: the unknown region, unless it was painted by hand.
    pub mask: Option<Region>,
}

impl Settings {
    /// How many chains the page runs.
    pub const COUNTS: RangeInclusive<usize> = 1..=256;
    /// How many steps a chain may have.
    pub const STEPS: RangeInclusive<usize> = 1..=100_000;

    /// What is in force where the address says nothing.
    pub fn with_seed(seed: u64) -> Self {
        Self {
            model: None,
            seed,
            count: 16,
            sampler: Sampler::Annealed,
            // A compromise: 2,700 is the paper's number, and a minute is what a visitor waits for on a CPU.
            steps: 400,
            backend: None,
            task: Task::Sample,
            picture: 0,
            mask: Some(Region::Right),
        }
    }

    /// The address's query that reproduces these settings, without the question mark.
    pub fn to_query(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        if let Some(model) = &self.model {
            query.append_pair("model", model);
        }
        query
            .append_pair("seed", &self.seed.to_string())
            .append_pair("count", &self.count.to_string())
            .append_pair("sampler", self.sampler.word())
            .append_pair("steps", &self.steps.to_string());
        if let Some(backend) = self.backend {
            query.append_pair("backend", backend.word());
        }
        query.append_pair("task", self.task.word());
        if self.task == Task::Inpaint {
            query.append_pair("picture", &self.picture.to_string());
            if let Some(region) = self.mask {
                query.append_pair("mask", region.word());
            }
        }
        query.finish()
    }
}

/// What an address asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The settings, with defaults where it says nothing usable.
    pub settings: Settings,
    /// Whether to start at once.
    pub autorun: bool,
    /// What was ignored, and why: a sentence each.
    pub problems: Vec<String>,
}

impl Request {
    /// Reads a query, with or without its question mark. `seed` is the one to use where it gives none.
    pub fn parse(query: &str, seed: u64) -> Self {
        let mut request = Self { settings: Settings::with_seed(seed), autorun: false, problems: Vec::new() };
        let mut seen = Vec::new();
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            let wrong = if seen.contains(&key) { Err("it is there twice".to_owned()) } else { request.set(&key, &value) };
            if let Err(reason) = wrong {
                let (key, value) = (shortened(&key), shortened(&value));
                request.problems.push(format!("The address says “{key}={value}”, which is ignored: {reason}."));
            }
            seen.push(key);
        }
        request
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let settings = &mut self.settings;
        match key {
            "model" if value.is_empty() => return Err("it must be the name of a model".to_owned()),
            "model" => settings.model = Some(value.to_owned()),
            "seed" => settings.seed = number(value, 0..=u64::MAX)?,
            "count" => settings.count = number(value, Settings::COUNTS)?,
            "sampler" => settings.sampler = word(value)?,
            "steps" => settings.steps = number(value, Settings::STEPS)?,
            "backend" => settings.backend = Some(word(value)?),
            "task" => settings.task = word(value)?,
            "picture" => settings.picture = number(value, 0..=usize::MAX)?,
            "mask" => settings.mask = Some(word(value)?),
            "autorun" => self.autorun = number::<u8>(value, 0..=1)? == 1,
            _ => return Err("there is no such setting".to_owned()),
        }
        Ok(())
    }
}

/// A whole number of a range, as it is typed.
///
/// # Errors
/// What it must be instead.
pub fn number<T: std::str::FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, String> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits && range.contains(value));
    value.ok_or_else(|| format!("it must be a whole number from {} to {}", range.start(), range.end()))
}

fn word<T: Word>(text: &str) -> Result<T, String> {
    T::from_word(text).ok_or_else(|| {
        let words: Vec<_> = T::WORDS.iter().map(|(_, word)| *word).collect();
        format!("it must be {}", words.join(" or "))
    })
}

fn shortened(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(40).chain(['…']).collect() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_address_means_the_defaults() {
        for query in ["", "?"] {
            let request = Request::parse(query, 7);
            assert_eq!(request, Request { settings: Settings::with_seed(7), autorun: false, problems: vec![] });
        }
    }

    #[test]
    fn every_setting_is_read() {
        let request = Request::parse(
            "?model=fashion&seed=18446744073709551615&count=3&sampler=annealed&steps=25&backend=cpu&task=inpaint\
             &picture=2&mask=top&autorun=1",
            7,
        );
        assert_eq!(request.problems, Vec::<String>::new());
        assert!(request.autorun);
        let expected = Settings {
            model: Some("fashion".to_owned()),
            seed: u64::MAX,
            count: 3,
            sampler: Sampler::Annealed,
            steps: 25,
            backend: Some(Backend::Cpu),
            task: Task::Inpaint,
            picture: 2,
            mask: Some(Region::Top),
        };
        assert_eq!(request.settings, expected);
    }

    #[test]
    fn settings_survive_the_address() {
        let mut settings = Settings::with_seed(5);
        settings.model = Some("a b&c=ü".to_owned());
        settings.backend = Some(Backend::WebGpu);
        settings.task = Task::Inpaint;
        settings.picture = 3;
        settings.mask = Some(Region::Centre);
        assert_eq!(Request::parse(&settings.to_query(), 0).settings, settings);
    }

    #[test]
    fn bad_and_unknown_values_are_reported_and_ignored() {
        for bad in [
            "count=0",
            "count=257",
            "count=",
            "count=+4",
            "count=4.5",
            "count=99999999999999999999999",
            "steps=0",
            "steps=many",
            "seed=-1",
            "seed=18446744073709551616",
            "sampler=metropolis",
            "backend=cuda",
            "backend=CPU",
            "task=",
            "model=",
            "picture=x",
            "mask=middle",
            "autorun=2",
            "colour=red",
            "%00=%ff%fe",
        ] {
            let request = Request::parse(bad, 7);
            assert_eq!(request.settings, Settings::with_seed(7), "{bad}");
            assert_eq!((request.problems.len(), request.autorun), (1, false), "{bad}");
        }
        let request = Request::parse("seed=1&count=x&seed=2&steps=9", 7);
        assert_eq!((request.settings.seed, request.settings.steps), (1, 9), "good values beside bad ones count");
        assert_eq!(request.problems.len(), 2);
        assert_eq!(
            request.problems[0],
            "The address says “count=x”, which is ignored: it must be a whole number from 1 to 256."
        );
        let long = Request::parse(&format!("x={}", "y".repeat(10_000)), 7);
        assert!(long.problems[0].len() < 200, "a notice is short whatever the address");
    }
}
