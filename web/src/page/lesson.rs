//! The lesson beside the room: what it says, and whether what it asks for is done.

use web::{Goal, LESSONS, Lesson, lesson, texts};
use web_sys::{Element, HtmlButtonElement, HtmlElement};

use crate::{
    dom::{Result, by_id, refill, write, written},
    status,
};

/// The lesson that the visitor takes.
pub struct Course {
    pub number: usize,
    lesson: Lesson,
    /// How often what is asked for was done.
    done: u32,
}

impl Course {
    /// Begins a lesson, if there is one of this number, and shows it.
    pub fn begin(number: usize) -> Result<Option<Self>> {
        let Some(lesson) = lesson(number) else { return Ok(None) };
        let words = &lesson.words;
        write("lesson-number", &texts::lesson_of(LESSONS, number))?;
        write("lesson-title", &words.title)?;
        let text: Result<Vec<Element>> = words.text.iter().map(|text| written("p", "", text)).collect();
        refill(&by_id::<Element>("lesson-text")?, text?)?;
        write("lesson-ask", &words.ask)?;
        write("lesson-done", "")?;
        by_id::<HtmlButtonElement>("lesson-back")?.set_disabled(number == 1);
        by_id::<HtmlButtonElement>("lesson-next")?.set_disabled(number == LESSONS);
        show(true)?;
        status::set_data("lesson", "")?;
        Ok(Some(Self { number, lesson, done: 0 }))
    }

    /// The room that it takes place in.
    pub fn room(&self) -> web::Task {
        self.lesson.room
    }

    /// Notes that something was done; says so when it is what the lesson asks for.
    pub fn note(&mut self, done: Goal) -> Result<()> {
        let enough = match (self.lesson.goal, done) {
            (Goal::Runs(wanted), Goal::Runs(_)) => {
                self.done += 1;
                self.done == wanted
            }
            (goal, done) => {
                self.done += u32::from(goal == done);
                goal == done && self.done == 1
            }
        };
        if enough {
            write("lesson-done", &self.lesson.words.done)?;
            status::set_data("lesson", "done")?;
        }
        Ok(())
    }
}

/// Shows the place of the lessons, or hides it.
pub fn show(shown: bool) -> Result<()> {
    by_id::<HtmlElement>("lesson")?.set_hidden(!shown);
    by_id::<HtmlElement>("lessons")?.set_hidden(shown);
    Ok(())
}
