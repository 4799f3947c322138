//! What an error code means for a sender. The codes themselves are in `error_table`.

use std::ops::RangeInclusive;

use crate::error_table::TABLE;

/// What a sender should do after an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Class {
    /// A passing fault: the same request will work in seconds. Not accepted, so repeating it is safe.
    RetrySoon,
    /// Works again in minutes or hours; the hint says when.
    RetryLater,
    /// The message is wrong and fails however often it is sent. The recipient is not to blame.
    PermanentMessage,
    /// This recipient cannot or must not get this kind of message.
    PermanentRecipient,
    /// Stop the sending number, or what [`Scope`] names; probe with a single message later.
    PauseNumber,
    /// Stop this template and language on this WhatsApp Business Account.
    PauseTemplate,
    /// Token, permission, billing or account: a person must act.
    FatalConfig,
    /// The message may have been accepted. Wait for its status webhook; never repeat it blindly.
    Ambiguous,
}

impl Class {
    /// Every class, in order of declaration.
    pub const ALL: [Self; 8] = [
        Self::RetrySoon,
        Self::RetryLater,
        Self::PermanentMessage,
        Self::PermanentRecipient,
        Self::PauseNumber,
        Self::PauseTemplate,
        Self::FatalConfig,
        Self::Ambiguous,
    ];

    /// A short stable name, fit for a metric label.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetrySoon => "retry_soon",
            Self::RetryLater => "retry_later",
            Self::PermanentMessage => "permanent_message",
            Self::PermanentRecipient => "permanent_recipient",
            Self::PauseNumber => "pause_number",
            Self::PauseTemplate => "pause_template",
            Self::FatalConfig => "fatal_config",
            Self::Ambiguous => "ambiguous",
        }
    }
}

/// How far an error reaches: what else will meet it.
///
/// It may be wider than the class: [`Class::PermanentMessage`] with [`Scope::Template`] means that this message is
/// lost *and* that every other message of the template will probably fail alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// This one message or call.
    Message,
    /// Every message of this number to this recipient.
    Pair,
    /// Messages of this kind to this recipient, whatever the number.
    Recipient,
    /// The business phone number.
    Number,
    /// The template in this language on this WhatsApp Business Account.
    Template,
    /// The WhatsApp Business Account.
    Waba,
    /// The Meta app.
    App,
    /// The access token, or the business portfolio behind it with all its numbers.
    Account,
}

/// How an error reached us. Some codes mean less certainty in one way than in the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// In the HTTP response to our own request.
    Response,
    /// In a `failed` status, which says for certain that the message was not delivered.
    Webhook,
}

/// One row of the error table: a code or a range of codes, and what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ErrorEntry {
    first: u32,
    last: u32,
    response: Class,
    webhook: Class,
    scope: Scope,
    throttle: bool,
    hint: &'static str,
}

impl ErrorEntry {
    /// The whole table, sorted by code, without overlaps.
    #[must_use]
    pub fn table() -> &'static [Self] {
        TABLE
    }

    /// The row of a code, if it is listed.
    #[must_use]
    pub fn of(code: i64) -> Option<&'static Self> {
        let code = u32::try_from(code).ok()?;
        let row = TABLE.partition_point(|entry| entry.last < code);
        TABLE.get(row).filter(|entry| entry.first <= code)
    }

    /// The codes that this row covers; empty for the fallbacks of unlisted codes.
    #[must_use]
    pub const fn codes(&self) -> RangeInclusive<u32> {
        self.first..=self.last
    }

    /// What to do, given how the error came.
    #[must_use]
    pub const fn class(&self, way: Way) -> Class {
        match way {
            Way::Response => self.response,
            Way::Webhook => self.webhook,
        }
    }

    /// How far the error reaches.
    #[must_use]
    pub const fn scope(&self) -> Scope {
        self.scope
    }

    /// Whether it only says "too fast" or "too much": slow down, blame nothing.
    #[must_use]
    pub const fn is_throttle(&self) -> bool {
        self.throttle
    }

    /// What a person should know or do, in plain words.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        self.hint
    }

    pub(crate) const fn throttle(mut self) -> Self {
        self.throttle = true;
        self
    }

    pub(crate) const fn in_webhook(mut self, class: Class) -> Self {
        self.webhook = class;
        self
    }
}

pub(crate) const fn rows(first: u32, last: u32, class: Class, scope: Scope, hint: &'static str) -> ErrorEntry {
    ErrorEntry { first, last, response: class, webhook: class, scope, throttle: false, hint }
}

pub(crate) const fn row(code: u32, class: Class, scope: Scope, hint: &'static str) -> ErrorEntry {
    rows(code, code, class, scope, hint)
}

const fn unlisted(class: Class, scope: Scope, hint: &'static str) -> ErrorEntry {
    rows(1, 0, class, scope, hint)
}

/// What to do about an error: by its code if there is one that we know, else by HTTP status, else with caution.
///
/// The code comes first because Meta answers most throttles with HTTP 400.
#[must_use]
pub fn classify(code: Option<i64>, way: Way, http_status: Option<u16>) -> &'static ErrorEntry {
    if let Some(entry) = code.and_then(ErrorEntry::of) {
        return entry;
    }
    match (way, http_status, code) {
        (Way::Webhook, ..) => &UNLISTED_FAILURE,
        (_, Some(429), _) => &UNNAMED_THROTTLE,
        (_, Some(401 | 403), None) => &EDGE_REFUSAL,
        (_, Some(401 | 403), Some(_)) => &UNLISTED_REFUSAL,
        (_, Some(400..=499), _) => &UNLISTED_FAILURE,
        _ => &UNLISTED_FAULT,
    }
}

/// Whether an error only asks to slow down: told by its code, and by HTTP 429 when there is no code that we know.
#[must_use]
pub fn is_throttle(code: Option<i64>, http_status: Option<u16>) -> bool {
    classify(code, Way::Response, http_status).is_throttle()
}

static UNNAMED_THROTTLE: ErrorEntry = unlisted(
    Class::RetrySoon,
    Scope::Number,
    "Meta asks to slow down (HTTP 429) without saying which limit was reached: send more slowly.",
)
.throttle();

static EDGE_REFUSAL: ErrorEntry = unlisted(
    Class::RetrySoon,
    Scope::Account,
    "Something in front of the API refused the request without an API error: try again; after three in a row check \
     the token, the address of the API and any proxy.",
);

static UNLISTED_REFUSAL: ErrorEntry = unlisted(
    Class::FatalConfig,
    Scope::Account,
    "Meta refused the token or a permission with a code that is not in the table: read the message, check the token.",
);

static UNLISTED_FAILURE: ErrorEntry = unlisted(
    Class::PermanentMessage,
    Scope::Message,
    "Meta refused the message with a code that is not in the table: read the message and Meta's list of error codes.",
);

static UNLISTED_FAULT: ErrorEntry = unlisted(
    Class::Ambiguous,
    Scope::Message,
    "Meta failed in a way that is not in the table: the message may have been accepted, wait for its status.",
)
.in_webhook(Class::PermanentMessage);

/// Code 100 with subcode 33: the object in the path, on a send the number itself.
pub(crate) static OBJECT_MISSING: ErrorEntry = unlisted(
    Class::FatalConfig,
    Scope::Number,
    "The id in the path does not exist, or the token may not use it: check the phone number id (or WABA id) and that \
     the token belongs to it.",
);

#[cfg(test)]
#[path = "classify_tests.rs"]
mod tests;
