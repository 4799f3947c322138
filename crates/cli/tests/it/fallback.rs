//! A free-form message with a template to fall back to, by the commands, from the faults of a bad one to the story of each.

use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::flow::{Deployment, SOON, add_numbers, bring_recipients, campaign, client, get};

/// Buttons for those whose window is open, and what [`campaign`] sends for the others.
fn buttons(audience: &str) -> Value {
    let mut body: Value = serde_json::from_str(&campaign(audience)).unwrap();
    let template = body["message"].take();
    let reply = json!({ "type": "reply", "reply": { "id": "yes", "title": "Yes" } });
    let buttons =
        json!({ "type": "button", "body": { "text": "Well, {{ first_name }}?" }, "action": { "buttons": [reply] } });
    body["message"] = json!({ "type": "interactive", "interactive": buttons, "fallback": [template] });
    body
}

fn refuses_bad_ones(it: &Deployment, audience: &str) {
    let mut bad = buttons(audience);
    bad["message"]["interactive"]["action"]["buttons"] = json!([]);
    bad["message"]["fallback"][0]["fallback"] = json!([]);
    it.write("bad.json", bad.to_string());
    let told = it.refuse(&["campaign", "validate", "bad.json"]).err;
    for fault in [
        "bad.json: /message/interactive/action/buttons: holds 0 buttons; give 1 to 3.",
        "bad.json: /message/fallback/0/fallback: is not a field that is known here.",
    ] {
        assert!(told.contains(fault), "{fault} is not in\n{told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_who_has_written_gets_the_buttons_and_the_other_the_template() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    refuses_bad_ones(&it, &audience);
    it.write("campaign.json", buttons(&audience).to_string());
    let said = json!({ "from": "919876543210", "number": "100000000000001", "text": "hello" });
    let call = client().post(format!("http://{}/_sim/reply", it.sim)).body(said.to_string());
    assert!(call.send().await.unwrap().status().is_success());
    let open = async || {
        let preview = it.ask(&["campaign", "preview", "campaign.json"]);
        (preview["messages"][0]["recipients"] == 1).then_some(preview)
    };
    assert_eq!(until("the window is open", SOON, open).await["messages"][1]["recipients"], 1);
    let drawn = it.tell(&["campaign", "preview", "campaign.json"]);
    assert!(drawn.contains("1 interactive, 1 template daily_text_v1, as service windows are now"), "{drawn}");

    let created = it.ask(&["campaign", "create", "campaign.json"]);
    let (id, run) = (created["id"].as_str().unwrap(), created["next_run"].as_str().unwrap());
    it.tell(&["campaign", "watch", id]);
    let lines = it.ask(&["run", "report", run])["by_message"].clone();
    let count = |place: usize| (lines[place]["message"].clone(), lines[place]["totals"]["submitted"].clone());
    assert_eq!(count(0), (json!("interactive"), json!(1)));
    assert_eq!(count(1), (json!("template daily_text_v1"), json!(1)));
    assert!(it.tell(&["run", "report", run]).contains("template daily_text_v1 (fallback)"));
    let story = |phone: &str| it.tell(&["delivery", "show", "--run", run, "--phone", phone]);
    assert!(story("+919876543210").contains("from number 100000000000001, which its recipient has written to."));
    assert!(story("+919876543211").contains("It gets the template daily_text_v1, because no service window was open"));
    let ledger = get(&format!("http://{}/_sim/ledger", it.sim)).await.unwrap();
    let ledger: Value = serde_json::from_str(&ledger).unwrap();
    assert_eq!(ledger["totals"], json!({ "accepted": 2, "rejected": {} }), "{ledger}");
}
