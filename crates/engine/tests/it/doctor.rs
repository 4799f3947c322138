//! What preflight, the checks and the doctor find of tokens, subscriptions, rates and links, at the real simulator.

use std::net::SocketAddr;

use axum::{Router, http::StatusCode, routing::get};
use dawncast_cloud_sim::TokenOrder;
use dawncast_core::{
    doctor::{Check, Finding, Outcome, Ward, worst},
    ids::RunId,
    report::SlaVerdict,
};
use dawncast_engine::Doctor;
use dawncast_store::{
    records::{Secret, TokenChange},
    run::RunState,
};
use dawncast_testkit::until;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use crate::world::{NUMBERS, PATIENCE, World, calm, window};

const MESSAGING: &str = "whatsapp_business_messaging";
const MANAGEMENT: &str = "whatsapp_business_management";

/// What is found of a check, and how bad it is.
async fn found(world: &World, ward: Ward, check: Check) -> (Outcome, Vec<Finding>) {
    // Anew each time: what was asked lately is not asked again.
    let all = Doctor::new(world.ctx.clone()).examine(&ward).await.unwrap().unwrap();
    let found: Vec<_> = all.into_iter().filter(|finding| finding.check == check).collect();
    (worst(&found), found)
}

/// A run that opens in twenty minutes: before it is frozen.
async fn later(world: &World, patch: Value) -> RunId {
    let mut spec = json!({ "window": { "opens": "+20m", "closes": "+21m", "deadline": "+22m" } });
    spec.as_object_mut().unwrap().extend(patch.as_object().unwrap().clone());
    world.submit(&world.audience(2).await, spec).await
}

fn order(world: &World, order: Value) {
    world.sim.order_token(serde_json::from_value::<TokenOrder>(order).unwrap()).unwrap();
}

fn seconds(ms: i64) -> i64 {
    ms / 1_000
}

/// A message with a picture from `url`, the same for everybody.
fn linked(url: &str) -> Value {
    let image = json!({ "type": "image", "image": { "link": url } });
    let text = json!({ "type": "text", "text": "{{ first_name }}" });
    json!({ "type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY",
            "components": [ { "type": "header", "parameters": [image] }, { "type": "body", "parameters": [text] } ] })
}

/// A server that has `/a.png`, knows no HEAD for `/get.png`, and has nothing else.
async fn files() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let png = || async { ([("content-type", "image/png")], "png") };
    let by_get = get(png).head(|| async { StatusCode::METHOD_NOT_ALLOWED });
    let router = Router::new().route("/a.png", get(png)).route("/get.png", by_get);
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

