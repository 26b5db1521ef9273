//! A few lessons on energies, each beside a room in which something is to be done.

use serde_json::Value;

use crate::{Task, texts::spoken_content};

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
#[derive(Clone, Debug, PartialEq, Eq)]
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

impl LessonWords {
    /// Those of a language's file, if they are there.
    fn of(lesson: &Value) -> Option<Self> {
        let words = |key: &str| lesson[key].as_str().map(str::to_owned);
        let text = lesson["text"].as_array()?.iter().filter_map(|paragraph| paragraph.as_str().map(str::to_owned));
        Some(Self { title: words("title")?, text: text.collect(), ask: words("ask")?, done: words("done")? })
    }
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

/// The room of the lesson of this number, from 1; none if there is none.
pub fn lesson_room(number: usize) -> Option<Task> {
    PLAN.get(number.checked_sub(1)?).map(|(room, _)| *room)
}

/// The lesson of this number, from 1; none if there is none.
pub fn lesson(number: usize) -> Option<Lesson> {
    let index = number.checked_sub(1)?;
    let &(room, goal) = PLAN.get(index)?;
    let spoken = spoken_content().and_then(|content| LessonWords::of(&content["lessons"][index]));
    let english = || LessonWords::of(&serde_json::from_str::<Value>(ENGLISH).ok()?[index]);
    Some(Lesson { room, goal, words: spoken.or_else(english)? })
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
