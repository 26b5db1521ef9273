//! What the page wants of the work that is going on. Its wishes overtake the messages that wait for their turn.

use std::cell::{Cell, RefCell};

use futures::channel::oneshot;
use web::messages::{Purpose, Question, ToEngine};

/// The page's wishes, shared between the line to the page and the work.
#[derive(Default)]
pub struct Control {
    /// The newest load and the newest run that were asked for.
    load: Cell<u32>,
    run: Cell<u32>,
    /// How often anything was asked for that keeps the processor or the GPU busy.
    works: Cell<u32>,
    wish: Cell<Wish>,
    /// Steps that a held run may do all the same.
    steps: Cell<usize>,
    /// The newest questions for the room How likely that the page still waits for.
    judgement: Cell<Option<u32>>,
    comparison: Cell<Option<u32>>,
    /// The toy that is to go on.
    toy: Cell<Option<u32>>,
    waiting: RefCell<Vec<oneshot::Sender<()>>>,
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
        if matches!(message, ToEngine::Run(_) | ToEngine::Score(_) | ToEngine::Compare { .. } | ToEngine::Toy(_)) {
            self.works.set(self.works.get() + 1);
        }
        match message {
            ToEngine::Run(run) => {
                self.run.set(run.number);
                self.wish.set(Wish::Go);
                self.steps.set(0);
            }
            ToEngine::Resume => {
                self.wish.set(Wish::Go);
                self.steps.set(0);
            }
            ToEngine::Pause => self.wish.set(Wish::Hold),
            ToEngine::Cancel => self.wish.set(Wish::Stop),
            ToEngine::Step => self.steps.set(self.steps.get() + 1),
            ToEngine::Toy(toy) => self.toy.set(Some(toy.number)),
            ToEngine::StopToy => self.toy.set(None),
            ToEngine::Load { number, .. } => {
                self.load.set(*number);
                self.wish.set(Wish::Stop);
                self.judgement.set(None);
                self.comparison.set(None);
            }
            ToEngine::Score(Question { number, purpose: Purpose::Outliers }) => self.judgement.set(Some(*number)),
            ToEngine::Compare { number, .. } => self.comparison.set(Some(*number)),
            ToEngine::Withdraw(number) => {
                for question in [&self.judgement, &self.comparison] {
                    question.set(question.get().filter(|asked| asked != number));
                }
            }
            ToEngine::Speak(_) | ToEngine::Score(_) | ToEngine::Frame(_) => {}
        }
        for waiting in self.waiting.take() {
            // Nobody waits any more if the run has ended.
            let _ = waiting.send(());
        }
    }

    /// The number of the newest run.
    pub fn runs(&self) -> u32 {
        self.run.get()
    }

    /// How often work was asked for: another number than before, and what is timed is timed beside other work.
    pub fn works(&self) -> u32 {
        self.works.get()
    }

    /// Whether the load of this number is still the one that the page waits for.
    pub fn wants_load(&self, number: u32) -> bool {
        self.load.get() == number
    }

    /// Waits until the load of this number is not waited for any more.
    pub async fn superseded(&self, load: u32) {
        self.until(|| !self.wants_load(load)).await;
    }

    /// Waits until messages have made something so.
    pub async fn until(&self, so: impl Fn() -> bool) {
        while !so() {
            self.message().await;
        }
    }

    /// Whether the page still waits for the answer to a question. Those that are quickly answered always are.
    pub fn wants_answer(&self, question: Question) -> bool {
        question.purpose != Purpose::Outliers || self.judgement.get() == Some(question.number)
    }

    /// Whether the page still waits for the comparison of this number.
    pub fn wants_comparison(&self, number: u32) -> bool {
        self.comparison.get() == Some(number)
    }

    /// Whether the run of this number is to stop.
    pub fn stopped(&self, run: u32) -> bool {
        self.wish.get() == Wish::Stop || self.run.get() != run
    }

    /// Waits until the run of this number is to stop.
    pub async fn stop(&self, run: u32) {
        self.until(|| self.stopped(run)).await;
    }

    /// Whether the run is to be held before its next step.
    pub fn held(&self) -> bool {
        self.wish.get() == Wish::Hold
    }

    /// Waits until the run of this number may do its next step; false: it is to stop.
    pub async fn next_step(&self, run: u32) -> bool {
        while self.held() && !self.stopped(run) {
            if let Some(left) = self.steps.get().checked_sub(1) {
                self.steps.set(left);
                return true;
            }
            self.message().await;
        }
        !self.stopped(run)
    }

    /// Whether there is a toy that may go on.
    pub fn has_toy(&self) -> bool {
        self.toy.get().is_some()
    }

    /// Whether the toy of this number is to go on.
    pub fn wants_toy(&self, number: u32) -> bool {
        self.toy.get() == Some(number)
    }

    /// Waits for the next message.
    async fn message(&self) {
        let (sender, receiver) = oneshot::channel();
        {
            let mut waiting = self.waiting.borrow_mut();
            // Those who wait for one thing of several have left.
            waiting.retain(|sender| !sender.is_canceled());
            waiting.push(sender);
        }
        // An error would be a message, too.
        let _ = receiver.await;
    }
}
