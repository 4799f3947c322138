//! The page of the simulator in a real browser: what a person sees and does there, and what the business hears of it.

use dawncast_cloud_sim::{Receipts, Span};
use serde_json::json;

use crate::live_clients::drive_in;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs Node and Chromium: make test-live"]
async fn live_page_shows_conversations_and_what_a_person_does_is_told() {
    // Whether a message is read is for the person to say.
    let soon = Span::millis(0, 100);
    let receipts = Receipts { read_share: 0.0, sent: soon, delivered: soon, ..Receipts::default() };
    let told = drive_in("sim-page", "node", "page.mjs", receipts).await;
    let script = "<script>window.hacked = 1</script><img src=x onerror='window.hacked = 1'>";
    let body = format!("Good morning {script}, here it is.");
    assert_eq!(told["template"], json!(["Your pack", body, "Dawncast"]));
    assert_eq!((&told["hacked"], &told["stray"], &told["wrong"]), (&json!(null), &json!(null), &json!([])));
    let ticks = told["ticks"].as_str().unwrap();
    assert!(ticks.starts_with("accepted ") && ticks.contains(", sent ") && ticks.contains(", delivered "), "{ticks}");
    assert_eq!(told["button"], json!({ "payload": "Thanks", "text": "Thanks" }));
    assert_eq!(told["opens"], "https://example.com/pack");
    assert_eq!(told["row"], json!({ "id": "r1", "title": "Tuesday", "description": "in the morning" }));
    assert_eq!(told["caption"], "<strong>bold</strong> &amp; &lt;b&gt;not&lt;/b&gt;");
    assert_eq!(told["flow"], json!({ "day": "Monday", "flow_token": "tk" }));
    assert_eq!((&told["reaction"], &told["quotes"], &told["read"]), (&json!("👍"), &json!(true), &json!("read")));
    assert_eq!((&told["silenced"], &told["code"]), (&json!(true), &json!(131_026)));
    assert_eq!(told["failed"], "131026 Message undeliverable");
    // One template, a list, a picture, a flow, and one that failed: five of the number's.
    let number = json!(["CONNECTED", "GREEN", "TIER_UNLIMITED", "0 of 80", "5", "0"]);
    assert_eq!(told["number"], number);
    assert_eq!(told["previews"], json!(["Good morning {{1}}, here it is."]));
    assert_eq!((&told["wide"], &told["grounds"]), (&json!([]), &json!(2)));
    assert_eq!(told["webhooks"]["refused"], 0);
}
