//! Whatever comes from outside - addresses, files, lists - is read without a panic, and what is accepted is in range.

use crate::{Models, Pictures, Request, Settings, settings_in, settings_of_json};

/// Marsaglia's generator.
struct Random(u32);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 17;
        self.0 ^= self.0 << 5;
        self.0 as usize % end
    }

    /// The same bytes with some of them changed, or cut off.
    fn damage(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len());
            bytes[at] = self.below(256) as u8;
        }
        if self.below(3) == 0 {
            bytes.truncate(self.below(bytes.len()));
        }
        bytes
    }
}

#[test]
fn damaged_files() {
    let mut random = Random(7);
    let strip = Pictures { side: 8, channels: 3, values: vec![0.3; 8 * 8 * 3 * 4] };
    let file = strip.to_png_grid("task=sample&seed=1").unwrap();
    for _ in 0..3000 {
        let damaged = random.damage(&file);
        let _ = settings_in(&damaged);
        if let Ok(pictures) = Pictures::from_strip(&damaged, 2, 66, 3) {
            assert_eq!(pictures.count(), 2);
        }
    }
}

#[test]
fn hostile_addresses() {
    let mut random = Random(9);
    let good = b"?model=a&seed=1&count=3&sampler=ode&steps=5&task=denoise&level=0.4&corners=1,2,3&toy=moons&mask=top";
    for _ in 0..5000 {
        let query = String::from_utf8_lossy(&random.damage(good)).into_owned();
        let Request { settings, problems, .. } = Request::parse(&query, 1);
        assert!(Settings::COUNTS.contains(&settings.count) && Settings::STEPS.contains(&settings.steps), "{query}");
        assert!(Settings::LEVELS.contains(&settings.level), "{query}");
        assert!(problems.iter().all(|problem| problem.len() < 700), "{query}");
        assert_eq!(Request::parse(&settings.to_address(), 1).problems, Vec::<String>::new(), "{query}");
    }
}

#[test]
fn damaged_lists() {
    let mut random = Random(11);
    for _ in 0..3000 {
        let list = random.damage(br#"{"models": [{"name": "fashion", "title": "Fashion"}, {"name": "digits"}]}"#);
        let _ = Models::parse(&list);
        let run = random.damage(
            br#"{"settings":{"model":"a","seed":3,"task":"sample"},"model_sha256":"0123456789","energies":[]}"#,
        );
        let _ = settings_of_json(&run);
    }
}
