//! Who may be written to at all: consent, the suppression list, pauses, frequency caps; each drop with its reason.

use dawncast_cloud_sim::WABA_ID;
use dawncast_core::{
    consent::{Change, Entry, Scope, Source},
    ids::RunId,
    phone::Phone,
    report::DropReason,
    verdict::SUPPRESSED,
};
use dawncast_store::{
    records::{Recipient, Secret},
    run::{DroppedRow, RunState},
};
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{FIRST_PHONE, NUMBERS, PATIENCE, World, calm, person, phone, pictures, window};

/// A message that promotes.
fn offer() -> Value {
    json!({ "type": "template", "name": "weekly_offer_v1", "language": "en_IN", "category": "MARKETING",
            "components": [ { "type": "body", "parameters": [ { "type": "text", "text": "{{ first_name }}" } ] } ] })
}

/// A campaign of it.
pub(crate) fn offers() -> Value {
    json!({ "message": offer(), "unconfirmed": { "then": "resend", "grace": "3s" } })
}

fn consenting(n: u64, consent: &str) -> Recipient {
    Recipient { consent: Some(consent.to_owned()).filter(|told| !told.is_empty()), ..person(n) }
}

pub(crate) fn of(n: u64) -> Phone {
    Phone::from_digits(FIRST_PHONE + n).unwrap()
}

impl World {
    async fn silence(&self, people: impl IntoIterator<Item = u64>, scope: Scope) {
        let entry = Entry { scope, source: Source::Api, since: self.clock.now() };
        let changes: Vec<_> = people.into_iter().map(|n| (of(n), Change::Add(entry))).collect();
        self.store.suppress(&changes).await.unwrap();
    }

    /// Whom a run dropped, by number of recipient, each with reason and detail.
    pub(crate) async fn dropped(&self, run: &RunId) -> Vec<(u64, DropReason, String)> {
        let rows = self.store.dropped(run).await.unwrap().into_iter();
        rows.map(|DroppedRow { phone, reason, detail, .. }| (phone - FIRST_PHONE, reason, detail)).collect()
    }

    /// A call to the simulator's own interface.
    pub(crate) async fn stage(&self, path: &str, body: Value) {
        let answer = reqwest::Client::new().post(format!("{}{path}", self.sim.base_url())).body(body.to_string());
        assert_eq!(answer.send().await.unwrap().status(), 200);
    }

