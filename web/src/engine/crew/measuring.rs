//! Measures of pictures, divided over the engine and its helpers.

use std::{cell::RefCell, pin::pin, rc::Rc};

use futures::{
    future::{Either, join, join_all, select},
    lock::Mutex,
};

use super::{
    Crew,
    line::{Helper, Trouble},
};
use crate::{control::Control, link::Breath, measure::Task, ready::Ready};

/// Who measures: a model, the helpers that have it too, and what the page wants of them.
#[derive(Clone, Copy)]
pub struct Workers<'a> {
    /// The engine's model.
    pub ready: &'a Rc<Ready>,
    /// The helpers, where no run needs them.
    pub crew: &'a Mutex<Crew>,
    /// What the page wants.
    pub control: &'a Control,
}

/// Tasks on their way.
struct Board<'a> {
    tasks: &'a [Task],
    /// Those that nobody has taken yet, the next one last.
    waiting: RefCell<Vec<usize>>,
    /// What has come of each.
    found: RefCell<Vec<Option<Vec<f32>>>>,
}

impl Workers<'_> {
    /// The values of each task; nothing once they are not `wanted` any more. They do not depend on who measures.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn measure(self, tasks: &[Task], wanted: &impl Fn() -> bool) -> Result<Option<Vec<Vec<f32>>>, String> {
        let board = Board {
            tasks,
            waiting: RefCell::new((0..tasks.len()).rev().collect()),
            found: RefCell::new(vec![None; tasks.len()]),
        };
        let (there, here) = join(self.there(&board, wanted), self.here(&board, wanted)).await;
        there.and(here)?;
        // What a helper that was lost had taken.
        self.here(&board, wanted).await?;
        Ok(board.found.into_inner().into_iter().collect())
    }

    /// The engine's part.
    async fn here(self, board: &Board<'_>, wanted: &impl Fn() -> bool) -> Result<(), String> {
        let mut breath = Breath::default();
        while let Some((place, task)) = board.next() {
            let values = task.measure.of(self.ready, &task.pictures, &mut breath, wanted).await?;
            let Some(values) = values else { break };
            board.found.borrow_mut()[place] = Some(values);
        }
        Ok(())
    }

    /// That of the helpers, until a run wants them.
    async fn there(self, board: &Board<'_>, wanted: &impl Fn() -> bool) -> Result<(), String> {
        let runs = self.control.runs();
        let wanted = || wanted() && self.control.runs() == runs;
        let Some(mut crew) = self.crew.try_lock() else { return Ok(()) };
        // Those that are still starting are not waited for: the engine has begun.
        let helpers = crew.gather(board.tasks.len().saturating_sub(1), 0.0).await;
        let mut problem = Ok(());
        for (helper, outcome) in join_all(helpers.into_iter().map(|helper| self.help(helper, board, &wanted))).await {
            match outcome {
                Ok(()) => crew.idle.push(helper),
                Err(Trouble::Lost) => {}
                Err(Trouble::Work(sentence)) => {
                    crew.idle.push(helper);
                    problem = Err(sentence);
                }
            }
        }
        crew.replace_lost();
        problem
    }

    /// That of one helper.
    async fn help(
        self,
        mut helper: Helper,
        board: &Board<'_>,
        wanted: &impl Fn() -> bool,
    ) -> (Helper, Result<(), Trouble>) {
        while wanted()
            && let Some((place, task)) = board.next()
        {
            let gradients = task.measure.gradients(task.pictures.len() / self.ready.picture_length());
            let within = self.ready.patience(gradients);
            // A run does not wait for what the helper is at.
            let values = match select(pin!(helper.measure(task, within)), pin!(self.control.until(|| !wanted()))).await
            {
                Either::Left((values, _)) => values.map(Some),
                Either::Right(_) => Ok(None),
            };
            match values {
                Ok(Some(values)) => board.found.borrow_mut()[place] = Some(values),
                Ok(None) => board.waiting.borrow_mut().push(place),
                Err(trouble) => {
                    board.waiting.borrow_mut().push(place);
                    return (helper, Err(trouble));
                }
            }
        }
        (helper, Ok(()))
    }
}

impl Board<'_> {
    /// The next task that nobody has taken, and its place.
    fn next(&self) -> Option<(usize, &Task)> {
        let place = self.waiting.borrow_mut().pop()?;
        Some((place, &self.tasks[place]))
    }
}
