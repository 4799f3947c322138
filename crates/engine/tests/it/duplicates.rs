//! Two attempts of one delivery that both got through, or of which one is told of late.

use dawncast_core::delivery::Outcome;
use dawncast_testkit::{Proxy, Upstream, until};
use serde_json::json;

use crate::{
    notices::notice,
    world::{PATIENCE, World, calm, phone},
};

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_attempt_1_after_attempt_2_went_out_are_facts_about_attempt_1() {
    let world = World::start(calm()).await;
    let lost = |n| json!({ "match": { "phone": phone(n), "attempts_matching": 1 }, "fault": { "kind": "accept_then_drop_response" } });
    world.faults(json!([lost(0), lost(1)]));
    let patch = json!({ "unconfirmed": { "then": "resend", "grace": "500ms" } });
    let (run, _crew) = world.untold(2, patch).await;
    world.until_accepted(4).await;
    world.until(&run, "the second attempts are settled", |totals| totals.accepted == 2).await;
    assert_eq!(world.report(&run).await.known_duplicates, 0, "nobody knows yet");
    let now = world.clock.now();
    let firsts = [notice(&world.messages(0)[0], "delivered", now), notice(&world.messages(1)[0], "failed:131026", now)];
    assert_eq!(world.postbox.post(&firsts).await, 200);
    let (twice, once) = (world.row(&run, 0).await, world.row(&run, 1).await);
    assert_eq!(twice.record.outcomes.iter().collect::<Vec<_>>(), [Outcome::Delivered, Outcome::Accepted]);
    assert_eq!(once.record.outcomes.iter().collect::<Vec<_>>(), [Outcome::Failed, Outcome::Accepted]);
    assert_eq!((twice.record.duplicates(), once.record.duplicates()), (1, 0));
    let report = world.report(&run).await;
    assert_eq!((report.known_duplicates, report.resends, report.attempts), (1, 2, 4));
    assert_eq!((report.totals.delivered, report.totals.accepted), (1, 1));
    let (_, story) = world.store.delivery(&once.id, now).await.unwrap().unwrap();
    assert!(story[0].code == 131_026 && story[0].late_at.is_some(), "{story:?}");
    // What Meta takes back is taken back here as well.
    world.tell(0, "failed:131026").await;
    assert_eq!((world.report(&run).await.known_duplicates, world.totals(&run).await.delivered), (0, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn two_attempts_that_were_both_accepted_are_a_known_duplicate() {
    let world = World::start(calm()).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    world.sim.set_webhook(None).unwrap();
    // The answer comes when the page has been taken over, and its worker cannot be asked.
    world.faults(json!([{ "match": { "attempts_matching": 1 }, "fault": { "kind": "slow", "ms": 8_000 } }]));
    let patch = json!({ "unconfirmed": { "then": "resend", "grace": "300ms" } });
    let run = world.submit(&world.audience(1).await, patch).await;
    let _scheduler = world.scheduler();
    let _cut_off = world.worker_at(proxy.redis_url());
    world.until_accepted(1).await;
    proxy.blackhole();
    let _other = world.worker();
    world.until_accepted(2).await;
    assert_eq!(world.report(&run).await.known_duplicates, 0);
    proxy.heal();
    let told = async || (world.report(&run).await.known_duplicates == 1).then_some(());
    until("the first worker has recorded its answer", PATIENCE, told).await;
    let row = world.row(&run, 0).await;
    assert_eq!(row.record.outcomes.iter().collect::<Vec<_>>(), [Outcome::Accepted; 2]);
    let (_, story) = world.store.delivery(&row.id, world.clock.now()).await.unwrap().unwrap();
    let ids: Vec<_> = story.into_iter().map(|attempt| attempt.message_id.unwrap()).collect();
    assert_eq!(ids, world.messages(0).into_iter().map(|message| message.wamid).collect::<Vec<_>>());
}
