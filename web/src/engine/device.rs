//! The devices that Burn computes on here.

use burn::tensor::Device;
use js_sys::global;
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};

#[wasm_bindgen]
extern "C" {
    type Scope;
    #[wasm_bindgen(method, getter)]
    fn navigator(this: &Scope) -> Navigator;

    type Navigator;
    #[wasm_bindgen(method, getter)]
    fn gpu(this: &Navigator) -> Option<Gpu_>;

    #[wasm_bindgen(js_name = GPU)]
    type Gpu_;
    #[wasm_bindgen(method, catch, js_name = requestAdapter)]
    async fn request_adapter(this: &Gpu_) -> Result<JsValue, JsValue>;
}

/// The GPU, once somebody has asked for it.
#[derive(Default)]
pub struct Gpu(Option<Result<Device, String>>);

impl Gpu {
    /// The GPU as Burn sees it. Burn can be given it only once, so the answer is kept.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    pub async fn device(&mut self) -> Result<Device, String> {
        if self.0.is_none() {
            self.0 = Some(acquire().await);
        }
        self.0.clone().unwrap_or_else(|| Err("it was not asked for".to_owned()))
    }
}

async fn acquire() -> Result<Device, String> {
    // First in our own words: Burn panics where there is no adapter.
    let gpu = global().unchecked_into::<Scope>().navigator().gpu().ok_or("this browser has no WebGPU here")?;
    let adapter = gpu.request_adapter().await;
    if adapter.is_ok_and(|adapter| adapter.is_truthy()) {
        Device::wgpu_options().init_async().await.map_err(|error| format!("the GPU could not be started ({error})"))
    } else {
        Err("this browser offers no GPU".to_owned())
    }
}
