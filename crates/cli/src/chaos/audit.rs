//! The audit, recipient by recipient: what the engine says of each, held against what the simulator took for them.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    fmt,
};

use dawncast_core::{campaign::Then, phone::Phone};
use serde::Serialize;

use super::evidence::{Evidence, Message, Row};

/// The states of a delivery that say a message got through to Meta.
const TAKEN: [&str; 4] = ["accepted", "sent", "delivered", "read"];
/// The states of a delivery of which nobody says what became of it.
const OPEN: [&str; 2] = ["planned", "sending"];
/// The states that any receipt ends.
const WITHOUT_RECEIPT: [&str; 2] = ["accepted", "unconfirmed"];
/// A send counts from its begin, a message from its acceptance: between the two no more time than this may pass.
const ON_THE_WAY_MS: i64 = 1_500;
/// So long before the deadline the policy decides on less than the whole grace, that a resend may still be in time.
const LAST_CALL_MS: i64 = 2_500;

/// What was promised.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terms {
    pub(super) policy: Then,
    pub(super) grace_ms: i64,
    /// Unix milliseconds.
    pub(super) deadline_ms: i64,
}

/// Messages beyond the first, by cause.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub(super) struct Doubles {
    /// The policy chose to send again what had stayed unconfirmed for its grace.
    pub(super) resent_unsure: u64,
    /// Meta had said of the one before that it failed.
    pub(super) meta_failed: u64,
    /// Anything else.
    pub(super) unexplained: u64,
}

/// A recipient with whom something is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Finding {
    /// Masked.
    pub(super) phone: String,
    pub(super) delivery: Option<String>,
    pub(super) what: String,
    /// What the simulator took for them.
    pub(super) messages: Vec<String>,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}): {}", self.phone, self.delivery.as_deref().unwrap_or("no delivery"), self.what)?;
        self.messages.iter().try_for_each(|message| write!(f, "\n    {message}"))
    }
}

/// A delivery of which nobody knows whether it arrived: named, as promised.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Unconfirmed {
    pub(super) phone: String,
    pub(super) delivery: Option<String>,
    /// What the engine could not know: whether the simulator took a message that arrives.
    pub(super) taken: bool,
}

/// What the audit found.
#[derive(Debug, Default, Serialize)]
pub(super) struct Audit {
    /// Recipients of whom nothing, or something untrue, is said.
    pub(super) lost: Vec<Finding>,
    pub(super) doubles: Doubles,
    /// Who got the doubles that nothing explains.
    pub(super) unexplained: Vec<Finding>,
    /// People who were written to and are not in the audience.
    pub(super) strangers: Vec<Finding>,
    pub(super) unconfirmed: Vec<Unconfirmed>,
    /// Recipients whose receipts went out, as each message's do until the webhook takes them, and are not recorded.
    pub(super) unheard: Vec<Finding>,
    /// Messages beyond the first that arrived: what the report has to know of.
    pub(super) surplus: u64,
    /// The deliveries that got them, each with how many messages arrived.
    #[serde(skip)]
    pub(super) surplus_of: BTreeMap<String, usize>,
    pub(super) messages: u64,
    /// The states that the list gives.
    pub(super) states: BTreeMap<String, u64>,
}

impl Audit {
    /// Weighs the evidence about `audience`, given as WhatsApp ids.
    pub(super) fn weigh(audience: &BTreeSet<String>, terms: &Terms, evidence: &Evidence) -> Self {
        let mut audit = Self::default();
        let mut rows: HashMap<&str, Vec<&Row>> = HashMap::new();
        for row in &evidence.rows {
            rows.entry(row.digits()).or_default().push(row);
            *audit.states.entry(row.state.clone()).or_default() += 1;
        }
        for digits in audience {
            let listed = rows.remove(digits.as_str()).unwrap_or_default();
            audit.recipient(digits, &listed, &messages(evidence, digits), terms);
        }
        for (digits, listed) in rows {
            audit.lost.push(finding(
                digits,
                listed.first().copied(),
                &[],
                "listed, and not in the audience".to_owned(),
            ));
        }
        for digits in evidence.ledger.recipients.keys().filter(|digits| !audience.contains(*digits)) {
            let what = "written to, and not in the audience".to_owned();
            audit.strangers.push(finding(digits, None, &messages(evidence, digits), what));
        }
        audit
    }

