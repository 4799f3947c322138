//! A campaign that comes again, and an engine that was not there at the minute.

use std::time::Duration;

use dawncast_core::UnixMs;
use dawncast_store::run::{Run, RunState};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{PATIENCE, World, calm, person};

const MINUTE: i64 = 60_000;

async fn runs(world: &World, campaign: &str) -> Vec<Run> {
    world.store.campaign_runs(&campaign.parse().unwrap(), 100, None).await.unwrap().items
}

async fn attempts(world: &World, run: &Run) -> i64 {
    world.store.run_tallies(&run.record.id).await.unwrap().tallies.attempts
}

fn is_past(run: &Run, now: UnixMs) -> bool {
    run.record.opening.deadline_at <= now
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_engine_was_away_for_is_caught_up_within_the_deadline_and_missed_after_it() {
    let world = World::start(calm()).await;
    let audience = world.audience_of([person(0)]).await;
    let patch = json!({
        "schedule": { "type": "cron", "cron": "* * * * *", "timezone": "Asia/Kolkata" },
        "window": { "opens": "0s", "closes": "+20s", "deadline": "+100s" },
    });
    let first = world.submitted(&audience, patch, 10 * MINUTE).await;
    let campaign = first.as_str().split('-').next().unwrap().to_owned();
    let started = world.clock.now();
    // Two schedulers, and one of them starts anew: still each occurrence has one run.
    let (_one, two, _worker) = (world.scheduler(), world.scheduler(), world.worker());
    let settled = async |run: &Run| match is_past(run, started) {
        true => run.missed_at.is_some(),
        false => attempts(&world, run).await > 0,
    };
    let all_settled = async || {
        let due: Vec<Run> =
            runs(&world, &campaign).await.into_iter().filter(|run| run.record.instant <= started).collect();
        for run in &due {
            if !settled(run).await {
                return None;
            }
        }
        (due.len() >= 10).then_some(due)
    };
    two.kill();
    let _two = world.scheduler();
    let due = until("every run up to now is served or missed", PATIENCE, all_settled).await;
    let (missed, served): (Vec<Run>, Vec<Run>) = due.into_iter().partition(|run| is_past(run, started));
    assert!(missed.len() >= 8 && !served.is_empty(), "{} missed, {} served", missed.len(), served.len());
    for run in &missed {
        assert_eq!(attempts(&world, run).await, 0, "{} is past its deadline", run.record.id);
    }
    let minutes: Vec<i64> = runs(&world, &campaign).await.iter().map(|run| run.record.instant / MINUTE).collect();
    assert!(minutes.windows(2).all(|pair| pair[0] == pair[1] + 1), "each minute once: {minutes:?}");
    let ahead = runs(&world, &campaign).await.remove(0);
    assert!(ahead.record.instant > started, "the next run is there before it is due");
    assert!(ahead.state <= RunState::Open);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_campaign_that_comes_again_is_not_done_when_a_run_is() {
    let world = World::start(calm()).await;
    let audience = world.audience_of([person(0)]).await;
    let patch = json!({
        "schedule": { "type": "cron", "cron": "* * * * *", "timezone": "UTC" },
        "window": { "opens": "0s", "closes": "+1s", "deadline": "+2s" },
    });
    let first = world.submitted(&audience, patch, 2 * MINUTE).await;
    let _scheduler = world.scheduler();
    let closed = async || (world.run(&first).await.state == RunState::Closed).then_some(());
    until("the first run is closed", PATIENCE + Duration::from_secs(10), closed).await;
    let campaign = first.as_str().split('-').next().unwrap().parse().unwrap();
    until("the run is off the list", PATIENCE, async || {
        (!world.store.active_runs().await.unwrap().contains(&first)).then_some(())
    })
    .await;
    assert!(world.store.campaign(&campaign).await.unwrap().unwrap().state.is_open());
}
