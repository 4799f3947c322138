//! A process that ends or freezes where `FAILPOINTS` tells it to, and scenes that are played at once.

use std::{fs, os::unix::process::ExitStatusExt, rc::Rc};

use dawncast_testkit::until;
use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    sync::Semaphore,
    task::{JoinSet, LocalSet},
};

use crate::{dawncast::Daemon, points_scene::PATIENCE};

/// A process of a part; one that is frozen ends with it as well.
pub(crate) struct Process(pub(crate) Daemon);

impl Process {
    fn pid(&self) -> Pid {
        Pid::from_child(&self.0.0)
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).unwrap();
    }

    pub(crate) fn is_frozen(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid().as_raw_nonzero()));
        stat.is_ok_and(|stat| stat.rsplit(") ").next().is_some_and(|state| state.starts_with('T')))
    }

    /// The signal that has ended it.
    pub(crate) fn ended_by(&mut self) -> Option<i32> {
        self.0.0.try_wait().unwrap().and_then(|status| status.signal())
    }

    pub(crate) async fn frozen(&self, at: &str) {
        until(&format!("it freezes at {at}"), PATIENCE, async || self.is_frozen().then_some(())).await;
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // By force: one that is frozen hears no orders.
        let _ = self.0.0.kill();
    }
}

/// Plays scenes, so many at once, all of them to their end.
pub(crate) async fn play(at_once: usize, scenes: impl IntoIterator<Item = impl Future<Output = ()> + 'static>) {
    let places = Rc::new(Semaphore::new(at_once));
    let mut playing = JoinSet::new();
    let stage = LocalSet::new();
    for scene in scenes {
        let places = Rc::clone(&places);
        let played = async move {
            let _place = places.acquire().await.unwrap();
            scene.await;
        };
        playing.spawn_local_on(played, &stage);
    }
    let mut failed = 0;
    stage
        .run_until(async {
            while let Some(played) = playing.join_next().await {
                failed += usize::from(played.is_err());
            }
        })
        .await;
    assert_eq!(failed, 0, "scenes have failed, see above");
}
