//! Some chains of a run, on this thread.

use std::{ops::Range, rc::Rc};

use burn::tensor::{Tensor, TensorData};
use js_sys::Date;
use shared::sampling::Chains;
use web::messages::Run;

use crate::{
    chains::{batches, energy},
    link::Breath,
    ready::Ready,
};

/// What chains report.
#[derive(Clone, Debug, Default)]
pub struct Reading {
    /// The energy of each where it is, or of its picture; none before the first step.
    pub energies: Vec<f32>,
    /// Where they are, or the pictures that they come to, `[N, H, W, C]`.
    pub pixels: Vec<f32>,
    /// All that another part would need to go on exactly so; none where nobody asks.
    pub snapshot: Vec<f32>,
}

/// Chains that go on together, a batch after the other.
pub struct Part {
    ready: Rc<Ready>,
    run: Run,
    batches: Vec<Chains>,
}

impl Part {
    /// These chains of a run, where they begin. `payload` is that of the run, with where these chains are if steps are
    /// done.
    ///
    /// # Errors
    /// The payload is not what the run needs.
    pub fn new(ready: Rc<Ready>, run: Run, chains: Range<usize>, payload: Vec<f32>) -> Result<Self, String> {
        let batches = batches(&ready, &run, chains, payload)?;
        Ok(Self { ready, run, batches })
    }

    /// The same chains as they were at a snapshot after so many steps.
    ///
    /// # Errors
    /// It is one of other chains.
    pub fn restored(mut self, snapshot: &[f32], done: usize) -> Result<Self, String> {
        let ready = Rc::clone(&self.ready);
        let energy = energy(&ready, &self.run);
        let network = &ready.model.manifest.network;
        let length = network.batch_shape(1).iter().product::<usize>();
        let chains: usize = self.batches.iter().map(Chains::count).sum();
        let (x, before) = snapshot.split_at_checked(chains * length).ok_or("a snapshot of other chains")?;
        let mut first = 0;
        for batch in &mut self.batches {
            let (count, range) = (batch.count(), first..first + batch.count() * length);
            let tensor = |values: &[f32]| {
                Tensor::from_data(TensorData::new(values.to_vec(), network.batch_shape(count)), &ready.device)
            };
            first = range.end;
            let x = tensor(&x[range.clone()]);
            *batch = batch.clone().restored((x, before.get(range).map(tensor)), done, &energy);
        }
        Ok(self)
    }

    /// All that another part would need to go on exactly as this one: where all chains are, then where their last step
    /// found them if the next one looks at it.
    pub async fn snapshot(&self) -> Vec<f32> {
        let (x, before): (Vec<_>, Vec<_>) = self.batches.iter().map(Chains::snapshot).unzip();
        let all: Vec<Tensor<4>> = x.into_iter().chain(before.into_iter().flatten()).collect();
        self.ready.floats(Tensor::cat(all, 0)).await
    }

    /// The number of the run.
    pub fn number(&self) -> u32 {
        self.run.number
    }

    /// Where the chains are.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn state(&self) -> Result<Reading, String> {
        self.read(Vec::new(), self.batches.iter().map(Chains::state).collect()).await
    }

    /// Does so many steps and says where the chains are; nothing if it is not wanted any more.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn advance(&mut self, steps: usize, wanted: impl Fn() -> bool) -> Result<Option<Reading>, String> {
        let ready = Rc::clone(&self.ready);
        let energy = energy(&ready, &self.run);
        let mut breath = Breath::default();
        let mut energies = Vec::new();
        for _ in 0..steps {
            energies.clear();
            for batch in &mut self.batches {
                let begun = Date::now();
                let step = batch.step(&energy);
                energies.extend(step.map(|step| step.energies));
                if ready.gpu.is_none() {
                    ready.note_pace(Date::now() - begun, batch.count());
                }
                breath.take().await;
                if !wanted() {
                    return Ok(None);
                }
            }
        }
        let states = self.batches.iter().map(Chains::state).collect();
        self.read(energies, states).await.map(Some)
    }

    /// The pictures that the chains come to; nothing if they are not wanted any more.
    ///
    /// # Errors
    /// What went wrong and what to do, in sentences.
    pub async fn finish(&self, wanted: impl Fn() -> bool) -> Result<Option<Reading>, String> {
        let energy = energy(&self.ready, &self.run);
        let mut breath = Breath::default();
        let (mut pictures, mut energies) = (Vec::new(), Vec::new());
        for batch in &self.batches {
            // The model's own energies of the very pictures that are shown.
            let frame = self.ready.frame;
            let picture = frame.add(frame.remove(batch.finish(&energy).clamp(0.0, 1.0)));
            energies.push(self.ready.model.network.energy(picture.clone()));
            pictures.push(picture);
            breath.take().await;
            if !wanted() {
                return Ok(None);
            }
        }
        self.read(energies, pictures).await.map(Some)
    }

    async fn read(&self, energies: Vec<Tensor<1>>, pictures: Vec<Tensor<4>>) -> Result<Reading, String> {
        let (energies, pixels) = self.ready.read(energies, pictures).await?;
        Ok(Reading { energies, pixels, snapshot: Vec::new() })
    }
}
