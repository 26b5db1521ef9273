//! The page's end of the line to the decoder, which makes pictures of files.

use js_sys::{Array, Promise};
use wasm_bindgen_futures::JsFuture;
use web::{Decoded, Envelope, Pictures, texts};
use web_sys::{File, MessageEvent, Worker, WorkerOptions, WorkerType};

use crate::dom::Result;

/// The file that trunk writes for the worker, beside the page.
const SCRIPT: &str = "./decoder_loader.js";

/// A worker with the decoder in it; it ends when this is dropped, and gives its memory back.
struct Decoder(Worker);

impl Decoder {
    /// Does something and waits for what the decoder says next.
    async fn hear(&self, act: impl FnOnce(&Worker) -> Result<()>) -> std::result::Result<Envelope<Decoded>, String> {
        let heard = Promise::new(&mut |resolve, reject| {
            self.0.set_onmessage(Some(&resolve));
            self.0.set_onerror(Some(&reject));
        });
        act(&self.0).map_err(|_| texts::not_handed_over().to_owned())?;
        // An error is a program that did not come, or that has ended for want of memory.
        let failed = |_| texts::no_decoder().to_owned();
        let message: MessageEvent = wasm_bindgen::JsCast::unchecked_into(JsFuture::from(heard).await.map_err(failed)?);
        Envelope::unpack(&message.data())
    }
}

impl Drop for Decoder {
    fn drop(&mut self) {
        self.0.set_onmessage(None);
        self.0.set_onerror(None);
        self.0.terminate();
    }
}

/// The middle of a picture file as a picture of this side and so many channels.
///
/// # Errors
/// A sentence that names the file.
pub async fn picture(file: &File, side: usize, channels: usize) -> std::result::Result<Pictures, String> {
    let read = async {
        if file.size() > user_files::MAX_BYTES as f64 {
            return Err(texts::file_too_large(user_files::MAX_BYTES >> 20));
        }
        let options = WorkerOptions::new();
        options.set_type(WorkerType::Module);
        let worker = Worker::new_with_options(SCRIPT, &options).map_err(|_| texts::no_worker())?;
        let decoder = Decoder(worker);
        decoder.hear(|_| Ok(())).await?;
        let asked = Array::of3(file, &(side as u32).into(), &(channels as u32).into());
        let Envelope { message, payload } = decoder.hear(|worker| worker.post_message(&asked)).await?;
        match message {
            Decoded::Picture => Ok(Pictures { side, channels, values: payload }),
            Decoded::Refused(problem) => Err(problem),
            Decoded::Started => Err(texts::no_answer().to_owned()),
        }
    };
    read.await.map_err(|problem| texts::file_unusable(file.name(), problem))
}
