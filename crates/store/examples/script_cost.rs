//! What the scripts of a delivery's life cost Redis: microseconds of its time per record, by batch size.
//! `cargo run --release -p dawncast-store --example script_cost`

#![allow(clippy::unwrap_used, dead_code, reason = "a measurement that uses half of the tests' scene")]

#[path = "../tests/it/run_scene.rs"]
mod run_scene;

use dawncast_core::delivery::{Outcome, Standing};
use dawncast_store::page::AttemptFact;
use run_scene::{Scene, fact, new_page};

const PAGES: u32 = 24;
const COUNT: u16 = 256;

/// A message id of the usual length.
fn message_id(n: u64) -> String {
    use base64::{Engine, engine::general_purpose::STANDARD};
    let mut bytes = b"\x1c\x18\x0c919876543210\x15\x02\x00\x11\x18\x12".to_vec();
    bytes.extend(format!("3E{:016X}\0", n.wrapping_mul(0x9e37_79b9_7f4a_7c15)).bytes());
    format!("wamid.{}", STANDARD.encode(bytes))
}

fn facts(indexes: &[u16], outcome: Outcome) -> Vec<AttemptFact> {
    let with_id = |index: &u16| AttemptFact {
        message_id: (outcome == Outcome::Accepted).then(|| message_id(u64::from(*index))),
        ..fact(*index as u8, 1, outcome)
    };
    indexes.iter().map(with_id).collect()
}

/// Redis' own microseconds in scripts since the last call.
async fn spent(scene: &Scene) -> f64 {
    let mut connection = scene.store.connection();
    let stats: String = redis::cmd("INFO").arg("commandstats").query_async(&mut connection).await.unwrap();
    redis::cmd("CONFIG").arg("RESETSTAT").exec_async(&mut connection).await.unwrap();
    let line = stats.lines().find(|line| line.starts_with("cmdstat_evalsha:")).unwrap_or_default();
    let usec = line.split([',', '=']).skip_while(|word| *word != "usec").nth(1);
    usec.map_or(0.0, |usec| usec.parse().unwrap())
}

async fn measure(batch: usize) -> [f64; 6] {
    let scene = Scene::set().await;
    let pages: Vec<_> = (0..PAGES).map(|page| new_page(page, COUNT)).collect();
    let run = scene.open(&pages).await;
    // A stride of 37 visits every index once, never two neighbours in a row: receipts come in any order.
    let scattered: Vec<u16> = (0..COUNT).map(|n| (n * 37) % COUNT).collect();
    let in_order: Vec<u16> = (0..COUNT).collect();
    let mut cost = [0.0; 6];
    for page in 0..PAGES {
        let page = dawncast_core::ids::PageRef { run: run.clone(), page };
        spent(&scene).await;
        let owner = scene.claim(&page, 1).await;
        cost[0] += spent(&scene).await;
        for part in in_order.chunks(batch) {
            scene.begin(&owner, part, 1, Standing::Planned).await;
        }
        cost[1] += spent(&scene).await;
        for part in in_order.chunks(batch) {
            scene.commit(&owner, &facts(part, Outcome::Accepted)).await;
        }
        cost[2] += spent(&scene).await;
        for part in scattered.chunks(batch) {
            scene.receipt(&page, &facts(part, Outcome::Sent)).await;
        }
        cost[3] += spent(&scene).await;
        for part in scattered.chunks(batch) {
            scene.receipt(&page, &facts(part, Outcome::Sent)).await;
        }
        cost[4] += spent(&scene).await;
        scene.store.finish(&owner, &[]).await.unwrap();
        cost[5] += spent(&scene).await;
    }
    cost.map(|us| us / f64::from(PAGES) / f64::from(COUNT))
}

#[tokio::main]
async fn main() {
    println!("| batch | claim | begin | commit | receipt | receipt again | finish | (µs of Redis per record)");
    for batch in [1, 8, 64] {
        let cells = measure(batch).await.map(|us| format!("{us:.2}"));
        println!("| {batch} | {} |", cells.join(" | "));
    }
}
