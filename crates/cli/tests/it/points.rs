//! A process is killed (SIGKILL) at each named point of dispatch, receipts and chores, one point after the other, and
//! started again: nobody is lost, nobody is served twice who was not meant to be. A point that is never reached fails.

use std::collections::BTreeSet;

use dawncast_core::{delivery::DeliveryState, ids::RunId};
use dawncast_engine::points::Point;
use dawncast_store::run::RunState;
use dawncast_testkit::until;
use rustix::process::Signal;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::{
    armed::{Process, play},
    points_scene::{PATIENCE, Part, RECIPIENTS, Scene, phone, slow_receipts},
};

/// Scenes that play at once: each is a Redis and a process.
const AT_ONCE: usize = 20;
const KILLED: i32 = 9;
/// Longer than receipts take.
const GRACE: &str = "2s";

/// The part that comes by a point.
fn part(point: Point) -> Part {
    match point.name().split('.').next() {
        Some("receipt") => Part::Webhook,
        Some("freeze" | "plan" | "preflight" | "open" | "canary" | "close" | "archive") => Part::Scheduler,
        _ => Part::Worker,
    }
}

/// How often a point is passed before the kill, so that a run is well under way.
fn passed(point: Point) -> usize {
    match point {
        Point::LeaseBefore | Point::CommitBefore | Point::CommitAfter => 4,
        Point::GrantBefore | Point::GrantAfter | Point::BeginBefore | Point::BeginAfter => 6,
        Point::PostBefore | Point::PostAfter => 12,
        Point::RenewBefore | Point::RenewAfter | Point::ReceiptBefore | Point::ReceiptAfter | Point::ReceiptNoted => 2,
        _ => 0,
    }
}

fn kill(point: Point) -> String {
    format!("{}={}*off->1*return(KILL)", point.name(), passed(point))
}

/// Whether WhatsApp takes the first message for recipient `n`, and then tells that it failed.
fn fails_late(n: u64) -> bool {
    n.is_multiple_of(3)
}

fn fault(n: u64, fault: &Value) -> Value {
    json!({ "match": { "phone": phone(n).to_string(), "attempts_matching": 1 }, "fault": fault })
}

/// Late failures, and a few that are refused at first.
fn faults() -> Value {
    let late = (0..2 * RECIPIENTS)
        .filter(|n| fails_late(*n))
        .map(|n| fault(n, &json!({ "kind": "async_error", "code": 131_000 })));
    let refused =
        (0..2 * RECIPIENTS).filter(|n| n % 9 == 1).map(|n| fault(n, &json!({ "kind": "error", "code": 131_014 })));
    late.chain(refused).collect()
}

/// A run, its first recipient, and what becomes of those who stay unconfirmed.
struct Broadcast {
    run: RunId,
    first: u64,
    then: &'static str,
}

impl Broadcast {
    async fn submit(scene: &Scene, first: u64, then: &'static str) -> Self {
        Self::submit_until(scene, first, then, "+3s").await
    }

    async fn submit_until(scene: &Scene, first: u64, then: &'static str, closes: &str) -> Self {
        Self { run: scene.submit(first, then, closes, GRACE).await, first, then }
    }

    /// The same with a canary that nothing can make fail.
    async fn submit_with_canary(scene: &Scene, first: u64, then: &'static str) -> Self {
        let canary = json!({ "share": 0.2, "max_failures": 1.0, "watch": "1s" });
        Self { run: scene.submit_with(first, then, "+9s", GRACE, Some(canary)).await, first, then }
    }

    /// Holds the engine's record against the simulator's own, recipient by recipient.
    async fn audit(&self, scene: &Scene, what: &str) {
        let (rows, mut doubles) = (scene.rows(&self.run).await, 0);
        assert_eq!(rows.len() as u64, RECIPIENTS, "{what}");
        for row in rows {
            let (n, accepted) = (row.recipient.phone - phone(0), scene.accepted(row.recipient.phone));
            assert!((self.first..self.first + RECIPIENTS).contains(&n));
            let told = format!("{what}, {}: recipient {n} is {:?} after {accepted:?}", self.then, row.record);
            let attempts: BTreeSet<u8> = accepted.iter().map(|(callback, _)| callback.attempt).collect();
            assert_eq!(attempts.len(), accepted.len(), "an attempt went out twice: {told}");
            let epochs: Vec<u32> = accepted.iter().map(|(callback, _)| callback.epoch).collect();
            assert!(epochs.is_sorted(), "a former owner sent: {told}");
            match accepted.len() - usize::from(fails_late(n) && !accepted.is_empty()) {
                0 => assert_eq!((row.state, self.then), (DeliveryState::Unconfirmed, "give_up"), "lost: {told}"),
                good => {
                    assert!(matches!(row.state, DeliveryState::Delivered | DeliveryState::Read), "not told: {told}");
                    doubles += good as u64 - 1;
                }
            }
        }
        let allowed = if self.then == "resend" { scene.known_duplicates(&self.run).await } else { 0 };
        assert_eq!(doubles, allowed, "{what}, {}: served twice", self.then);
        let totals = scene.totals(&self.run).await;
        assert_eq!((totals.submitted, totals.imbalance()), (RECIPIENTS, 0), "{what}");
    }
}

