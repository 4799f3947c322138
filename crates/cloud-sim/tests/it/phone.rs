//! The phone's view of a conversation, and what a person does on it.

use dawncast_cloud_sim::{SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

async fn start_heard() -> (Simulator, Receiver) {
    let (receiver, url) = Receiver::start([]).await;
    (start_with(SimConfig { webhook: Some(url), ..config() }).await, receiver)
}

fn of_user(more: Value) -> Value {
    let mut body = json!({ "from": PHONE, "number": NUMBER });
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    body
}

/// The only message that the receiver gets of that type, common members aside.
async fn heard(receiver: &Receiver, kind: &str) -> Value {
    let of_kind = || receiver.all("messages").into_iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    eventually(kind, || !of_kind().is_empty()).await;
    let mut message = of_kind().pop().unwrap();
    let rest = message.as_object_mut().unwrap();
    assert_eq!(rest.remove("from").unwrap(), USER);
    ["id", "timestamp"].iter().for_each(|name| assert!(rest.remove(*name).unwrap().is_string()));
    message
}

async fn refused_with(sim: &Simulator, path: &str, body: Value, words: &str) {
    let answer = call(sim, "POST", path, "", body.to_string().as_bytes()).await;
    assert_eq!(answer.status, 400, "{path} {body}");
    assert!(answer.json()["error"].as_str().unwrap().contains(words), "{path} {body}: {}", answer.body);
}

#[tokio::test]
async fn what_failed_is_shown_with_its_code_and_cannot_be_pressed() {
    let sim = start_with(unread()).await;
    stage(&sim, "/_sim/block", of_user(json!({}))).await;
    let id = sent(&sim, &hello(PHONE)).await;
    let shown = becomes(&sim, "failed").await;
    assert_eq!(shown["error"], json!({ "code": 131_026, "title": "Message undeliverable" }));
    assert_eq!(conversation(&sim).await["blocked"], true);
    refused_with(
        &sim,
        "/_sim/press",
        of_user(json!({ "message": id, "button": "0" })),
        "failed, and is not on the phone",
    )
    .await;
    stage(&sim, "/_sim/block", of_user(json!({ "blocked": false }))).await;
    assert_eq!(conversation(&sim).await["blocked"], false);
    sent(&sim, &hello(PHONE)).await;
    becomes(&sim, "delivered").await;
}

#[tokio::test]
async fn a_quick_reply_of_a_template_and_of_a_message_tell_different_things() {
    let (sim, receiver) = start_heard().await;
    let parts = json!([{ "type": "body", "text": "Well?" }, { "type": "buttons", "buttons": [{ "type": "quick_reply", "text": "Yes" }] }]);
    let template = json!({ "name": "t", "language": "en", "category": "UTILITY", "components": parts });
    assert_eq!(post(&sim, &format!("/{WABA}/message_templates"), &template).await.status, 200);
    stage(&sim, "/_sim/templates/t", json!({ "status": "APPROVED", "silent": true })).await;
    let id = sent(
        &sim,
        &json!({
            "messaging_product": "whatsapp", "to": PHONE, "type": "template",
            "template": { "name": "t", "language": { "code": "en" } },
        }),
    )
    .await;
    stage(&sim, "/_sim/press", of_user(json!({ "message": id, "button": "0" }))).await;
    let context = json!({ "from": "15550100001", "id": id });
    let expected = json!({ "type": "button", "button": { "payload": "Yes", "text": "Yes" }, "context": context });
    assert_eq!(heard(&receiver, "button").await, expected);
    assert_eq!(last(&sim).await["quotes"]["text"], "Well?");

    // The press has opened the service window.
    let reply = json!({ "type": "reply", "reply": { "id": "n", "title": "No" } });
    let id = sent(&sim, &interactive("button", json!({ "buttons": [reply] }))).await;
    stage(&sim, "/_sim/press", of_user(json!({ "message": id, "button": "0" }))).await;
    let context = json!({ "from": "15550100001", "id": id });
    let pressed = json!({ "type": "button_reply", "button_reply": { "id": "n", "title": "No" } });
    assert_eq!(
        heard(&receiver, "interactive").await,
        json!({ "type": "interactive", "interactive": pressed, "context": context })
    );
    assert_eq!(last(&sim).await["bubble"], json!({ "text": "No" }));
}

#[tokio::test]
async fn rows_flows_and_places_are_told_as_meta_tells_them() {
    let (sim, receiver) = start_heard().await;
    write_in(&sim).await;
    let sections = json!([
        { "title": "A", "rows": [{ "id": "r0", "title": "Zero" }] },
        { "title": "B", "rows": [{ "id": "r1", "title": "One", "description": "the second" }] },
    ]);
    let list = sent(&sim, &interactive("list", json!({ "button": "Choose", "sections": sections }))).await;
    let row = &last(&sim).await["bubble"]["list"]["sections"][1]["rows"][0];
    assert_eq!((&row["key"], &row["text"], &row["description"]), (&json!("1"), &json!("One"), &json!("the second")));
    stage(&sim, "/_sim/press", of_user(json!({ "message": list, "button": "1" }))).await;
    let chosen =
        json!({ "type": "list_reply", "list_reply": { "id": "r1", "title": "One", "description": "the second" } });
    assert_eq!(heard(&receiver, "interactive").await["interactive"], chosen);

    let parameters = json!({ "flow_message_version": "3", "flow_id": "9", "flow_cta": "Book", "flow_token": "tk" });
    let flow = sent(&sim, &interactive("flow", json!({ "name": "flow", "parameters": parameters }))).await;
    stage(&sim, "/_sim/press", of_user(json!({ "message": flow, "button": "0", "response": { "day": "Monday" } })))
        .await;
    eventually("the flow's end", || receiver.all("messages").iter().any(|it| it["interactive"]["type"] == "nfm_reply"))
        .await;
    let told = heard(&receiver, "interactive").await;
    let reply = &told["interactive"]["nfm_reply"];
    assert_eq!(
        (&reply["name"], &reply["body"], &told["context"]["id"]),
        (&json!("flow"), &json!("Sent"), &json!(flow))
    );
    let response: Value = serde_json::from_str(reply["response_json"].as_str().unwrap()).unwrap();
    assert_eq!(response, json!({ "flow_token": "tk", "day": "Monday" }));

    let ask = sent(&sim, &interactive("location_request_message", json!({ "name": "send_location" }))).await;
    refused_with(
        &sim,
        "/_sim/press",
        of_user(json!({ "message": ask, "button": "0" })),
        "location: this button sends one",
    )
    .await;
    let far = json!({ "message": ask, "button": "0", "location": { "latitude": 91, "longitude": 0 } });
    refused_with(&sim, "/_sim/press", of_user(far), "latitude (-90 to 90)").await;
    let here = json!({ "latitude": 12.5, "longitude": 77.25 });
    stage(&sim, "/_sim/press", of_user(json!({ "message": ask, "button": "0", "location": here }))).await;
    let told = heard(&receiver, "location").await;
    assert_eq!((&told["location"], &told["context"]["id"]), (&here, &json!(ask)));
}

#[tokio::test]
async fn reactions_are_shown_on_what_they_were_put_on_and_taken_back() {
    let (sim, receiver) = start_heard().await;
    let written = write_in(&sim).await;
    sent(&sim, &free_form("reaction", json!({ "message_id": written, "emoji": "🎉" }))).await;
    assert_eq!(last(&sim).await["reactions"], json!([{ "from": "number", "emoji": "🎉" }]));
    let id = sent(&sim, &hello(PHONE)).await;
    stage(&sim, "/_sim/react", of_user(json!({ "message": id, "emoji": "👍" }))).await;
    assert_eq!(last(&sim).await["reactions"], json!([{ "from": "user", "emoji": "👍" }]));
    assert_eq!(heard(&receiver, "reaction").await["reaction"], json!({ "message_id": id, "emoji": "👍" }));
    stage(&sim, "/_sim/react", of_user(json!({ "message": id }))).await;
    assert!(last(&sim).await["reactions"].is_null());
    eventually("it is taken back", || {
        receiver.all("messages").iter().any(|it| it["reaction"] == json!({ "message_id": id }))
    })
    .await;
    assert_eq!(conversation(&sim).await["messages"].as_array().unwrap().len(), 2, "a reaction is no bubble");
}

#[tokio::test]
async fn reading_is_told_in_both_directions() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), ..unread() }).await;
    let id = sent(&sim, &hello(PHONE)).await;
    becomes(&sim, "delivered").await;
    assert_eq!(stage(&sim, "/_sim/read", of_user(json!({}))).await, json!({ "read": 1 }));
    assert_eq!(stage(&sim, "/_sim/read", of_user(json!({}))).await, json!({ "read": 0 }));
    becomes(&sim, "read").await;
    let is_read = |it: &Value| it["id"] == json!(id) && it["status"] == "read";
    eventually("the receipt", || receiver.statuses().iter().any(is_read)).await;

    let written = write_in(&sim).await;
    assert_eq!(last(&sim).await["status"], "delivered");
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": written, "typing_indicator": { "type": "text" } });
    assert_eq!(send(&sim, &read).await.status, 200);
    assert_eq!((&last(&sim).await["status"], &conversation(&sim).await["typing"]), (&json!("read"), &json!(true)));
    sent(&sim, &text(PHONE)).await;
    assert_eq!(conversation(&sim).await["typing"], false);
}

