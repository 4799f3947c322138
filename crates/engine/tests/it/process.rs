//! A part of the engine as if in a process of its own: it can be asked to stop, and it can be killed.

use std::time::{Duration, Instant};

use tokio::{
    runtime::{Builder, Runtime},
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

use crate::world::PATIENCE;

/// See the module. Killed when dropped.
#[must_use = "it ends when it is dropped"]
pub(crate) struct Process {
    runtime: Option<Runtime>,
    stop: CancellationToken,
    work: JoinHandle<()>,
}

impl Process {
    pub(crate) fn start<F: Future<Output = ()> + Send + 'static>(
        part: impl FnOnce(CancellationToken) -> F + Send + 'static,
    ) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let stop = CancellationToken::new();
        let work = runtime.spawn(part(stop.clone()));
        Self { runtime: Some(runtime), stop, work }
    }

    /// Ends it where it stands: whatever it has in hand is dropped.
    pub(crate) fn kill(self) {}

    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> Duration {
        let asked = Instant::now();
        self.stop.cancel();
        tokio::time::timeout(PATIENCE, &mut self.work).await.expect("it stops when asked").unwrap();
        asked.elapsed()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
