//! When a person, or whoever started this process, wants it to end.

use std::process;

use tokio::{
    io::AsyncReadExt,
    signal::unix::{SignalKind, signal},
    sync::mpsc,
};
use tokio_util::sync::CancellationToken;

use crate::failure::Failure;

/// What a shell reports of a process that a second Ctrl-C ended.
const ENDED_AT_ONCE: i32 = 130;

/// The signals that ask a service to end. Not SIGHUP: `nohup` has it ignored, and listening would undo that.
const OF_SERVICES: [SignalKind; 2] = [SignalKind::interrupt(), SignalKind::terminate()];

/// The signals that ask a play to end; with its terminal it ends as well.
const OF_PLAYS: [SignalKind; 3] = [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup()];

/// Signals that ask this process to end. From when it exists on, none of them ends the process by itself.
pub(crate) struct Interrupt(mpsc::Receiver<()>);

impl Interrupt {
    /// Listens for whatever should end a play.
    pub(crate) fn of_a_play() -> Result<Self, Failure> {
        Self::listen(&OF_PLAYS)
    }

    fn listen(kinds: &[SignalKind]) -> Result<Self, Failure> {
        let (told, heard) = mpsc::channel(1);
        for kind in kinds {
            let told = told.clone();
            let mut signals =
                signal(*kind).map_err(|why| Failure::new(format!("signals cannot be listened to: {why}")))?;
            tokio::spawn(async move { while signals.recv().await.is_some() && told.send(()).await.is_ok() {} });
        }
        Ok(Self(heard))
    }

    /// Resolves with the next signal.
    pub(crate) async fn wait(&mut self) {
        self.0.recv().await;
    }
}

/// A token that is cancelled by a signal, and with `leash` also when standard input ends. A second signal ends the
/// process at once.
pub(crate) fn stop_token(leash: bool) -> Result<CancellationToken, Failure> {
    let mut signals = Interrupt::listen(&OF_SERVICES)?;
    let stop = CancellationToken::new();
    let told = stop.clone();
    tokio::spawn(async move {
        signals.wait().await;
        told.cancel();
        signals.wait().await;
        process::exit(ENDED_AT_ONCE);
    });
    if leash {
        let loose = stop.clone();
        tokio::spawn(async move {
            end_of_input().await;
            loose.cancel();
        });
    }
    Ok(stop)
}

/// Resolves when standard input ends: whoever held its other end has stopped, or died.
async fn end_of_input() {
    let (mut input, mut buffer) = (tokio::io::stdin(), [0; 64]);
    while input.read(&mut buffer).await.is_ok_and(|read| read > 0) {}
}
