//! Aside: what status webhooks tell beside the ledger, and never before it: a matter of hours, so it is gathered for a second and
//! told together. A process that ends forgets its last second.

use std::time::Duration;

use dawncast_cloud_api::webhook::ReceivedStatus;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{Clock, Context};

const TELL_EVERY: Duration = Duration::from_secs(1);
/// Calls that may wait to be noted before receipts wait for them.
const CALLS: usize = 4_096;

/// What is gathered, and how it is told.
pub(crate) trait Gathered: Default + Send + 'static {
    /// What one status tells.
    type Told: Send + 'static;

    /// What a status tells, if anything.
    fn read(received: &ReceivedStatus) -> Option<Self::Told>;

    /// Takes it to what is there.
    fn add(&mut self, told: Self::Told);

    /// Whether nothing is left to tell.
    fn is_empty(&self) -> bool;

    /// Tells it; what stays is told again a second later.
    fn tell(&mut self, ctx: &Context, clock: &Clock) -> impl Future<Output = ()> + Send;
}

/// Takes what status webhooks tell. Clones share one teller, which ends with the last.
pub(crate) struct Aside<G: Gathered>(mpsc::Sender<Vec<G::Told>>);

impl<G: Gathered> Clone for Aside<G> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<G: Gathered> Aside<G> {
    pub(crate) fn new(ctx: Context, clock: Clock) -> Self {
        let (calls, queue) = mpsc::channel(CALLS);
        tokio::spawn(gather::<G>(ctx, clock, queue));
        Self(calls)
    }

    /// Notes what a webhook call tells, of whichever system's messages.
    pub(crate) async fn note(&self, statuses: &[ReceivedStatus]) {
        let told: Vec<G::Told> = statuses.iter().filter_map(G::read).collect();
        if !told.is_empty() {
            // It ends with the process alone.
            let _ = self.0.send(told).await;
        }
    }
}

async fn gather<G: Gathered>(ctx: Context, clock: Clock, mut queue: mpsc::Receiver<Vec<G::Told>>) {
    let (mut gathered, mut calls) = (G::default(), Vec::new());
    loop {
        let received = queue.recv_many(&mut calls, CALLS);
        let is_over = match gathered.is_empty() {
            true => received.await == 0,
            // What could not be told is not left until something else is.
            false => timeout(TELL_EVERY, received).await == Ok(0),
        };
        calls.drain(..).flatten().for_each(|told| gathered.add(told));
        if !gathered.is_empty() {
            gathered.tell(&ctx, &clock).await;
        }
        if is_over {
            return;
        }
        sleep(TELL_EVERY).await;
    }
}
