//! What the address bar asks for.

use std::{fmt::Display, ops::RangeInclusive, str::FromStr};

use options::Words;

use crate::{LESSONS, Settings, default_steps, lessons::lesson_room, texts};

/// What an address asks for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// The settings, with defaults where it says nothing usable. The room is that of the lesson where it says no other.
    pub settings: Settings,
    /// Whether it says which run is wanted: a seed, or how many pictures, how, in how many steps.
    pub says_run: bool,
    /// Whether to start at once.
    pub autorun: bool,
    /// The lesson to take, from 1.
    pub lesson: Option<usize>,
    /// Whether another site shows the page in a frame: then it is small, and loads nothing large before it is asked to.
    pub embed: bool,
    /// The language that is asked for, whether it is here or not.
    pub language: Option<String>,
    /// What the SHA-256 of the model's weights begins with, where a saved file says so.
    pub weights: Option<String>,
    /// What was ignored, and why: a sentence each.
    pub problems: Vec<String>,
}

impl Request {
    /// Reads a query, with or without its question mark. `seed` is the one to use where it gives none.
    pub fn parse(query: &str, seed: u64) -> Self {
        let mut request = Self {
            settings: Settings::with_seed(seed),
            says_run: false,
            autorun: false,
            lesson: None,
            embed: false,
            language: None,
            weights: None,
            problems: Vec::new(),
        };
        let (mut seen, mut says_steps, mut says_room) = (Vec::new(), false, false);
        for (key, value) in form_urlencoded::parse(query.trim_start_matches('?').as_bytes()) {
            if is_tracking(&key) {
                continue;
            }
            let wrong =
                if seen.contains(&key) { Err(texts::given_twice().to_owned()) } else { request.set(&key, &value) };
            if let Err(reason) = wrong {
                let (key, value) = (shortened(&key), shortened(&value));
                request.problems.push(texts::setting_ignored(reason, format!("{key}={value}")));
            } else {
                says_steps |= key == "steps";
                says_room |= key == "task";
                request.says_run |= ["seed", "count", "sampler", "steps", "autorun"].contains(&&*key);
            }
            seen.push(key);
        }
        if !says_steps {
            request.settings.steps = default_steps(request.settings.sampler);
        }
        if let Some(room) = request.lesson.and_then(lesson_room).filter(|_| !says_room) {
            request.settings.task = room;
        }
        request
    }

    fn set(&mut self, key: &str, value: &str) -> Result<(), String> {
        let settings = &mut self.settings;
        match key {
            "model" if value.is_empty() => return Err(texts::needs_name().to_owned()),
            "model" => settings.model = Some(value.to_owned()),
            "seed" => settings.seed = number(value, 0..=u64::MAX)?,
            "count" => settings.count = number(value, Settings::COUNTS)?,
            "sampler" => settings.sampler = word(value)?,
            "steps" => settings.steps = number(value, Settings::STEPS)?,
            "backend" => settings.backend = Some(word(value)?),
            "task" => settings.task = word(value)?,
            "picture" => settings.picture = Some(number(value, 0..=usize::MAX)?),
            "known" => settings.known = word(value)?,
            "mask" => settings.mask = Some(word(value)?),
            "level" => settings.level = level(value)?,
            "corners" => settings.corners = corners(value)?,
            "toy" => settings.toy = word(value)?,
            "lesson" => self.lesson = Some(number(value, 1..=LESSONS)?),
            "embed" => self.embed = number::<u8>(value, 0..=1)? == 1,
            "autorun" => self.autorun = number::<u8>(value, 0..=1)? == 1,
            "lang" => self.language = Some(value.to_owned()),
            "weights" => self.weights = Some(value.to_owned()),
            _ => return Err(texts::unknown_setting().to_owned()),
        }
        Ok(())
    }
}

/// A whole number of a range, as it is typed.
///
/// # Errors
/// What it must be instead.
pub fn number<T: FromStr + PartialOrd + Display>(text: &str, range: RangeInclusive<T>) -> Result<T, String> {
    let text = narrow(text);
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let value = text.parse().ok().filter(|value| digits && range.contains(value));
    value.ok_or_else(|| texts::needs_whole(range.start(), range.end()))
}

/// Digits, commas and points of a Japanese or Chinese keyboard, which are wide, as the narrow ones.
fn narrow(text: &str) -> String {
    let narrowed = |letter: char| match letter {
        '０'..='９' | '．' | '，' => char::from_u32(letter as u32 - 0xFEE0).unwrap_or(letter),
        other => other,
    };
    text.chars().map(narrowed).collect()
}

