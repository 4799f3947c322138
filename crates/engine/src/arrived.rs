//! Arrived: a message that was delivered ends what Meta was believed to withhold from its recipient. Beside the ledger, gathered
//! for a second and looked up together: nearly nobody waits for anything. A process that ends forgets its last second, and
//! the wait then ends by itself.

use std::{collections::HashMap, time::Duration};

use dawncast_cloud_api::webhook::{ReceivedStatus, Status};
use dawncast_core::{UnixMs, consent::Told, phone::Phone};
use dawncast_store::records::WithheldChange;
use tokio::{sync::mpsc, time::sleep};

use crate::{Clock, Context};

const TELL_EVERY: Duration = Duration::from_secs(1);
/// Calls that may wait before receipts wait for them.
const CALLS: usize = 4_096;
/// What Meta calls marketing in a status' price.
const MARKETING: &str = "marketing";

/// The last message that arrived at each phone, by whether it was marketing.
type Arrivals = HashMap<(Phone, bool), UnixMs>;

fn arrival(received: &ReceivedStatus) -> Option<((Phone, bool), UnixMs)> {
    let update = &received.status;
    let phone = update.recipient_id.as_ref()?.as_str().parse().ok()?;
    let category = update.pricing.as_ref().and_then(|pricing| pricing.category.as_deref());
    // Which of the two statuses carries the price is Meta's to choose.
    let arrived = matches!(update.status, Status::Delivered | Status::Read | Status::Played);
    arrived.then_some(((phone, category == Some(MARKETING)), update.timestamp.saturating_mul(1_000)))
}

/// Takes what status webhooks tell. Clones share one teller, which ends with the last.
#[derive(Clone)]
pub(crate) struct Arrived(mpsc::Sender<Vec<((Phone, bool), UnixMs)>>);

impl Arrived {
    pub(crate) fn new(ctx: Context, clock: Clock) -> Self {
        let (calls, queue) = mpsc::channel(CALLS);
        tokio::spawn(tell(ctx, clock, queue));
        Self(calls)
    }

    /// Notes at whom a webhook call says a message to have arrived, by whichever system's.
    pub(crate) async fn note(&self, statuses: &[ReceivedStatus]) {
        let arrivals: Vec<_> = statuses.iter().filter_map(arrival).collect();
        if !arrivals.is_empty() {
            // It ends with the process alone.
            let _ = self.0.send(arrivals).await;
        }
    }
}

async fn tell(ctx: Context, clock: Clock, mut queue: mpsc::Receiver<Vec<((Phone, bool), UnixMs)>>) {
    let mut calls = Vec::new();
    while queue.recv_many(&mut calls, CALLS).await > 0 {
        let mut arrivals = Arrivals::new();
        for (who, at) in calls.drain(..).flatten() {
            arrivals.entry(who).and_modify(|last| *last = at.max(*last)).or_insert(at);
        }
        let ended = |((phone, marketing), at): (&(Phone, bool), &UnixMs)| {
            (*phone, WithheldChange::Told(Told::Delivered { marketing: *marketing }, *at))
        };
        let changes: Vec<_> = arrivals.iter().map(ended).collect();
        if let Err(error) = ctx.store.change_withheld(&changes, clock.now()).await {
            ctx.trouble(format_args!("what delivered messages end cannot be noted"), error);
        }
        sleep(TELL_EVERY).await;
    }
}