/// Waits until the run is held, and says why.
async fn held(world: &World, run: &RunId) -> String {
    until("the run is held", PATIENCE, async || world.run(run).await.waits_for).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deployment_that_is_well_has_nothing_that_fails() {
    let world = World::start(calm()).await;
    let run = later(&world, json!({})).await;
    for (check, subject) in
        [(Check::Token, "100000000000001"), (Check::Webhook, "200000000000001"), (Check::CloudApi, "")]
    {
        let (outcome, found) = found(&world, Ward::Run(run.clone()), check).await;
        assert!(outcome == Outcome::Ok && found.iter().any(|it| it.subject.starts_with(subject)), "{found:?}");
    }
    let campaign = world.run(&run).await.record.campaign;
    assert_eq!(found(&world, Ward::Campaign(campaign), Check::Run).await.1[0].subject, run.to_string());
    let nobody = Doctor::new(world.ctx.clone()).examine(&Ward::Run("run_none".parse().unwrap())).await.unwrap();
    assert_eq!(nobody, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_found_out_before_and_after_its_end() {
    let world = World::start(calm()).await;
    let (run, now) = (later(&world, json!({})).await, world.clock.now());
    order(&world, json!({ "expires_at": seconds(now) + 3_600 }));
    let (outcome, told) = found(&world, Ward::All, Check::Token).await;
    assert!(outcome == Outcome::Warn && told[0].subject == NUMBERS.join(", "), "{told:?}");
    // The run may send until 22 minutes from now.
    order(&world, json!({ "expires_at": seconds(now) + 600 }));
    assert_eq!(found(&world, Ward::Run(run.clone()), Check::Token).await.0, Outcome::Fail);
    assert!(found(&world, Ward::All, Check::Token).await.1[0].evidence.contains("before a scheduled run is over"));
    order(&world, json!({ "expires_at": seconds(now) - 60 }));
    let (outcome, told) = found(&world, Ward::All, Check::Token).await;
    assert!(outcome == Outcome::Fail && told[0].evidence.contains("Session has expired"), "{told:?}");
    order(&world, json!({ "expires_at": 0, "revoked": true }));
    assert!(found(&world, Ward::All, Check::Token).await.1[0].evidence.contains("invalidated"));
}

#[tokio::test(flavor = "multi_thread")]
async fn scopes_accounts_and_subscriptions_that_are_missing_are_named() {
    let world = World::start(calm()).await;
    for (order_of, words) in [
        (json!({ "scopes": [MANAGEMENT] }), "lacks the scope whatsapp_business_messaging"),
        (json!({ "scopes": [MESSAGING] }), "lacks the scope whatsapp_business_management"),
        (
            json!({ "scopes": [MANAGEMENT, MESSAGING], "target_ids": ["42"] }),
            "is for account 42, not for 200000000000001",
        ),
    ] {
        order(&world, order_of);
        let (outcome, told) = found(&world, Ward::All, Check::Token).await;
        assert!(outcome == Outcome::Fail && told.iter().any(|it| it.evidence.contains(words)), "{words}: {told:?}");
    }
    order(&world, json!({ "target_ids": [] }));
    world.sim.subscribe(false);
    let (outcome, told) = found(&world, Ward::All, Check::Webhook).await;
    assert!(outcome == Outcome::Fail && told[1].in_words().contains("no subscribed app"), "{told:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_token_ends_too_soon_is_held_until_there_is_another() {
    let world = World::start(calm()).await;
    let ends_at = seconds(world.clock.now()) + 10;
    order(&world, json!({ "expires_at": ends_at }));
    let run = world.submit(&world.audience(3).await, json!({ "window": window("+3s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let why = held(&world, &run).await;
    assert!(why.contains("expires at") && why.contains("dawncast number set"), "{why}");
    order(&world, json!({ "expires_at": 0 }));
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_token_is_dead_is_left_out_and_others_carry_the_run() {
    let world = World::start(calm()).await;
    let id = NUMBERS[0].parse().unwrap();
    let own = TokenChange::Give(Secret::new("EAAG_OLD"));
    world.store.change_number_and_token(&id, |_| {}, &own, world.clock.now()).await.unwrap();
    world.store.change_number(&NUMBERS[1].parse().unwrap(), |number| number.mps = 100).await.unwrap();
    let run = world.submit(&world.audience(20).await, json!({ "window": window("+3s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
    let remarks = world.run(&run).await.remarks;
    let has = |words: &str| remarks.iter().any(|remark| remark.contains(words));
    assert!(has("number 100000000000001 cannot send: Meta does not take the token"), "{remarks:?}");
    assert!(
        has("number 100000000000002: set to 100 messages a second, but its level STANDARD allows 80"),
        "{remarks:?}"
    );
    assert!(!format!("{remarks:?}").contains("EAAG_OLD"), "{remarks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_whose_account_tells_nobody_is_held_until_the_app_is_subscribed() {
    let world = World::start(calm()).await;
    world.sim.subscribe(false);
    let run = world.submit(&world.audience(3).await, json!({ "window": window("+3s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let why = held(&world, &run).await;
    assert!(why.contains("no subscribed app") && why.contains("POST /200000000000001/subscribed_apps"), "{why}");
    assert_eq!(world.sim.ledger().totals.accepted, 0);
    world.sim.subscribe(true);
    assert_eq!(world.closed(&run).await.sla.verdict, SlaVerdict::Pass);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_is_asked_for_and_one_that_nobody_can_have_holds_the_run() {
    let (world, files) = (World::start(calm()).await, files().await);
    let link = |path: &str| json!({ "message": linked(&format!("http://{files}{path}")) });
    for (path, expected) in [("/a.png", Outcome::Ok), ("/get.png", Outcome::Ok), ("/gone.png", Outcome::Fail)] {
        let run = later(&world, link(path)).await;
        let (outcome, told) = found(&world, Ward::Run(run), Check::Links).await;
        assert_eq!(outcome, expected, "{path}: {told:?}");
    }
    let nobody = json!({ "message": linked("http://127.0.0.1:1/a.png") });
    let (outcome, told) = found(&world, Ward::Run(later(&world, nobody).await), Check::Links).await;
    assert!(outcome == Outcome::Warn && told[0].evidence.contains("cannot be reached from here"), "{told:?}");
    for (path, outcome, status) in
        [("/a.png?{{ image }}", Outcome::Ok, "image/png"), ("/{{ image }}", Outcome::Warn, "404")]
    {
        let (worst, told) = found(&world, Ward::Run(later(&world, link(path)).await), Check::Links).await;
        assert_eq!((worst, told.is_empty()), (outcome, false), "some recipients' are asked for: {told:?}");
        assert!(told.iter().all(|it| it.evidence.contains(status) && !it.evidence.contains("{{")), "{told:?}");
    }

    let mut gone = link("/gone.png");
    gone["window"] = window("+3s", "+40s");
    let run = world.submit(&world.audience(3).await, gone).await;
    let _scheduler = world.scheduler();
    let why = held(&world, &run).await;
    assert!(why.contains("answers HTTP 404"), "{why}");
    assert_eq!(world.run(&run).await.state, RunState::Planned);
}
