//! The Marketing Messages API.

use serde_json::{Value, json};

use crate::{receiver::Receiver, support::*};

fn path() -> String {
    format!("/v24.0/{NUMBER}/marketing_messages")
}

fn offer() -> Value {
    let body = json!({ "type": "body", "parameters": [{ "type": "text", "text": "Asha" }] });
    json!({
        "messaging_product": "whatsapp", "to": PHONE, "type": "template", "product_policy": "STRICT",
        "message_activity_sharing": true,
        "template": { "name": "weekly_offer_v1", "language": { "code": "en_IN" }, "components": [body] },
    })
}

#[tokio::test]
async fn a_marketing_template_is_taken_and_priced_as_such() {
    let (receiver, url) = Receiver::start([]).await;
    let sim = start_with(dawncast_cloud_sim::SimConfig { webhook: Some(url), ..config() }).await;
    let answer = post(&sim, &path(), &offer()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(answer.json()["messages"][0]["message_status"], "accepted");
    assert_eq!(accepted(&sim, PHONE), 1);
    eventually("all is told", || sim.pending_webhooks() == 0).await;
    assert!(receiver.posts().iter().any(|post| post.contains(r#""category":"marketing_lite""#)));
    assert_eq!(send(&sim, &offer()).await.status, 200, "the Cloud API takes it too");
}

#[tokio::test]
async fn anything_else_is_refused() {
    let sim = start().await;
    write_in(&sim).await;
    for (body, code, words) in [
        (text(PHONE), 100, "(#100) Message must be a template message"),
        (hello(PHONE), 134_100, "(#134100) Only marketing templates"),
        (
            json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "x" }),
            100,
            "parameter to is required",
        ),
    ] {
        let answer = post(&sim, &path(), &body).await;
        assert_eq!((answer.status, answer.error_code()), (400, code), "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    for (field, value, words) in [
        ("product_policy", json!("MAYBE"), "product_policy must be one of {CLOUD_API_FALLBACK, STRICT}"),
        ("message_activity_sharing", json!("yes"), "message_activity_sharing must be a boolean"),
    ] {
        let mut wrong = offer();
        wrong[field] = value;
        let answer = post(&sim, &path(), &wrong).await;
        assert!(answer.error_code() == 100 && answer.body.contains(words), "{}", answer.body);
    }
    let answer = call(&sim, "POST", &path(), "", offer().to_string().as_bytes()).await;
    assert_eq!(answer.error_code(), 190, "it needs a token");
}
