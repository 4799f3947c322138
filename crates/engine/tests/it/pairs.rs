//! The pair limit, heeded before Meta says so: several campaigns for one person at once.

use std::collections::BTreeSet;

use dawncast_core::{delivery::DeliveryState, ids::RunId};
use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::world::{PATIENCE, World, calm, person, window};

/// What Meta lets through at once.
const META_BURST: usize = 45;

fn one_number() -> dawncast_cloud_sim::SimConfig {
    let mut sim = calm();
    sim.numbers = 1;
    sim
}

impl World {
    /// So many campaigns for recipient 7 alone.
    async fn crowd(&self, campaigns: usize, patch: Value) -> Vec<RunId> {
        let audience = self.audience_of([person(7)]).await;
        let mut runs = Vec::new();
        for _ in 0..campaigns {
            runs.push(self.submit(&audience, patch.clone()).await);
        }
        runs
    }

    async fn in_state(&self, runs: &[RunId], state: DeliveryState) -> usize {
        let mut count = 0;
        for run in runs {
            let rows = if self.run(run).await.pages > 0 { self.rows(run).await } else { Vec::new() };
            count += rows.iter().filter(|row| row.state == state).count();
        }
        count
    }

    /// Whether the simulator has refused anything.
    fn refused(&self) -> u64 {
        self.sim.ledger().totals.rejected.values().sum()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_campaigns_for_one_person_over_two_workers_exceed_no_pair_limit_and_nothing_fails() {
    let world = World::start(one_number()).await;
    let runs = world.crowd(60, json!({ "window": window("+3s", "+55s") })).await;
    let _crew = (world.scheduler(), world.worker(), world.worker());
    world.until_accepted(40).await;
    let at_once = world.accepted(7);
    assert!((40..=META_BURST as u64).contains(&at_once), "{at_once}");
    // One more every six seconds: the others wait, and have cost no attempt.
    world.until_accepted(42).await;
    assert!(world.in_state(&runs, DeliveryState::Planned).await > 10);
    let mut ended = BTreeSet::new();
    for run in &runs {
        let report = world.closed(run).await;
        assert_eq!((report.totals.failed, report.totals.unconfirmed), (0, 0));
        assert_eq!(report.attempts, report.totals.delivered + report.totals.read, "no attempt but those that went out");
        ended.insert(report.totals.expired);
    }
    assert_eq!(ended, BTreeSet::from([0, 1]), "whom the deadline found waiting has expired");
    assert_eq!(world.refused(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn whom_a_pair_has_no_room_for_holds_up_nobody_else_of_the_page() {
    let world = World::start(one_number()).await;
    let runs = world.crowd(60, json!({ "window": window("+1s", "+110s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    let all = world.submit(&world.audience(30).await, json!({ "window": window("+1s", "+15s") })).await;
    world.until(&all, "the others have theirs", |totals| totals.delivered + totals.read >= 29).await;
    assert!(world.in_state(&runs, DeliveryState::Planned).await > 0, "the pair is full all the while");
    let report = world.closed(&all).await;
    assert_eq!((report.totals.failed, report.totals.imbalance(), world.refused()), (0, 0, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn another_number_is_another_pair() {
    let mut sim = calm();
    sim.numbers = 2;
    let world = World::start(sim).await;
    let runs = world.crowd(50, json!({ "window": window("+1s", "+50s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(40).await;
    let home = world.sim.ledger().recipients[&crate::world::phone(7)].attempts[0].number.clone();
    assert!(world.in_state(&runs, DeliveryState::Planned).await > 0, "they wait for the number that the person knows");
    world.store.change_number(&home.parse().unwrap(), |number| number.paused = true).await.unwrap();
    let sent = async || (world.accepted(7) == 50).then_some(());
    until("the stand-in has room", PATIENCE, sent).await;
    assert_eq!(world.refused(), 0);
}
