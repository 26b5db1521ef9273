//! What the page wants of the work that is going on. Its wishes overtake the messages that wait for their turn.

use std::cell::{Cell, RefCell};

use futures::channel::oneshot;
use web::messages::ToEngine;

/// The page's wishes, shared between the line to the page and the work.
#[derive(Default)]
pub struct Control {
    wish: Cell<Wish>,
    /// Steps that a held run may do all the same.
    steps: Cell<usize>,
    /// The toy that is to go on.
    toy: Cell<Option<u32>>,
    waiting: RefCell<Option<oneshot::Sender<()>>>,
}

#[derive(Clone, Copy, Default, PartialEq)]
enum Wish {
    #[default]
    Go,
    Hold,
    Stop,
}

impl Control {
    /// Notes what a message means for the work that is going on.
    pub fn hear(&self, message: &ToEngine) {
        match message {
            ToEngine::Run(_) | ToEngine::Resume => {
                self.wish.set(Wish::Go);
                self.steps.set(0);
            }
            ToEngine::Pause => self.wish.set(Wish::Hold),
            ToEngine::Cancel => self.wish.set(Wish::Stop),
            ToEngine::Step => self.steps.set(self.steps.get() + 1),
            ToEngine::Toy(toy) => self.toy.set(Some(toy.number)),
            ToEngine::StopToy => self.toy.set(None),
            ToEngine::Load { .. } | ToEngine::Score(_) => {}
        }
        if let Some(waiting) = self.waiting.take() {
            // Nobody waits any more if the run has ended.
            let _ = waiting.send(());
        }
    }

    /// Whether the run is to stop.
    pub fn stopped(&self) -> bool {
        self.wish.get() == Wish::Stop
    }

    /// Whether the run is to be held before its next step.
    pub fn held(&self) -> bool {
        self.wish.get() == Wish::Hold
    }

    /// Waits until the run may do its next step; false: it is to stop.
    pub async fn next_step(&self) -> bool {
        while self.held() {
            if let Some(left) = self.steps.get().checked_sub(1) {
                self.steps.set(left);
                return true;
            }
            let (sender, receiver) = oneshot::channel();
            *self.waiting.borrow_mut() = Some(sender);
            // An error would be a message, too.
            let _ = receiver.await;
        }
        !self.stopped()
    }

    /// Whether the toy of this number is to go on.
    pub fn wants_toy(&self, number: u32) -> bool {
        self.toy.get() == Some(number)
    }
}
