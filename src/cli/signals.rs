//! Ctrl-C once: a clean stop. Ctrl-C twice: out at once; what was committed stays. SIGTERM counts as the first.

use tokio_util::sync::CancellationToken;

use super::exit::Exit;
use super::output::Output;

/// Watches for signals as long as the runtime lives.
pub fn watch(stop: CancellationToken, output: Output) {
    let Ok(mut signals) = Signals::new() else {
        return output.warn("Ctrl-C cannot be watched for here; it ends the program at once");
    };
    tokio::spawn(async move {
        while let Some(signal) = signals.next().await {
            tracing::info!(target: super::logging::SAID, ?signal, "asked to stop");
            if !stop.is_cancelled() {
                output.note("\nstopping cleanly: finishing what is being committed (Ctrl-C again: stop at once)");
                stop.cancel();
            } else if signal == Signal::Interrupt {
                output.raw("\nstopped at once; everything committed is safe\n");
                std::process::exit(Exit::Interrupted.code().into());
            }
        }
    });
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Signal {
    Interrupt,
    #[cfg(unix)]
    Terminate,
}

/// The signals that stop. Made once, so that none is missed between two.
struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) -> Option<Signal> {
        tokio::select! {
            found = self.interrupt.recv() => found.map(|()| Signal::Interrupt),
            found = self.terminate.recv() => found.map(|()| Signal::Terminate),
        }
    }
}

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self {})
    }

    async fn next(&mut self) -> Option<Signal> {
        tokio::signal::ctrl_c().await.ok().map(|()| Signal::Interrupt)
    }
}
