//! How long tests wait for browsers.

use std::time::{Duration, Instant};

use anyhow::Result;

/// How many times longer a thing may take than on a quiet machine: another browser may have the processors. Only a test that
/// fails waits for so long.
const PATIENCE: u32 = 3;

/// Asks until there is an answer, and gives it; nothing if none comes within three times so many seconds.
///
/// # Errors
/// It cannot be asked.
pub async fn until<T>(seconds: u64, mut ask: impl AsyncFnMut() -> Result<Option<T>>) -> Result<Option<T>> {
    let begin = Instant::now();
    loop {
        let answer = ask().await?;
        if answer.is_some() || begin.elapsed() > PATIENCE * Duration::from_secs(seconds) {
            return Ok(answer);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
