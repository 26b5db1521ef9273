//! The page's end of the line to the decoder, which makes pictures of files.

use js_sys::{Array, Promise};
use wasm_bindgen::{JsCast, JsValue};
use web::{Decoded, Envelope, Pictures, texts};
use web_sys::{File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::dom::{self, Result};

/// The file that trunk writes for the worker, beside the page.
const SCRIPT: &str = "./decoder_loader.js";

/// Milliseconds that a first and a second worker have to start. One that was never heard of keeps nobody waiting.
const STARTS_WITHIN: [i32; 2] = [15_000, 120_000];

/// Milliseconds that a picture may take. A large photograph takes a slow phone some seconds.
const READS_WITHIN: i32 = 120_000;

/// A worker with the decoder in it; it ends when this is dropped, and gives its memory back.
struct Decoder(Worker);

impl Decoder {
    /// Starts a worker, and another one if it does not come.
    async fn start() -> std::result::Result<Self, String> {
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let mut problem = String::new();
        for within in STARTS_WITHIN {
            let decoder = Self(Worker::new_with_options(SCRIPT, &options).map_err(|_| texts::no_worker())?);
            match decoder.hear(within, |_| Ok(())).await {
                Ok(_) => return Ok(decoder),
                Err(why) => problem = why,
            }
        }
        Err(problem)
    }

    /// Does something and waits so many milliseconds for what the decoder says next.
    async fn hear(
        &self,
        within: i32,
        act: impl FnOnce(&Worker) -> Result<()>,
    ) -> std::result::Result<Envelope<Decoded>, String> {
        let heard = Promise::new(&mut |resolve, reject| {
            self.0.set_onmessage(Some(&resolve));
            self.0.set_onerror(Some(&reject));
        });
        act(&self.0).map_err(|_| texts::not_handed_over().to_owned())?;
        // An error is a program that did not come, or that has ended for want of memory.
        let failed = |why: JsValue| if why.is_undefined() { texts::decoder_late() } else { texts::no_decoder() };
        let message = dom::within(within, &heard).await.map_err(|why| failed(why).to_owned())?;
        Envelope::unpack(&message.unchecked_into::<MessageEvent>().data())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.0.set_onmessage(None);
        self.0.set_onerror(None);
        self.0.terminate();
    }
}

/// Why there is no picture: a sentence that names the file.
pub enum Problem {
    Picture(String),
    /// No decoder starts, for this picture or any other.
    Decoder(String),
}

/// The middle of a picture file as a picture of this side and so many channels.
///
/// # Errors
/// The file is none, or there is no decoder.
pub async fn picture(file: &File, side: usize, channels: usize) -> std::result::Result<Pictures, Problem> {
    let named = |problem| texts::file_unusable(file.name(), problem);
    if file.size() > user_files::MAX_BYTES as f64 {
        return Err(Problem::Picture(named(texts::file_too_large(user_files::MAX_BYTES >> 20))));
    }
    let decoder = Decoder::start().await.map_err(|problem| Problem::Decoder(named(problem)))?;
    let read = async {
        let asked = Array::of3(file, &(side as u32).into(), &(channels as u32).into());
        let Envelope { message, payload } = decoder.hear(READS_WITHIN, |worker| worker.post_message(&asked)).await?;
        match message {
            Decoded::Picture => Ok(Pictures { side, channels, values: payload }),
            Decoded::Refused(problem) => Err(problem),
            Decoded::Started => Err(texts::no_answer().to_owned()),
        }
    };
    read.await.map_err(|problem| Problem::Picture(named(problem)))
}