    async fn until_listed(&self, n: u64, listed: bool) {
        let what = format!("recipient {n} is {}on the list", if listed { "" } else { "not " });
        let looked = async || (self.store.suppression(of(n)).await.unwrap().is_some() == listed).then_some(());
        until(&what, PATIENCE, looked).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_goes_to_those_who_consent_where_anybody_says_so() {
    let world = World::start(calm()).await;
    let told = ["marketing;utility", "utility", "none", "", "all"];
    let people = told.iter().zip(0..).map(|(told, n)| consenting(n, told));
    let run = world.submit(&world.audience_of(people).await, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    let dropped: Vec<_> = world.dropped(&run).await.into_iter().map(|(n, reason, _)| (n, reason)).collect();
    assert_eq!(dropped, [1, 2, 3].map(|n| (n, DropReason::Compliance)));
    assert_eq!((report.sla.eligible, report.totals.delivered + report.totals.read), (2, 2));
    assert!(world.accepted(0) == 1 && world.accepted(4) == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn marketing_to_the_united_states_is_dropped_and_utility_is_not() {
    let world = World::start(calm()).await;
    let american = Recipient { phone: 12_125_550_100, ..person(0) };
    let canadian = Recipient { phone: 14_165_550_100, ..person(1) };
    let audience = world.audience_of([american, canadian]).await;
    let (marketing, utility) = (world.submit(&audience, offers()).await, world.submit(&audience, json!({})).await);
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&marketing).await;
    assert_eq!(report.dropped_by_reason.into_iter().collect::<Vec<_>>(), [(DropReason::Compliance, 1)]);
    assert_eq!(world.closed(&utility).await.totals.dropped, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_suppressed_is_dropped_with_the_reason_why() {
    let world = World::start(calm()).await;
    world.silence([1], Scope::All).await;
    world.silence([2], Scope::Marketing).await;
    world.silence([3], Scope::Utility).await;
    let audience = world.audience(5).await;
    let run = world.submit(&audience, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    world.closed(&run).await;
    let dropped = world.dropped(&run).await;
    assert_eq!(
        dropped.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(),
        [1, 3].map(|n| (n, DropReason::Suppressed))
    );
    assert!(
        dropped[0].2.starts_with("all by api since 20") && dropped[1].2.starts_with("utility by api"),
        "{dropped:?}"
    );
    assert_eq!([0, 1, 2, 3, 4].map(|n| world.accepted(n)), [1, 0, 1, 0, 1]);
}

/// The lists change while a plan waits: it is the plan of those whom freeze has counted, and who came onto the list since is
/// not sent to all the same.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_changes_between_freeze_and_plan_loses_and_reaches_nobody() {
    let world = World::start(calm()).await;
    world.asset().await;
    let set_token = async |token: &str| {
        world.store.set_credential(&WABA_ID.parse().unwrap(), &Secret::new(token), 0).await.unwrap();
    };
    set_token("BAD").await;
    world.silence([1, 3], Scope::All).await;
    let patch = json!({ "message": pictures(), "window": window("+20s", "+60s") });
    let run = world.submit(&world.audience(20).await, patch).await;
    let _scheduler = world.scheduler();
    let held = async || world.run(&run).await.waits_for;
    assert!(until("the plan waits", PATIENCE, held).await.contains("media"));
    let frozen = world.run(&run).await.frozen.unwrap();
    assert_eq!((frozen.submitted, frozen.dropped[&DropReason::Suppressed], frozen.screened), (20, 2, 2));

    world.silence([2], Scope::All).await;
    let lift = Change::Lift { source: None, scope: None, until: i64::MAX };
    world.store.suppress(&[(of(3), lift)]).await.unwrap();
    set_token("SIM_TOKEN").await;
    let _worker = world.worker();
    let report = world.closed(&run).await;
    assert_eq!((report.totals.submitted, report.totals.dropped, report.totals.failed), (20, 2, 1));
    assert_eq!(report.totals.imbalance(), 0);
    assert_eq!([1, 2, 3, 4].map(|n| world.accepted(n)), [0, 0, 0, 1]);
    assert_eq!(world.row(&run, 2).await.record.code, SUPPRESSED);
    let kept = world.store.screened(&run, &frozen.plan_token, 0).await.unwrap();
    assert_eq!(kept, [], "forgotten once the plan stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_begins_after_a_suppression_was_answered_is_sent() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(300).await, json!({ "window": window("+5s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    world.until_accepted(40).await;
    let late: Vec<u64> = (0..300).filter(|n| n % 3 == 0).collect();
    world.silence(late.iter().copied(), Scope::All).await;
    let answered = world.store.time().await.unwrap();
    let report = world.closed(&run).await;

    let mut silenced = 0;
    for row in world.rows(&run).await {
        let n = row.recipient.phone - FIRST_PHONE;
        let begun_later = row.record.first_begun.unwrap() > answered + 5;
        if late.contains(&n) && begun_later {
            assert_eq!((world.accepted(n), row.record.code), (0, SUPPRESSED), "recipient {n}");
            silenced += 1;
        }
    }
    assert!(silenced > 20, "{silenced}");
    assert_eq!(report.totals.imbalance(), 0);
    let failure = &report.failures[0];
    assert_eq!((failure.code, failure.class.as_str(), failure.count), (SUPPRESSED, "suppressed", report.totals.failed));
    assert!(failure.count >= silenced);
    assert_eq!(report.sla.eligible, 300 - failure.count, "nobody was promised anything");
    assert_eq!(report.sla.within_deadline, report.sla.eligible);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_stop_is_left_alone_until_start_but_gets_passcodes() {
    let world = World::start(calm()).await;
    let says = async |n, text: &str| {
        world.stage("/_sim/reply", json!({ "from": phone(n), "number": NUMBERS[0], "text": text })).await;
    };
    says(1, "what time do you open?").await;
    says(2, " Stop. ").await;
    says(3, "बंद करें").await;
    world.until_listed(2, true).await;
    world.until_listed(3, true).await;
    assert_eq!(world.store.suppression(of(1)).await.unwrap(), None);
    let scopes: Vec<_> = world.store.suppression(of(2)).await.unwrap().unwrap().entries;
    assert!(scopes.iter().all(|entry| entry.source == Source::Reply && entry.scope != Scope::Authentication));
    world.silence([3], Scope::Marketing).await;
    // A user's message carries whole seconds: the answer has to be later than what it answers.
    world.passes(1_100).await;
    says(2, "START").await;
    says(3, "start").await;
    world.until_listed(2, false).await;
    let kept = async || {
        let entries = world.store.suppression(of(3)).await.unwrap().unwrap().entries;
        (entries.len() == 1 && entries[0].source == Source::Api).then_some(())
    };
    until("what a person has set stands", PATIENCE, kept).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_marketing_in_whatsapp_gets_no_more_of_it_until_it_is_resumed() {
    let world = World::start(calm()).await;
    let wish = async |n, value: &str| {
        world.stage("/_sim/preference", json!({ "from": phone(n), "number": NUMBERS[0], "value": value })).await;
    };
    wish(1, "stop").await;
    world.until_listed(1, true).await;
    let entry = world.store.suppression(of(1)).await.unwrap().unwrap().entries[0];
    assert_eq!((entry.scope, entry.source), (Scope::Marketing, Source::UserPreferences));
    world.passes(1_100).await;
    wish(1, "resume").await;
    world.until_listed(1, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_with_131050_puts_its_recipient_on_the_list_before_it_is_acknowledged() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(1) }, "fault": { "kind": "async_error", "code": 131050 } }]));
    let audience = world.audience(3).await;
    let first = world.submit(&audience, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&first).await;
    assert_eq!((report.totals.failed, report.failures[0].code), (1, 131_050));
    let entries = world.store.suppression(of(1)).await.unwrap().unwrap().entries;
    assert_eq!((entries[0].scope, entries[0].source), (Scope::Marketing, Source::Code131050));
    let (second, utility) = (world.submit(&audience, offers()).await, world.submit(&audience, json!({})).await);
    world.closed(&second).await;
    let dropped = world.dropped(&second).await;
    assert_eq!(dropped.iter().map(|row| (row.0, row.1)).collect::<Vec<_>>(), [(1, DropReason::Suppressed)]);
    assert_eq!(world.closed(&utility).await.totals.dropped, 0, "marketing alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_is_answered_with_131050_puts_its_recipient_on_the_list_too() {
    let world = World::start(calm()).await;
    world.faults(json!([{ "match": { "phone": phone(1) }, "fault": { "kind": "error", "code": 131_050 } }]));
    let run = world.submit(&world.audience(3).await, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!((report.totals.failed, report.failures[0].code), (1, 131_050));
    let listed = async || world.store.suppression(of(1)).await.unwrap();
    let entries = until("it is on the list", PATIENCE, listed).await.entries;
    assert_eq!((entries[0].scope, entries[0].source), (Scope::Marketing, Source::Code131050));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frequency_cap_counts_what_was_sent_over_runs() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.policy.caps.insert(Scope::Marketing, "1/24h".parse().unwrap());
    world.faults(json!([{ "match": { "phone": phone(2) }, "fault": { "kind": "undeliverable" } }]));
    let audience = world.audience(4).await;
    let first = world.submit(&audience, offers()).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&first).await;
    assert_eq!((report.totals.dropped, report.totals.failed), (0, 1));
    world.reaches(&first, RunState::Closed).await;
    let given_back = async || {
        let active = world.store.active_runs().await.unwrap();
        (!active.contains(&first)).then_some(())
    };
    until("the run has given back whom it did not reach", PATIENCE, given_back).await;

    world.faults(json!([]));
    let (second, utility) = (world.submit(&audience, offers()).await, world.submit(&audience, json!({})).await);
    let report = world.closed(&second).await;
    assert_eq!(report.dropped_by_reason.into_iter().collect::<Vec<_>>(), [(DropReason::Capped, 3)]);
    let dropped = world.dropped(&second).await;
    assert_eq!(dropped[0].2, "marketing is capped at 1/24h for one person");
    assert_eq!(report.totals.delivered + report.totals.read, 1, "who was not reached is not counted");
    assert_eq!(world.closed(&utility).await.totals.dropped, 0, "by category");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_runs_that_are_frozen_at_once_do_not_share_the_last_message_of_one_person() {
    let mut world = World::start(calm()).await;
    world.ctx.settings.policy.caps.insert(Scope::Marketing, "1/24h".parse().unwrap());
    let audience = world.audience(600).await;
    let runs = [world.submit(&audience, offers()).await, world.submit(&audience, offers()).await];
    let _crew = (world.scheduler(), world.scheduler(), world.worker());
    let mut capped = 0;
    for run in &runs {
        capped += world.closed(run).await.dropped_by_reason.get(&DropReason::Capped).copied().unwrap_or_default();
    }
    assert_eq!(capped, 600);
    assert_eq!(world.sim.ledger().totals.accepted, 600);
}
