//! Credentials while messages go out: a new token is used at once, and a number whose token does not open is stood in for.

use dawncast_cloud_sim::WABA_ID;
use dawncast_core::ids::NumberId;
use dawncast_store::{
    Keyring,
    records::{NumberWritten, Secret, TokenChange},
};
use dawncast_testkit::until;
use serde_json::json;

use crate::world::{NUMBERS, PATIENCE, World, calm, window};

/// Meta: the access token is not valid.
const REFUSED: &str = "190";

#[tokio::test(flavor = "multi_thread")]
async fn a_new_token_is_used_without_a_restart() {
    let world = World::start(calm()).await;
    let run = world.submit(&world.audience(400).await, json!({ "window": window("+20s", "+40s") })).await;
    let _crew = (world.scheduler(), world.worker());
    world.until_accepted(20).await;
    world.store.set_credential(&WABA_ID.parse().unwrap(), &Secret::new("NEW"), 0).await.unwrap();
    let set_at = world.clock.now();
    let refused = || world.sim.ledger().totals.rejected.get(REFUSED).copied().unwrap_or_default();
    until("the new token is on the wire", PATIENCE, async || (refused() > 0).then_some(())).await;
    let took = world.clock.now() - set_at;
    // A second until it is looked, and whatever a busy machine adds; without the look it would take up to five.
    assert!(took < 3_000, "it took {took} ms");
    world.store.cancel_run(&run, world.clock.now()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_number_whose_token_does_not_open_is_stood_in_for() {
    let world = World::start(calm()).await;
    let stranger = world.store.clone().with_keyring(Keyring::new(&[Keyring::make_key()]).unwrap());
    let own = TokenChange::Give(Secret::new("SIM_TOKEN"));
    let number = NUMBERS[0].parse::<NumberId>().unwrap();
    let sealed = stranger.change_number_and_token(&number, |_| {}, &own, 0).await.unwrap();
    assert!(matches!(sealed, NumberWritten::Written(_)), "{sealed:?}");
    let run = world.submit(&world.audience(60).await, json!({})).await;
    let _crew = (world.scheduler(), world.worker());
    let report = world.closed(&run).await;
    assert_eq!(report.totals.imbalance(), 0);
    assert!((0..60).all(|n| world.accepted(n) == 1), "everybody is served, once");
    let by: Vec<_> =
        report.numbers.iter().map(|number| (number.phone_number_id.as_str(), number.accepted > 0)).collect();
    assert_eq!(by, [(NUMBERS[0], false), (NUMBERS[1], true), (NUMBERS[2], true)]);
    let remarks = world.run(&run).await.remarks.join("; ");
    assert!(remarks.contains(NUMBERS[0]) && remarks.contains("credentials.keys"), "{remarks}");
}
