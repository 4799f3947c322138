//! A free-form message to open service windows, and a template for the rest.

use std::collections::BTreeMap;

use dawncast_core::{
    campaign::Choice,
    consent::{Change, Entry, Scope, Source},
    ids::RunId,
    phone::Phone,
    report::{DropReason, Report},
    verdict::SUPPRESSED,
};
use dawncast_store::run::RunState;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{FIRST_PHONE, NUMBERS, PATIENCE, World, calm, person, phone, pictures, window};

/// Buttons, with a template that names its recipient for those who have no open window.
fn buttons(category: &str) -> Value {
    let (name, reply) = match category {
        "MARKETING" => ("weekly_offer_v1", "Buy"),
        _ => ("daily_text_v1", "Read"),
    };
    let text = json!({ "type": "body", "parameters": [ { "type": "text", "text": "{{ first_name }}" } ] });
    let button = json!({ "type": "reply", "reply": { "id": "yes-{{ id }}", "title": reply } });
    json!({ "type": "interactive",
            "interactive": { "type": "button", "body": { "text": "Well, {{ first_name }}?" }, "action": { "buttons": [button] } },
            "fallback": [ { "type": "template", "name": name, "language": "en_IN", "category": category, "components": [text] } ] })
}

fn campaign(message: Value) -> Value {
    json!({ "message": message, "window": window("+3s", "+30s") })
}

/// How many deliveries each message had.
fn deliveries(report: &Report) -> Vec<(&str, bool, u64)> {
    report.by_message.iter().map(|it| (it.message.as_str(), it.fallback, it.part.totals.submitted)).collect()
}

impl World {
    /// The first `count` recipients write, each to a number in turn.
    async fn first_write(&self, count: u64) {
        for n in 0..count {
            self.writes(n, NUMBERS[n as usize % 3]).await;
        }
    }

    async fn silence_one(&self, n: u64, scope: Scope) {
        let entry = Entry { scope, source: Source::Api, since: self.clock.now() };
        self.store.suppress(&[(Phone::from_digits(FIRST_PHONE + n).unwrap(), Change::Add(entry))]).await.unwrap();
    }

