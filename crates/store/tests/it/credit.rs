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
    cap::{Caps, Sent, Span},
    health::{Condition, Playbook, Stage, Warmup},
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
    Capped(Caps),
}

#[derive(Debug)]
struct History {
    mps: u32,
    headroom: f64,
    steps: Vec<Step>,
}

fn ticks() -> impl Strategy<Value = i64> {
    prop_oneof![8 => 0..60_i64, 2 => 900..6_000_i64, 1 => prop::sample::select(vec![1_000, 5_000, 10_000, 15_000]), 1 => 60_000..20_000_000_i64, 1 => -5_000..0_i64, 1 => -9_000_000..0_i64, 1 => -4_000_000_000..4_000_000_000_i64]
}

fn caps() -> impl Strategy<Value = Caps> {
    let cap = || prop_oneof![1 => Just(None), 2 => (1..400_u32).prop_map(Some)];
    (cap(), cap()).prop_map(|(per_hour, per_day)| Caps { per_hour, per_day })
}

fn steps() -> impl Strategy<Value = Step> {
    let hold = prop_oneof![Just(0), 1..3_000_u64];
    let grant = (prop::sample::select(Priority::ALL), 0..200_u32);
    prop_oneof![
        6 => ticks().prop_map(Step::Tick),
        8 => grant.prop_map(|(priority, wanted)| Step::Grant { priority, wanted }),
        1 => hold.clone().prop_map(Step::Throttled),
        1 => hold.prop_map(Step::Rest),
        1 => caps().prop_map(Step::Capped),
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
struct Model {
    credit: Credit,
    throttle: Throttle,
    caps: Caps,
    sent: [Sent; 2],
}

impl Default for Model {
    fn default() -> Self {
        let sent = [Sent::none(Span::Hour), Sent::none(Span::Day)];
        Self { credit: Credit::default(), throttle: Throttle::default(), caps: Caps::default(), sent }
    }
}

impl Model {
    fn grant(&mut self, rate: Rate, wanted: u32, now_us: i64) -> (u32, i64, u32) {
        let factor = self.throttle.factor_at(now_us);
        let pace = Pace::from_rate(rate.mps, rate.headroom, factor);
        let caps = [self.caps.per_hour, self.caps.per_day];
        let capped = self.sent.iter_mut().zip(caps).filter_map(|(sent, cap)| Some((sent, cap?)));
        let mut capped: Vec<(&mut Sent, u32)> = capped.collect();
        let left = capped.iter().map(|(sent, cap)| sent.room(*cap, now_us).left).min().unwrap_or(u64::MAX);
        let wanted = u64::from(wanted).min(left) as u32;
        let grant = pace::grant(self.credit, pace, now_us, wanted, pace.reserve_us(rate.priority));
        let mut retry_at_us = grant.retry_at_us;
        for (sent, cap) in &mut capped {
            if grant.granted > 0 {
                sent.add(grant.granted, now_us);
            }
            retry_at_us = retry_at_us.max(sent.room(*cap, now_us).from_us);
        }
        self.credit = grant.credit;
        (grant.granted, retry_at_us, factor)
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
        Step::Capped(caps) => {
            let kept = Number { caps, ..kept(number) };
            store.apply_condition(&kept, &Playbook::default()).await.unwrap();
            model.caps = caps;
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

fn kept(number: &NumberId) -> Number {
    Number {
        phone_number_id: number.clone(),
        waba_id: "200".parse().unwrap(),
        display_phone_number: "1".into(),
        plain_token: None,
        pool: "advisors".parse().unwrap(),
        mps: 80,
        role: NumberRole::Active,
        paused: false,
        condition: Condition::default(),
        caps: Caps::default(),
        warmup: None,
        created_at: 1,
    }
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
    let mut kept = kept(&number);
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

#[tokio::test]
async fn a_number_at_its_cap_grants_nothing_and_says_until_when() {
    let (scene, playbook) = (Scene::set().await, Playbook::default());
    let number: NumberId = "1".parse().unwrap();
    let plain = kept(&number);
    assert_eq!(scene.store.grant(&number, RATE, 4).await.unwrap().count, 4, "not counted: it has no cap");
    let capped = Number { caps: Caps { per_hour: None, per_day: Some(5) }, ..plain.clone() };
    scene.store.apply_condition(&capped, &playbook).await.unwrap();
    let grant = async |after: i64| {
        scene.at(scene.now() + after);
        scene.store.grant(&number, RATE, 4).await.unwrap()
    };
    assert_eq!([grant(10_000).await.count, grant(10_000).await.count], [4, 1]);
    let until = (OPENS / 3_600_000 + 24) * 3_600_000;
    let refused = grant(10_000).await;
    assert_eq!((refused.count, refused.paused, refused.retry_at_us), (0, false, until * 1_000));
    let left = async |at| scene.store.cap_left(&capped, &playbook, at, at + 60_000).await.unwrap();
    assert_eq!((left(scene.now()).await, left(until).await), (Some(0), Some(5)));
    assert_eq!(scene.store.cap_left(&plain, &playbook, until, until).await.unwrap(), None);
    scene.store.apply_condition(&plain, &playbook).await.unwrap();
    assert_eq!(grant(10_000).await.count, 4, "lifted");
    scene.store.apply_condition(&capped, &playbook).await.unwrap();
    assert_eq!(grant(until - scene.now()).await.count, 4);
}

#[tokio::test]
async fn a_number_that_is_warmed_up_grants_what_its_step_allows() {
    let (scene, playbook) = (Scene::set().await, Playbook { warmup: vec![3, 6], ..Playbook::default() });
    let number: NumberId = "1".parse().unwrap();
    let mut warm = Number { warmup: Some(Warmup::starting(0)), ..kept(&number) };
    let mut granted = Vec::new();
    for (step, per_day) in [(Some(0), None), (Some(1), None), (Some(1), Some(4)), (None, Some(4)), (None, None)] {
        warm.warmup = step.map(|step| Warmup { step, ..Warmup::starting(0) });
        warm.caps.per_day = per_day;
        scene.store.apply_condition(&warm, &playbook).await.unwrap();
        scene.at(scene.now() + 24 * 3_600_000);
        granted.push(scene.store.grant(&number, RATE, 7).await.unwrap().count);
    }
    assert_eq!(granted, [3, 6, 4, 4, 7]);
}
