//! What the engine says, and what follows.

use web::{
    Backend, Envelope, Goal, Task, grouped,
    messages::{FromEngine, Purpose, Question, ToEngine},
    texts,
};

use super::App;
use crate::{dom::Result, outliers::Answer, status, toy};

impl App {
    /// Takes a message of the engine; one that answers what is not wanted any more is dropped.
    pub(super) fn hear(&mut self, Envelope { message, payload }: Envelope<FromEngine>) -> Result<()> {
        match message {
            FromEngine::Started => {
                self.started = true;
                self.enable()?;
                if let Some(file) = texts::spoken_file() {
                    self.send(ToEngine::Speak(file.to_owned()))?;
                }
                self.send_load()
            }
            FromEngine::Downloading { load, .. } | FromEngine::Testing { load, .. } if load != self.loading.number => {
                Ok(())
            }
            FromEngine::Timed { load, gpu, cpu } => self.timed(load, gpu, cpu),
            FromEngine::Downloading { received, total, .. } => {
                // By quarters: a screen reader reads every sentence.
                let quarter = 4 * received / total.max(1);
                if self.loading.quarter.replace(quarter) == Some(quarter) {
                    return Ok(());
                }
                let [received, total] = [received, total].map(|bytes| grouped(bytes as f64 / 1000.0));
                status::say(&texts::downloading(received, total))
            }
            FromEngine::Testing { backend, .. } => {
                self.loading.testing_gpu = backend == Backend::WebGpu;
                status::say(&texts::testing(backend.title()))
            }
            FromEngine::Loaded(loaded) if loaded.number == self.loading.number => {
                self.loading.overtaken = false;
                self.loaded(*loaded, payload)
            }
            FromEngine::Stepped(report) if self.runs_now(report.run) => self.stepped(&report, payload),
            FromEngine::Finished { run, energies } if self.runs_now(run) => self.finished(energies, payload),
            FromEngine::Cancelled(run) if self.runs_now(run) => self.cancelled(),
            FromEngine::Loaded(_) => {
                self.loading.overtaken = true;
                Ok(())
            }
            FromEngine::Scored { question: Question { number, purpose }, energies, slopes, unusual, level, bits } => {
                match purpose {
                    Purpose::Given => self.scored_beside(number, Task::Inpaint, &energies, level, payload),
                    Purpose::Jump { .. } => self.scored_beside(number, Task::Denoise, &energies, level, payload),
                    Purpose::Outliers if self.asked.outliers == Some(number) => {
                        let (held_out, map) = (self.held_out(), payload);
                        // The chosen picture comes before those beside it.
                        let whole = bits.is_empty() || bits.len() == energies.len();
                        self.outliers.judge(&Answer { energies, slopes, unusual, bits, map }, &held_out)?;
                        if !whole {
                            return Ok(());
                        }
                        self.asked.outliers = None;
                        let chosen = self.shelf.picture(self.shelf.chosen()).values;
                        self.judged = Some((self.loading.number, chosen));
                        self.outliers_judged()?;
                        status::set_data("judged", "done")
                    }
                    Purpose::Row { map, row } if self.asked.row == Some(number) => {
                        self.asked.row = None;
                        self.map.take(map, row, energies)?;
                        self.ask_for_row()
                    }
                    Purpose::Outliers | Purpose::Row { .. } => Ok(()),
                }
            }
            FromEngine::Compared { number, belongings } if self.asked.models == Some(number) => {
                self.compared(&belongings)
            }
            FromEngine::Stepped(_)
            | FromEngine::Finished { .. }
            | FromEngine::Cancelled(_)
            | FromEngine::Compared { .. } => Ok(()),
            FromEngine::Framed { animation, done, file } => self.framed(animation, done, file),
            FromEngine::Toy(report) => {
                if report.number != self.toy.number {
                    return Ok(());
                }
                toy::show(&report, &payload)?;
                self.toy.trains = report.walked.0 < report.walked.1;
                if self.toy.trains {
                    return Ok(());
                }
                self.learned(Task::Landscape, Goal::Toy)?;
                status::set_data("toy", "done")
            }
            FromEngine::Failed { work, message } => self.failed(work, &message),
        }
    }
}
