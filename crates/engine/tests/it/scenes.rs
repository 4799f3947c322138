//! Scenes of a bad morning: what Meta does to numbers, templates and tokens while a run sends. In each everyone is sent, or
//! expires or fails with the reason, nobody hears twice, the SLA is met wherever the arithmetic allows, and the gauge on which
//! the alert fires has the value that fires it (`deploy/prometheus/tests/scenes.yml` has the alerts).

mod pool;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use dawncast_cloud_sim::NumberOrder;
use dawncast_core::{
    health::{Cause, Pin, Playbook, Stage},
    ids::{NumberId, RunId},
    report::{Report, SlaVerdict},
};
use dawncast_store::{records::Number, run::DeliveryRow};
use dawncast_testkit::until;
use serde_json::{Value, json};
use tokio_util::sync::DropGuard;

use crate::{
    metrics::{Scrapes, of_run, watch},
    world::{NUMBERS, PATIENCE, World, calm, window},
};

/// Numbers are read so often where the scene is not about when they are.
const OFTEN: Duration = Duration::from_millis(200);
/// So seldom that what is read within a test was told by a webhook, or was the first look.
const SELDOM: Duration = Duration::from_secs(600);

/// A world with a monitor whose gauges are scraped: on the test's own thread.
struct Scene {
    scrapes: Scrapes,
    world: World,
    _watch: DropGuard,
}

fn id(place: usize) -> NumberId {
    NUMBERS[place].parse().unwrap()
}

impl Scene {
    async fn start(numbers_every: Duration) -> Self {
        Self::start_with(numbers_every, |_| {}).await
    }

    /// The same by a playbook that is changed so.
    async fn start_with(numbers_every: Duration, change: impl FnOnce(&mut Playbook)) -> Self {
        let scrapes = Scrapes::start();
        let mut world = World::start(calm()).await;
        world.ctx.settings.numbers_every = numbers_every;
        change(&mut world.ctx.settings.playbook);
        let scene = Self { scrapes, _watch: watch(&world), world };
        for place in 0..NUMBERS.len() {
            scene.is_read(place, "the number is read", |_| true).await;
        }
        scene
    }

    async fn run(&self, count: u64, closes: &str, deadline: &str) -> RunId {
        self.world.submit(&self.world.audience(count).await, json!({ "window": window(closes, deadline) })).await
    }

    fn order(&self, place: usize, order: NumberOrder) {
        self.world.sim.order_number(NUMBERS[place], order).unwrap();
    }

    fn rate(&self, place: usize, quality: &str) {
        self.order(place, NumberOrder { quality_rating: Some(quality.to_owned()), ..NumberOrder::default() });
    }

    fn fault(&self, place: usize, fault: Value, times: Option<u32>) {
        self.world.faults(json!([{ "match": { "number": NUMBERS[place] }, "fault": fault, "times": times }]));
    }

    /// Waits until what Meta said of a number last is as `wanted`.
    async fn is_read(&self, place: usize, what: &str, wanted: impl Fn(&dawncast_core::health::Reading) -> bool) {
        let read = async || self.world.store.reading(&id(place)).await.unwrap().filter(&wanted).map(drop);
        until(what, PATIENCE, read).await;
    }

    /// Waits until the monitor has brought a number to `stage`.
    async fn comes_to(&self, place: usize, stage: Stage) -> Number {
        let there = async || {
            let number = self.world.store.number(&id(place)).await.unwrap();
            number.filter(|number| number.condition.stage == stage)
        };
        until(&format!("number {place} is {stage}"), PATIENCE, there).await
    }

    /// A person says that a number is fit.
    async fn pin_fit(&self, place: usize) {
        let (world, now) = (&self.world, self.world.clock.now());
        let pin = |number: &mut Number| {
            number.condition = number.condition.pinned_by(Pin { stage: Stage::Fit, until: None }, now);
        };
        let pinned = world.store.change_number(&id(place), pin).await.unwrap().unwrap();
        world.store.apply_condition(&pinned, &world.ctx.settings.playbook).await.unwrap();
    }

    /// Waits until a gauge of a number's health is 1: *Number paused* and *Number banned* fire on it.
    async fn health_is(&self, place: usize, state: &str) {
        let series = format!("dawncast_number_health{{phone_number_id=\"{}\",state=\"{state}\"}}", NUMBERS[place]);
        self.scrapes.until(&series, 1.0).await;
    }

    /// Waits until the run says that it waits, and the gauge does on which *Run held* fires.
    async fn waits(&self, run: &RunId, why: &str) -> String {
        let waits = async || self.world.run(run).await.waits_for.filter(|told| told.contains(why));
        let told = until(&format!("the run waits: {why}"), PATIENCE, waits).await;
        self.held_is(run, 1.0).await;
        told
    }

