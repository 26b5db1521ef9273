//! Animations of runs as files. They are written here, for the page's thread would stand still meanwhile.

use js_sys::{Array, Uint8Array};
use wasm_bindgen::JsValue;
use web::{
    Animation, Pictures,
    messages::{Frame, FromEngine},
    texts,
};
use web_sys::{Blob, BlobPropertyBag, Url};

/// The animation that is being written, with its number.
#[derive(Default)]
pub struct Film(Option<(u32, Animation)>);

impl Film {
    /// Writes a frame. The first one begins another file.
    ///
    /// # Errors
    /// What is wrong, as a sentence.
    pub fn add(&mut self, frame: &Frame, values: Vec<f32>) -> Result<FromEngine, String> {
        let sentence = |problem: String| texts::animation_unsaved(problem);
        let pictures = Pictures { side: frame.side, channels: frame.channels, values };
        if frame.index == 0 {
            let animation = Animation::begin(frame.count, &pictures, &frame.settings).map_err(sentence)?;
            self.0 = Some((frame.animation, animation));
        }
        let (number, mut animation) = self.0.take().ok_or_else(|| sentence(texts::animation_not_begun().to_owned()))?;
        animation.add(&pictures).map_err(sentence)?;
        let done = frame.index + 1;
        let mut file = None;
        if done < frame.count {
            self.0 = Some((number, animation));
        } else {
            let bytes = animation.finish().map_err(sentence)?;
            file = Some(address(&bytes).map_err(|error| sentence(format!("{error:?}")))?);
        }
        Ok(FromEngine::Framed { animation: frame.animation, done, file })
    }
}

fn address(file: &[u8]) -> Result<String, JsValue> {
    let options = BlobPropertyBag::new();
    options.set_type("image/png");
    let parts = Array::of1(&Uint8Array::from(file));
    Url::create_object_url_with_blob(&Blob::new_with_u8_array_sequence_and_options(&parts, &options)?)
}
