//! A message between the threads with an array of floats that is handed over, not copied.

use js_sys::{Array, Float32Array};
use serde::{Serialize, de::DeserializeOwned};
use wasm_bindgen::{JsCast, JsValue};

/// A message as it crosses from one thread to the other: a JavaScript array of the message as JSON and the floats.
#[derive(Clone, Debug)]
pub struct Envelope<M> {
    /// The message.
    pub message: M,
    /// The floats that belong to it, none for most messages.
    pub payload: Vec<f32>,
}

impl<M> From<M> for Envelope<M> {
    fn from(message: M) -> Self {
        Self { message, payload: Vec::new() }
    }
}

impl<M: Serialize + DeserializeOwned> Envelope<M> {
    /// The value to post and the list of buffers to transfer with it.
    ///
    /// # Errors
    /// The message has no JSON form.
    pub fn pack(&self) -> Result<(JsValue, JsValue), String> {
        let json = serde_json::to_string(&self.message).map_err(|error| error.to_string())?;
        let floats = Float32Array::from(self.payload.as_slice());
        let transfer = Array::of1(&floats.buffer());
        Ok((Array::of2(&json.into(), &floats).into(), transfer.into()))
    }

    /// The envelope in a posted value.
    ///
    /// # Errors
    /// The value is of another form.
    pub fn unpack(value: &JsValue) -> Result<Self, String> {
        let parts = value.dyn_ref::<Array>().ok_or("a message that is no array")?;
        let json = parts.get(0).as_string().ok_or("a message without text")?;
        let message = serde_json::from_str(&json).map_err(|error| error.to_string())?;
        let floats = parts.get(1).dyn_into::<Float32Array>().map_err(|_| "a message without its floats")?;
        Ok(Self { message, payload: floats.to_vec() })
    }
}
