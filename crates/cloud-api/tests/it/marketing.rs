//! Marketing messages, and receipts for what users write.

use dawncast_cloud_api::{CallError, Content, MarketingMessage, Message, ProductPolicy, SendOutcome, Template, Text};
use serde_json::{Value, json};

use crate::server::{DONE, Reply, Server, token};

const ACCEPTED: &str = r#"{"messaging_product":"whatsapp","messages":[{"id":"wamid.1","message_status":"accepted"}]}"#;

/// The body of the only request, which went to this edge.
fn body(server: &Server, edge: &str) -> Value {
    let requests = server.requests();
    assert_eq!(requests.len(), 1);
    assert!(requests[0].starts_with(&format!("POST /v26.0/1234/{edge} HTTP/1.1\r\n")), "{}", requests[0]);
    serde_json::from_str(requests[0].split_once("\r\n\r\n").unwrap().1).unwrap()
}

#[tokio::test]
async fn a_marketing_template_goes_to_its_own_endpoint() {
    let server = Server::start([Reply::Http(200, ACCEPTED)]).await;
    let message = Message::new("919812345678", Content::Template(Template::new("offer", "en_IN")));
    let strict = MarketingMessage {
        product_policy: Some(ProductPolicy::Strict),
        message_activity_sharing: Some(false),
        ..message.into()
    };
    let outcome = server.client().send_marketing("1234", &token(), &strict).await.unwrap();
    assert!(matches!(outcome, SendOutcome::Accepted { wamid, .. } if wamid == "wamid.1"));
    let expected = json!({
        "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919812345678", "type": "template",
        "template": { "name": "offer", "language": { "code": "en_IN" } },
        "product_policy": "STRICT", "message_activity_sharing": false,
    });
    assert_eq!(body(&server, "marketing_messages"), expected);
}

#[tokio::test]
async fn what_is_no_template_is_no_marketing_message() {
    let server = Server::start([]).await;
    let text = Message::new("919812345678", Content::Text(Text { body: "hi".to_owned(), preview_url: false }));
    assert!(server.client().send_marketing("1234", &token(), &text.into()).await.is_err());
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_message_is_marked_as_read_with_and_without_typing() {
    let receipt = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.in" });
    let server = Server::start([DONE]).await;
    server.client().mark_read("1234", &token(), "wamid.in").await.unwrap();
    assert_eq!(body(&server, "messages"), receipt);
    let server = Server::start([DONE]).await;
    server.client().mark_read_typing("1234", &token(), "wamid.in").await.unwrap();
    let mut typing = receipt;
    typing["typing_indicator"] = json!({ "type": "text" });
    assert_eq!(body(&server, "messages"), typing);
}

#[tokio::test]
async fn a_receipt_for_nothing_is_not_sent() {
    let server = Server::start([]).await;
    let error = server.client().mark_read("1234", &token(), "").await.unwrap_err();
    assert!(matches!(error, CallError::Invalid(_)), "{error}");
    assert!(server.requests().is_empty());
}