async fn is_killed(process: &mut Process, at: Point) {
    let what = format!("{} is reached", at.name());
    until(&what, PATIENCE, async || process.ended_by().is_some_and(|signal| signal == KILLED).then_some(())).await;
}

/// Waits until the runs are over; a process that is killed meanwhile is followed by one that is not.
async fn over(scene: &Scene, runs: &[Broadcast], mut process: Process) {
    until("all is over", PATIENCE, async || {
        if process.ended_by().is_some_and(|signal| signal == KILLED) {
            process = scene.launch("");
        }
        // *The last receipt comes between two looks*, and reopens what was settled a moment ago: first and last of all.
        if scene.sim.pending_webhooks() > 0 {
            return None;
        }
        for Broadcast { run, .. } in runs {
            if !scene.is_settled(run).await || (scene.part == Part::Scheduler && !scene.is_retired(run).await) {
                return None;
            }
        }
        (scene.sim.pending_webhooks() == 0).then_some(())
    })
    .await;
}

/// Two runs, one under each policy; the process is killed at the point, and the next one as well if it comes by.
async fn kill_at(point: Point) {
    let scene = Scene::start(part(point), slow_receipts()).await;
    scene.faults(faults());
    let early = (scene.part != Part::Worker).then(|| scene.launch(&kill(point)));
    // Receipts have to move a page that is still being sent, however long a loaded machine takes to start a worker.
    let closes = if matches!(point, Point::ReloadBefore | Point::ReloadAfter) { "+12s" } else { "+3s" };
    let runs = [
        Broadcast::submit_until(&scene, 0, "give_up", closes).await,
        Broadcast::submit_until(&scene, RECIPIENTS, "resend", closes).await,
    ];
    let mut process = match early {
        Some(process) => {
            scene.hire();
            process
        }
        None => {
            for broadcast in &runs {
                scene.reaches(&broadcast.run, RunState::Open).await;
            }
            scene.launch(&kill(point))
        }
    };
    if matches!(point, Point::GiveBackBefore | Point::GiveBackAfter) {
        scene.until_accepted(10).await;
        process.signal(Signal::TERM);
    }
    is_killed(&mut process, point).await;
    over(&scene, &runs, scene.launch(&kill(point))).await;
    for broadcast in &runs {
        broadcast.audit(&scene, point.name()).await;
    }
}

/// Frozen between the mark and the second look until every first message has failed late.
async fn kill_at_second_look() {
    let scene = Scene::start(Part::Worker, slow_receipts()).await;
    scene.faults(
        (0..RECIPIENTS)
            .filter(|n| fails_late(*n))
            .map(|n| fault(n, &json!({ "kind": "async_error", "code": 131_000 })))
            .collect(),
    );
    let runs = [Broadcast::submit(&scene, 0, "give_up").await];
    scene.reaches(&runs[0].run, RunState::Open).await;
    let orders = format!("finish.marked=return(STOP);{}", kill(Point::FinishReopened));
    let mut process = scene.launch(&orders);
    until("the second look finds the page reopened", PATIENCE, async || {
        if process.is_frozen() {
            until("all failures are told", PATIENCE, async || (scene.sim.pending_webhooks() == 0).then_some(())).await;
            process.signal(Signal::CONT);
        }
        process.ended_by().is_some_and(|signal| signal == KILLED).then_some(())
    })
    .await;
    over(&scene, &runs, scene.launch("")).await;
    runs[0].audit(&scene, "finish.reopened").await;
}

