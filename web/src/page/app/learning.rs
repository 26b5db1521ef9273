//! Lessons: beginning them, and noticing what is done.

use web::{Goal, LESSONS, Task};

use super::App;
use crate::{
    dom::{Result, by_id},
    focus,
    lesson::{self, Course},
};

impl App {
    /// Begins a lesson, in its room.
    pub(super) fn take_lesson(&mut self, number: usize) -> Result<()> {
        self.course = Course::begin(number)?;
        if let Some(course) = &self.course {
            self.enter_room(course.room())?;
            by_id::<web_sys::Element>("lesson")?.scroll_into_view();
            // The button that led here may have gone, and who listens hears which lesson it is.
            focus::move_to("#lesson-title")?;
        }
        Ok(())
    }

    pub(super) fn take_lesson_by(&mut self, further: isize) -> Result<()> {
        let number = self.course.as_ref().map_or(1, |course| course.number);
        self.take_lesson(number.saturating_add_signed(further).clamp(1, LESSONS))
    }

    pub(super) fn end_lessons(&mut self) -> Result<()> {
        self.course = None;
        focus::keep(&["#lessons"], || lesson::show(false))?;
        self.remember()
    }

    /// Something was done in a room that a lesson may ask for there.
    pub(super) fn learned(&mut self, room: Task, done: Goal) -> Result<()> {
        let course = self.course.as_mut().filter(|course| course.room() == room);
        course.map_or(Ok(()), |course| course.note(done))
    }

    /// Pictures were judged: by the visitor's choice, if one was made since the room was entered.
    pub(super) fn outliers_judged(&mut self) -> Result<()> {
        if std::mem::take(&mut self.chose) { self.learned(Task::Outliers, Goal::Judged) } else { Ok(()) }
    }
}
