//! Times the energy gradient in a browser, for `cargo xtask bench`. The address says of what:
//! `?backend=cpu&preset=unet&width=16&batch=16`. The answer is JSON in `document.body.dataset.result`.

use std::panic;

use burn::tensor::{Device, Distribution, Tensor};
use options::{Activation, Architecture};
use serde_json::json;
use shared::network::{Energy, EnergyNetwork, NetworkConfig};
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// Milliseconds, finer than `Date` has them.
    #[wasm_bindgen(js_namespace = performance)]
    fn now() -> f64;
}

/// Timed repetitions, whose median counts.
const REPETITIONS: usize = 7;
/// Untimed ones before: a GPU's pipelines are built in the first.
const WARM_UP: usize = 2;

fn main() {
    web::run_constructors();
    panic::set_hook(Box::new(|panic| show("error", &panic.to_string())));
    wasm_bindgen_futures::spawn_local(async {
        match bench().await {
            Ok(result) => show("done", &result),
            Err(problem) => show("error", &problem),
        }
    });
}

fn show(state: &str, result: &str) {
    let body = web_sys::window().and_then(|window| window.document()).and_then(|document| document.body());
    if let Some(data) = body.map(|body| body.dataset()) {
        // These names and values are always allowed.
        let _ = data.set("result", result);
        let _ = data.set("state", state);
    }
}

async fn bench() -> Result<String, String> {
    let asked = Asked::from_address()?;
    let device = match asked.backend.as_str() {
        "cpu" => Device::flex(),
        "webgpu" => Device::wgpu_options().init_async().await.map_err(|error| error.to_string())?,
        other => return Err(format!("backend {other}: cpu or webgpu")),
    };
    let network = EnergyNetwork::new(&asked.config, &device).map_err(|error| error.to_string())?;
    let x = Tensor::<4>::random(asked.config.batch_shape(asked.batch), Distribution::Default, &device);
    let mut times = Vec::new();
    for repetition in 0..WARM_UP + REPETITIONS {
        let begun = now();
        let (_, gradient) = network.energy_and_gradient(x.clone());
        gradient.into_data_async().await.map_err(|error| format!("{error:?}"))?;
        if repetition >= WARM_UP {
            times.push(now() - begun);
        }
    }
    times.sort_by(f64::total_cmp);
    let images_per_second = 1000.0 * asked.batch as f64 / times[REPETITIONS / 2];
    let parameters: usize = network.parameters().iter().map(|p| p.shape.iter().product::<usize>()).sum();
    Ok(json!({ "parameters": parameters, "images_per_second": images_per_second }).to_string())
}

/// What the address asks for.
struct Asked {
    backend: String,
    config: NetworkConfig,
    batch: usize,
}

impl Asked {
    fn from_address() -> Result<Self, String> {
        let search = web_sys::window().and_then(|window| window.location().search().ok()).unwrap_or_default();
        let value = |name: &str| {
            let found = form_urlencoded::parse(search.trim_start_matches('?').as_bytes()).find(|(key, _)| key == name);
            found.map(|(_, value)| value.into_owned()).ok_or_else(|| format!("the address has no {name}"))
        };
        let number = |name: &str| value(name)?.parse::<usize>().map_err(|error| format!("{name}: {error}"));
        let (preset, activation) = match value("preset")?.as_str() {
            "unet" => (Architecture::Unet, Activation::Silu),
            "res12" => (Architecture::Res12, Activation::Elu),
            other => return Err(format!("preset {other}: unet or res12")),
        };
        let config = NetworkConfig {
            preset,
            scales: None,
            width: number("width")?,
            channels: 1,
            image_size: 32,
            activation,
            sigma_0: 0.1,
        };
        Ok(Self { backend: value("backend")?, config, batch: number("batch")? })
    }
}
