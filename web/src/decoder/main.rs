//! The decoder: it runs in a worker of its own and makes pictures of the visitor's files, by the same code as the trainer.
//! A photograph takes hundreds of megabytes while it is decoded; they go when the page ends the worker.
//!
//! The page posts an array of a file, a side and a number of channels, and hears of each [`Decoded`].

use js_sys::{Array, Uint8Array, global};
use user_files::pictures;
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::{JsFuture, spawn_local};
use web::{Decoded, Envelope};
use web_sys::{Blob, DedicatedWorkerGlobalScope, MessageEvent};

fn main() {
    let closure = Closure::<dyn FnMut(MessageEvent)>::new(|event: MessageEvent| {
        spawn_local(async move {
            let answer = match read(&event.data()).await {
                Ok(values) => Envelope { message: Decoded::Picture, payload: values },
                Err(problem) => Decoded::Refused(problem).into(),
            };
            post(&answer);
        });
    });
    scope().set_onmessage(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
    post(&Decoded::Started.into());
}

/// The values `[H, W, C]` of the middle of a picture.
async fn read(asked: &JsValue) -> Result<Vec<f32>, String> {
    let unreadable = |_| "it cannot be read".to_owned();
    let parts: &Array = asked.unchecked_ref();
    let number = |index| parts.get(index).as_f64().unwrap_or_default() as usize;
    let (file, side, channels) = (parts.get(0).unchecked_into::<Blob>(), number(1), number(2));
    let buffer = JsFuture::from(file.array_buffer()).await.map_err(unreadable)?;
    let bytes = Uint8Array::new(&buffer).to_vec();
    // The browser's copy of the file is not needed while it is decoded.
    drop(buffer);
    let decoded = pictures::decode(&bytes)?;
    drop(bytes);
    let fitted = pictures::fit(&decoded, side, side);
    let bytes = pictures::interleaved(&fitted, channels).ok_or("the model takes neither grey nor colour")?;
    Ok(bytes.into_iter().map(|byte| f32::from(byte) / 255.0).collect())
}

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}

fn post(answer: &Envelope<Decoded>) {
    // Both can only fail on values that cannot be copied between threads, which text and floats can.
    if let Ok((value, transfer)) = answer.pack() {
        let _ = scope().post_message_with_transfer(&value, &transfer);
    }
}
