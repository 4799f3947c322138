//! A free-form message with a template to fall back to, by the commands, from the faults of a bad one to the story of each.

use dawncast_testkit::until;
use serde_json::{Value, json};

use crate::{
    control::{order_faults, sent},
    flow::{Deployment, SOON, add_numbers, bring_recipients, campaign, client},
};

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

async fn writes(it: &Deployment, phone: &str) {
    let said = json!({ "from": phone, "number": "100000000000001", "text": "hello" });
    let call = client().post(format!("http://{}/_sim/reply", it.sim)).body(said.to_string());
    assert!(call.send().await.unwrap().status().is_success());
}

/// How many recipients of the campaign would get its buttons now.
async fn until_open(it: &Deployment, count: u64) -> Value {
    let open = async || {
        let preview = it.ask(&["campaign", "preview", "campaign.json"]);
        (preview["messages"][0]["recipients"] == count).then_some(preview)
    };
    until("the windows are open", SOON, open).await
}

/// How many deliveries of a run got the buttons, and how many the template.
fn lines(it: &Deployment, run: &str) -> [Value; 2] {
    let lines = it.ask(&["run", "report", run])["by_message"].clone();
    let names = [&lines[0]["message"], &lines[1]["message"]];
    assert_eq!(names, [&json!("interactive"), &json!("template daily_text_v1")]);
    [0, 1].map(|place: usize| lines[place]["totals"]["submitted"].clone())
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_who_has_written_gets_the_buttons_and_the_other_the_template() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    refuses_bad_ones(&it, &audience);
    it.write("campaign.json", buttons(&audience).to_string());
    writes(&it, "919876543210").await;
    assert_eq!(until_open(&it, 1).await["messages"][1]["recipients"], 1);
    let drawn = it.tell(&["campaign", "preview", "campaign.json"]);
    assert!(drawn.contains("1 interactive, 1 template daily_text_v1, as service windows are now"), "{drawn}");

    let created = it.ask(&["campaign", "create", "campaign.json"]);
    let (id, run) = (created["id"].as_str().unwrap(), created["next_run"].as_str().unwrap());
    it.tell(&["campaign", "watch", id]);
    assert_eq!(lines(&it, run), [1, 1]);
    assert!(it.tell(&["run", "report", run]).contains("template daily_text_v1 (fallback)"));
    let story = |phone: &str| it.tell(&["delivery", "show", "--run", run, "--phone", phone]);
    assert!(story("+919876543210").contains("from number 100000000000001, which its recipient has written to."));
    assert!(story("+919876543211").contains("It gets the template daily_text_v1, because no service window was open"));
    assert_eq!((sent(&it, "919876543210").await, sent(&it, "919876543211").await), (1, 1));

    let tested = it.ask(&["campaign", "test", id, "--to", "+919876500001", "--recipient", "+919876543210"]);
    assert_eq!(
        lines(&it, tested["run"].as_str().unwrap()),
        [0, 1],
        "a test looks at the windows of its phones: {tested}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_retry_looks_at_windows_anew() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = bring_recipients(&it);
    it.write("campaign.json", buttons(&audience).to_string());
    writes(&it, "919876543210").await;
    until_open(&it, 1).await;
    let lost = json!({ "match": { "phone": "919876543211" }, "fault": { "kind": "async_error", "code": 131_000 } });
    order_faults(&it, json!([lost])).await;
    let created = it.ask(&["campaign", "create", "campaign.json"]);
    let run = created["next_run"].as_str().unwrap();
    it.tell(&["campaign", "watch", created["id"].as_str().unwrap()]);
    assert_eq!(lines(&it, run), [1, 1]);
    let before = sent(&it, "919876543210").await;

    order_faults(&it, json!([])).await;
    writes(&it, "919876543211").await;
    until_open(&it, 2).await;
    let retry = it.ask(&["run", "retry", run]);
    assert_eq!(retry["recipients"]["retried"], 1, "{retry}");
    let retry = retry["id"].as_str().unwrap();
    it.tell(&["run", "watch", retry]);
    assert_eq!(lines(&it, retry), [1, 0], "its window is open by now");
    assert_eq!(it.ask(&["run", "report", retry])["totals"]["failed"], 0);
    assert_eq!(sent(&it, "919876543210").await, before, "nobody who got it is sent to again");
}
