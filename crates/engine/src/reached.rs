//! Reached: notes which users were reached, for Meta's messaging limit. Beside the ledger and never before it: the limit
//! is a matter of hours, so they are gathered for a second and told together. A process that ends forgets its last
//! second.

use std::collections::{HashMap, HashSet};

use dawncast_cloud_api::webhook::{ReceivedStatus, Status, StatusUpdate};
use dawncast_core::{
    ids::{NumberId, WabaId},
    quota,
};
use dawncast_store::Reached;

use crate::{Clock, Context, EngineError, aside::Gathered};

/// A user who was reached from a number.
pub(crate) struct Seen {
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

/// Whom messages have reached, by number and hour.
#[derive(Default)]
pub(crate) struct Reach(HashMap<(NumberId, i64), HashSet<String>>);

impl Gathered for Reach {
    type Told = Seen;

    fn read(received: &ReceivedStatus) -> Option<Seen> {
        seen(received)
    }

    fn add(&mut self, Seen { number, hour, phone }: Seen) {
        self.0.entry((number, hour)).or_default().insert(phone);
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    async fn tell(&mut self, ctx: &Context, _: &Clock) {
        match note(ctx, &self.0).await {
            Ok(()) => self.0.clear(),
            Err(error) => ctx.trouble(format_args!("whom messages have reached cannot be noted now"), error),
        }
    }
}

/// By account: which portfolio an account belongs to may become known later.
async fn note(ctx: &Context, gathered: &HashMap<(NumberId, i64), HashSet<String>>) -> Result<(), EngineError> {
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