/// Frozen with a refusal in hand until another worker has given the delivery up and finished its page.
async fn kill_at_reopening_commit() {
    let scene = Scene::start(Part::Worker, slow_receipts()).await;
    scene.faults(json!([{ "match": { "attempts_matching": 1 }, "fault": { "kind": "error", "code": 131_014 } }]));
    let run = scene.submit(0, "give_up", "+3s", GRACE).await;
    scene.reaches(&run, RunState::Open).await;
    let mut process = scene.launch(&format!("post.after=1*return(STOP);{}", kill(Point::CommitReopened)));
    process.frozen("post.after").await;
    scene.hire();
    scene.settled(&run).await;
    process.signal(Signal::CONT);
    is_killed(&mut process, Point::CommitReopened).await;
    scene.settled(&run).await;
    let mut served = 0;
    for row in scene.rows(&run).await {
        let accepted = scene.accepted(row.recipient.phone).len();
        let unconfirmed = row.state == DeliveryState::Unconfirmed;
        assert_eq!(accepted, usize::from(!unconfirmed), "{row:?}");
        served += accepted;
    }
    assert!(served > 0);
}

/// Frozen with a plan in hand until another scheduler has planned.
async fn kill_at_refused_plan() {
    let scene = Scene::start(Part::Scheduler, slow_receipts()).await;
    let mut process = scene.launch(&format!("plan.before=1*return(STOP);{}", kill(Point::PlanRefused)));
    let runs = [Broadcast::submit(&scene, 1, "give_up").await];
    process.frozen("plan.before").await;
    scene.schedule();
    scene.hire();
    scene.reaches(&runs[0].run, RunState::Open).await;
    process.signal(Signal::CONT);
    is_killed(&mut process, Point::PlanRefused).await;
    until("it is over", PATIENCE, async || scene.is_retired(&runs[0].run).await.then_some(())).await;
}

/// A scheduler dies around a verdict on a canary: the one that follows finds it, or finds what it entails.
async fn kill_at_verdict(point: Point) {
    let scene = Scene::start(Part::Scheduler, slow_receipts()).await;
    scene.faults(faults());
    let mut process = scene.launch(&kill(point));
    let runs = [
        Broadcast::submit_with_canary(&scene, 0, "give_up").await,
        Broadcast::submit_with_canary(&scene, RECIPIENTS, "resend").await,
    ];
    scene.hire();
    is_killed(&mut process, point).await;
    over(&scene, &runs, scene.launch(&kill(point))).await;
    for broadcast in &runs {
        broadcast.audit(&scene, point.name()).await;
    }
}

/// Two schedulers die on the way of a run into the archive; the next one goes it to the end.
async fn kill_at_archive(point: Point) {
    let mut scene = Scene::start(Part::Scheduler, slow_receipts()).await;
    scene.archive();
    scene.faults(faults());
    let mut process = scene.launch(&kill(point));
    let runs = [Broadcast::submit(&scene, 0, "resend").await];
    scene.hire();
    is_killed(&mut process, point).await;
    let mut process = scene.launch(&kill(point));
    until("it is archived", PATIENCE, async || {
        if process.ended_by().is_some_and(|signal| signal == KILLED) {
            process = scene.launch("");
        }
        scene.run(&runs[0].run).await.freed_at
    })
    .await;
    let headers = scene.headers(&runs[0].run).await;
    assert!(headers.is_empty(), "{}: its pages are gone", point.name());
    assert_eq!(scene.store.pending_archive().await.unwrap().runs, 0);
    runs[0].audit(&scene, point.name()).await;
}

async fn die_at(point: Point) {
    let started = Instant::now();
    match point {
        Point::FinishReopened => kill_at_second_look().await,
        Point::CommitReopened => kill_at_reopening_commit().await,
        Point::PlanRefused => kill_at_refused_plan().await,
        Point::CanaryBefore | Point::CanaryAfter => kill_at_verdict(point).await,
        Point::ArchiveBefore | Point::ArchiveWritten | Point::ArchiveMarked | Point::ArchiveFreed => {
            kill_at_archive(point).await;
        }
        point => kill_at(point).await,
    }
    println!("{}: {:.1?}", point.name(), started.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_process_is_killed_at_each_point_and_nobody_is_lost_or_served_twice() {
    let only = std::env::var("POINT").ok();
    let points = Point::ALL.iter().filter(|point| only.as_deref().is_none_or(|only| only == point.name()));
    play(AT_ONCE, points.map(|point| die_at(*point))).await;
}
