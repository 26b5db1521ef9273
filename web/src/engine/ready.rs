//! A model at work.

use std::{cell::Cell, future::Future, pin::pin, rc::Rc};

use burn::tensor::{Device, Tensor};
use shared::{
    model::{Model, ModelError, Probe},
    network::Frame,
};
use web::{
    Backend,
    messages::{FromEngine, Work},
    texts,
};

use crate::link;

/// A model that has passed its self-test.
pub struct Ready {
    /// The model.
    pub model: Model,
    /// Where it computes.
    pub device: Device,
    /// Which kind of device that is.
    pub backend: Backend,
    /// How its pictures lie in what the network sees.
    pub frame: Frame,
    /// What is special about a GPU.
    pub gpu: Option<OnGpu>,
    /// Milliseconds that a picture's energy gradient takes.
    pub pace: Cell<f64>,
}

/// What is to be known of a model on a GPU.
pub struct OnGpu {
    /// What the processor makes of the self-test's input.
    pub trusted: Vec<Probe>,
    /// The largest buffer that a kernel can see, in bytes.
    pub largest_buffer: u64,
    /// Milliseconds after which an answer is not waited for any more.
    pub answers_within: f64,
    /// Hands the device nothing to do.
    pub nudge: Rc<dyn Fn()>,
}

impl Ready {
    /// Milliseconds that a picture's energy gradient takes, as far as it is known.
    pub fn pace(&self) -> f64 {
        self.pace.get()
    }

    /// Notes how long energy gradients of so many pictures took.
    pub fn note_pace(&self, milliseconds: f64, pictures: usize) {
        let now = milliseconds / pictures.max(1) as f64;
        let before = self.pace.get();
        self.pace.set(if before > 0.0 { 0.8 * before + 0.2 * now } else { now });
    }

    /// Milliseconds for which a helper's answer is waited for that takes so many energy gradients: ten times what it should.
    pub fn patience(&self, gradients: usize) -> f64 {
        5000.0 + 10.0 * self.pace() * gradients as f64
    }

    /// How many pictures suit the device at a time.
    pub fn batch_size(&self) -> usize {
        /// Milliseconds of work between looks at the page's messages, on a processor; on a GPU, which a browser stops after
        /// ten seconds.
        const STRETCHES: [f64; 2] = [40.0, 500.0];
        /// More would not stay in a processor's caches, and gain a GPU nothing.
        const MOST: [f64; 2] = [16.0, 64.0];
        /// Fewer would leave most of a GPU idle.
        const FEWEST: [f64; 2] = [1.0, 4.0];
        let kind = usize::from(self.gpu.is_some());
        let size = (STRETCHES[kind] / self.pace().max(0.1)).clamp(FEWEST[kind], MOST[kind]);
        let Some(gpu) = &self.gpu else { return size as usize };
        let network = &self.model.manifest.network;
        // The widest activation, with room for what kernels keep beside it.
        let widest = 16 * network.width * network.image_size.pow(2);
        let fitting = (gpu.largest_buffer as f64 / widest as f64).max(1.0);
        size.min(fitting) as usize
    }

    /// Whether a GPU still computes what the processor does. Some do only the first time.
    ///
    /// # Errors
    /// It does not, or cannot be read.
    pub async fn check(&self) -> Result<(), ModelError> {
        let Some(gpu) = &self.gpu else { return Ok(()) };
        let found = self.wait(self.model.probe(&self.device)).await?;
        found.iter().zip(&gpu.trusted).try_for_each(|(found, trusted)| found.check(trusted))
    }

    /// As [`Ready::check`], in the middle of a run: one that fails does not go on here.
    pub async fn check_again(&self) {
        if let Err(error) = self.check().await {
            lost::<()>(Work::Gpu, texts::gpu_unreliable(error)).await;
        }
    }

    /// Waits for the device.
    pub async fn floats<const D: usize>(&self, tensor: Tensor<D>) -> Vec<f32> {
        match self.wait(tensor.into_data_async()).await {
            Ok(data) => data.iter::<f32>().collect(),
            Err(error) => lost(Work::All, texts::device_stopped(format!("{error:?}"))).await,
        }
    }

    /// Waits for what a GPU does, for some time.
    async fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        let Some(gpu) = &self.gpu else { return work.await };
        // Firefox looks whether work is done when it is given some, and else ten times a second.
        let firefox = link::user_agent().contains("Firefox");
        let every = if firefox { 4.0 } else { 1000.0 };
        let mut work = pin!(work);
        // In parts: a machine that slept does not make it late.
        for _ in 0..(gpu.answers_within / every) as usize {
            if let Some(done) = link::in_time(work.as_mut(), every).await {
                return done;
            }
            (gpu.nudge)();
        }
        lost(Work::Gpu, texts::gpu_silent().to_owned()).await
    }
}

/// Tells the page that this engine is of no use any more, for the page to end it.
async fn lost<T>(work: Work, message: String) -> T {
    link::post(FromEngine::Failed { work, message });
    std::future::pending().await
}
