//! The client library against the simulator: what one asks, the other answers.

use std::time::Duration;

use dawncast_cloud_api::{
    CallError, CauseKind, Client, ClientConfig, CodeMethod, MediaId, Personal, ProfileChanges, SendOutcome,
    TemplateFilter, TemplateStatus, Token, WebhookOverride, flows::FlowKeyState,
};
use dawncast_cloud_sim::Simulator;
use serde_json::json;

use crate::receiver::Receiver;
use crate::support::*;

fn client(sim: &Simulator) -> (Client, Token) {
    let config = ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() };
    (Client::new(config).unwrap(), Token::new("SIM_TOKEN").unwrap())
}

fn code<T: std::fmt::Debug>(result: Result<T, CallError>) -> Option<i64> {
    match result {
        Err(CallError::Api(error)) => error.code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn media_come_back_as_they_were_uploaded_for_five_minutes() {
    let sim = start().await;
    let (client, token) = client(&sim);
    let bytes: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let id = client.upload_media(NUMBER, &token, bytes.clone(), "image/png", "a.png").await.unwrap();
    let media = client.media(&id, &token, Some(NUMBER)).await.unwrap();
    assert_eq!((media.file_size, media.mime_type.as_str()), (300_000, "image/png"));
    assert_eq!(client.download_media(&media, &token).await.unwrap(), bytes);
    sim.advance(Duration::from_secs(301));
    let over = client.download_media(&media, &token).await.unwrap_err();
    assert!(matches!(&over, CallError::Api(error) if error.http_status == 404), "{over:?}");
    client.delete_media(&id, &token, Some(NUMBER)).await.unwrap();
    assert_eq!(code(client.media(&id, &token, None).await), Some(100));
    assert_eq!(code(client.media(&MediaId::from("1"), &token, None).await), Some(100));
}

#[tokio::test]
async fn a_number_is_taken_off_and_registered_with_a_new_pin_and_sets_its_flows_key_again() {
    let sim = start().await;
    let (client, token) = client(&sim);
    let pem = include_str!("flow_key.pub.pem");
    client.set_flow_key(NUMBER, &token, pem).await.unwrap();
    assert_eq!(client.flow_key(NUMBER, &token).await.unwrap().state, Some(FlowKeyState::Valid));
    client.request_code(NUMBER, &token, CodeMethod::Sms, "en_US").await.unwrap();
    client.verify_code(NUMBER, &token, "100-001").await.unwrap();
    client.set_pin(NUMBER, &token, "654321").await.unwrap();
    client.deregister(NUMBER, &token).await.unwrap();
    assert_eq!(code(client.register(NUMBER, &token, "123456").await), Some(133_005));
    client.register(NUMBER, &token, "654321").await.unwrap();
    assert_eq!(client.flow_key(NUMBER, &token).await.unwrap().state, Some(FlowKeyState::Mismatch));
}

#[tokio::test]
async fn users_are_blocked_as_far_as_they_wrote_and_unblocked() {
    let sim = start().await;
    let (client, token) = client(&sim);
    stage(&sim, "/_sim/reply", json!({ "from": PHONE, "number": NUMBER, "text": "hi" })).await;
    let users = [Personal::from(PHONE), Personal::from("+15551234567")];
    let blocked = client.block(NUMBER, &token, &users).await.unwrap();
    assert_eq!((blocked.done.len(), blocked.failed[0].input.as_str()), (1, "+15551234567"));
    assert_eq!(blocked.failed[0].errors[0].code, 131_047);
    assert_eq!(client.blocked(NUMBER, &token).await.unwrap().len(), 1);
    assert!(client.unblock(NUMBER, &token, &users).await.unwrap().failed.is_empty());
    assert!(client.blocked(NUMBER, &token).await.unwrap().is_empty());
}

#[tokio::test]
async fn templates_are_listed_paused_unpaused_and_deleted() {
    let sim = start().await;
    let (client, token) = client(&sim);
    stage(&sim, "/_sim/templates/hello_world", json!({ "status": "PAUSED" })).await;
    let paused = TemplateFilter { status: Some(TemplateStatus::Paused), ..TemplateFilter::default() };
    let found = client.templates_where(WABA, &token, &paused).await.unwrap();
    let [template] = &found[..] else { panic!("{found:?}") };
    assert!(client.unpause_template(&template.id, &token).await.unwrap().success);
    assert_eq!(client.template(&template.id, &token).await.unwrap().status, TemplateStatus::Approved);
    client.delete_template(WABA, &token, &template.id, "hello_world").await.unwrap();
    client.delete_templates_named(WABA, &token, "daily_pack_v1").await.unwrap();
    let first = client.template_page(WABA, &token, &TemplateFilter::default(), None, Some(2)).await.unwrap();
    let all = TemplateFilter::default();
    let last = client.template_page(WABA, &token, &all, first.after.as_deref(), Some(2)).await.unwrap();
    assert_eq!((first.templates.len(), last.templates.len(), last.after), (2, 1, None));
}

#[tokio::test]
async fn profile_and_subscription_are_kept() {
    let sim = start().await;
    let (client, token) = client(&sim);
    let changes = ProfileChanges { about: Some("Open at dawn".to_owned()), ..ProfileChanges::default() };
    client.update_profile(NUMBER, &token, &changes).await.unwrap();
    assert_eq!(client.profile(NUMBER, &token).await.unwrap().about, changes.about);
    client.unsubscribe_app(WABA, &token).await.unwrap();
    assert!(client.subscribed_apps(WABA, &token).await.unwrap().is_empty());
    let (_receiver, url) = Receiver::start([]).await;
    let elsewhere = |verify_token: &str| WebhookOverride { url: url.clone(), verify_token: verify_token.to_owned() };
    assert_eq!(code(client.subscribe_app(WABA, &token, Some(&elsewhere("wrong"))).await), Some(2200));
    client.subscribe_app(WABA, &token, Some(&elsewhere("sim_verify"))).await.unwrap();
    let apps = client.subscribed_apps(WABA, &token).await.unwrap();
    assert_eq!(apps[0].override_callback_uri.as_ref(), Some(&url));
    client.subscribe_app(WABA, &token, None).await.unwrap();
    assert_eq!(client.subscribed_apps(WABA, &token).await.unwrap()[0].override_callback_uri, None);
}

#[tokio::test]
async fn a_refusal_by_the_hours_limit_says_when_to_come_back() {
    let sim = start().await;
    let (client, token) = client(&sim);
    stage(&sim, "/_sim/calls", json!({ "account": WABA, "calls": 2_500 })).await;
    client.subscribed_apps(WABA, &token).await.unwrap();
    assert_eq!(client.usage().accounts[WABA][0].usage.call_count, 50);
    stage(&sim, "/_sim/calls", json!({ "account": WABA, "calls": 5_000 })).await;
    let CallError::Api(refused) = client.subscribed_apps(WABA, &token).await.unwrap_err() else { panic!() };
    assert_eq!((refused.code, refused.retry_after), (Some(80_007), Some(Duration::from_secs(3_600))));
}

#[tokio::test]
async fn whose_patience_ends_before_a_slow_answers_last_byte_does_not_know_whether_it_was_sent() {
    let sim = start().await;
    let order = json!({ "faults": [{ "fault": { "kind": "slow_bytes", "ms": 60_000 } }] });
    assert_eq!(stage(&sim, "/_sim/faults", order.clone()).await["faults"][0]["fault"], order["faults"][0]["fault"]);
    let patience = Duration::from_secs(1);
    let config = ClientConfig { base_url: sim.base_url(), timeout: patience, ..ClientConfig::default() };
    let (client, token) = (Client::new(config).unwrap(), Token::new("SIM_TOKEN").unwrap());
    let outcome = client.send_body(NUMBER, &token, hello(PHONE).to_string()).await;
    let SendOutcome::Unknown(cause) = outcome else { panic!("{outcome:?}") };
    assert_eq!((cause.kind, accepted(&sim, PHONE)), (CauseKind::Timeout, 1));
}
