use serde_json::json;

use super::*;
use crate::chaos::evidence::Ledger;

const ONE: &str = "919000000001";
const TWO: &str = "919000000002";
const DEADLINE_MS: i64 = 100_000;

fn row(digits: &str, state: &str, attempts: u32) -> Row {
    let index = &digits[11..];
    let (id, phone) = (Some(format!("run.0.{index}")), format!("+{digits}"));
    Row { id, phone, state: state.to_owned(), due_at: None, attempts }
}

fn message(attempt: u32, at_ms: i64, failed: Option<u32>) -> serde_json::Value {
    json!({ "number": "1", "wamid": "w", "callback_data": format!("d1:dawncast:run.0.1:{attempt}:1"), "at_ms": at_ms,
            "failed": failed })
}

/// An audience of two, each `sent` in one attempt, after `change` to the list and the first one's messages.
fn audit(policy: Then, rows: Vec<Row>, first: &[serde_json::Value]) -> Audit {
    let ledger = json!({ "recipients": { ONE: { "accepted": first.len(), "attempts": first },
                                         TWO: { "accepted": 1, "attempts": [message(1, 0, None)] } }, "totals": {} });
    let ledger: Ledger = serde_json::from_value(ledger).unwrap();
    let audience = [ONE, TWO].map(str::to_owned).into();
    let terms = Terms { policy, grace_ms: 6_000, deadline_ms: DEADLINE_MS };
    Audit::weigh(&audience, &terms, &Evidence { ledger, rows })
}

/// The first recipient in this state after so many attempts, and these messages.
fn first(state: &str, attempts: u32, messages: &[serde_json::Value]) -> Audit {
    audit(Then::Resend, vec![row(ONE, state, attempts), row(TWO, "sent", 1)], messages)
}

#[test]
fn everyone_told_of_once_and_truly_is_nothing_to_find() {
    for (state, messages) in [
        ("sent", vec![message(1, 0, None)]),
        ("failed", vec![message(1, 0, Some(131_026))]),
        ("failed", vec![]),
        ("expired", vec![]),
        ("unconfirmed", vec![]),
    ] {
        let audit = first(state, 1, &messages);
        let found = (audit.lost, audit.unexplained, audit.strangers, audit.doubles);
        assert_eq!(found, (vec![], vec![], vec![], Doubles::default()), "{state}");
    }
}

#[test]
fn every_kind_of_loss_is_found_and_the_phone_masked() {
    let one = [message(1, 0, None)];
    let failed = [message(1, 0, Some(131_026))];
    for (state, messages, part) in [
        ("planned", &[][..], "nothing is said"),
        ("sending", &one, "nothing is said"),
        ("accepted", &[], "knows nothing of it"),
        ("read", &failed, "said that it failed"),
        ("failed", &one, "the simulator took it"),
        ("expired", &one, "the simulator took it"),
        ("cancelled", &one, "the simulator took it"),
        ("dropped", &[], "was dropped"),
    ] {
        let audit = first(state, 1, messages);
        assert!(audit.lost.len() == 1 && audit.lost[0].what.contains(part), "{state}: {:?}", audit.lost);
        assert!(!audit.lost[0].to_string().contains(ONE), "{}", audit.lost[0]);
    }
}

#[test]
fn whoever_is_not_listed_or_listed_twice_is_lost() {
    let one = [message(1, 0, None)];
    let lost = |rows| audit(Then::Resend, rows, &one).lost;
    assert!(lost(vec![row(TWO, "sent", 1)])[0].what.contains("0 times"));
    assert!(lost(vec![row(ONE, "sent", 1), row(ONE, "sent", 1), row(TWO, "sent", 1)])[0].what.contains("2 times"));
    let other = row("919000000003", "sent", 1);
    assert!(lost(vec![row(ONE, "sent", 1), row(TWO, "sent", 1), other])[0].what.contains("not in the audience"));
}

