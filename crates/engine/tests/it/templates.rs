//! What becomes of templates while a run sends: paused in one account or in all, reviewed, fallen back from.

use std::time::Duration;

use dawncast_cloud_sim::{SimConfig, TemplateOrder, Verdict};
use dawncast_core::{
    campaign::TrialShare,
    ids::{RunId, WabaId},
    report::{Report, SlaVerdict},
    template::Rotation,
};
use dawncast_store::run::RunState;
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    metrics::{Scrapes, of_run, watch},
    world::{NUMBERS, PATIENCE, World, calm, window},
};

const OWN: &str = "daily_text_v1";
const OTHER: &str = "daily_text_v2";

fn texts(fallback: Value) -> Value {
    let text = json!({ "type": "text", "text": "{{ first_name }}" });
    json!({ "type": "template", "name": OWN, "language": "en_IN", "category": "UTILITY", "fallback": fallback,
            "components": [ { "type": "body", "parameters": [text] } ] })
}

fn order(status: &str) -> TemplateOrder {
    TemplateOrder { status: Some(status.to_owned()), silent: true, ..TemplateOrder::default() }
}

/// A world in which every account has a second template like the first, approved.
async fn two_templates(wabas: usize) -> World {
    let world = World::start(SimConfig { wabas, review: Duration::ZERO, ..calm() }).await;
    for waba in accounts(&world) {
        let definition = json!({
            "name": OTHER, "language": "en_IN", "category": "UTILITY",
            "components": [ { "type": "BODY", "text": "Good day {{1}}, here is what you asked for.",
                              "example": { "body_text": [["Asha"]] } } ],
        });
        let token = dawncast_cloud_api::Token::new("SIM_TOKEN").unwrap();
        world.ctx.client.create_template(waba.as_str(), &token, &definition).await.unwrap();
    }
    world
}

/// The accounts of the numbers, each once, in order.
fn accounts(world: &World) -> Vec<WabaId> {
    let mut accounts: Vec<WabaId> =
        NUMBERS.iter().map(|number| world.sim.account(number).unwrap().parse().unwrap()).collect();
    accounts.sort();
    accounts.dedup();
    accounts
}

impl World {
    async fn template_is(&self, waba: &WabaId, name: &str, status: &str) {
        let stands = async || {
            let known = self.store.templates(waba).await.unwrap()?;
            known.iter().any(|it| it.name == name && it.status == status).then_some(())
        };
        until(&format!("{name} is {status}"), PATIENCE, stands).await;
    }

    async fn waits(&self, run: &RunId, why: &str) {
        let waits = async || self.run(run).await.waits_for.filter(|told| told.contains(why)).map(drop);
        until(&format!("the run waits: {why}"), PATIENCE, waits).await;
    }
}

/// How many got each message.
fn by_message(report: &Report) -> Vec<(&str, u64)> {
    let got = |totals: &dawncast_core::report::Totals| totals.delivered + totals.read;
    report.by_message.iter().map(|line| (line.message.as_str(), got(&line.part.totals))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_left_gets_the_fallback_when_the_template_is_paused_in_mid_run() {
    let world = two_templates(1).await;
    let run = world
        .submit(
            &world.audience(300).await,
            json!({ "message": texts(json!([OTHER])), "window": window("+6s", "+40s") }),
        )
        .await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    world.until_accepted(60).await;
    world.sim.order_template(OWN, &order("PAUSED")).unwrap();
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0), "{report:?}");
    world.everyone_once(300);
    let got = by_message(&report);
    assert_eq!(got.iter().map(|(_, count)| count).sum::<u64>(), 300);
    assert!(got[0].1 >= 60 && got[1].1 > 0, "{got:?}");
    let refused = world.sim.ledger().totals.rejected.get("132015").copied().unwrap_or_default();
    assert!((1..=200).contains(&refused), "{refused} messages were wasted on the paused template");
    let accepted: u64 = report.numbers.iter().map(|line| line.accepted).sum();
    assert_eq!(accepted, 300, "a number's messages are counted whatever they were");
}