    fn recipient(&mut self, digits: &str, listed: &[&Row], messages: &[&Message], terms: &Terms) {
        self.messages += messages.len() as u64;
        let [row] = listed else {
            let what = format!("is listed {} times, not once", listed.len());
            return self.lost.push(finding(digits, listed.first().copied(), messages, what));
        };
        if let Some(what) = untruth(row, messages) {
            self.lost.push(finding(digits, Some(row), messages, what));
        }
        let arrived = messages.iter().any(|message| message.failed.is_none());
        // Where every message failed, an attempt that never became one may still be unsure.
        let told = arrived || (!messages.is_empty() && messages.len() == row.attempts as usize);
        if WITHOUT_RECEIPT.contains(&row.state.as_str()) && told {
            let what = format!("`{}`: receipts went out, and none is recorded", row.state);
            self.unheard.push(finding(digits, Some(row), messages, what));
        }
        if row.state == "unconfirmed" {
            let (phone, delivery) = (masked(digits), row.id.clone());
            self.unconfirmed.push(Unconfirmed { phone, delivery, taken: arrived });
        }
        self.repeats(digits, row, messages, terms);
    }

    fn repeats(&mut self, digits: &str, row: &Row, messages: &[&Message], terms: &Terms) {
        for pair in messages.windows(2) {
            match explain(pair[0], pair[1], terms) {
                Ok(Cause::ResentUnsure) => self.doubles.resent_unsure += 1,
                Ok(Cause::MetaFailed) => self.doubles.meta_failed += 1,
                Err(why) => {
                    self.doubles.unexplained += 1;
                    self.unexplained.push(finding(digits, Some(row), messages, why));
                }
            }
        }
        let arrived = messages.iter().filter(|message| message.failed.is_none()).count();
        if arrived > 1 {
            self.surplus += arrived as u64 - 1;
            self.surplus_of.insert(row.id.clone().unwrap_or_default(), arrived);
        }
    }
}

/// The messages of one recipient, oldest first.
fn messages<'a>(evidence: &'a Evidence, digits: &str) -> Vec<&'a Message> {
    let mut messages: Vec<_> = evidence.ledger.recipients.get(digits).iter().flat_map(|it| &it.attempts).collect();
    messages.sort_by_key(|message| message.at_ms);
    messages
}

/// What is untrue about a row, given what the simulator took for its recipient.
fn untruth(row: &Row, messages: &[&Message]) -> Option<String> {
    let state = row.state.as_str();
    let arrived = messages.iter().any(|message| message.failed.is_none());
    let what = if OPEN.contains(&state) {
        "the run is over, and nothing is said of it"
    } else if TAKEN.contains(&state) && messages.is_empty() {
        "is said to be taken, and the simulator knows nothing of it"
    } else if TAKEN.contains(&state) && !arrived {
        "is said to be taken, and the simulator said that it failed"
    } else if state == "failed" && arrived {
        "is said to have failed, and the simulator took it"
    } else if state == "dropped" {
        "was dropped, and nothing was wrong with its row"
    } else if ["expired", "cancelled"].contains(&state) && arrived {
        "is said to be never sent, and the simulator took it"
    } else if (row.attempts as usize) < messages.len() {
        "got more messages than it is said to have had attempts"
    } else {
        return None;
    };
    Some(format!("`{state}`, attempts: {}: {what}", row.attempts))
}

/// Why a second message may follow a first.
enum Cause {
    ResentUnsure,
    MetaFailed,
}

/// Why `next` was sent after `first`; else why it should not have been.
fn explain(first: &Message, next: &Message, terms: &Terms) -> Result<Cause, String> {
    if first.failed.is_some() {
        return Ok(Cause::MetaFailed);
    }
    let attempt = |message: &Message| message.origin().map(|origin| origin.attempt);
    let gap_ms = next.at_ms - first.at_ms;
    let in_a_hurry = next.at_ms >= terms.deadline_ms - LAST_CALL_MS;
    let grace_ms = if in_a_hurry { terms.grace_ms / 2 } else { terms.grace_ms };
    if terms.policy != Then::Resend {
        return Err("got a second message under `give_up`".to_owned());
    }
    if attempt(first).is_none() || attempt(next) <= attempt(first) {
        return Err("the same attempt was sent twice".to_owned());
    }
    if gap_ms < grace_ms - ON_THE_WAY_MS {
        return Err(format!("a second message after {gap_ms} ms: grace was not waited out"));
    }
    Ok(Cause::ResentUnsure)
}

fn finding(digits: &str, row: Option<&Row>, messages: &[&Message], what: String) -> Finding {
    let messages = messages.iter().map(|message| {
        let fate = message.failed.map_or("arrives".to_owned(), |code| format!("fails with {code}"));
        format!("{} taken at {} ms, {fate}", message.callback_data, message.at_ms)
    });
    let delivery = row.and_then(|row| row.id.clone());
    Finding { phone: masked(digits), delivery, what, messages: messages.collect() }
}

fn masked(digits: &str) -> String {
    digits.parse::<Phone>().map_or_else(|why| why.to_string(), |phone| phone.to_string())
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
