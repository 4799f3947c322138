//! From what the Cloud API answered to a verdict, and from a status webhook to a fact. `cloud-api` knows the codes,
//! `core` knows what follows; here one is put into the other's words.

use std::time::Duration;

use dawncast_cloud_api::{
    ApiError, Class, ErrorEntry, Scope, SendOutcome, Way,
    webhook::{Status, StatusUpdate},
};
use dawncast_core::{
    delivery::{Attempt, Fact, Outcome},
    report::{Explained, Failure},
    verdict::{SUPPRESSED, Verdict, WITHHELD},
};

/// How long a number rests after the Cloud API found it too fast.
const THROTTLE_REST: Duration = Duration::from_secs(1);
/// How long it rests when its token or account was refused: then it is tried again with one message.
const REFUSED_REST: Duration = Duration::from_secs(30);

/// The verdict on a POST.
pub(crate) fn verdict(outcome: &SendOutcome) -> Verdict {
    match outcome {
        SendOutcome::Accepted { .. } => Verdict::Accepted,
        // Nothing was written, so nothing was sent: an attempt that does not count.
        SendOutcome::NotSent(_) => Verdict::NumberDown(0),
        SendOutcome::Unknown(_) => Verdict::Unknown,
        SendOutcome::Refused(error) => refused(error),
    }
}

fn refused(error: &ApiError) -> Verdict {
    let (entry, code) = (error.entry(), error.code.and_then(|code| u32::try_from(code).ok()).unwrap_or_default());
    let about_message = matches!(entry.scope(), Scope::Message | Scope::Recipient);
    match entry.class(Way::Response) {
        Class::Ambiguous => Verdict::Unknown,
        Class::RetrySoon | Class::RetryLater if entry.scope() == Scope::Pair => Verdict::PairLimited(code),
        Class::RetrySoon | Class::RetryLater if entry.is_throttle() => Verdict::Throttled(code),
        Class::RetrySoon => Verdict::Transient(code),
        Class::RetryLater | Class::PauseNumber | Class::FatalConfig if !about_message => Verdict::NumberDown(code),
        Class::RetryLater => Verdict::Transient(code),
        Class::PauseTemplate => Verdict::TemplateDown(code),
        _ => Verdict::Rejected(code),
    }
}

/// How a number must rest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Rest {
    pub(crate) hold: Duration,
    /// It was too fast: half its speed.
    pub(crate) halve: bool,
}

impl Rest {
    /// A number that cannot send: its token or account was refused, or it failed its preflight.
    pub(crate) const UNFIT: Self = Self { hold: REFUSED_REST, halve: false };
}

/// How the number must rest after a POST, if at all: in every process, since it is the number that cannot send. That the
/// Cloud API cannot be reached from here is no matter of the number's, and the breaker's to see to.
pub(crate) fn rest(outcome: &SendOutcome) -> Option<Rest> {
    match (outcome, verdict(outcome)) {
        (SendOutcome::NotSent(_), _) => None,
        (_, Verdict::Throttled(_)) => Some(Rest { hold: THROTTLE_REST, halve: true }),
        (_, Verdict::NumberDown(_)) => Some(Rest::UNFIT),
        _ => None,
    }
}

/// What a status says of an attempt; none for a status that says nothing yet known.
pub(crate) fn status_fact(attempt: Attempt, update: &StatusUpdate) -> Option<Fact> {
    let code = update.errors.first().and_then(|error| u32::try_from(error.code).ok()).unwrap_or_default();
    let outcome = match update.status {
        Status::Sent => Outcome::Sent,
        Status::Delivered => Outcome::Delivered,
        Status::Read | Status::Played => Outcome::Read,
        Status::Failed if update.errors.first().is_some_and(|error| may_retry(error.entry())) => {
            Outcome::FailedRetryable
        }
        Status::Failed => Outcome::Failed,
        _ => return None,
    };
    let code = if update.status == Status::Failed { code } else { 0 };
    Some(Fact { attempt, outcome, throttled: false, code, at: update.timestamp.saturating_mul(1_000) })
}

fn may_retry(entry: &ErrorEntry) -> bool {
    // A template that is paused drops what Meta holds of it back: another may go out, or the same when it is let go.
    matches!(entry.class(Way::Webhook), Class::RetrySoon | Class::Ambiguous | Class::PauseTemplate)
}

/// What a code of our own says; none for a code of Meta's.
pub(crate) fn own_code(code: u32) -> Option<Explained> {
    match code {
        SUPPRESSED => Some(Explained { class: Failure::SUPPRESSED, meaning: Some(Failure::SILENCED) }),
        WITHHELD => Some(Explained { class: Failure::WITHHELD, meaning: Some(Failure::WAITS) }),
        _ => None,
    }
}

/// The class of an error code in the words of the report. Failures at the recipient are not the sender's fault.
pub(crate) fn class_of(code: u32) -> &'static str {
    if let Some(own) = own_code(code) {
        return own.class;
    }
    // Where the ledger has no code, it says 0.
    let entry = if code == 0 { None } else { ErrorEntry::of(i64::from(code)) };
    entry.map_or("unknown", |entry| class_word(entry.class(Way::Webhook)))
}

/// What an error code says, in the words of the report.
pub fn explain(code: u32) -> Explained {
    if let Some(own) = own_code(code) {
        return own;
    }
    let entry = if code == 0 { None } else { ErrorEntry::of(i64::from(code)) };
    Explained { class: class_of(code), meaning: entry.map(ErrorEntry::hint) }
}

/// A class in the words of the report.
pub(crate) fn class_word(class: Class) -> &'static str {
    match class {
        Class::PermanentRecipient => Failure::RECIPIENT,
        other => other.as_str(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(code: i64, http_status: u16, expected: Verdict) {
        let error = ApiError { code: Some(code), http_status, ..ApiError::default() };
        assert_eq!(verdict(&SendOutcome::Refused(Box::new(error))), expected, "code {code}");
    }

    #[test]
    fn throttles_are_told_by_code_not_by_http_status() {
        check(130_429, 400, Verdict::Throttled(130_429));
        check(131_056, 400, Verdict::PairLimited(131_056));
        check(80_007, 400, Verdict::Throttled(80_007));
    }

    #[test]
    fn what_may_have_been_sent_is_unknown() {
        for code in [1, 2, 131_000, 131_016] {
            check(code, 500, Verdict::Unknown);
        }
    }

    #[test]
    fn a_refused_token_stops_the_number_not_the_message() {
        check(190, 401, Verdict::NumberDown(190));
        check(131_031, 403, Verdict::NumberDown(131_031));
    }

    #[test]
    fn a_paused_template_stops_the_template_and_neither_message_nor_number() {
        for code in [132_001, 132_015, 132_016] {
            check(code, 400, Verdict::TemplateDown(code as u32));
        }
        let error = ApiError { code: Some(132_015), http_status: 400, ..ApiError::default() };
        assert_eq!(rest(&SendOutcome::Refused(Box::new(error))), None);
    }

    #[test]
    fn a_wrong_message_is_refused_for_good() {
        check(131_009, 400, Verdict::Rejected(131_009));
        check(132_000, 400, Verdict::Rejected(132_000));
        check(131_026, 400, Verdict::Rejected(131_026));
    }

    #[test]
    fn failures_at_the_recipient_are_named_so() {
        assert_eq!(class_of(131_026), "recipient");
        assert_eq!(class_of(131_000), "retry_soon");
        assert_eq!(class_of(0), "unknown");
        assert_eq!(class_of(SUPPRESSED), "suppressed");
        assert_eq!(class_of(WITHHELD), "withheld");
    }
}