/// Whether a setting is one that mail programs, social networks and advertisers add to every link.
fn is_tracking(key: &str) -> bool {
    const NAMES: &str = "awc bbeml cjdata cjevent cmpid cvid dicbo dm_i ef_id epik erid et_rid gbraid gclsrc gs_l \
        guccounter hsctatracking igsh igshid irgwc li_fat_id lipi mibextid midsig midtoken mkt_tok msockid ncid ocid oicd \
        rdt_cid ref refid sccid share_id si spm srsltid ss_email_id sscid tblci trackingid trk trkcampaign trkinfo vgo_ee \
        wbraid wickedid xtor zanpid";
    const BEGINNINGS: &str = "_ at_ bsft_ ck_ elq fb_ ga_ gad_ guce_ hmb_ hsa_ hss_ itm_ matomo_ mc_ mindbox- ml_ mtm_ \
        oft_ oly_ otm_ piwik_ pk_ ref_ s_ sc_ sms_ stm_ trk_ tw_ utm_ vero_ vn_ wt.";
    const ENDINGS: &str = "clid clickid clkid";
    let key = key.to_ascii_lowercase();
    NAMES.split(' ').any(|name| name == key)
        || BEGINNINGS.split(' ').any(|begin| key.starts_with(begin))
        || ENDINGS.split(' ').any(|end| key.ends_with(end))
}

/// A noise level, as it is typed: with a point or, as in most of Europe, with a comma.
///
/// # Errors
/// What it must be instead.
pub fn level(text: &str) -> Result<f32, String> {
    let range = Settings::LEVELS;
    let text = narrow(text);
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit() || b == b'.' || b == b',');
    let value = text.replace(',', ".").parse().ok().filter(|value| digits && range.contains(value));
    value.ok_or_else(|| texts::needs_number(decimal(*range.start()), decimal(*range.end())))
}

/// A number with the digits that it has, and the decimal point of the page's language.
pub fn decimal(value: f32) -> String {
    value.to_string().replace('.', texts::decimal_point())
}

fn corners(text: &str) -> Result<[usize; 3], String> {
    let numbers: Result<Vec<usize>, _> = narrow(text).split(',').map(|part| number(part, 0..=usize::MAX)).collect();
    let three = numbers.ok().and_then(|numbers| <[usize; 3]>::try_from(numbers).ok());
    three.ok_or_else(|| texts::needs_corners().to_owned())
}

fn word<T: Words>(text: &str) -> Result<T, String> {
    T::from_word(text).ok_or_else(|| {
        let words: Vec<_> = T::all().iter().map(|option| option.word()).collect();
        texts::needs_word(words.join(", "))
    })
}

