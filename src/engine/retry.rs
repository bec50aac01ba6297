//! Retries of transient errors: backoff with jitter, and always an end.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBuilder};

use super::progress::Progress;
use crate::error::{Error, Policy};
use crate::pipeline::resolved::Settings;

/// The pauses for one operation, ending after `max_retries` or `max_retry_time`.
pub(super) fn pauses(settings: &Settings) -> impl Iterator<Item = Duration> + Send + use<> {
    ExponentialBuilder::default()
        .with_jitter()
        .with_min_delay(Duration::from_millis(20))
        .with_max_delay(Duration::from_secs(5))
        .with_max_times(settings.max_retries)
        .with_total_delay(Some(settings.max_retry_time))
        .build()
}

/// Waits before another try of an operation that failed, or gives the error back when it is not worth one.
pub(super) async fn pause(
    error: Error,
    pauses: &mut (impl Iterator<Item = Duration> + Send),
    progress: &dyn Progress,
) -> Result<(), Error> {
    if error.kind().policy() != Policy::Retry {
        return Err(error);
    }
    let Some(pause) = pauses.next() else { return Err(error) };
    progress.message(&format!("{error}; trying again in {} ms", pause.as_millis()));
    tokio::time::sleep(pause).await;
    Ok(())
}
