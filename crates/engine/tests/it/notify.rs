//! People are told what became of their runs.

use axum::http::StatusCode;
use dawncast_core::{ids::AudienceId, report::SlaVerdict};
use dawncast_engine::scheduler;
use dawncast_store::{
    records::Audience,
    run::{Notice, NoticeRef, Telling},
};
use dawncast_testkit::until;
use serde_json::json;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    metrics::Scrapes,
    receiver::{Answer, Receiver},
    world::{PATIENCE, World, calm, person, window},
};

/// A scheduler on this thread, where its counters are.
fn schedule_here(world: &World) -> DropGuard {
    let stop = CancellationToken::new();
    tokio::spawn(scheduler(world.ctx.clone(), stop.clone()));
    stop.drop_guard()
}

/// How often a kind was not taken, taken and given up.
fn counts(scrapes: &Scrapes, kind: &str) -> [f64; 3] {
    ["failed", "delivered", "given_up"].map(|outcome| {
        let series = format!("dawncast_notifications_total{{type=\"{kind}\",outcome=\"{outcome}\"}}");
        scrapes.value(&series).unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_held_then_mended_is_told_at_each_turn_once() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([]).await;
    receiver.serve(&mut world);
    let audience: AudienceId = "aud_empty".parse().unwrap();
    let empty = Audience { id: audience.clone(), name: "empty".to_owned(), created_at: 0 };
    world.store.add_audience(&empty).await.unwrap();
    let run = world.submit(&audience, json!({ "window": window("+2s", "+10s") })).await;
    let _crew = (world.scheduler(), world.scheduler(), world.worker());

    let held = receiver.hears("run.held", 1).await.remove(0);
    assert_eq!((held.data("run"), held.data("step")), (json!(run), json!("freeze")));
    assert_eq!(held.data("why"), "audience aud_empty holds no rows: import some");
    world.import(&audience, (0..9).map(person)).await;

    let report = world.closed(&run).await;
    let closed = receiver.hears("run.closed", 1).await.remove(0);
    assert_eq!((closed.data("verdict"), report.sla.verdict), (json!("pass"), SlaVerdict::Pass));
    assert_eq!(
        (closed.data("totals")["submitted"].as_u64(), closed.data("sla")["eligible"].as_u64()),
        (Some(9), Some(9))
    );
    assert!(closed.data("summary").as_str().unwrap().contains("9 of 9 messages were sent"), "{closed:?}");
    assert_eq!(closed.id, format!("{run}-closed"));
    // Long enough for a second scheduler to tell everything again, if it did.
    world.passes(1_500).await;
    let mut kinds = receiver.kinds();
    kinds.sort();
    assert_eq!(kinds, ["run.closed", "run.held", "run.opened"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_that_is_held_until_it_is_too_late_is_told_as_missed_at_its_deadline_and_as_failed() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([]).await;
    receiver.serve(&mut world);
    let nameless = |n| {
        let mut person = person(n);
        person.attributes.remove("first_name");
        person
    };
    let people: Vec<_> = (0..8).map(person).chain((8..10).map(nameless)).collect();
    let run = world.submit(&world.audience_of(people).await, json!({ "window": window("+1s", "+3s") })).await;
    let _crew = (world.scheduler(), world.worker());
    let missed = receiver.hears("run.missed", 1).await.remove(0);
    assert!(missed.data("why").as_str().unwrap().starts_with("It was held: 2 of 10 rows are defective"), "{missed:?}");
    assert_eq!(receiver.hears("run.held", 1).await[0].data("step"), "preflight");
    assert!(world.run(&run).await.closed_at.is_none(), "people hear of it at the deadline, not when the run is closed");
    world.closed(&run).await;
    let closed = receiver.hears("run.closed", 1).await.remove(0);
    assert_eq!(closed.data("verdict"), "fail");
    assert_eq!(receiver.kinds(), ["run.held", "run.missed", "run.closed"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_engine_that_was_down_tells_of_the_run_that_it_missed() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([]).await;
    receiver.serve(&mut world);
    let patch = json!({ "window": window("+10s", "+20s") });
    // Its time to be closed has come as well.
    world.submitted(&world.audience(5).await, patch, 60_000).await;
    let _crew = (world.scheduler(), world.worker());
    receiver.hears("run.closed", 1).await;
    let missed = receiver.hears("run.missed", 1).await.remove(0);
    assert_eq!(missed.data("why"), "No scheduler was running in time");
}

#[tokio::test]
async fn an_event_that_is_not_taken_comes_again_under_its_id_until_it_is() {
    let scrapes = Scrapes::start();
    let mut world = World::start(calm()).await;
    let error = Answer::Status(StatusCode::INTERNAL_SERVER_ERROR);
    let receiver = Receiver::open([error, Answer::Elsewhere]).await;
    receiver.serve(&mut world);
    // Nobody works, so that nothing else is told meanwhile.
    let patch = json!({ "window": window("+3s", "+60s") });
    let run = world.submit(&world.audience(5).await, patch).await;
    let _scheduler = schedule_here(&world);
    let told = receiver.hears("run.opened", 3).await;
    world.passes(1_500).await;
    assert_eq!(counts(&scrapes, "run.opened"), [2.0, 1.0, 0.0]);
    assert_eq!(receiver.told(), told, "taken at last, and not sent again");
    assert!(told.iter().all(|again| *again == told[0]), "the same id and the same words: {told:?}");
    assert_eq!(told[0].id, format!("{run}-opened"));
}

#[tokio::test]
async fn an_event_that_nobody_took_for_a_day_is_given_up() {
    let scrapes = Scrapes::start();
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([Answer::Status(StatusCode::NOT_FOUND)]).await;
    receiver.serve(&mut world);
    let patch = json!({ "schedule": { "type": "at", "at": "2100-01-01T06:00:00", "timezone": "UTC" } });
    let run = world.submit(&world.audience(1).await, patch).await;
    let body = json!({ "type": "run.held", "timestamp": "2026-01-01T00:00:00Z", "data": {} }).to_string();
    let notice = Notice { name: "held-0".to_owned(), body };
    world.store.note_wait(&run, "why", Some(&notice), world.clock.now()).await.unwrap();
    let _scheduler = schedule_here(&world);
    let at = NoticeRef { run, name: notice.name };
    let over = async || (world.store.telling(&at).await.unwrap() == Telling::Over).then_some(());
    until("the event is given up", PATIENCE, over).await;
    world.passes(1_500).await;
    assert_eq!(receiver.kinds(), ["run.held"], "tried once, for it had not been yet");
    assert_eq!(counts(&scrapes, "run.held"), [1.0, 0.0, 1.0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_scheduler_killed_between_telling_and_noting_it_is_followed_by_one_that_tells_again() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([Answer::Silence]).await;
    receiver.serve(&mut world);
    world.submit(&world.audience(5).await, json!({ "window": window("+3s", "+60s") })).await;
    let scheduler = world.scheduler();
    receiver.hears("run.opened", 1).await;
    scheduler.kill();
    let _scheduler = world.scheduler();
    let told = receiver.hears("run.opened", 2).await;
    assert_eq!(told[0], told[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_never_answers_holds_nothing_up() {
    let mut world = World::start(calm()).await;
    let receiver = Receiver::open([Answer::Silence; 99]).await;
    receiver.serve(&mut world);
    let run = world.submit(&world.audience(30).await, json!({})).await;
    let (scheduler, _worker) = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.sla.verdict, SlaVerdict::Pass);
    world.everyone_once(30);
    let closed = async || receiver.kinds().contains(&"run.closed".to_owned()).then_some(());
    until("the verdict is told", PATIENCE, closed).await;
    let took = scheduler.stop().await;
    assert!(took.as_secs() < 5, "it took {took:?} to stop");
}