/// What an address says, short enough for a notice.
pub fn shortened(text: &str) -> String {
    if text.chars().count() > 40 { text.chars().take(40).chain(['…']).collect() } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use options::{Region, Sampler, ToyShape};

    use crate::{Backend, Known, Task};

    #[test]
    fn wide_digits_are_digits() {
        assert_eq!(number("１２", 0..=99), Ok(12));
        assert_eq!((level("０．４"), level("0，4")), (Ok(0.4), Ok(0.4)));
        assert_eq!(corners("１，2,３"), Ok([1, 2, 3]));
    }

    #[test]
    fn an_empty_address_means_the_defaults() {
        for query in ["", "?"] {
            let request = Request::parse(query, 7);
            assert_eq!(
                request,
                Request {
                    settings: Settings::with_seed(7),
                    says_run: false,
                    autorun: false,
                    lesson: None,
                    embed: false,
                    language: None,
                    weights: None,
                    problems: vec![]
                }
            );
        }
    }

    #[test]
    fn an_address_has_one_room() {
        for (query, wanted) in [
            ("", Task::Sample),
            ("lesson=3", Task::Landscape),
            ("lesson=6", Task::Outliers),
            ("task=about&lesson=3", Task::About),
            ("lesson=3&task=sample", Task::Sample),
            ("task=dream&lesson=3", Task::Landscape),
            ("lesson=99", Task::Sample),
        ] {
            assert_eq!(Request::parse(query, 1).settings.task, wanted, "{query}");
        }
    }

    #[test]
    fn an_address_says_a_run_or_none() {
        for (query, wanted) in [
            ("", false),
            ("model=faces&task=sample&backend=cpu&lesson=1&level=0.5&picture=2", false),
            ("seed=x&count=0", false),
            ("seed=7", true),
            ("count=4", true),
            ("sampler=ode", true),
            ("steps=9", true),
            ("autorun=1", true),
        ] {
            assert_eq!(Request::parse(query, 1).says_run, wanted, "{query}");
        }
        let file = Request::parse("seed=1&task=sample&weights=0a1b2c3d", 1);
        assert_eq!((file.weights.as_deref(), file.problems), (Some("0a1b2c3d"), vec![]));
    }

    #[test]
    fn every_setting_is_read() {
        let request = Request::parse(
            "?model=fashion&seed=18446744073709551615&count=3&sampler=annealed&steps=25&backend=cpu&task=inpaint\
             &picture=2&known=quarter&mask=top&level=0.25&corners=4,5,6&toy=rings&lang=de&autorun=1",
            7,
        );
        assert_eq!(request.problems, Vec::<String>::new());
        assert!(request.autorun);
        assert_eq!(request.language.as_deref(), Some("de"));
        let expected = Settings {
            model: Some("fashion".to_owned()),
            seed: u64::MAX,
            count: 3,
            sampler: Sampler::Annealed,
            steps: 25,
            backend: Some(Backend::Cpu),
            task: Task::Inpaint,
            picture: Some(2),
            known: Known::Quarter,
            mask: Some(Region::Top),
            level: 0.25,
            corners: [4, 5, 6],
            toy: ToyShape::Rings,
        };
        assert_eq!(request.settings, expected);
    }

    #[test]
    fn settings_survive_the_address() {
        let mut settings = Settings::with_seed(5);
        settings.model = Some("a b&c=ü".to_owned());
        settings.backend = Some(Backend::WebGpu);
        settings.task = Task::Inpaint;
        settings.picture = Some(3);
        settings.mask = Some(Region::Centre);
        assert_eq!(Request::parse(&settings.to_query(), 0).settings, settings);
        for &task in Task::all() {
            let mut settings = Settings::with_seed(0);
            settings.task = task;
            match task {
                Task::Denoise => (settings.picture, settings.level) = (Some(2), 1.25),
                Task::Landscape => (settings.corners, settings.toy) = ([2, 3, 5], ToyShape::Spiral),
                _ => {}
            }
            let request = Request::parse(&settings.to_query(), 0);
            assert_eq!((request.settings, request.problems), (settings, vec![]));
        }
    }

    #[test]
    fn what_trackers_add_is_ignored_and_what_was_mistyped_is_told() {
        let query =
            "?seed=3&fbclid=IwAR0x&utm_source=mail&gclid=1&gclid=2&UTM_Medium=x&mc_cid=y&_ga=1.2&igshid=z&ref_src=t";
        let request = Request::parse(query, 7);
        assert_eq!((request.settings.seed, request.problems), (3, vec![]));
        let others = "__s _bta_c _branch_match_id _ga _gl _hsmi _kx _openstat __cft__[0] __hssc __tn__ at_medium bsft_uid \
            ck_subscriber_id dclid dicbo elqTrackId epik fb_action_ids gad_source gclsrc guce_referrer hsCtaTracking hsa_cam \
            irclickid itm_source li_fat_id mc_eid mibextid mindbox-click-id mkt_tok ml_subscriber msclkid mtm_kwd ncid \
            oft_id oly_enc_id pk_cid piwik_kwd rb_clickid rdt_cid ref_url s_kwcid s_cid sc_uid ScCid si spm srsltid tblci \
            trk trkCampaign ttclid twclid utm_id vero_id wbraid wickedid wt.mc_id yclid ysclid ymclid zanpid";
        for tracker in others.split_whitespace() {
            let problems = Request::parse(&format!("{tracker}=x"), 7).problems;
            assert_eq!(problems, Vec::<String>::new(), "{tracker}");
        }
        let request = Request::parse("cuont=4&utm_source=mail", 7);
        assert_eq!(request.problems.len(), 1);
        assert!(request.problems[0].contains("cuont=4"), "{:?}", request.problems);
    }

    #[test]
    fn a_level_may_have_a_comma() {
        for (text, wanted) in [("0,4", 0.4), ("0.4", 0.4), (",5", 0.5), ("1", 1.0)] {
            assert_eq!(level(text), Ok(wanted), "{text}");
        }
        for wrong in ["", ",", "0,4,1", "0.4,1", "1.000,5", "-0,4", "1e-1", "0 4"] {
            assert!(level(wrong).is_err(), "{wrong}");
        }
        assert_eq!(Request::parse("task=denoise&level=0,4", 1).settings.level, 0.4);
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
            "known=all",
            "mask=middle",
            "level=0",
            "level=NaN",
            "level=1e9",
            "corners=1,2",
            "corners=1,2,x",
            "toy=cube",
            "autorun=2",
            "embed=yes",
            "lesson=0",
            "lesson=9",
            "colour=red",
            "%00=%ff%fe",
        ] {
            let request = Request::parse(bad, 7);
            assert_eq!(request.settings, Settings::with_seed(7), "{bad}");
            assert_eq!((request.problems.len(), request.autorun), (1, false), "{bad}");
        }
        let request = Request::parse("sampler=annealed", 7);
        assert_eq!(request.settings.steps, default_steps(Sampler::Annealed), "each sampler has its own default");
        let request = Request::parse("sampler=annealed&steps=abc", 7);
        assert_eq!(request.settings.steps, default_steps(Sampler::Annealed), "what is ignored says nothing");
        let request = Request::parse("seed=1&count=x&seed=2&steps=9", 7);
        assert_eq!((request.settings.seed, request.settings.steps), (1, 9), "good values beside bad ones count");
        assert_eq!(request.problems.len(), 2);
        assert_eq!(request.problems[0], "The setting “count=x” is ignored: it must be a whole number from 1 to 256.");
        let long = Request::parse(&format!("x={}", "y".repeat(10_000)), 7);
        assert!(long.problems[0].len() < 200, "a notice is short whatever the address");
    }
}
