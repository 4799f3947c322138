//! Rate credit lives in Lua as well as in core: random histories of a number hold the two equal to the microsecond.

use std::{
    str::FromStr,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use dawncast_core::{
    campaign::Priority,
    health::{Condition, Playbook, Stage},
    ids::NumberId,
    pace::{self, Credit, Pace, Throttle},
};
use dawncast_store::{
    ProcessTime, Store,
    credit::Rate,
    records::{Number, NumberRole},
};
use proptest::{prelude::*, test_runner::TestCaseError};

use crate::{
    run_scene::{OPENS, Scene},
    run_seeded,
};

#[derive(Debug, Clone)]
enum Step {
    Tick(i64),
    Grant { priority: Priority, wanted: u32 },
    Throttled(u64),
    Rest(u64),
}

#[derive(Debug)]
struct History {
    mps: u32,
    headroom: f64,
    steps: Vec<Step>,
}

fn ticks() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..60_i64, 2 => 900..6_000_i64, 1 => prop::sample::select(vec![1_000, 5_000, 10_000, 15_000]), 1 => -5_000..0_i64, 1 => -4_000_000_000..4_000_000_000_i64]
}

fn steps() -> impl Strategy<Value = Step> {
    let hold = prop_oneof![Just(0), 1..3_000_u64];
    let grant = (prop::sample::select(Priority::ALL), 0..200_u32);
    prop_oneof![
        6 => ticks().prop_map(Step::Tick),
        8 => grant.prop_map(|(priority, wanted)| Step::Grant { priority, wanted }),
        1 => hold.clone().prop_map(Step::Throttled),
        1 => hold.prop_map(Step::Rest),
    ]
}

fn histories() -> impl Strategy<Value = History> {
    let mps = prop_oneof![4 => 1..1_500_u32, 1 => Just(0), 1 => Just(u32::MAX)];
    (mps, 0.001..1.0, prop::collection::vec(steps(), 20..100)).prop_map(|(mps, headroom, steps)| History {
        mps,
        headroom,
        steps,
    })
}

/// A number as core would keep it.
#[derive(Default)]
struct Model {
    credit: Credit,
    throttle: Throttle,
}

impl Model {
    fn grant(&mut self, rate: Rate, wanted: u32, now_us: i64) -> (u32, i64, u32) {
        let factor = self.throttle.factor_at(now_us);
        let pace = Pace::from_rate(rate.mps, rate.headroom, factor);
        let grant = pace::grant(self.credit, pace, now_us, wanted, pace.reserve_us(rate.priority));
        self.credit = grant.credit;
        (grant.granted, grant.retry_at_us, factor)
    }
}

async fn step(
    store: &Store,
    number: &NumberId,
    model: &mut Model,
    history: &History,
    step: &Step,
    now_us: i64,
) -> Result<(), TestCaseError> {
    let until = |ms: u64| now_us + ms as i64 * 1_000;
    match *step {
        Step::Tick(_) => {}
        Step::Grant { priority, wanted } => {
            let rate = Rate { mps: history.mps, headroom: history.headroom, priority };
            let granted = store.grant(number, rate, wanted).await.unwrap();
            let found = (granted.count, granted.retry_at_us, granted.factor_milli);
            prop_assert_eq!(found, model.grant(rate, wanted, now_us));
            prop_assert_eq!((granted.paused, granted.now_us), (false, now_us));
        }
        Step::Throttled(hold) => {
            let factor = store.throttled(number, Duration::from_millis(hold)).await.unwrap();
            model.throttle = model.throttle.slowed(now_us);
            model.credit = model.credit.hold(until(hold), now_us);
            prop_assert_eq!(factor, model.throttle.factor_milli);
        }
        Step::Rest(hold) => {
            store.rest(number, Duration::from_millis(hold)).await.unwrap();
            model.credit = model.credit.hold(until(hold), now_us);
        }
    }
    Ok(())
}

#[test]
fn credit_in_lua_and_its_twin_in_core_never_differ() {
    let numbers = AtomicU32::new(0);
    run_seeded::play(100, histories(), async |scene, history| {
        let number = numbers.fetch_add(1, Ordering::SeqCst).to_string().parse().unwrap();
        let mut model = Model::default();
        scene.at(OPENS);
        for (at, next) in history.steps.iter().enumerate() {
            if let Step::Tick(by) = next {
                scene.at(scene.now() + by);
            }
            let played = step(&scene.store, &number, &mut model, &history, next, scene.now() * 1_000).await;
            played.map_err(|error| TestCaseError::fail(format!("step {at}, {next:?}: {error}")))?;
        }
        Ok(())
    });
}