#[tokio::test]
async fn conversations_are_listed_the_latest_first_and_found_by_phone_and_number() {
    let sim = start().await;
    for phone in ["+919876500001", "+919876500002", "+15551230003"] {
        send(&sim, &hello(phone)).await;
    }
    let reply = json!({ "from": "+919876500001", "number": OTHER_NUMBER, "text": "<script>" });
    stage(&sim, "/_sim/reply", reply).await;
    let listed = |query: &'static str| {
        let sim = &sim;
        async move {
            let answer = get(sim, &format!("/_sim/conversations{query}")).await.json();
            let phones =
                answer["conversations"].as_array().unwrap().iter().map(|it| it["phone"].as_str().unwrap().to_owned());
            (phones.collect::<Vec<_>>(), answer["total"].as_u64().unwrap())
        }
    };
    let all = ["919876500001", "15551230003", "919876500002", "919876500001"].map(str::to_owned).to_vec();
    assert_eq!(listed("").await, (all.clone(), 4));
    assert_eq!(listed("?phone=%2B9198&limit=1").await, (vec![all[0].clone()], 3));
    assert_eq!(listed("?phone=0003&number=100000000000001").await, (vec![all[1].clone()], 1));
    assert_eq!(listed("?number=100000000000002").await.1, 1);
    let first = get(&sim, "/_sim/conversations?limit=1").await.json();
    let last = &first["conversations"][0]["last"];
    assert_eq!((&last["from"], &last["text"]), (&json!("user"), &json!("<script>")));
    for (query, words) in [
        ("?limit=0", "limit: give at least 1"),
        ("?number=42", "`42` is not a number"),
        ("?phone=x", "phone: `x`"),
        ("?page=2", "unknown field `page`"),
    ] {
        let answer = get(&sim, &format!("/_sim/conversations{query}")).await;
        assert_eq!(answer.status, 400);
        assert!(answer.body.contains(words), "{query}: {}", answer.body);
    }
}

