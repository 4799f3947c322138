use dawncast_cloud_sim::{Receipts, SimConfig, SimError, Simulator};
use serde_json::json;
use tokio::net::TcpStream;

use crate::support::*;

#[tokio::test]
async fn the_ledger_is_served_in_its_agreed_form() {
    let sim = start().await;
    let empty = get(&sim, "/_sim/ledger").await.json();
    assert_eq!(empty, json!({ "recipients": {}, "totals": { "accepted": 0, "rejected": {} } }));
    let wamid = send(&sim, &hello(PHONE)).await.json()["messages"][0]["id"].clone();
    send(&sim, &text(PHONE)).await;
    let ledger = get(&sim, "/_sim/ledger").await.json();
    let at_ms = ledger["recipients"]["919876543210"]["attempts"][0]["at_ms"].clone();
    assert!(at_ms.as_u64().unwrap() > 1_600_000_000_000, "Unix milliseconds: {at_ms}");
    let attempt = json!({ "number": NUMBER, "wamid": wamid, "callback_data": format!("for:{PHONE}"), "at_ms": at_ms });
    let expected = json!({
        "recipients": { "919876543210": { "accepted": 1, "attempts": [attempt] } },
        "totals": { "accepted": 1, "rejected": { "131047": 1 } },
    });
    assert_eq!(ledger, expected);
}

#[tokio::test]
async fn the_clock_moves_forward_on_order() {
    let sim = start().await;
    let before = get(&sim, "/_sim/clock").await.json();
    let after = stage(&sim, "/_sim/clock", json!({ "advance_ms": 3_600_000 })).await;
    assert_eq!((&before["offset_ms"], &after["offset_ms"]), (&json!(0), &json!(3_600_000)));
    assert!(after["now_ms"].as_u64().unwrap() >= before["now_ms"].as_u64().unwrap() + 3_600_000);
}

#[tokio::test]
async fn ordered_faults_are_shown_with_what_is_left_of_them() {
    let sim = start().await;
    let order = json!({ "faults": [{ "fault": { "kind": "accept_then_500" }, "times": 3 }] });
    stage(&sim, "/_sim/faults", order).await;
    send(&sim, &hello(PHONE)).await;
    let standing = get(&sim, "/_sim/faults").await.json();
    assert_eq!(
        (&standing["faults"][0]["fault"]["kind"], &standing["faults"][0]["times"]),
        (&json!("accept_then_500"), &json!(2))
    );
    stage(&sim, "/_sim/faults", json!({ "faults": [] })).await;
    assert_eq!(get(&sim, "/_sim/faults").await.json(), json!({ "faults": [] }));
}

#[tokio::test]
async fn a_bad_order_is_refused_by_name() {
    let sim = start().await;
    for (path, body, words) in [
        ("/_sim/faults", json!({ "faults": [{ "fault": { "kind": "meteor" } }] }), "unknown variant `meteor`"),
        (
            "/_sim/faults",
            json!({ "faults": [{ "fault": { "kind": "throttle" }, "often": 1 }] }),
            "unknown field `often`",
        ),
        (
            "/_sim/reply",
            json!({ "from": PHONE, "number": "42", "text": "x" }),
            "`42` is not a number of this simulator",
        ),
        ("/_sim/block", json!({ "from": "me", "number": NUMBER }), "a phone must have 7 to 15 digits"),
        ("/_sim/clock", json!({ "advance_ms": -1 }), "the body is not usable"),
        ("/_sim/faults", json!([]), "give a JSON object"),
    ] {
        let answer = call(&sim, "POST", path, "", body.to_string().as_bytes()).await;
        assert_eq!(answer.status, 400, "{path}");
        assert!(answer.body.contains(words), "{path}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_address_in_use_is_an_error_that_names_it() {
    let sim = start().await;
    let refused = Simulator::start(SimConfig { listen: sim.addr(), ..config() }).await;
    assert!(matches!(refused, Err(SimError::Listen { addr, .. }) if addr == sim.addr()));
}

#[tokio::test]
async fn a_bad_setting_is_refused_before_anything_is_bound() {
    let receipts = Receipts { max_batch: 0, ..Receipts::default() };
    assert!(matches!(Simulator::start(SimConfig { receipts, ..config() }).await, Err(SimError::Config { .. })));
    let webhook = Some("nowhere".to_owned());
    assert!(matches!(Simulator::start(SimConfig { webhook, ..config() }).await, Err(SimError::WebhookUrl(_))));
}

#[tokio::test]
async fn a_stopped_simulator_no_longer_listens() {
    let sim = start().await;
    let addr = sim.addr();
    let idle = TcpStream::connect(addr).await.unwrap();
    sim.stop().await;
    assert!(TcpStream::connect(addr).await.is_err());
    drop(idle);
}
