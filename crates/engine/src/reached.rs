//! Reached: notes which users were reached, for Meta's messaging limit. Beside the ledger and never before it: the limit
//! is a matter of hours, so they are gathered for a second and told together. A process that ends forgets its last
//! second.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use dawncast_cloud_api::webhook::{ReceivedStatus, Status, StatusUpdate};
use dawncast_core::{
    ids::{NumberId, WabaId},
    quota,
};
use dawncast_store::Reached;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

use crate::{Context, EngineError};

const TELL_EVERY: Duration = Duration::from_secs(1);
/// Calls that may wait to be noted before receipts wait for them.
const CALLS: usize = 4_096;

/// A user who was reached from a number.
struct Seen {
    number: NumberId,
    hour: i64,
    phone: String,
}

/// Whether this status says that a message began a conversation and arrived. `read` counts where it takes the place of
/// `delivered`, which is where it carries the price (Meta: status webhooks); what went out within a service window is
/// free and does not count.
fn counts(update: &StatusUpdate) -> bool {
    let kind = update.pricing.as_ref().and_then(|pricing| pricing.kind.as_deref());
    let arrived = match update.status {
        Status::Delivered => true,
        Status::Read | Status::Played => update.pricing.is_some(),
        _ => false,
    };
    arrived && kind.is_none_or(|kind| kind == "regular")
}

fn seen(received: &ReceivedStatus) -> Option<Seen> {
    let update = &received.status;
    let number = received.phone_number_id.as_deref()?.parse().ok().filter(|_| counts(update))?;
    let phone = update.recipient_id.as_ref()?.as_str().to_owned();
    Some(Seen { number, hour: quota::hour(update.timestamp.saturating_mul(1_000)), phone })
}

/// Takes what status webhooks tell. Clones share one teller, which ends with the last.
#[derive(Clone)]
pub(crate) struct Users(mpsc::Sender<Vec<Seen>>);

impl Users {
    pub(crate) fn new(ctx: Context) -> Self {
        let (calls, queue) = mpsc::channel(CALLS);
        tokio::spawn(tell(ctx, queue));
        Self(calls)
    }

    /// Notes whom a webhook call says to have been reached, by whichever system's messages: they share the limit.
    pub(crate) async fn note(&self, statuses: &[ReceivedStatus]) {
        let seen: Vec<Seen> = statuses.iter().filter_map(seen).collect();
        if !seen.is_empty() {
            // It ends with the process alone.
            let _ = self.0.send(seen).await;
        }
    }
}

async fn tell(ctx: Context, mut queue: mpsc::Receiver<Vec<Seen>>) {
    let mut gathered: HashMap<(NumberId, i64), HashSet<String>> = HashMap::new();
    let mut calls = Vec::new();
    loop {
        let received = queue.recv_many(&mut calls, CALLS);
        let is_over = match gathered.is_empty() {
            true => received.await == 0,
            // What could not be told is not left until somebody else is reached.
            false => timeout(TELL_EVERY, received).await == Ok(0),
        };
        for Seen { number, hour, phone } in calls.drain(..).flatten() {
            gathered.entry((number, hour)).or_default().insert(phone);
        }
        match note(&ctx, &gathered).await {
            Ok(()) => gathered.clear(),
            Err(error) => ctx.trouble(format_args!("whom messages have reached cannot be noted now"), error),
        }
        if is_over {
            return;
        }
        sleep(TELL_EVERY).await;
    }
}

/// By account: which portfolio an account belongs to may become known later.
async fn note(ctx: &Context, gathered: &HashMap<(NumberId, i64), HashSet<String>>) -> Result<(), EngineError> {
    if gathered.is_empty() {
        return Ok(());
    }
    let numbers = ctx.store.numbers().await?;
    let accounts: HashMap<&NumberId, &WabaId> =
        numbers.iter().map(|number| (&number.phone_number_id, &number.waba_id)).collect();
    let of_account = |((number, hour), phones): (&(NumberId, i64), &HashSet<String>)| {
        let waba = (*accounts.get(number)?).clone();
        Some((Reached { waba, hour: *hour }, phones.iter().cloned().collect()))
    };
    let whom: Vec<(Reached, Vec<String>)> = gathered.iter().filter_map(of_account).collect();
    if whom.is_empty() { Ok(()) } else { Ok(ctx.store.note_reached(&whom).await?) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update(status: &str, pricing: Option<&str>) -> StatusUpdate {
        let mut json =
            serde_json::json!({ "id": "wamid.x", "status": status, "timestamp": "7200", "recipient_id": "919" });
        if let Some(kind) = pricing {
            json["pricing"] = serde_json::json!({ "type": kind, "category": "utility" });
        }
        serde_json::from_value(json).expect("a status")
    }

    #[test]
    fn a_user_counts_who_was_reached_outside_a_service_window() {
        for (status, pricing, expected) in [
            ("sent", Some("regular"), false),
            ("delivered", Some("regular"), true),
            ("delivered", None, true),
            ("delivered", Some("free_customer_service"), false),
            ("read", Some("regular"), true),
            ("read", Some("free_entry_point"), false),
            ("read", None, false),
            ("failed", None, false),
        ] {
            assert_eq!(counts(&update(status, pricing)), expected, "{status} {pricing:?}");
        }
    }

    #[test]
    fn the_hour_is_the_one_that_the_status_names() {
        let status = ReceivedStatus { phone_number_id: Some("101".to_owned()), status: update("delivered", None) };
        let seen = seen(&status).expect("it is seen");
        assert_eq!((seen.hour, seen.phone.as_str()), (2, "919"));
    }
}
