//! Webhook batches with parts that are not ours, not sound, or cannot be written now.

use dawncast_core::{callback::Callback, ids::RunId};
use dawncast_engine::Context;
use dawncast_testkit::{Proxy, Upstream};
use serde_json::{Value, json};

use crate::{
    notices::{entry, notice},
    postbox::Postbox,
    world::{NUMBERS, World, calm, person},
};

/// A status with this callback data.
fn told(callback: Value) -> Value {
    entry(
        NUMBERS[0],
        json!({ "id": "wamid.X", "status": "delivered", "timestamp": "1795176000",
                              "biz_opaque_callback_data": callback }),
    )
}

/// Changes of `own` that no attempt of this deployment bears.
fn foreign(own: &Callback) -> Vec<Value> {
    let changed = |change: &dyn Fn(&mut Callback)| {
        let mut callback = own.clone();
        change(&mut callback);
        told(json!(callback.to_string()))
    };
    let text = own.to_string();
    vec![
        told(Value::Null),
        told(json!("")),
        told(json!("order 4711")),
        told(json!(text.replace("d1:", "d2:"))),
        told(json!(format!("{text}:more"))),
        changed(&|it| it.deployment = "another".to_owned()),
        changed(&|it| it.delivery.page.run = "cmp_nobody-20261123T060000-UTC".parse().unwrap()),
        changed(&|it| it.delivery.page.page = 9),
        changed(&|it| it.delivery.index = 200),
        // 256 + 5: not recipient 5.
        changed(&|it| it.delivery.index = 261),
        changed(&|it| it.attempt = 0),
        changed(&|it| it.attempt = 9),
    ]
}

