//! A few lessons on energies, each beside a room in which something is to be done.

use serde::Deserialize;

use crate::{Task, texts::translated};

/// The lessons of `texts/en.json`.
const ENGLISH: &str = include_str!(concat!(env!("OUT_DIR"), "/lessons.json"));

/// A lesson.
#[derive(Clone, Debug)]
pub struct Lesson {
    /// Where it takes place.
    pub room: Task,
    /// What is to be done there.
    pub goal: Goal,
    /// What is said.
    pub words: LessonWords,
}

/// The words of a lesson, each paragraph by itself.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct LessonWords {
    /// What it is called.
    pub title: String,
    /// What it teaches.
    pub text: Vec<String>,
    /// What is to be done.
    pub ask: String,
    /// What is said when that is done.
    pub done: String,
}

/// What is to be done in a lesson.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// So many runs of the room come to their end.
    Runs(u32),
    /// A picture is chosen and seen large.
    Chain,
    /// The toy is trained.
    Toy,
    /// Chains walk on the map.
    Walk,
    /// A picture of the visitor's choice is judged.
    Judged,
}

/// Where the lessons take place and what is to be done, in their order.
const PLAN: [(Task, Goal); 8] = [
    (Task::Sample, Goal::Runs(1)),
    (Task::Sample, Goal::Chain),
    (Task::Landscape, Goal::Toy),
    (Task::Denoise, Goal::Runs(1)),
    (Task::Inpaint, Goal::Runs(1)),
    (Task::Outliers, Goal::Judged),
    (Task::Landscape, Goal::Walk),
    (Task::Sample, Goal::Runs(2)),
];

/// How many there are.
pub const LESSONS: usize = PLAN.len();

/// The lesson of this number, from 1; none if there is none.
pub fn lesson(number: usize) -> Option<Lesson> {
    let index = number.checked_sub(1)?;
    let &(room, goal) = PLAN.get(index)?;
    let words = translated(|texts| texts.lessons.get(index).cloned()).or_else(|| {
        let english: Vec<LessonWords> = serde_json::from_str(ENGLISH).unwrap_or_default();
        english.into_iter().nth(index)
    });
    Some(Lesson { room, goal, words: words? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_lesson_has_its_words() {
        for number in 1..=LESSONS {
            let Some(Lesson { words, .. }) = lesson(number) else { panic!("lesson {number}") };
            let paragraphs = words.text.iter().chain([&words.title, &words.ask, &words.done]);
            assert!(paragraphs.into_iter().all(|paragraph| !paragraph.is_empty()), "{number}");
        }
        assert!(lesson(0).is_none() && lesson(LESSONS + 1).is_none());
    }
}
