//! The devices that Burn computes on here.

use std::{pin::pin, rc::Rc};

use burn::tensor::Device;
use js_sys::{Reflect, global};
use wasm_bindgen::{JsCast, JsValue, prelude::wasm_bindgen};
use web::texts;

use crate::link;

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

/// Milliseconds in which a GPU is there, or is none.
const ACQUIRE_WITHIN: f64 = 15_000.0;

/// The GPU, once it was started.
#[derive(Default)]
pub struct Gpu(Option<Result<GpuDevice, String>>);

/// A GPU that is there.
#[derive(Clone)]
pub struct GpuDevice {
    /// As Burn sees it.
    pub device: Device,
    /// The largest buffer that a kernel can see, in bytes.
    pub largest_buffer: u64,
    /// Hands the device nothing to do: Firefox looks whether work is done when work comes, and else ten times a second.
    pub nudge: Rc<dyn Fn()>,
}

/// Why a GPU cannot be had, as the end of a sentence.
pub enum NoDevice {
    /// There is none.
    Absent(&'static str),
    /// There is one that does not work.
    Broken(String),
}

impl Gpu {
    /// The GPU as Burn sees it. Burn can be given it only once, so the answer is kept. A program that computes in place of
    /// a GPU is taken only if that is asked for.
    ///
    /// # Errors
    /// Why there is none, as the end of a sentence.
    pub async fn device(&mut self, even_software: bool) -> Result<GpuDevice, NoDevice> {
        if self.0.is_none() {
            let late = || NoDevice::Broken(texts::gpu_late().to_owned());
            let adapter = link::in_time(pin!(adapter()), ACQUIRE_WITHIN).await.ok_or_else(late)??;
            if is_software(&adapter) && !even_software {
                return Err(NoDevice::Absent(texts::software_gpu()));
            }
            let started = link::in_time(pin!(start()), ACQUIRE_WITHIN).await;
            self.0 = Some(started.unwrap_or_else(|| Err(texts::gpu_late().to_owned())));
        }
        self.0.clone().unwrap_or_else(|| Err(texts::gpu_not_asked().to_owned())).map_err(NoDevice::Broken)
    }

    /// Never asks the GPU again.
    pub fn give_up(&mut self, reason: &str) {
        self.0 = Some(Err(reason.to_owned()));
    }
}

/// In our own words: Burn panics where there is none.
async fn adapter() -> Result<JsValue, NoDevice> {
    let gpu = global().unchecked_into::<Scope>().navigator().gpu();
    let gpu = gpu.ok_or_else(|| NoDevice::Absent(texts::no_webgpu()))?;
    let adapter = gpu.request_adapter().await.ok().filter(JsValue::is_truthy);
    adapter.ok_or_else(|| NoDevice::Absent(texts::no_gpu()))
}

async fn start() -> Result<GpuDevice, String> {
    let started = Device::wgpu_options().init_with_setup_async().await;
    let (device, setup) = started.map_err(texts::gpu_not_started)?;
    let largest_buffer = setup.device.limits().max_storage_buffer_binding_size;
    let nudge = Rc::new(move || {
        setup.queue.submit(std::iter::empty());
    });
    Ok(GpuDevice { device, largest_buffer, nudge })
}

/// Whether an adapter is a program: it says so itself, or has the name of one.
fn is_software(adapter: &JsValue) -> bool {
    const NAMES: [&str; 4] = ["swiftshader", "llvmpipe", "lavapipe", "basic render"];
    let of = |object: &JsValue, key: &str| Reflect::get(object, &key.into()).unwrap_or(JsValue::UNDEFINED);
    let info = of(adapter, "info");
    if [adapter, &info].iter().any(|object| of(object, "isFallbackAdapter").is_truthy()) {
        return true;
    }
    ["vendor", "architecture", "device", "description"].iter().any(|key| {
        let text = of(&info, key).as_string().unwrap_or_default().to_lowercase();
        NAMES.iter().any(|name| text.contains(name))
    })
}
