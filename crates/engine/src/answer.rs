//! From what the Cloud API answered to a verdict, and from a status webhook to a fact. `cloud-api` knows the codes,
//! `core` knows what follows; here one is put into the other's words.

use std::time::Duration;

use dawncast_cloud_api::{
    ApiError, Class, ErrorEntry, Scope, SendOutcome, Way,
    webhook::{Status, StatusUpdate},
};
use dawncast_core::{
    delivery::{Attempt, Fact, Outcome},
    health::Counts,
    report::{Explained, Failure},
    verdict::{SUPPRESSED, Verdict, WITHHELD},
};

use crate::dispatch::STOPPED_MARKETING;

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

/// By which endpoint an account may send marketing, or a template of it may go out (Meta: Marketing Messages API): neither
/// number nor template is to blame, and what goes out otherwise goes on.
const OF_ENDPOINT: [u32; 5] = [131_055, 131_063, 134_101, 134_102, 134_103];

/// Whether a code tells of the endpoint alone that a template was sent by.
pub(crate) fn is_of_endpoint(code: u32) -> bool {
    OF_ENDPOINT.contains(&code)
}

fn refused(error: &ApiError) -> Verdict {
    let (entry, code) = (error.entry(), error.code.and_then(|code| u32::try_from(code).ok()).unwrap_or_default());
    let about_message = matches!(entry.scope(), Scope::Message | Scope::Recipient);
    match entry.class(Way::Response) {
        _ if is_of_endpoint(code) => Verdict::TemplateDown(code),
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

/// Meta could not fetch or take the picture: that tells of the picture.
const MEDIA: [u32; 2] = [131_014, 131_053];

/// What an answer counts for its number. What the number rests for is not counted, and tried again when the rest is over.
pub(crate) fn counts(outcome: &SendOutcome, verdict: Verdict) -> Counts {
    match (outcome, verdict) {
        (SendOutcome::Accepted { .. }, _) => Counts::TAKEN,
        (_, Verdict::Rejected(STOPPED_MARKETING)) => Counts::OPTED_OUT,
        (SendOutcome::Refused(error), Verdict::Unknown | Verdict::Transient(_))
            if tells_of_number(error.entry(), Way::Response) =>
        {
            Counts::REFUSED
        }
        _ => Counts::default(),
    }
}

/// What a failed status counts for its number, by its code: 0 when it has none.
pub(crate) fn failure_counts(code: u32) -> Counts {
    match ErrorEntry::of(i64::from(code)) {
        _ if code == 0 => Counts::default(),
        _ if code == STOPPED_MARKETING => Counts::OPTED_OUT,
        Some(entry) if tells_of_number(entry, Way::Webhook) => Counts::FAILED,
        _ => Counts::default(),
    }
}

/// Whether an error tells of the number, or of Meta towards it: not of the message, its recipient, its template, its picture
/// or the rate. One that is not in the table tells nobody of what.
fn tells_of_number(entry: &ErrorEntry, way: Way) -> bool {
    let is_of_message =
        matches!(entry.class(way), Class::PermanentMessage | Class::PermanentRecipient | Class::PauseTemplate)
            || matches!(entry.scope(), Scope::Recipient | Scope::Template | Scope::Pair);
    !is_of_message && !entry.is_throttle() && !MEDIA.iter().any(|code| entry.codes().contains(code))
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
    fn what_one_endpoint_does_not_take_stops_the_message_there_and_neither_number_nor_template() {
        for (code, status) in [(131_055, 400), (131_063, 400), (134_101, 400), (134_102, 500), (134_103, 400)] {
            check(code, status, Verdict::TemplateDown(code as u32));
            assert!(is_of_endpoint(code as u32), "{code}");
            assert_eq!(counted(code, status), Counts::default(), "{code}");
        }
        // No endpoint will ever take what is no marketing template as one.
        check(134_100, 400, Verdict::Rejected(134_100));
        assert!(!is_of_endpoint(134_100) && !is_of_endpoint(132_015));
    }

    fn counted(code: i64, http_status: u16) -> Counts {
        let outcome = SendOutcome::Refused(Box::new(ApiError { code: Some(code), http_status, ..ApiError::default() }));
        counts(&outcome, verdict(&outcome))
    }

    #[test]
    fn what_tells_of_the_number_is_counted_against_it_and_nothing_else() {
        for code in [1, 2, 131_000, 131_016] {
            assert_eq!((counted(code, 500), failure_counts(code as u32)), (Counts::REFUSED, Counts::FAILED), "{code}");
        }
        // The number rests for these, when they come as answers.
        for code in [368, 131_031, 131_037, 131_042, 131_057, 133_010] {
            assert_eq!(
                (counted(code, 400), failure_counts(code as u32)),
                (Counts::default(), Counts::FAILED),
                "{code}"
            );
        }
        assert_eq!((counted(131_050, 400), failure_counts(131_050)), (Counts::OPTED_OUT, Counts::OPTED_OUT));
        // The recipient's, the message's, a template's, a picture's, a rate's; and what nobody knows.
        let recipient = [130_403, 130_472, 130_497, 131_021, 131_026, 131_049, 137_000];
        let message = [100, 131_008, 131_009, 131_047, 131_014, 131_053];
        let template = [131_064, 132_000, 132_001, 132_005, 132_012, 132_015, 132_016, 132_069];
        let rate = [4, 613, 80_007, 130_429, 131_048, 131_056];
        for code in [&recipient[..], &message, &template, &rate, &[999_999]].concat() {
            assert_eq!(
                (counted(code, 400), failure_counts(code as u32)),
                (Counts::default(), Counts::default()),
                "{code}"
            );
        }
        assert_eq!([failure_counts(0), failure_counts(SUPPRESSED)], [Counts::default(); 2]);
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