    /// Which message each recipient gets, and the number that made the latest attempt.
    async fn who_got_what(&self, run: &RunId) -> BTreeMap<u64, (Choice, String)> {
        let rows = self.rows(run).await.into_iter();
        rows.map(|row| (row.recipient.phone - FIRST_PHONE, (row.message, row.number.unwrap().to_string()))).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn buttons_go_to_open_windows_and_the_template_to_the_rest_and_nobody_gets_both() {
    let world = World::start(calm()).await;
    world.first_write(60).await;
    world.silence_one(0, Scope::Service).await;
    world.silence_one(1, Scope::Utility).await;
    world.silence_one(61, Scope::Utility).await;
    world.silence_one(62, Scope::Service).await;
    let run = world.submit(&world.audience(700).await, campaign(buttons("UTILITY"))).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    let report = world.closed(&run).await;
    // Whoever has an open window and wants nothing free-form does not get the template in its place.
    assert_eq!(report.dropped_by_reason, BTreeMap::from([(DropReason::Suppressed, 2)]));
    assert_eq!(deliveries(&report), [("interactive", false, 59), ("template daily_text_v1", true, 639)]);
    let frozen = world.run(&run).await.frozen.unwrap();
    assert_eq!((frozen.fallback, frozen.conversations()), (639, 639));
    let ledger = world.sim.ledger();
    assert!(
        ledger.totals.rejected.is_empty(),
        "nothing free-form went where no window was open: {:?}",
        ledger.totals.rejected
    );
    let messages = world.who_got_what(&run).await;
    assert!(!messages.contains_key(&0) && !messages.contains_key(&61));
    for (n, (message, number)) in messages {
        assert_eq!(world.accepted(n), 1, "recipient {n}");
        assert_eq!(message, if n < 60 { Choice::OWN } else { Choice::FALLBACK }, "recipient {n}");
        assert!(message.is_fallback() || number == NUMBERS[n as usize % 3], "recipient {n} by {number}");
    }
    for page in world.run(&run).await.page_refs() {
        let stored = world.store.page(&page).await.unwrap().unwrap();
        let own = stored.recipients.rows.iter().filter(|row| row.phone < FIRST_PHONE + 60).count();
        let expected = if stored.ledger.header.message == Choice::OWN { stored.recipients.rows.len() } else { 0 };
        assert_eq!(own, expected, "a page carries one message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_of_our_own_goes_to_open_windows_and_another_in_a_template_to_the_rest() {
    let world = World::start(calm()).await;
    world.asset().await;
    world.first_write(9).await;
    let message = json!({ "type": "image", "image": { "asset": "{{ image }}", "caption": "For {{ first_name }}" }, "fallback": [pictures()] });
    let run = world.submit(&world.audience(30).await, campaign(message)).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(deliveries(&report), [("image", false, 9), ("template daily_pack_v1", true, 21)]);
    assert!(world.sim.ledger().totals.rejected.is_empty(), "each number sends its own id of the picture");
    world.everyone_once(30);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_template_has_stand_ins_and_the_buttons_have_none() {
    let world = World::start(calm()).await;
    world.first_write(6).await;
    let patch = json!({ "message": buttons("UTILITY"), "window": window("+2s", "+8s") });
    let run = world.submit(&world.audience(60).await, patch).await;
    let scheduler = world.scheduler();
    world.reaches(&run, RunState::Planned).await;
    let removed = NUMBERS[1].parse().unwrap();
    let homed = world.rows(&run).await.into_iter().filter(|row| row.home.as_ref() == Some(&removed));
    let (own, other): (Vec<_>, Vec<_>) = homed.partition(|row| row.message == Choice::OWN);
    assert!(own.len() == 2 && !other.is_empty());
    world.store.remove_number(&removed).await.unwrap();
    let _crew = (scheduler, world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.expired, report.totals.delivered + report.totals.read), (2, 58));
    let line = report.numbers.iter().find(|line| line.phone_number_id == removed).unwrap();
    assert_eq!((line.accepted, line.home), (0, (own.len() + other.len()) as u64));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_suppression_after_freeze_stops_the_message_that_its_scope_is_of() {
    let world = World::start(calm()).await;
    world.first_write(4).await;
    let patch = json!({ "message": buttons("UTILITY"), "window": json!({ "opens": "+3s", "closes": "+5s", "deadline": "+30s" }) });
    let run = world.submit(&world.audience(12).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.reaches(&run, RunState::Planned).await;
    for (n, scope) in [(0, Scope::Service), (1, Scope::Utility), (8, Scope::Service), (9, Scope::Utility)] {
        world.silence_one(n, scope).await;
    }
    let report = world.closed(&run).await;
    assert_eq!([0, 1, 8, 9].map(|n| world.accepted(n)), [0, 1, 1, 0]);
    assert_eq!((world.row(&run, 0).await.record.code, world.row(&run, 9).await.record.code), (SUPPRESSED, SUPPRESSED));
    assert_eq!((report.totals.failed, report.sla.eligible), (2, 10));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_message_counts_against_the_cap_of_its_own_scope_and_gives_back_whom_it_did_not_reach() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.policy.caps.insert(Scope::Marketing, "1/24h".parse().unwrap());
    world.ctx.settings.policy.caps.insert(Scope::Service, "1/24h".parse().unwrap());
    world.first_write(3).await;
    let lost = |n: u64| json!({ "match": { "phone": phone(n) }, "fault": { "kind": "undeliverable" } });
    world.faults(json!([lost(0), lost(5)]));
    let audience = world.audience(8).await;
    let first = world.submit(&audience, campaign(buttons("MARKETING"))).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&first).await;
    assert_eq!((report.totals.dropped, report.totals.failed), (0, 2));
    let given_back = async || (!world.store.active_runs().await.unwrap().contains(&first)).then_some(());
    until("the run has given back whom it did not reach", PATIENCE, given_back).await;

    world.faults(json!([]));
    let second = world.submit(&audience, campaign(buttons("MARKETING"))).await;
    let report = world.closed(&second).await;
    assert_eq!(report.dropped_by_reason, BTreeMap::from([(DropReason::Capped, 6)]));
    assert_eq!(deliveries(&report), [("interactive", false, 1), ("template weekly_offer_v1", true, 1)]);
    let rows = world.store.dropped(&second).await.unwrap();
    let scoped = |scope: &str| rows.iter().filter(|row| row.detail.starts_with(scope)).count();
    assert_eq!((scoped("service"), scoped("marketing")), (2, 4));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_window_that_is_closed_when_the_message_comes_is_a_refusal_and_no_template_follows() {
    let world = World::start(calm()).await;
    world.first_write(3).await;
    let closed = json!({ "match": { "phone": phone(0) }, "fault": { "kind": "error", "code": 131047 } });
    world.faults(json!([closed]));
    let run = world.submit(&world.audience(6).await, campaign(buttons("UTILITY"))).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.failed, report.failures[0].code, report.attempts), (1, 131_047, 6));
    assert_eq!((world.accepted(0), world.accepted(5)), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_template_that_no_number_has_holds_the_run_only_if_somebody_is_to_get_it() {
    let world = World::start(calm()).await;
    world.first_write(3).await;
    let mut message = buttons("UTILITY");
    message["fallback"][0]["name"] = json!("daily_text_v9");
    let all_open = world.submit(&world.audience(3).await, campaign(message.clone())).await;
    let some_open = world.submit(&world.audience(4).await, campaign(message)).await;
    let _crew = (world.scheduler(), world.worker());
    assert_eq!(world.closed(&all_open).await.totals.sum(), 3);
    let held = async || world.run(&some_open).await.waits_for;
    let why = until("the run is held", PATIENCE, held).await;
    assert!(why.contains("cannot send what is fallen back to: /message/fallback/0/name: (#132001)"), "{why}");
    assert_eq!(world.sim.ledger().totals.accepted, 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_lacks_what_its_own_message_says_does_not_get_the_template_in_its_place() {
    let world = World::start(calm()).await;
    world.first_write(2).await;
    let mut people: Vec<_> = (0..4).map(person).collect();
    people[0].attributes.remove("first_name");
    people[3].attributes.remove("first_name");
    // The template needs nothing that a row could lack.
    let hello = json!({ "type": "template", "name": "hello_world", "language": "en_US", "category": "UTILITY" });
    let message = json!({ "type": "text", "text": { "body": "Hello {{ first_name }}" }, "fallback": [hello] });
    let mut patch = campaign(message);
    patch["max_defects"] = json!(0.5);
    let run = world.submit(&world.audience_of(people).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.dropped_by_reason, BTreeMap::from([(DropReason::MissingAttribute, 1)]));
    assert_eq!([0, 1, 2, 3].map(|n| world.accepted(n)), [0, 1, 1, 1]);
    assert_eq!(deliveries(&report), [("text", false, 1), ("template hello_world", true, 2)]);
}