#[test]
fn a_stranger_who_is_written_to_is_found() {
    let mut evidence = Evidence { rows: vec![row(ONE, "sent", 1)], ..Evidence::default() };
    let ledger = json!({ "recipients": { ONE: { "attempts": [message(1, 0, None)] },
                                         TWO: { "attempts": [message(1, 0, None)] } } });
    evidence.ledger = serde_json::from_value(ledger).unwrap();
    let terms = Terms { policy: Then::GiveUp, grace_ms: 0, deadline_ms: 0 };
    let audit = Audit::weigh(&[ONE.to_owned()].into(), &terms, &evidence);
    assert_eq!((audit.strangers.len(), audit.lost.len()), (1, 0));
}

#[test]
fn doubles_are_told_apart_by_their_cause() {
    let doubles = |messages: &[serde_json::Value]| first("sent", 2, messages).doubles;
    let none = Doubles::default();
    let resent = Doubles { resent_unsure: 1, ..none };
    assert_eq!(doubles(&[message(1, 0, None), message(2, 6_000, None)]), resent);
    assert_eq!(doubles(&[message(2, 6_000, None), message(1, 0, None)]), resent, "whatever the order in the ledger");
    assert_eq!(doubles(&[message(1, 0, Some(131_049)), message(2, 900, None)]), Doubles { meta_failed: 1, ..none });
    let unexplained = Doubles { unexplained: 1, ..none };
    assert_eq!(doubles(&[message(1, 0, None), message(1, 6_000, None)]), unexplained, "the same attempt twice");
    assert_eq!(doubles(&[message(1, 0, None), message(2, 4_000, None)]), unexplained, "grace was not waited out");
    let late = DEADLINE_MS - 2_000;
    assert_eq!(doubles(&[message(1, late - 4_000, None), message(2, late, None)]), resent, "in a hurry");
    assert_eq!(doubles(&[message(1, late - 1_000, None), message(2, late, None)]), unexplained, "blindly");
}

#[test]
fn under_give_up_no_double_is_explained_but_one_that_meta_failed() {
    let doubles = |messages: &[serde_json::Value]| {
        audit(Then::GiveUp, vec![row(ONE, "sent", 2), row(TWO, "sent", 1)], messages).doubles
    };
    assert_eq!(doubles(&[message(1, 0, None), message(2, 60_000, None)]).unexplained, 1);
    assert_eq!(doubles(&[message(1, 0, Some(131_049)), message(2, 900, None)]).meta_failed, 1);
}

#[test]
fn only_messages_that_arrive_are_surplus() {
    let audit = first("sent", 2, &[message(1, 0, None), message(2, 6_000, None)]);
    assert_eq!((audit.surplus, audit.surplus_of.get("run.0.1")), (1, Some(&2)));
    assert_eq!(first("sent", 2, &[message(1, 0, Some(1)), message(2, 6_000, None)]).surplus, 0);
}

#[test]
fn more_messages_than_attempts_are_found() {
    let audit = first("sent", 1, &[message(1, 0, None), message(2, 6_000, None)]);
    assert!(audit.lost[0].what.contains("more messages"), "{:?}", audit.lost);
}

#[test]
fn a_receipt_that_was_not_recorded_is_found() {
    let unheard = |state, messages: &[serde_json::Value]| first(state, 1, messages).unheard.len();
    assert_eq!(unheard("unconfirmed", &[message(1, 0, None)]), 1);
    assert_eq!(unheard("accepted", &[message(1, 0, None)]), 1);
    assert_eq!(unheard("sent", &[message(1, 0, None)]), 0);
    assert_eq!(unheard("unconfirmed", &[]), 0, "no message, no receipt");
    let failed = [message(2, 0, Some(131_026))];
    assert_eq!(unheard("unconfirmed", &failed), 1);
    assert_eq!(first("unconfirmed", 2, &failed).unheard.len(), 0, "the first attempt is unsure, and left no message");
}

#[test]
fn who_is_unconfirmed_is_named_with_what_the_simulator_knows() {
    let taken = |messages: &[serde_json::Value]| first("unconfirmed", 1, messages).unconfirmed;
    assert_eq!(taken(&[message(1, 0, None)]).iter().map(|it| it.taken).collect::<Vec<_>>(), [true]);
    let unsent = taken(&[]);
    assert_eq!((unsent[0].taken, unsent[0].delivery.as_deref()), (false, Some("run.0.1")));
    assert!(!unsent[0].phone.contains(ONE));
}
