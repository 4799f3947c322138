//! Scenes that hit every number at once: the token is taken back, all are rated low, the portfolio's limit is used up, the
//! template is paused.

use dawncast_cloud_sim::{NumberOrder, TemplateOrder, TokenOrder, WABA_ID};
use dawncast_core::{health::Stage, report::SlaVerdict};
use dawncast_store::records::Secret;
use dawncast_testkit::until;

use super::{NUMBERS, OFTEN, PATIENCE, SELDOM, Scene};

fn revoked(scene: &Scene, revoked: bool) {
    scene.world.sim.order_token(TokenOrder { revoked: Some(revoked), ..TokenOrder::default() }).unwrap();
}

async fn give_token(scene: &Scene, token: &str) {
    let (waba, now) = (WABA_ID.parse().unwrap(), scene.world.clock.now());
    scene.world.store.set_credential(&waba, &Secret::new(token), now).await.unwrap();
}

#[tokio::test]
async fn a_token_that_is_taken_back_in_mid_run_is_waited_for_and_the_next_one_is_used_at_once() {
    let scene = Scene::start(SELDOM).await;
    let world = &scene.world;
    let run = scene.run(300, "+8s", "+90s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    revoked(&scene, true);
    let told = scene.waits(&run, "no number can send: number ").await;
    assert!(NUMBERS.iter().all(|number| told.contains(number)) && told.contains("token"), "{told}");
    assert_eq!(world.totals(&run).await.failed, 0, "nobody fails for it");
    // First a wrong one, then the right one: neither waits for the end of a rest.
    revoked(&scene, false);
    let refused = scene.refused(190);
    give_token(&scene, "WRONG").await;
    until("the wrong one is tried", PATIENCE, async || (scene.refused(190) > refused).then_some(())).await;
    let accepted = world.sim.ledger().totals.accepted;
    give_token(&scene, "SIM_TOKEN").await;
    let given = world.clock.now();
    world.until_accepted(accepted + 1).await;
    let took = world.clock.now() - given;
    assert!(took < 10_000, "the rest of 30 s went on: {took} ms");
    scene.goes_on(&run).await;
    scene.held_is(&run, 0.0).await;
    scene.all_served(&run, 300).await;
}

#[tokio::test]
async fn a_pool_that_is_rated_low_in_mid_run_sends_nothing_says_why_and_goes_on_by_a_person() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let run = scene.run(300, "+8s", "+60s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    (0..3).for_each(|place| scene.rate(place, "RED"));
    for place in 0..3 {
        scene.comes_to(place, Stage::Paused).await;
    }
    let stopped = world.clock.now();
    for place in 0..3 {
        scene.health_is(place, "paused").await;
    }
    let told = scene.waits(&run, "no number can send: number ").await;
    assert!(told.matches("Meta rates its quality RED").count() == 3, "{told}");
    for place in 0..3 {
        let after = scene.last_begun_after(&run, place, stopped).await;
        assert!(after < 500, "number {place} began a message {after} ms after all were stopped");
    }
    scene.pin_fit(1).await;
    scene.all_served(&run, 300).await;
    assert_eq!(world.run(&run).await.waits_for, None);
}

#[tokio::test]
async fn who_waits_for_a_pool_that_is_rated_low_expires_at_the_deadline() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let run = scene.run(300, "+12s", "+24s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    (0..3).for_each(|place| scene.rate(place, "RED"));
    scene.waits(&run, "no number can send: number ").await;
    let report = world.closed(&run).await;
    let totals = &report.totals;
    assert_eq!((totals.delivered + totals.read + totals.expired, totals.failed), (300, 0), "{totals:?}");
    assert!(totals.expired > 0 && report.sla.verdict == SlaVerdict::Fail, "{report:?}");
    assert!((0..300).all(|n| world.accepted(n) <= 1));
}

#[tokio::test]
async fn a_limit_that_is_used_up_half_way_fails_who_is_beyond_it_and_stops_no_number() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let run = scene.run(200, "+12s", "+40s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    scene.order(0, NumberOrder { messaging_limit: Some("TIER_50".to_owned()), ..NumberOrder::default() });
    let beyond = format!("dawncast_run_over_quota_recipients{{run=\"{run}\"}}");
    let short = async || scene.scrapes.value(&beyond).filter(|count| *count > 0.0).map(drop);
    until("*Quota short* fires", PATIENCE, short).await;
    let report = world.closed(&run).await;
    let totals = &report.totals;
    assert_eq!(totals.delivered + totals.read + totals.failed, 200, "{totals:?}");
    assert!(totals.delivered + totals.read >= 90, "as far as Meta lets it: {totals:?}");
    assert!(totals.failed > 0 && report.failures.iter().all(|failure| failure.code == 131_048), "{report:?}");
    world.everyone_once(200);
    assert!(report.numbers.iter().all(|line| line.health == "active"), "{:?}", report.numbers);
    let stages = world.store.numbers().await.unwrap();
    assert!(stages.iter().all(|number| number.condition.stage == Stage::Fit), "{stages:?}");
}

#[tokio::test]
async fn a_template_whose_pause_meta_tells_of_is_hardly_sent_any_more() {
    let scene = Scene::start(SELDOM).await;
    let world = &scene.world;
    let run = scene.run(300, "+10s", "+60s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    let order = |status: &str| TemplateOrder { status: Some(status.to_owned()), ..TemplateOrder::default() };
    world.sim.order_template("daily_text_v1", &order("PAUSED")).unwrap();
    scene.waits(&run, "no template can be sent: template `daily_text_v1` is PAUSED").await;
    assert!(scene.refused(132_015) < 60, "{} were wasted on it", scene.refused(132_015));
    let paused = "dawncast_template_status{template=\"daily_text_v1\",language=\"en_IN\",status=\"PAUSED\"}";
    scene.scrapes.until(paused, 1.0).await;
    world.sim.order_template("daily_text_v1", &order("APPROVED")).unwrap();
    scene.all_served(&run, 300).await;
}
