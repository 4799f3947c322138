//! A message that the platform accepted, and one that a user wrote.

use serde_json::Value;

use crate::pacing::Paced;
use crate::wa_id::WaId;

/// What is paid for a message (Meta: webhook field `pricing`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Price {
    pub(crate) kind: &'static str,
    pub(crate) is_billable: bool,
}

impl Price {
    pub(crate) const REGULAR: Self = Self { kind: "regular", is_billable: true };
    /// Within a service window.
    pub(crate) const SERVICE: Self = Self { kind: "free_customer_service", is_billable: false };
    /// To a user who came by an advertisement.
    pub(crate) const ENTRY_POINT: Self = Self { kind: "free_entry_point", is_billable: false };
}

/// How much of a message's way its receipts tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leg {
    Whole,
    /// It is sent, and waits for a phone that is off.
    Sending,
    /// It has waited, and arrives.
    Arrival,
}

/// Shared by the ledger and by the receipts still to come.
#[derive(Clone)]
pub(crate) struct Message {
    pub(crate) user: WaId,
    /// The number's place in the account.
    pub(crate) number: usize,
    pub(crate) wamid: String,
    pub(crate) callback_data: Option<String>,
    /// When it was accepted, in Unix microseconds of the simulator's clock.
    pub(crate) at_us: u64,
    /// When it went out: at once, unless it was held back first.
    pub(crate) went_out_us: u64,
    /// It is held back until Meta has decided on this.
    pub(crate) held_by: Option<Paced>,
    /// The template's id; `None` for a free-form message.
    pub(crate) template: Option<u64>,
    /// The template's category; `None` for a free-form message.
    pub(crate) category: Option<&'static str>,
    /// How long it waits for a phone that is off, in microseconds; then it is dropped.
    pub(crate) ttl_us: u64,
    pub(crate) leg: Leg,
    pub(crate) price: Price,
    /// It was sent to the user's business-scoped id.
    pub(crate) by_user_id: bool,
    /// It went by the Marketing Messages API.
    pub(crate) is_lite: bool,
    pub(crate) is_reaction: bool,
    /// The code with which a `failed` receipt follows although it was delivered.
    pub(crate) fails_late: Option<u32>,
    /// The code with which a `failed` receipt follows.
    pub(crate) failure: Option<u32>,
}

/// What a user wrote, pressed or put on a message.
pub(crate) struct Said {
    pub(crate) wamid: String,
    /// `text`, `button` and the like (Meta: inbound messages); its content bears the same name.
    pub(crate) kind: &'static str,
    pub(crate) content: Value,
    /// The message that it answers.
    pub(crate) quotes: Option<String>,
}
