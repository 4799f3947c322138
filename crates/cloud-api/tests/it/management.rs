//! Numbers, their profiles and whom they block, subscriptions, and the limits on calls.

use std::time::Duration;

use dawncast_cloud_api::{CallError, CodeMethod, Personal, ProfileChanges, WebhookOverride};
use serde_json::{Value, json};

use crate::server::{DONE, Reply, Server, token};

/// That the request has this first line and this JSON for its body.
fn check(request: &str, line: &str, body: &Value) {
    let (head, sent) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with(&format!("{line} HTTP/1.1\r\n")), "{request}");
    let sent: Value = if sent.is_empty() { Value::Null } else { serde_json::from_str(sent).unwrap() };
    assert_eq!(&sent, body, "{request}");
}

#[tokio::test]
async fn a_number_is_proven_registered_and_taken_off() {
    let server = Server::start(vec![DONE; 5]).await;
    let client = server.client();
    client.request_code("1234", &token(), CodeMethod::Voice, "en_US").await.unwrap();
    client.verify_code("1234", &token(), "123-456").await.unwrap();
    client.register("1234", &token(), "000111").await.unwrap();
    client.set_pin("1234", &token(), "000222").await.unwrap();
    client.deregister("1234", &token()).await.unwrap();
    let requests = server.requests();
    let asked = json!({ "code_method": "VOICE", "language": "en_US" });
    check(&requests[0], "POST /v26.0/1234/request_code", &asked);
    check(&requests[1], "POST /v26.0/1234/verify_code", &json!({ "code": "123456" }));
    let registered = json!({ "messaging_product": "whatsapp", "pin": "000111" });
    check(&requests[2], "POST /v26.0/1234/register", &registered);
    check(&requests[3], "POST /v26.0/1234", &json!({ "pin": "000222" }));
    check(&requests[4], "POST /v26.0/1234/deregister", &Value::Null);
}

#[tokio::test]
async fn a_pin_that_is_none_is_neither_sent_nor_repeated() {
    let server = Server::start([]).await;
    for pin in ["12345", "1234567", "12345x", ""] {
        let error = server.client().register("1234", &token(), pin).await.unwrap_err();
        assert_eq!(error, CallError::Invalid("a PIN has six digits".to_owned()));
    }
    let error = server.client().verify_code("1234", &token(), "12345").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid argument: a code has six digits");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn blocking_some_of_several_users_tells_of_each() {
    let partly = r##"{"messaging_product":"whatsapp","block_users":{
        "added_users":[{"input":"+919812345678","wa_id":"919812345678"}],
        "failed_users":[{"input":"+15551234567","errors":[{"message":"Re-engagement","code":131047,
          "error_data":{"details":"no message in 24 hours"}}]}]},
        "error":{"message":"(#139100) Failed to block or unblock some users","code":139100,"type":"OAuthException"}}"##;
    let whole = r#"{"messaging_product":"whatsapp","block_users":{"removed_users":[{"input":"+1","wa_id":"1"}]}}"#;
    let full = r##"{"error":{"message":"(#139101) Blocklist limit reached","code":139101}}"##;
    let server = Server::start([Reply::Http(400, partly), Reply::Http(200, whole), Reply::Http(400, full)]).await;
    let users = [Personal::from("+919812345678"), Personal::from("+15551234567")];
    let blocked = server.client().block("1234", &token(), &users).await.unwrap();
    assert_eq!(blocked.done[0].wa_id.as_ref().unwrap().as_str(), "919812345678");
    assert_eq!((blocked.failed[0].input.as_str(), blocked.failed[0].errors[0].code), ("+15551234567", 131_047));
    let unblocked = server.client().unblock("1234", &token(), &users[..1]).await.unwrap();
    assert_eq!((unblocked.done.len(), unblocked.failed.len()), (1, 0));
    let refused = server.client().block("1234", &token(), &users).await.unwrap_err();
    assert!(matches!(&refused, CallError::Api(error) if error.code == Some(139_101)), "{refused:?}");
    let requests = server.requests();
    let body = |users: &[&str]| {
        let users: Vec<_> = users.iter().map(|user| json!({ "user": user })).collect();
        json!({ "messaging_product": "whatsapp", "block_users": users })
    };
    check(&requests[0], "POST /v26.0/1234/block_users", &body(&["+919812345678", "+15551234567"]));
    check(&requests[1], "DELETE /v26.0/1234/block_users", &body(&["+919812345678"]));
}