/// What no version of Meta's should send.
fn unsound(own: &Callback) -> Vec<Value> {
    let status = |patch: Value| {
        let mut status = json!({ "id": "wamid.X", "status": "delivered", "timestamp": "1795176000",
                                 "biz_opaque_callback_data": own.to_string() });
        for (key, value) in patch.as_object().unwrap() {
            status[key] = value.clone();
        }
        entry(NUMBERS[0], status)
    };
    vec![
        json!(7),
        json!({ "id": [], "changes": "none" }),
        status(json!({ "timestamp": "soon" })),
        status(json!({ "id": null })),
        status(json!({ "status": "evaporated" })),
        status(json!({ "status": "failed", "errors": "many", "timestamp": null })),
    ]
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_ours_or_not_sound_changes_nothing_and_spoils_nothing() {
    let world = World::start(calm()).await;
    let (run, _crew) = world.untold(40, json!({ "schedule": { "type": "now" } })).await;
    world.until_accepted(40).await;
    world.finished(&run).await;
    let good = world.messages(7).pop().unwrap();
    let own: Callback = good.callback_data.clone().unwrap().parse().unwrap();
    let before = world.rows(&run).await;
    let mut batch = foreign(&own);
    batch.push(notice(&good, "delivered", world.clock.now()));
    batch.extend(unsound(&own));
    assert_eq!(world.postbox.post(&batch).await, 200);
    let after = world.rows(&run).await;
    let changed: Vec<_> = before.iter().zip(&after).filter(|(before, after)| before != after).collect();
    assert_eq!(changed.len(), 1, "{changed:?}");
    assert_eq!(changed[0].1.id, own.delivery);
    let totals = world.totals(&run).await;
    assert_eq!((totals.delivered, totals.accepted, totals.imbalance()), (1, 39, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn absurd_times_and_endless_ids_are_taken_as_far_as_they_make_sense() {
    let world = World::start(calm()).await;
    let (run, _crew) = world.untold(6, json!({})).await;
    world.finished(&run).await;
    let message = |n| world.messages(n).pop().unwrap();
    let mut batch = Vec::new();
    for (n, seconds) in [(0, i64::MAX), (1, i64::MIN), (2, -1), (3, 0)] {
        let mut odd = notice(&message(n), "delivered", 0);
        odd["changes"][0]["value"]["statuses"][0]["timestamp"] = json!(seconds.to_string());
        batch.push(odd);
    }
    let mut endless = message(4);
    endless.wamid = "x".repeat(2_000);
    batch.push(notice(&endless, "delivered", world.clock.now()));
    batch.push(notice(&message(5), "delivered", world.clock.now()));
    assert_eq!(world.postbox.post(&batch).await, 200);
    let totals = world.totals(&run).await;
    assert_eq!((totals.delivered, totals.imbalance()), (6, 0), "{totals:?}");
}

/// The keys of Redis in which `part` occurs.
async fn keys(world: &World, part: &str) -> Vec<String> {
    let all: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut world.store.connection()).await.unwrap();
    all.into_iter().filter(|key| key.contains(part)).collect()
}

async fn redis(world: &World, command: &str, keys: &[String]) {
    redis::cmd(command).arg(keys).exec_async(&mut world.store.connection()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_run_that_is_gone_are_nobodys_and_spoil_no_batch() {
    let world = World::start(calm()).await;
    let (gone, crew) = world.untold(2, json!({})).await;
    let people = world.audience_of((10..12).map(person)).await;
    let stays = world.submit(&people, json!({})).await;
    for run in [&gone, &stays] {
        world.finished(run).await;
    }
    drop(crew);
    let batch = [0, 10, 1, 11].map(|n| notice(&world.messages(n).pop().unwrap(), "delivered", world.clock.now()));
    redis(&world, "DEL", &keys(&world, gone.as_str()).await).await;
    assert_eq!(world.postbox.post(&batch).await, 200);
    assert_eq!(keys(&world, gone.as_str()).await, [""; 0], "nothing of it comes back");
    assert_eq!(world.totals(&stays).await.delivered, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn receipts_of_a_run_of_which_only_pages_are_left_spoil_no_batch() {
    let world = World::start(calm()).await;
    let (half, _crew) = world.untold(1, json!({})).await;
    world.finished(&half).await;
    redis(&world, "DEL", &[format!("t:{{run:{half}}}")]).await;
    // The webhook has not met this run yet, so it has to look for what it cannot find.
    for status in ["delivered", "failed:131000"] {
        world.tell(0, status).await;
    }
}

/// A webhook that reaches Redis in a way of its own.
async fn postbox_at(world: &World, url: String) -> Postbox {
    let store = dawncast_store::Store::connect(&dawncast_store::StoreConfig::new(url, "t:")).await.unwrap();
    Postbox::open(&Context { store, ..world.ctx.clone() }, &world.clock).await
}

/// Two runs, each with one message of which nothing is told yet, and what is to be told.
async fn two_untold(world: &World) -> ([RunId; 2], [Value; 2]) {
    let (first, _crew) = world.untold(1, json!({})).await;
    let second = world.submit(&world.audience_of([person(1)]).await, json!({})).await;
    world.until_accepted(2).await;
    world.finished(&first).await;
    world.finished(&second).await;
    let batch = [0, 1].map(|n| notice(&world.messages(n).pop().unwrap(), "delivered", world.clock.now()));
    ([first, second], batch)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_of_which_one_page_cannot_be_written_comes_again_whole() {
    let world = World::start(calm()).await;
    let (runs, batch) = two_untold(&world).await;
    let (ledger, aside) = (format!("t:{{run:{}}}:0:l", runs[0]), "aside".to_owned());
    redis(&world, "RENAME", &[ledger.clone(), aside.clone()]).await;
    // No string: every command on it is refused.
    redis(&world, "LPUSH", &[ledger.clone(), "x".to_owned()]).await;
    assert_eq!(world.postbox.post(&batch).await, 503, "a part is missing");
    assert_eq!(world.totals(&runs[1]).await.delivered, 1, "the other part is written");
    redis(&world, "RENAME", &[aside, ledger]).await;
    for _ in 0..2 {
        assert_eq!(world.postbox.post(&batch).await, 200);
        for run in &runs {
            let totals = world.totals(run).await;
            assert_eq!((totals.delivered, totals.imbalance()), (1, 0), "{totals:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_whose_writing_was_not_answered_comes_again_and_counts_once() {
    let world = World::start(calm()).await;
    let (runs, batch) = two_untold(&world).await;
    let proxy = Proxy::start(Upstream::of(&world.redis.url())).await;
    let postbox = postbox_at(&world, proxy.redis_url()).await;
    for _ in 0..3 {
        proxy.drop_next_reply();
        // The connection may repeat it by itself; whoever is told 503 comes again.
        assert!([200, 503].contains(&postbox.post(&batch).await));
    }
    proxy.cut();
    assert_eq!(postbox.post(&batch).await, 503);
    proxy.heal();
    while postbox.post(&batch).await != 200 {}
    for run in &runs {
        let totals = world.totals(run).await;
        assert_eq!((totals.delivered, totals.imbalance()), (1, 0), "{totals:?}");
    }
    assert_eq!(proxy.dropped_replies(), 3);
}
