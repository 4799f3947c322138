//! What a delivery costs in Redis, from its planning to its receipts.

use std::time::Instant;

use base64::{Engine, engine::general_purpose::STANDARD};
use dawncast_core::{
    delivery::{Outcome, Standing},
    ids::{PageRef, RunId},
};
use dawncast_store::page::{AttemptFact, Finish, NewPage, Owner, Recipient, Recipients};
use rand::{Rng, RngExt, SeedableRng, rngs::SmallRng};

use crate::{
    archive::{open_archive, unexplained},
    run_scene::{OPENS, Scene, fact, new_page},
};

const NAMES: [&str; 12] = [
    "Aarav",
    "Diya",
    "Vihaan",
    "Ananya",
    "Krishnamurthy",
    "Ishaan",
    "Saanvi",
    "Om",
    "Lakshmi",
    "Mohammed",
    "Zoya",
    "Raj",
];

/// A recipient with 80 bytes of attributes: a name, a picture of its own, two figures and a day.
fn recipient(n: u32, rng: &mut impl Rng) -> Recipient {
    let name = NAMES[rng.random_range(0..NAMES.len())];
    let image = format!("packs/2026-11-23/{:016x}.jpg", rng.random::<u64>());
    let amount =
        format!("₹ {},{:03}.{:02}", rng.random_range(1..90), rng.random_range(0..1_000), rng.random_range(0..100));
    let day = format!("{:02} November", rng.random_range(1..31));
    let mut values = vec![name.to_owned(), image, amount, day];
    let length: usize = values.iter().map(String::len).sum();
    values.push(format!("{:0width$}", rng.random::<u64>(), width = 80 - length)[..80 - length].to_owned());
    Recipient {
        phone: rng.random_range(916_000_000_000..919_999_999_999),
        due: OPENS + i64::from(n) * 13 + rng.random_range(0..13),
        id: format!("cust-{:07}", rng.random_range(0..10_000_000)),
        tier: if n.is_multiple_of(5) { "pro" } else { "standard" }.to_owned(),
        values: values.into_iter().map(Some).collect(),
    }
}

fn page(page: u32, count: u16, rng: &mut impl Rng) -> NewPage {
    let names = ["first_name", "image", "amount", "day", "reference"].map(str::to_owned).to_vec();
    let rows = (0..count).map(|n| recipient(page * 256 + u32::from(n), rng)).collect();
    NewPage { recipients: Recipients { names, rows }, ..new_page(page, count) }
}

/// A message id as Meta makes them.
fn message_id(phone: u64, rng: &mut impl Rng) -> String {
    let phone = phone.to_string();
    let mut bytes = vec![0x1c, 0x18, phone.len() as u8];
    bytes.extend(phone.bytes());
    bytes.extend([0x15, 0x02, 0x00, 0x11, 0x18, 18]);
    bytes.extend(format!("3E{:016X}\0", rng.random::<u64>()).bytes());
    format!("wamid.{}", STANDARD.encode(bytes))
}

/// Sends a page, in scripts of 64.
async fn send(scene: &Scene, owner: &Owner, new: &NewPage, rng: &mut impl Rng) {
    let indexes: Vec<u16> = (0..new.recipients.rows.len() as u16).collect();
    for part in indexes.chunks(64) {
        scene.begin(owner, part, 1, Standing::Planned).await;
        let sent = |index: &u16| AttemptFact {
            message_id: Some(message_id(new.recipients.rows[usize::from(*index)].phone, rng)),
            ..fact(*index as u8, 1, Outcome::Accepted)
        };
        let mut facts: Vec<_> = part.iter().map(sent).collect();
        scene.commit(owner, &facts).await;
        for outcome in [Outcome::Sent, Outcome::Delivered] {
            facts.iter_mut().for_each(|told| told.fact.outcome = outcome);
            scene.receipt(&owner.page, &facts).await;
        }
    }
}

async fn run(scene: &Scene, recipients: u32, rng: &mut impl Rng) -> (RunId, Vec<NewPage>) {
    let counts = (0..recipients.div_ceil(256)).map(|n| (n, (recipients - n * 256).min(256) as u16));
    let pages: Vec<_> = counts.map(|(n, count)| page(n, count, rng)).collect();
    (scene.open(&pages).await, pages)
}

/// Bytes of all keys that end in `suffix`.
async fn usage(scene: &Scene, suffix: &str) -> f64 {
    let mut connection = scene.store.connection();
    let keys: Vec<String> = redis::cmd("KEYS").arg(format!("*{suffix}")).query_async(&mut connection).await.unwrap();
    let mut pipe = redis::pipe();
    for key in keys {
        pipe.cmd("MEMORY").arg("USAGE").arg(key).arg("SAMPLES").arg(0);
    }
    pipe.query_async::<Vec<u64>>(&mut connection).await.unwrap().iter().sum::<u64>() as f64
}

/// Bytes per recipient: planned, sent and finished.
async fn check(recipients: u32) {
    let (scene, mut rng) = (Scene::set().await, SmallRng::seed_from_u64(11));
    let (run, pages) = run(&scene, recipients, &mut rng).await;
    let each = async |suffix| usage(&scene, suffix).await / f64::from(recipients);
    let planned = each("").await;
    for new in &pages {
        let owner = scene.claim(&PageRef { run: run.clone(), page: new.page }, 1).await;
        send(&scene, &owner, new, &mut rng).await;
    }
    let tail = each(":t").await;
    for new in &pages {
        let owner = Owner { page: PageRef { run: run.clone(), page: new.page }, epoch: 1, nonce: [1; 8] };
        assert_eq!(scene.store.finish(&owner, &[]).await.unwrap(), Finish::Finished);
    }
    let tallies = scene.store.run_tallies(&run).await.unwrap().tallies;
    assert_eq!(tallies.count(Standing::Delivered), i64::from(recipients));
    let finished = each("").await;
    println!(
        "{recipients} recipients, bytes each: {planned:.0} planned, {finished:.0} delivered \
         (recipients {:.0}, ledger {:.0}, tail {:.0}, before finish {tail:.0})",
        each(":r").await,
        each(":l").await,
        each(":t").await
    );
    assert!(finished <= 250.0, "{finished} bytes per recipient");
    archive(&scene, &run, recipients).await;
}

/// Archives the run: what is left of it in Redis is a few kilobytes, whatever its size.
async fn archive(scene: &Scene, run: &RunId, recipients: u32) {
    let folder = tempfile::tempdir().unwrap();
    let store = scene.store.clone().with_archive(open_archive(&folder));
    store.close_run(run, "pass", OPENS, None).await.unwrap();
    let (run, began) = (store.run(run).await.unwrap().unwrap(), Instant::now());
    let written = store.write_archive(&run, 1, OPENS, unexplained).await.unwrap().expect("nothing moves");
    store.mark_archived(&run, &written).await.unwrap();
    assert!(store.free_pages(&run, &written).await.unwrap());
    assert!(store.free_run(&run, &written, OPENS).await.unwrap());
    let (took, left) = (began.elapsed(), usage(scene, "").await);
    let each = written.mark().bytes as f64 / f64::from(recipients);
    println!("archived in {took:.1?}: {each:.0} bytes each, {left} bytes in all are left in Redis");
    assert!(left < 8_192.0, "{left} bytes are left");
}

#[tokio::test]
async fn two_thousand_deliveries_take_at_most_250_bytes_each() {
    check(2_000).await;
}

#[tokio::test]
async fn twenty_thousand_deliveries_take_at_most_250_bytes_each() {
    check(20_000).await;
}
