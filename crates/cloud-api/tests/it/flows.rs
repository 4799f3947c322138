//! A flow's endpoint against Python's `cryptography`, and the public key of a number.

use std::process::Command;

use dawncast_cloud_api::{
    CallError,
    flows::{FlowAction, FlowEndpoint, FlowKey, FlowKeyState, FlowResponse},
    webhook::{AppSecret, sign},
};
use serde_json::{Value, json};

use crate::server::{DONE, Reply, Server, token};

/// Python with `cryptography`: that of the S3 server, which needs it too, or the machine's own.
fn peer(arguments: &[&str]) -> String {
    let own = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/s3/bin/python");
    let python = if std::path::Path::new(own).exists() { own } else { "python3" };
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/flows_peer.py");
    let output = Command::new(python).arg(script).args(arguments).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim_end_matches('\n').to_owned()
}

fn new_key() -> String {
    let output = Command::new("openssl").args(["genrsa", "2048"]).output().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[tokio::test]
#[ignore = "needs Python's cryptography and openssl: make test-live"]
async fn live_flows_are_understood_by_another_implementation() {
    let pem = new_key();
    let secret = AppSecret::new("app_secret").unwrap();
    let endpoint = FlowEndpoint::new(FlowKey::from_pem(&pem, None).unwrap(), vec![secret.clone()]);
    for text in ["", "Ana", "é✓\u{1F600}\n\"\\", &"long ".repeat(5_000)] {
        let request = json!({ "version": "3.0", "action": "data_exchange", "screen": "A", "flow_token": "t",
            "data": { "text": text } });
        let sent: Value = serde_json::from_str(&peer(&["request", &pem, &request.to_string()])).unwrap();
        let body = sent["body"].as_str().unwrap();
        let echo = |request: dawncast_cloud_api::flows::FlowRequest| async move {
            let FlowAction::DataExchange { screen, data } = request.action else { panic!("{request:?}") };
            FlowResponse::Screen { screen, data }
        };
        let answer = endpoint.answer(Some(&sign(&secret, body.as_bytes())), body.as_bytes(), echo).await;
        assert_eq!(answer.status, 200);
        let opened = peer(&["open", sent["key"].as_str().unwrap(), sent["iv"].as_str().unwrap(), &answer.body]);
        let opened: Value = serde_json::from_str(&opened).unwrap();
        assert_eq!(opened, json!({ "screen": "A", "data": { "text": text } }));
    }
}

#[tokio::test]
async fn the_public_key_of_a_number_is_set_and_read() {
    let server = Server::start([
        DONE,
        Reply::Http(200, r#"{"business_public_key":"PEM","business_public_key_signature_status":"MISMATCH"}"#),
        Reply::Http(200, r#"{"success":false}"#),
    ])
    .await;
    let client = server.client();
    client.set_flow_key("1234", &token(), "-----BEGIN PUBLIC KEY-----\nAA+/\n").await.unwrap();
    let registered = client.flow_key("1234", &token()).await.unwrap();
    assert_eq!((registered.public_key.as_deref(), registered.state), (Some("PEM"), Some(FlowKeyState::Mismatch)));
    let refused = client.set_flow_key("1234", &token(), "PEM").await.unwrap_err();
    assert!(matches!(refused, CallError::Malformed(_)), "{refused}");
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v26.0/1234/whatsapp_business_encryption HTTP/1.1\r\n"), "{}", requests[0]);
    assert!(requests[0].contains("content-type: application/x-www-form-urlencoded\r\n"), "{}", requests[0]);
    let form = "business_public_key=-----BEGIN+PUBLIC+KEY-----%0AAA%2B%2F%0A";
    assert!(requests[0].ends_with(form), "{}", requests[0]);
    assert!(requests[1].starts_with("GET /v26.0/1234/whatsapp_business_encryption "), "{}", requests[1]);
}
