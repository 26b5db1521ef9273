//! How a test keeps pace with the page, however quick or slow the machine: by what happens, not by the clock.

use anyhow::{Context, Result};

use crate::page::Page;

/// Has a worker wait until a test opens the gate, see [`Page::open_gate`]: whatever a test does before takes as long as
/// it takes.
pub const GATE: &str = "await new Promise((go) => {
    const gate = new BroadcastChannel('gate');
    gate.onmessage = () => { gate.postMessage('open'); go(); };
})";

impl Page<'_> {
    /// Opens the [`GATE`] that a worker waits at or will come to.
    ///
    /// # Errors
    /// No worker comes to it within half a minute.
    pub async fn open_gate(&self) -> Result<()> {
        // Again and again: what is said before the worker listens is lost.
        const KNOCK: &str = "const [done] = arguments;
            const gate = new BroadcastChannel('gate');
            const knocking = setInterval(() => gate.postMessage(''), 20);
            gate.onmessage = () => { clearInterval(knocking); gate.close(); done(); };";
        self.ask(KNOCK).await.map(drop)
    }

    /// Starts a run and has the page hold it as soon as it has done so many steps, however quick the run and however slow
    /// the test.
    ///
    /// # Errors
    /// It is not held within three minutes.
    pub async fn start_and_pause(&self, step: usize) -> Result<()> {
        const START: &str = "const [step] = arguments;
            new MutationObserver((_, observer) => {
                const { state, step: done } = document.body.dataset;
                if (state !== 'running' || Number(done) < step) return;
                observer.disconnect();
                document.getElementById('pause').click();
            }).observe(document.body, { attributes: true });
            document.getElementById('start').click();";
        self.script(START, vec![step.into()]).await?;
        self.wait_for_data("paused", "1", 60).await
    }

    /// The longest time in milliseconds, within two seconds, that the page's thread did not come round.
    ///
    /// # Errors
    /// The browser does not answer.
    pub async fn longest_gap(&self) -> Result<f64> {
        const MEASURE: &str = "const [done] = arguments;
            const begin = performance.now();
            let last = begin, longest = 0;
            const tick = () => {
                const now = performance.now();
                longest = Math.max(longest, now - last);
                last = now;
                now - begin < 2000 ? setTimeout(tick) : done(longest);
            };
            tick();";
        self.ask(MEASURE).await?.as_f64().context("no time")
    }
}