const RATE: Rate = Rate { mps: 80, headroom: 0.9, priority: Priority::Critical };

#[tokio::test]
async fn a_clock_that_stepped_back_holds_a_number_up_for_a_burst_at_most() {
    let scene = Scene::set().await;
    let number: NumberId = "1".parse().unwrap();
    assert!(scene.store.grant(&number, RATE, 100).await.unwrap().count > 0);
    scene.at(OPENS - 3_600_000);
    let refused = scene.store.grant(&number, RATE, 1).await.unwrap();
    assert_eq!(refused.count, 0);
    scene.at(OPENS - 3_600_000 + 14);
    assert_eq!(scene.store.grant(&number, RATE, 1).await.unwrap().count, 1);
}

#[tokio::test]
async fn a_step_of_redis_clock_grants_no_second_burst() {
    let redis = dawncast_testkit::TestRedis::start().await;
    let (time, number) = (Arc::new(ProcessTime::default()), NumberId::from_str("1").unwrap());
    let store = redis.store("t:").await.by_time(Arc::clone(&time));
    let look = async || time.expect(store.time_us().await.unwrap() - time.redis_us());
    look().await;
    assert_eq!(store.grant(&number, RATE, 100).await.unwrap().count, 7, "where it is expected");
    // As if Redis had jumped five minutes, and then been looked at again.
    for by in [-300_000_000, 300_000_000] {
        time.expect(by);
        let refused = store.grant(&number, RATE, 100).await.unwrap();
        assert_eq!((refused.count, refused.retry_at_us > refused.now_us), (0, true));
        look().await;
        let granted = store.grant(&number, RATE, 100).await.unwrap();
        assert!(granted.count <= 1, "all of the burst counts as spent, not {} left", granted.count);
    }
}

#[tokio::test]
async fn workers_that_ask_at_once_share_one_burst() {
    let scene = Scene::set().await;
    let number: NumberId = "1".parse().unwrap();
    let asks = (0..8).map(|_| async { scene.connect(None).await.grant(&number, RATE, 5).await.unwrap().count });
    let granted: u32 = futures::future::join_all(asks).await.into_iter().sum();
    assert_eq!(granted, 7, "a tenth of a second at 72 a second");
}

#[tokio::test]
async fn redis_own_clock_gives_credit_back() {
    let scene = Scene::set().await;
    let store = scene.redis.store("t:").await;
    let number: NumberId = "1".parse().unwrap();
    let first = store.grant(&number, RATE, 100).await.unwrap();
    assert!(first.count > 0 && first.retry_at_us > first.now_us);
    let again = dawncast_testkit::until("credit is back", Duration::from_secs(10), async || {
        let granted = store.grant(&number, RATE, 1).await.unwrap();
        (granted.count == 1).then_some(granted)
    });
    assert!(again.await.now_us >= first.retry_at_us);
}

#[tokio::test]
async fn a_number_grants_no_more_than_its_condition_leaves_it() {
    let scene = Scene::set().await;
    let number: NumberId = "1".parse().unwrap();
    let rate = |priority| Rate { priority, ..RATE };
    let burst = async |priority| {
        scene.at(scene.now() + 10_000);
        let granted = scene.store.grant(&number, rate(priority), 100).await.unwrap();
        (granted.count, granted.paused)
    };
    let mut kept = Number {
        phone_number_id: number.clone(),
        waba_id: "200".parse().unwrap(),
        display_phone_number: "1".into(),
        plain_token: None,
        pool: "advisors".parse().unwrap(),
        mps: 80,
        role: NumberRole::Active,
        paused: false,
        condition: Condition::default(),
        created_at: 1,
    };
    let playbook = Playbook::default();
    for (stage, bulk, normal, critical) in [
        (Stage::Fit, (3, false), (5, false), (7, false)),
        (Stage::Cooldown, (0, true), (0, true), (3, false)),
        (Stage::Paused, (0, true), (0, true), (0, true)),
        (Stage::Fit, (3, false), (5, false), (7, false)),
    ] {
        kept.condition.stage = stage;
        scene.store.apply_condition(&kept, &playbook).await.unwrap();
        let granted = [burst(Priority::Bulk).await, burst(Priority::Normal).await, burst(Priority::Critical).await];
        assert_eq!(granted, [bulk, normal, critical], "{stage}");
    }
}