#[tokio::test]
async fn the_blocked_are_listed_over_all_pages() {
    let first =
        r#"{"data":[{"messaging_product":"whatsapp","wa_id":"1"}],"paging":{"cursors":{"after":"b"},"next":"x"}}"#;
    let last = r#"{"data":[{"messaging_product":"whatsapp","wa_id":"2"}],"paging":{"cursors":{"after":"c"}}}"#;
    let server = Server::start([Reply::Http(200, first), Reply::Http(200, last)]).await;
    let blocked = server.client().blocked("1234", &token()).await.unwrap();
    assert_eq!(blocked.iter().map(|it| it.wa_id.as_ref().unwrap().as_str()).collect::<Vec<_>>(), ["1", "2"]);
    assert!(server.requests()[1].starts_with("GET /v26.0/1234/block_users?limit=100&after=b "));
}

#[tokio::test]
async fn a_profile_is_read_and_changed_within_its_limits() {
    let profile = r#"{"data":[{"about":"Open at dawn","websites":["https://x"],"messaging_product":"whatsapp"}]}"#;
    let server = Server::start([Reply::Http(200, profile), DONE]).await;
    let client = server.client();
    let read = client.profile("1234", &token()).await.unwrap();
    assert_eq!((read.about.as_deref(), read.email, read.websites.len()), (Some("Open at dawn"), None, 1));
    let changes = ProfileChanges { email: Some("a@b.c".to_owned()), ..ProfileChanges::default() };
    client.update_profile("1234", &token(), &changes).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v26.0/1234/whatsapp_business_profile?fields=about"), "{}", requests[0]);
    let sent = json!({ "messaging_product": "whatsapp", "email": "a@b.c" });
    check(&requests[1], "POST /v26.0/1234/whatsapp_business_profile", &sent);
    for (changes, words) in [
        (ProfileChanges { about: Some("x".repeat(140)), ..ProfileChanges::default() }, "139 at most"),
        (ProfileChanges { about: Some(String::new()), ..ProfileChanges::default() }, "cannot be empty"),
        (ProfileChanges { description: Some("x".repeat(513)), ..ProfileChanges::default() }, "512 at most"),
        (ProfileChanges { websites: Some(vec![String::new(); 3]), ..ProfileChanges::default() }, "2 websites"),
    ] {
        let error = client.update_profile("1234", &token(), &changes).await.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_account_tells_the_app_or_does_not() {
    let server = Server::start(vec![DONE; 3]).await;
    let client = server.client();
    client.subscribe_app("200", &token(), None).await.unwrap();
    let elsewhere = WebhookOverride { url: "https://h/w".to_owned(), verify_token: "hidden".to_owned() };
    client.subscribe_app("200", &token(), Some(&elsewhere)).await.unwrap();
    client.unsubscribe_app("200", &token()).await.unwrap();
    let requests = server.requests();
    check(&requests[0], "POST /v26.0/200/subscribed_apps", &Value::Null);
    let sent = json!({ "override_callback_uri": "https://h/w", "verify_token": "hidden" });
    check(&requests[1], "POST /v26.0/200/subscribed_apps", &sent);
    check(&requests[2], "DELETE /v26.0/200/subscribed_apps", &Value::Null);
    assert!(!format!("{elsewhere:?}").contains("hidden"));
}

#[tokio::test]
async fn answers_tell_how_much_of_the_limits_is_used_and_refusals_for_how_long() {
    let told = "HTTP/1.1 400 Bad Request\r\nconnection: close\r\nx-app-usage: {\"call_count\":7,\"total_cputime\":1,\"total_time\":1}\r\n\
                x-business-use-case-usage: {\"200\":[{\"type\":\"whatsapp_business_management\",\"call_count\":100,\
                \"total_cputime\":3,\"total_time\":5,\"estimated_time_to_regain_access\":12}]}\r\n\r\n\
                {\"error\":{\"message\":\"(#80007) Rate limit issues\",\"code\":80007}}";
    let server = Server::start([Reply::Raw(told), DONE]).await;
    let client = server.client();
    let once = client.metered();
    let refused = once.subscribed_apps("200", &token()).await.unwrap_err();
    let CallError::Api(error) = &refused else { panic!("{refused:?}") };
    assert_eq!((error.code, error.retry_after), (Some(80_007), Some(Duration::from_secs(12 * 60))));
    let usage = once.usage();
    assert_eq!((usage.percent(), usage.app.unwrap().call_count), (100, 7));
    assert_eq!(usage.accounts["200"][0].minutes_to_regain_access, 12);
    assert_eq!(client.usage().percent(), 0, "the other's meter is its own");
    client.unsubscribe_app("200", &token()).await.unwrap();
    assert_eq!(client.usage().app, None, "an answer that tells nothing");
}