    async fn held_is(&self, run: &RunId, value: f64) {
        self.scrapes.until(&of_run(&self.world, run, "dawncast_run_held", ",step=\"send\"").await, value).await;
    }

    /// Waits until nothing that the run was told for is told any more.
    async fn goes_on(&self, run: &RunId) {
        let on = async || self.world.run(run).await.waits_for.is_none().then_some(());
        until("the run waits no more", PATIENCE, on).await;
    }

    /// How long after `at` the number began its last message, milliseconds.
    async fn last_begun_after(&self, run: &RunId, place: usize, at: i64) -> i64 {
        let rows = self.world.rows(run).await;
        let begun = rows.iter().filter(|row| row.number == Some(id(place))).filter_map(|row| row.record.last_begun);
        begun.max().unwrap() - at
    }

    /// How many messages the simulator refused with `code`.
    fn refused(&self, code: u32) -> u64 {
        self.world.sim.ledger().totals.rejected.get(&code.to_string()).copied().unwrap_or_default()
    }

    /// Everybody once, and in time.
    async fn all_served(&self, run: &RunId, count: usize) -> Report {
        let report = self.world.closed(run).await;
        assert_eq!((report.sla.verdict, report.totals.failed), (SlaVerdict::Pass, 0), "{report:?}");
        self.world.everyone_once(count);
        report
    }
}

