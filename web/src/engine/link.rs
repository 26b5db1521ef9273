//! The worker's end of the line to who started it.

use std::{future::Future, pin::pin};

use futures::future::{Either, select};
use js_sys::{Date, Promise, Reflect, global};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue, prelude::Closure};
use wasm_bindgen_futures::JsFuture;
use web::{Envelope, messages::FromEngine};
use web_sys::{DedicatedWorkerGlobalScope, MessageChannel, MessageEvent};

fn scope() -> DedicatedWorkerGlobalScope {
    global().unchecked_into()
}

/// Sends a message to who started this worker: the page, or the engine whose helper this is.
pub fn send<M: Serialize + DeserializeOwned>(envelope: impl Into<Envelope<M>>) {
    // Both can only fail on values that cannot be copied between threads, which text and floats can.
    if let Ok((value, transfer)) = envelope.into().pack() {
        let _ = scope().post_message_with_transfer(&value, &transfer);
    }
}

/// Sends a message to the page.
pub fn post(envelope: impl Into<Envelope<FromEngine>>) {
    send::<FromEngine>(envelope);
}

/// Has every message handled, for the rest of the worker's life; one that is none is answered by what `broken` makes of
/// the problem.
pub fn listen<M, A>(mut handle: impl FnMut(Envelope<M>) + 'static, broken: impl Fn(String) -> A + 'static)
where
    M: Serialize + DeserializeOwned,
    A: Serialize + DeserializeOwned + Into<Envelope<A>>,
{
    let closure =
        Closure::<dyn FnMut(MessageEvent)>::new(move |event: MessageEvent| match Envelope::unpack(&event.data()) {
            Ok(envelope) => handle(envelope),
            Err(problem) => send::<A>(broken(problem)),
        });
    scope().set_onmessage(Some(closure.as_ref().unchecked_ref()));
    closure.forget();
}

/// Lets it be told that the program panicked, as what `broken` makes of the reason: after a panic this worker answers no
/// more.
pub fn report_panics<A>(broken: impl Fn(&str) -> A + Send + Sync + 'static)
where
    A: Serialize + DeserializeOwned + Into<Envelope<A>>,
{
    std::panic::set_hook(Box::new(move |panic| {
        let text = panic.to_string();
        send::<A>(broken(text.lines().nth(1).unwrap_or(&text)));
    }));
}

/// What this worker was called by who started it.
pub fn name() -> String {
    scope().name()
}

/// What the browser says of itself.
pub fn user_agent() -> String {
    of_navigator("userAgent").as_string().unwrap_or_default()
}

/// How many processors the browser says there are.
pub fn processors() -> usize {
    of_navigator("hardwareConcurrency").as_f64().map_or(1, |count| count as usize)
}

fn of_navigator(key: &str) -> JsValue {
    let navigator = Reflect::get(&global(), &"navigator".into());
    navigator.and_then(|navigator| Reflect::get(&navigator, &key.into())).unwrap_or(JsValue::UNDEFINED)
}

/// Waits for so many milliseconds.
pub async fn after(milliseconds: f64) {
    let passed = Promise::new(&mut |resolve, _| {
        // At worst nothing has to be waited for.
        let time = milliseconds.clamp(0.0, f64::from(i32::MAX)) as i32;
        if scope().set_timeout_with_callback_and_timeout_and_arguments_0(&resolve, time).is_err() {
            let _ = resolve.call0(&JsValue::NULL);
        }
    });
    // Nothing rejects it.
    let _ = JsFuture::from(passed).await;
}

/// What comes within so many milliseconds.
pub async fn in_time<T>(work: impl Future<Output = T> + Unpin, milliseconds: f64) -> Option<T> {
    match select(work, pin!(after(milliseconds))).await {
        Either::Left((done, _)) => Some(done),
        Either::Right(_) => None,
    }
}

/// Looks at waiting messages now and then.
pub struct Breath(f64);

impl Default for Breath {
    fn default() -> Self {
        Self(Date::now())
    }
}

impl Breath {
    /// Milliseconds of work after which messages are looked at.
    const EVERY: f64 = 30.0;

    /// Has waiting messages delivered if it is time.
    pub async fn take(&mut self) {
        if Date::now() - self.0 > Self::EVERY {
            breathe().await;
            self.0 = Date::now();
        }
    }
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
