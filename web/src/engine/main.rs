//! The engine: it runs in a dedicated worker, owns the model, and answers the page's messages. A run, a toy and questions
//! go on beside each other: all of them return to the worker's event loop many times a second.

mod chains;
mod compare;
mod control;
mod crew;
mod device;
mod fetch;
mod film;
mod link;
mod load;
mod measure;
mod part;
mod ready;
mod run;
mod score;
mod source;
mod store;
mod toy;
mod trial;

use std::rc::Rc;

use futures::{StreamExt, channel::mpsc, lock::Mutex};
use wasm_bindgen_futures::spawn_local;
use web::{
    Envelope,
    messages::{FromEngine, ToEngine, Work},
    texts,
};

use control::Control;
use crew::{Crew, Helper, Workers};
use device::Gpu;
use film::Film;
use load::{Opened, Wanted};
use ready::Ready;

fn main() {
    web::run_constructors();
    if Helper::is_this() {
        return crew::help();
    }
    let all = |message: String| FromEngine::Failed { work: Work::All, message };
    link::report_panics(move |reason| all(texts::engine_panicked(reason)));
    let (queue, mut requests) = mpsc::unbounded();
    let control = Rc::new(Control::default());
    let wishes = Rc::clone(&control);
    link::listen(
        move |envelope: Envelope<ToEngine>| {
            wishes.hear(&envelope.message);
            // The receiver lives as long as the worker.
            let _ = queue.unbounded_send(envelope);
        },
        move |problem| all(texts::engine_misfit(problem)),
    );
    spawn_local(async move {
        link::post(FromEngine::Started);
        let mut engine = Engine { gpu: Gpu::default(), model: None, control, film: Film::default() };
        while let Some(Envelope { message, payload }) = requests.next().await {
            engine.answer(message, payload).await;
        }
    });
}

struct Engine {
    gpu: Gpu,
    model: Option<(Rc<Ready>, Rc<Mutex<Crew>>)>,
    control: Rc<Control>,
    film: Film,
}

impl Engine {
    async fn answer(&mut self, message: ToEngine, payload: Vec<f32>) {
        let control = Rc::clone(&self.control);
        match message {
            ToEngine::Speak(file) => {
                // The page speaks it, so it can be read.
                let _ = texts::speak(file);
            }
            ToEngine::Load { number, model, files, backend, compare, keeps, phone } => {
                store::set_keeping(keeps);
                let wanted = Wanted { number, name: &model, files: files.as_ref(), backend, phone };
                let opened = load::load(wanted, &mut self.gpu, &control).await;
                let answer = opened.map(|opened| {
                    let Opened { ready, crew, answer, files } = opened?;
                    let (ready, crew) = (Rc::new(ready), Rc::new(Mutex::new(crew)));
                    self.model = Some((Rc::clone(&ready), Rc::clone(&crew)));
                    if compare && ready.gpu.is_some() {
                        spawn_local(trial::run((number, phone), ready, crew, files, control));
                    }
                    Some(answer)
                });
                post(Work::Load(number), answer.transpose());
            }
            ToEngine::Run(run) => {
                let model = self.model.clone();
                spawn_local(async move {
                    let answer = async {
                        let (ready, crew) = model.ok_or_else(texts::no_model_loaded)?;
                        run::run(ready, &crew, &run, payload, &control).await
                    };
                    post(Work::Run(run.number), Some(answer.await));
                });
            }
            ToEngine::Score(question) => {
                let model = self.model.clone();
                spawn_local(async move {
                    let answer = async {
                        let (ready, crew) = model.ok_or_else(texts::no_model_loaded)?;
                        let workers = Workers { ready: &ready, crew: &crew, control: &control };
                        score::score(workers, question, &payload).await
                    };
                    post(Work::Question(question.number), answer.await.transpose());
                });
            }
            ToEngine::Compare { number, others } => {
                let model = self.model.clone();
                spawn_local(async move {
                    let answer = async {
                        let (ready, crew) = model.ok_or_else(texts::no_model_loaded)?;
                        let workers = Workers { ready: &ready, crew: &crew, control: &control };
                        compare::compare(workers, number, others, &payload).await
                    };
                    post(Work::Question(number), answer.await.transpose());
                });
            }
            ToEngine::Frame(frame) => {
                let framed = self.film.add(&frame, payload).map(Envelope::from);
                post(Work::Animation(frame.animation), Some(framed));
            }
            ToEngine::Toy(toy) => spawn_local(async move { toy::run(toy, &control).await }),
            ToEngine::Pause
            | ToEngine::Resume
            | ToEngine::Step
            | ToEngine::Cancel
            | ToEngine::StopToy
            | ToEngine::Withdraw(_) => {}
        }
    }
}

fn post(work: Work, answer: Option<Result<Envelope<FromEngine>, String>>) {
    if let Some(answer) = answer {
        link::post(answer.unwrap_or_else(|message| FromEngine::Failed { work, message }.into()));
    }
}
