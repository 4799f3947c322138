//! A link whose owner can tell whether anybody still uses it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use futures::FutureExt;
use redis::{Cmd, Pipeline, RedisFuture, Value, aio::ConnectionLike};

use super::Link;

/// For a library that is to look at Redis all the time, and might stop. Clones share one pulse.
#[derive(Clone)]
pub struct Pulse {
    link: Link,
    started: Instant,
    /// When the last command was answered, or failed: milliseconds after the start.
    beat: Arc<AtomicU64>,
}

impl Pulse {
    pub(crate) fn of(link: Link) -> Self {
        Self { link, started: Instant::now(), beat: Arc::default() }
    }

    /// For how long no command has come to an end.
    pub fn silent_for(&self) -> Duration {
        self.started.elapsed().saturating_sub(Duration::from_millis(self.beat.load(Ordering::Relaxed)))
    }

    fn beat(&self) {
        self.beat.store(self.started.elapsed().as_millis() as u64, Ordering::Relaxed);
    }
}

impl ConnectionLike for Pulse {
    fn req_packed_command<'a>(&'a mut self, command: &'a Cmd) -> RedisFuture<'a, Value> {
        let ended = async {
            let answer = self.link.req_packed_command(command).await;
            self.beat();
            answer
        };
        ended.boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        let ended = async move {
            let answer = self.link.req_packed_commands(pipeline, offset, count).await;
            self.beat();
            answer
        };
        ended.boxed()
    }

    fn get_db(&self) -> i64 {
        self.link.get_db()
    }
}
