//! The engine's end of the line to the page.

use js_sys::{Promise, global};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web::{
    Envelope,
    messages::{FromEngine, ToEngine},
};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}

/// Sends a message to the page.
pub fn post(envelope: impl Into<Envelope<FromEngine>>) {
    // Both can only fail on values that cannot be copied between threads, which text and floats can.
    if let Ok((value, transfer)) = envelope.into().pack() {
        let _ = scope().post_message_with_transfer(&value, &transfer);
    }
}

/// Has every message from the page handled, for the rest of the worker's life.
pub fn listen(mut handle: impl FnMut(Envelope<ToEngine>) + 'static) {
    let closure =
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| match Envelope::unpack(&event.data()) {
            Ok(envelope) => handle(envelope),
            Err(problem) => {
                let message = format!("The page and its engine do not fit together ({problem}). Reload the page.");
                post(FromEngine::Failed { message, alive: true });
            }
        });
    scope().set_onmessage(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
}

/// Lets the page say that the engine panicked: after a panic this worker answers no more.
pub fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let text = panic.to_string();
        let reason = text.lines().nth(1).unwrap_or(&text);
        let message = format!("The engine stopped on an internal error: {reason}.");
        post(FromEngine::Failed { message, alive: false });
    }));
}

/// Lets the browser deliver waiting messages, by waiting for a message to itself: it comes after those that wait
/// already. Promises would come before them, and timers that follow each other are held back for milliseconds.
pub async fn breathe() {
    if let Ok(channel) = MessageChannel::new() {
        let delivered = Promise::new(&mut |resolve, _| channel.port1().set_onmessage(Some(&resolve)));
        if channel.port2().post_message(&JsValue::NULL).is_ok() {
            // A resolved promise: nothing in it can fail.
            let _ = JsFuture::from(delivered).await;
        }
        channel.port1().close();
    }
}