#[tokio::test]
async fn a_conversation_that_never_was_is_empty_and_a_bad_call_is_refused_by_name() {
    let sim = start().await;
    let empty = conversation(&sim).await;
    assert_eq!(
        (&empty["messages"], &empty["blocked"], &empty["window_closes_ms"]),
        (&json!([]), &json!(false), &Value::Null)
    );
    assert!(sim.ledger().recipients.is_empty(), "nobody was met by looking");
    let id = sent(&sim, &hello(PHONE)).await;
    let other = json!({ "from": PHONE, "number": OTHER_NUMBER, "message": id, "button": "0" });
    for (path, body, words) in [
        (
            "/_sim/press",
            of_user(json!({ "message": id, "button": "0" })),
            "button: there is no `0` on the message, which has none at all",
        ),
        ("/_sim/press", other, "is not among those that are kept of this conversation"),
        ("/_sim/press", of_user(json!({ "message": id, "key": "0" })), "unknown field `key`"),
        ("/_sim/react", of_user(json!({ "message": "wamid.x", "emoji": "👍" })), "message: `wamid.x` is not among"),
        ("/_sim/react", of_user(json!({ "message": id, "emoji": "great" })), "emoji: give one emoji"),
        ("/_sim/reply", of_user(json!({ "text": "x", "quotes": "wamid.x" })), "quotes: `wamid.x` is not among"),
        ("/_sim/read", json!({ "from": "me", "number": NUMBER }), "a phone must have 7 to 15 digits"),
        ("/_sim/read", json!({ "from": PHONE, "number": "42" }), "`42` is not a number"),
    ] {
        refused_with(&sim, path, body, words).await;
    }
    let answer = get(&sim, &format!("/_sim/conversations/{NUMBER}/me")).await;
    assert_eq!((answer.status, answer.json()["error"].as_str().unwrap().split(':').next()), (400, Some("phone")));
}

#[tokio::test]
async fn a_reply_quotes_a_message_and_opens_the_window() {
    let (sim, receiver) = start_heard().await;
    let id = sent(&sim, &hello(PHONE)).await;
    stage(&sim, "/_sim/reply", of_user(json!({ "text": "Thanks", "quotes": id }))).await;
    let told = heard(&receiver, "text").await;
    let expected =
        json!({ "type": "text", "text": { "body": "Thanks" }, "context": { "from": "15550100001", "id": id } });
    assert_eq!(told, expected);
    let shown = conversation(&sim).await;
    let closes = shown["window_closes_ms"].as_u64().unwrap() - shown["messages"][1]["at_ms"].as_u64().unwrap();
    assert_eq!(closes, 24 * 3_600_000);
}
