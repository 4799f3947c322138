//! Arrived: a message that was delivered ends what Meta was believed to withhold from its recipient. Beside the ledger, gathered
//! for a second and looked up together: nearly nobody waits for anything. A process that ends forgets its last second, and
//! the wait then ends by itself.

use std::collections::HashMap;

use dawncast_cloud_api::webhook::{ReceivedStatus, Status};
use dawncast_core::{UnixMs, consent::Told, phone::Phone};
use dawncast_store::records::WithheldChange;

use crate::{Clock, Context, aside::Gathered};

/// What Meta calls marketing in a status' price.
const MARKETING: &str = "marketing";

/// The last message that arrived at each phone, by whether it was marketing.
#[derive(Default)]
pub(crate) struct Arrivals(HashMap<(Phone, bool), UnixMs>);

fn arrival(received: &ReceivedStatus) -> Option<((Phone, bool), UnixMs)> {
    let update = &received.status;
    let phone = update.recipient_id.as_ref()?.as_str().parse().ok()?;
    let category = update.pricing.as_ref().and_then(|pricing| pricing.category.as_deref());
    // Which of the two statuses carries the price is Meta's to choose.
    let arrived = matches!(update.status, Status::Delivered | Status::Read | Status::Played);
    arrived.then_some(((phone, category == Some(MARKETING)), update.timestamp.saturating_mul(1_000)))
}

impl Gathered for Arrivals {
    type Told = ((Phone, bool), UnixMs);

    fn read(received: &ReceivedStatus) -> Option<Self::Told> {
        arrival(received)
    }

    fn add(&mut self, (who, at): Self::Told) {
        self.0.entry(who).and_modify(|last| *last = at.max(*last)).or_insert(at);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What Redis does not take is forgotten: the waits end by themselves.
    async fn tell(&mut self, ctx: &Context, clock: &Clock) {
        let ended = |((phone, marketing), at)| (phone, WithheldChange::Told(Told::Delivered { marketing }, at));
        let changes: Vec<_> = self.0.drain().map(ended).collect();
        if let Err(error) = ctx.store.change_withheld(&changes, clock.now()).await {
            ctx.trouble(format_args!("what delivered messages end cannot be noted"), error);
        }
    }
}