#[tokio::test(flavor = "multi_thread")]
async fn numbers_of_another_account_stand_in_where_the_template_is_paused() {
    let world = two_templates(2).await;
    let patch = json!({ "message": texts(json!([])), "window": window("+6s", "+40s") });
    let run = world.submit(&world.audience(200).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    let elsewhere = accounts(&world)[1].to_string();
    world.sim.order_template(OWN, &TemplateOrder { waba: Some(elsewhere), ..order("PAUSED") }).unwrap();
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0), "{report:?}");
    world.everyone_once(200);
    assert_eq!(by_message(&report), [("template daily_text_v1", 200)]);
}

#[tokio::test]
async fn without_a_fallback_the_run_waits_says_why_and_goes_on_when_meta_lets_it() {
    let (scrapes, world) = (Scrapes::start(), two_templates(1).await);
    let _watch = watch(&world);
    let patch = json!({ "message": texts(json!([])), "window": window("+6s", "+40s") });
    let run = world.submit(&world.audience(200).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    world.sim.order_template(OWN, &order("PAUSED")).unwrap();
    world.waits(&run, "no template can be sent: template `daily_text_v1` is PAUSED").await;
    let campaign = world.run(&run).await.record.campaign;
    scrapes.until(&format!("dawncast_run_held{{campaign=\"{campaign}\",run=\"{run}\",step=\"send\"}}"), 1.0).await;
    assert!(world.totals(&run).await.failed == 0, "nobody fails for it");
    // By webhook, this time.
    world.sim.order_template(OWN, &TemplateOrder { silent: false, ..order("APPROVED") }).unwrap();
    let report = world.closed(&run).await;
    assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0), "{report:?}");
    assert_eq!(world.run(&run).await.waits_for, None);
    world.everyone_once(200);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_not_reached_by_the_deadline_expires_or_failed_with_the_reason() {
    let world = two_templates(1).await;
    let patch = json!({ "message": texts(json!([])), "window": window("+3s", "+8s") });
    let run = world.submit(&world.audience(200).await, patch).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    world.sim.order_template(OWN, &order("DISABLED")).unwrap();
    let report = world.closed(&run).await;
    let totals = &report.totals;
    assert_eq!(totals.delivered + totals.read + totals.expired + totals.failed, 200, "{report:?}");
    assert!(totals.expired > 0 && report.failures.iter().all(|failure| failure.code == 132_016), "{report:?}");
    assert!((0..200).all(|n| world.accepted(n) <= 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_opens_with_its_fallback_where_its_own_template_is_paused() {
    let world = two_templates(1).await;
    world.sim.order_template(OWN, &order("PAUSED")).unwrap();
    let run = world.submit(&world.audience(30).await, json!({ "message": texts(json!(["nope", OTHER])) })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(by_message(&report)[2], ("template daily_text_v2", 30));
    let remarks = world.run(&run).await.remarks.join(" ");
    assert!(
        remarks.contains("template `daily_text_v1` is PAUSED; template daily_text_v2 goes out instead"),
        "{remarks}"
    );
    assert!(world.sim.ledger().totals.rejected.is_empty(), "nobody's message was wasted on it");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_webhook_tells_of_a_template_is_known_at_once_and_then_read() {
    let world = two_templates(1).await;
    let _watch = watch(&world);
    let waba = &accounts(&world)[0];
    world.template_is(waba, OWN, "APPROVED").await;
    let paused = TemplateOrder { quality_score: Some("RED".to_owned()), silent: false, ..order("PAUSED") };
    world.sim.order_template(OWN, &paused).unwrap();
    world.template_is(waba, OWN, "PAUSED").await;
    let rated = async || {
        let known = world.store.templates(waba).await.unwrap()?;
        known.into_iter().find(|it| it.name == OWN).filter(|it| it.quality.as_deref() == Some("RED")).map(drop)
    };
    until("its rating is read", PATIENCE, rated).await;
    // Of an account that is not ours.
    world.store.note_template(&"999".parse().unwrap(), OWN, "en_IN", "PAUSED", world.clock.now()).await.unwrap();
    assert_eq!(world.store.templates(&"999".parse().unwrap()).await.unwrap(), None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_template_is_not_approved_in_time_is_held_with_the_reason() {
    let world = two_templates(1).await;
    world.sim.order_template(OWN, &order("PENDING")).unwrap();
    let run = world
        .submit(&world.audience(10).await, json!({ "message": texts(json!([])), "window": window("+3s", "+30s") }))
        .await;
    let _crew = (world.scheduler(), world.worker());
    world.waits(&run, "template `daily_text_v1` is PENDING").await;
    world.sim.order_template(OWN, &order("APPROVED")).unwrap();
    world.reaches(&run, RunState::Open).await;
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
}

#[tokio::test]
async fn days_before_a_run_it_is_told_that_its_template_is_not_approved() {
    let (scrapes, world) = (Scrapes::start(), two_templates(2).await);
    let elsewhere = accounts(&world)[1].to_string();
    world.sim.order_template(OWN, &TemplateOrder { waba: Some(elsewhere), ..order("PENDING") }).unwrap();
    let _watch = watch(&world);
    let in_days = |days: u32| {
        json!({ "opens": format!("+{}h", 24 * days), "closes": format!("+{}h", 24 * days + 1),
                                      "deadline": format!("+{}h", 24 * days + 2) })
    };
    let audience = world.audience(3).await;
    let near = world.submit(&audience, json!({ "message": texts(json!([])), "window": in_days(4) })).await;
    let far = world.submit(&audience, json!({ "message": texts(json!([])), "window": in_days(6) })).await;
    let fine = world.submit(&audience, json!({ "message": texts(json!([OTHER])), "window": in_days(4) })).await;
    for (run, value) in [(&near, 1.0), (&far, 0.0), (&fine, 0.0)] {
        scrapes.until(&of_run(&world, run, "dawncast_run_template_unapproved", "").await, value).await;
    }
    world.sim.order_template(OWN, &TemplateOrder { silent: false, ..order("APPROVED") }).unwrap();
    scrapes.until(&of_run(&world, &near, "dawncast_run_template_unapproved", "").await, 0.0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submitted_template_is_reviewed_edited_when_it_was_rejected_and_goes_out_once_it_is_rotated_to() {
    let world = World::start(SimConfig { wabas: 2, review: Duration::from_millis(50), ..calm() }).await;
    let _watch = watch(&world);
    let document = |text: &str| {
        json!({ "name": OTHER, "language": "en_IN", "category": "UTILITY",
                "components": [ { "type": "BODY", "text": text, "example": { "body_text": [["Asha"]] } } ] })
    };
    let submit = async |text: &str| {
        let draft = dawncast_core::template::Draft::read(&document(text)).unwrap();
        dawncast_engine::submit(&world.ctx, &draft, None, world.clock.now()).await.unwrap()
    };
    world.sim.order_reviews(Verdict { status: "REJECTED".to_owned(), ..Verdict::default() }).unwrap();
    let told = submit("Good day {{1}}, here is what you asked for.").await;
    assert_eq!(told.iter().filter(|it| it.status.as_deref() == Some("PENDING")).count(), 2, "{told:?}");
    for waba in accounts(&world) {
        world.template_is(&waba, OTHER, "REJECTED").await;
    }
    world.sim.order_reviews(Verdict::default()).unwrap();
    let told = submit("Good day {{1}}, this is what you asked us for.").await;
    assert!(told.iter().all(|it| it.error.is_none()), "it is edited: {told:?}");
    for waba in accounts(&world) {
        world.template_is(&waba, OTHER, "APPROVED").await;
    }
    let now = world.clock.now();
    world.store.change_rotation(OWN, "en_IN", |rotation| rotation.rotate(OTHER, now)).await.unwrap();
    let run = world.submit(&world.audience(20).await, json!({ "message": texts(json!([])) })).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(by_message(&report), [("template daily_text_v2", 20), ("template daily_text_v1", 0)]);
    world.everyone_once(20);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_on_trial_goes_to_its_share_and_to_nobody_once_it_is_seen_to_fail_more() {
    let world = two_templates(2).await;
    let now = world.clock.now();
    let start = |it: &mut Rotation| it.start_trial(OTHER, TrialShare::of(500), now);
    world.store.change_rotation(OWN, "en_IN", start).await.unwrap();
    let audience = world.audience(400).await;
    let _crew = (world.scheduler(), world.worker());
    let run = world.submit(&audience, json!({ "message": texts(json!([])) })).await;
    let report = world.closed(&run).await;
    let shares: Vec<_> = report.by_message.iter().map(|it| (it.message.as_str(), it.fallback)).collect();
    assert_eq!(shares, [("template daily_text_v2", false), ("template daily_text_v1", false)]);
    let [(_, tried), (_, current)] = by_message(&report)[..] else { panic!("two messages") };
    assert!((150..=250).contains(&tried) && tried + current == 400, "{tried} and {current}");
    let trial = world.store.rotation(OWN, "en_IN").await.unwrap().trial.expect("it goes on");
    assert_eq!((trial.tried.delivered, trial.current.delivered), (tried, current));

    // The same people get it the next morning, and many of their messages are refused.
    let on_trial = async |run: &RunId| -> Vec<u64> {
        let rows = world.rows(run).await.into_iter().filter(|row| !row.message.is_fallback());
        rows.map(|row| row.recipient.phone).collect()
    };
    let takers = on_trial(&run).await;
    let fault = json!({ "kind": "error", "code": 131_008 });
    let failing = takers.iter().take(80);
    let rules: Vec<Value> =
        failing.map(|phone| json!({ "match": { "phone": phone.to_string() }, "fault": fault })).collect();
    world.faults(json!(rules));
    let second = world.submit(&audience, json!({ "message": texts(json!([])) })).await;
    let report = world.closed(&second).await;
    let (mut before, mut after) = (takers, on_trial(&second).await);
    before.sort_unstable();
    after.sort_unstable();
    assert_eq!((before, report.totals.failed), (after, 80));
    let rotation = world.store.rotation(OWN, "en_IN").await.unwrap();
    assert_eq!((rotation.current(), &rotation.trial), (OWN, &None));
    let why = rotation.changes.last().and_then(|change| change.why.as_deref()).unwrap_or_default();
    assert!(why.starts_with("the trial of daily_text_v2 ends, it fails more: "), "{why}");

    let third = world.submit(&audience, json!({ "message": texts(json!([])) })).await;
    let report = world.closed(&third).await;
    assert_eq!(report.by_message.iter().map(|it| it.message.as_str()).collect::<Vec<_>>(), ["template daily_text_v1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_asset_is_the_sample_of_a_template_s_header_and_its_upload_goes_on_where_it_was_cut_off() {
    let world = World::start(SimConfig { wabas: 2, review: Duration::ZERO, ..calm() }).await;
    world.asset().await;
    let document = |sample: &str| {
        json!({ "name": OTHER, "language": "en_IN", "category": "UTILITY", "components": [
            { "type": "HEADER", "format": "IMAGE", "example": { "header_handle": [sample] } },
            { "type": "BODY", "text": "Good day {{1}}, here is what you asked for.", "example": { "body_text": [["Asha"]] } } ] })
    };
    let submit = async |sample: &str| {
        let draft = dawncast_core::template::Draft::read(&document(sample)).unwrap();
        dawncast_engine::submit(&world.ctx, &draft, None, world.clock.now()).await.unwrap()
    };
    let told = submit("asset:nope").await;
    assert!(told.iter().all(|it| it.error.as_ref().is_some_and(|why| why.contains("no asset `nope`"))), "{told:?}");
    world.sim.cut_upload_after(3);
    let told = submit("asset:pack").await;
    assert!(told.len() == 2 && told.iter().all(|it| it.error.is_none()), "{told:?}");
    for waba in accounts(&world) {
        dawncast_engine::sync_templates(&world.ctx, world.clock.now()).await.unwrap();
        let known = world.store.templates(&waba).await.unwrap().unwrap();
        let made = known.iter().find(|it| it.name == OTHER);
        let made = made.unwrap_or_else(|| panic!("it is there: {known:?}"));
        assert_eq!(made.header, Some(dawncast_core::template::Header::Image));
    }
}