#[tokio::test]
async fn one_of_three_is_rated_low_in_mid_run_and_its_recipients_come_home_once_it_is_fit() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let audience = world.audience(300).await;
    let run = world.submit(&audience, json!({ "window": window("+8s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    scene.rate(0, "RED");
    scene.comes_to(0, Stage::Paused).await;
    let stopped = world.clock.now();
    scene.health_is(0, "paused").await;
    let report = scene.all_served(&run, 300).await;
    assert_eq!(report.numbers[0].health, "paused");
    let after = scene.last_begun_after(&run, 0, stopped).await;
    assert!(after < 500, "it began a message {after} ms after the monitor had seen it");
    // Its rating is as ever, and a person knows better.
    scene.pin_fit(0).await;
    scene.health_is(0, "active").await;
    let next = world.submit(&audience, json!({ "window": window("+4s", "+40s") })).await;
    assert_eq!(world.closed(&next).await.sla.verdict, SlaVerdict::Pass);
    let (before, rows) = (world.rows(&run).await, world.rows(&next).await);
    assert!(rows.iter().filter(|row| row.number == Some(id(0))).count() > 50, "its own hear from it again");
    assert_eq!(homes(&before), homes(&rows));
}

/// Each phone with the number at which it is at home.
fn homes(rows: &[DeliveryRow]) -> BTreeMap<u64, NumberId> {
    rows.iter().map(|row| (row.recipient.phone, row.home.clone().unwrap())).collect()
}

#[tokio::test]
async fn who_was_served_by_others_comes_home_to_a_number_that_has_recovered_by_itself() {
    let scene = Scene::start_with(OFTEN, |playbook| {
        (playbook.pauses_ms, playbook.cooldown_ms) = (vec![500], 1_000);
    })
    .await;
    let world = &scene.world;
    let audience = world.audience(300).await;
    let run = world.submit(&audience, json!({ "window": window("+8s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    scene.rate(0, "RED");
    scene.comes_to(0, Stage::Paused).await;
    scene.all_served(&run, 300).await;
    let first = world.rows(&run).await;
    let is_away = |row: &&DeliveryRow| row.home == Some(id(0)) && row.number != Some(id(0));
    let away: BTreeSet<u64> = first.iter().filter(is_away).map(|row| row.recipient.phone).collect();
    assert!(away.len() > 50, "{} were served by others", away.len());
    // Its recipients rate it well again, and nobody else says anything.
    scene.rate(0, "GREEN");
    let recovered = scene.comes_to(0, Stage::Fit).await.condition;
    assert_eq!((recovered.cause, recovered.pin), (Cause::Nothing, None));
    // *The history is written after the condition.*
    let told = async || {
        let changes = world.store.changes(&id(0)).await.unwrap();
        let stages: Vec<Stage> = changes.iter().rev().map(|change| change.to.stage).collect();
        (stages == [Stage::Paused, Stage::Cooldown, Stage::Fit]).then_some(())
    };
    until("the history tells of all three", PATIENCE, told).await;
    let next = world.submit(&audience, json!({ "window": window("+4s", "+40s") })).await;
    assert_eq!(world.closed(&next).await.sla.verdict, SlaVerdict::Pass);
    let second = world.rows(&next).await;
    assert_eq!(homes(&first), homes(&second));
    let is_back = |row: &DeliveryRow| row.number == Some(id(0)) || !away.contains(&row.recipient.phone);
    assert!(second.iter().all(is_back), "each of the {} hears from its home number again", away.len());
}

#[tokio::test]
async fn a_spam_limit_in_mid_run_stops_its_number_alone() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let run = scene.run(300, "+8s", "+40s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    scene.fault(1, json!({ "kind": "error", "code": 131_048 }), None);
    let stopped = scene.comes_to(1, Stage::Paused).await;
    assert_eq!((stopped.condition.cause, stopped.condition.offences), (Cause::SpamLimit, 1));
    scene.health_is(1, "paused").await;
    let report = scene.all_served(&run, 300).await;
    let healths: Vec<_> = report.numbers.iter().map(|line| line.health.as_str()).collect();
    assert_eq!(healths, ["active", "paused", "active"]);
    assert!((1..60).contains(&scene.refused(131_048)), "{} were wasted on it", scene.refused(131_048));
}

#[tokio::test]
async fn a_spam_limit_that_statuses_tell_of_costs_those_on_their_way_and_nobody_else() {
    let scene = Scene::start(OFTEN).await;
    let world = &scene.world;
    let run = scene.run(300, "+10s", "+40s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    scene.fault(1, json!({ "kind": "async_error", "code": 131_048 }), None);
    scene.comes_to(1, Stage::Paused).await;
    scene.health_is(1, "paused").await;
    let report = world.closed(&run).await;
    world.everyone_once(300);
    let totals = &report.totals;
    assert_eq!(totals.delivered + totals.read + totals.failed, 300, "{totals:?}");
    assert!((1..100).contains(&totals.failed), "{totals:?}");
    assert!(report.failures.iter().all(|failure| failure.code == 131_048), "{:?}", report.failures);
    // Nobody but these is missing, so the verdict is what they come to.
    assert_eq!(report.sla.within_deadline, 300 - totals.failed);
    let rows = world.rows(&run).await;
    let failed = |row: &&dawncast_store::run::DeliveryRow| row.record.code == 131_048;
    assert!(rows.iter().filter(failed).all(|row| row.number == Some(id(1))));
    let series = format!("dawncast_send_errors_total{{phone_number_id=\"{}\",code=\"131048\"", NUMBERS[1]);
    assert!(scene.scrapes.sum(&series) >= 1.0, "*Number banned* fires on it");
}

#[tokio::test]
async fn a_ban_in_mid_run_is_read_as_soon_as_meta_tells_of_it() {
    let scene = Scene::start(SELDOM).await;
    let world = &scene.world;
    let run = scene.run(300, "+8s", "+40s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    let banned = world.clock.now();
    scene.order(2, NumberOrder { status: Some("BANNED".to_owned()), ..NumberOrder::default() });
    scene.is_read(2, "the ban is read", |reading| reading.status.as_deref() == Some("BANNED")).await;
    scene.health_is(2, "banned").await;
    let took = world.clock.now() - banned;
    assert!(took < 5_000, "it took {took} ms");
    let report = scene.all_served(&run, 300).await;
    assert_eq!(report.numbers[2].health, "banned");
    assert!(scene.refused(131_031) < 60, "{} were wasted on it", scene.refused(131_031));
}

#[tokio::test]
async fn a_number_in_maintenance_is_stood_in_for_and_its_upgrade_is_read_at_once() {
    let scene = Scene::start(SELDOM).await;
    let world = &scene.world;
    let run = scene.run(300, "+8s", "+40s").await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(60).await;
    // Meta refuses what a number sends while it is moved to a higher level.
    scene.fault(0, json!({ "kind": "error", "code": 131_057, "http_status": 500 }), None);
    until("it is refused", PATIENCE, async || (scene.refused(131_057) > 0).then_some(())).await;
    world.faults(json!([]));
    let upgraded = world.clock.now();
    scene.order(0, NumberOrder { mps: Some(1_000), ..NumberOrder::default() });
    scene.is_read(0, "its level is read", |reading| reading.throughput.as_deref() == Some("HIGH")).await;
    let took = world.clock.now() - upgraded;
    assert!(took < 5_000, "it took {took} ms");
    let report = scene.all_served(&run, 300).await;
    assert!(report.numbers.iter().all(|line| line.health == "active"), "{:?}", report.numbers);
    assert!(scene.refused(131_057) < 60, "{} were wasted on it", scene.refused(131_057));
}
