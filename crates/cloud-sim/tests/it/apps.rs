//! Two apps that hear of the accounts, and other addresses for an account or a number.

use dawncast_cloud_sim::{SecondApp, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::receiver::Receiver;
use crate::support::*;

const APPS: [&str; 2] = ["400000000000001", "400000000000002"];
const SECOND: &str = "Authorization: Bearer SIM_TOKEN_2\r\n";

/// The receiver of an override: signed by the first app's secret, with a verify token of its own.
async fn elsewhere(verify_token: &'static str) -> (Receiver, String) {
    Receiver::start_for("sim_app_secret", verify_token, []).await
}

async fn second(answers: impl IntoIterator<Item = u16>) -> (Receiver, SecondApp) {
    let (receiver, url) = Receiver::start_for("sim_app_secret_2", "sim_verify_2", answers).await;
    (receiver, SecondApp { webhook: Some(url), ..SecondApp::default() })
}

async fn quiet(sim: &Simulator) {
    eventually("every webhook is delivered", || sim.pending_webhooks() == 0).await;
}

fn overridden(url: &str, verify_token: &str) -> Value {
    json!({ "override_callback_uri": url, "verify_token": verify_token })
}

fn has_sent(receiver: &Receiver, phone: &str) -> bool {
    receiver.statuses().iter().any(|status| status["recipient_id"] == phone[1..])
}

#[tokio::test]
async fn both_apps_hear_of_everything_each_under_its_own_secret() {
    let (first, url) = Receiver::start([]).await;
    let (other, second) = second([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), second_app: Some(second), ..config() }).await;
    sim.verify_webhook().await.unwrap();
    assert_eq!((first.verified(), other.verified()), (1, 1));
    send(&sim, &hello(PHONE)).await;
    write_in(&sim).await;
    stage(&sim, "/_sim/templates/hello_world", json!({ "quality_score": "YELLOW" })).await;
    quiet(&sim).await;
    for receiver in [first, other] {
        assert!(has_sent(&receiver, PHONE) && receiver.all("messages").len() == 1);
        assert!(receiver.posts().iter().any(|post| post.contains("message_template_quality_update")));
    }
}

#[tokio::test]
async fn a_retry_goes_to_both_apps_so_that_who_answered_gets_it_again() {
    let (first, url) = Receiver::start([]).await;
    let (other, second) = second([500, 503]).await;
    let sim = start_with(SimConfig { webhook: Some(url), second_app: Some(second), ..config() }).await;
    stage(&sim, "/_sim/templates/hello_world", json!({ "quality_score": "YELLOW" })).await;
    quiet(&sim).await;
    assert_eq!((first.posts().len(), other.posts().len()), (3, 3));
    assert!(first.posts().iter().chain(&other.posts()).all(|post| *post == first.posts()[0]));
}

#[tokio::test]
async fn an_app_is_subscribed_and_taken_off_by_its_own_token() {
    let (first, url) = Receiver::start([]).await;
    let (other, second) = second([]).await;
    let sim = start_with(SimConfig { webhook: Some(url), second_app: Some(second), ..config() }).await;
    let path = format!("/{WABA}/subscribed_apps");
    let subscribed = async || {
        let apps = get(&sim, &path).await.json()["data"].as_array().unwrap().clone();
        apps.iter().map(|app| app["whatsapp_business_api_data"]["id"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(subscribed().await, APPS);
    assert_eq!(call(&sim, "DELETE", &path, SECOND, b"").await.status, 200);
    assert_eq!(subscribed().await, APPS[..1]);
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    assert!(has_sent(&first, PHONE) && other.posts().is_empty());
    assert_eq!(call(&sim, "POST", &path, SECOND, b"").await.status, 200);
    assert_eq!(subscribed().await, APPS);
    send(&sim, &hello("+919000000002")).await;
    quiet(&sim).await;
    assert!(has_sent(&other, "+919000000002"));
}

#[tokio::test]
async fn each_token_is_of_its_app_and_only_the_first_is_taken_back() {
    let (_other, second) = second([]).await;
    let sim = start_with(SimConfig { second_app: Some(second), ..config() }).await;
    let asked = call(&sim, "GET", "/debug_token?input_token=SIM_TOKEN_2", SECOND, b"").await.json();
    assert_eq!((&asked["data"]["app_id"], &asked["data"]["is_valid"]), (&json!(APPS[1]), &json!(true)));
    stage(&sim, "/_sim/token", json!({ "revoked": true })).await;
    assert_eq!(get(&sim, &format!("/{NUMBER}")).await.error_code(), 190);
    assert_eq!(call(&sim, "GET", &format!("/{NUMBER}"), SECOND, b"").await.status, 200);
    let alone = start().await;
    assert_eq!(call(&alone, "GET", &format!("/{NUMBER}"), SECOND, b"").await.error_code(), 190);
}

#[tokio::test]
async fn messages_go_to_the_numbers_address_before_the_accounts_and_the_apps() {
    let (app, url) = Receiver::start([]).await;
    let (account, account_url) = elsewhere("of_account").await;
    let (number, number_url) = elsewhere("of_number").await;
    let sim = start_with(SimConfig { webhook: Some(url.clone()), ..config() }).await;
    let subscribed = format!("/v24.0/{WABA}/subscribed_apps");
    assert_eq!(
        post(&sim, &subscribed, &overridden(&account_url, "of_account")).await.json(),
        json!({ "success": true })
    );
    let configuration = json!({ "webhook_configuration": overridden(&number_url, "of_number") });
    assert_eq!(post(&sim, &format!("/{NUMBER}"), &configuration).await.json(), json!({ "success": true }));
    assert_eq!((account.verified(), number.verified()), (1, 1), "each is asked first");
    let shown = get(&sim, &format!("/{NUMBER}?fields=webhook_configuration")).await.json();
    let expected = json!({ "phone_number": number_url, "whatsapp_business_account": account_url, "application": url });
    assert_eq!(shown["webhook_configuration"], expected);
    assert_eq!(get(&sim, &subscribed).await.json()["data"][0]["override_callback_uri"], json!(account_url));

    send(&sim, &hello("+919000000001")).await;
    send_from(&sim, OTHER_NUMBER, &hello("+919000000002")).await;
    stage(&sim, "/_sim/templates/hello_world", json!({ "quality_score": "YELLOW" })).await;
    stage(&sim, "/_sim/preference", json!({ "from": PHONE, "number": NUMBER, "value": "stop" })).await;
    quiet(&sim).await;
    assert!(has_sent(&number, "+919000000001") && has_sent(&account, "+919000000002"));
    assert!(app.statuses().is_empty(), "overrides are for messages");
    assert_eq!(app.all("user_preferences").len(), 1, "and for messages alone");
    assert!(app.posts().iter().any(|post| post.contains("message_template_quality_update")));

    let none = json!({ "webhook_configuration": { "override_callback_uri": "" } });
    assert_eq!(post(&sim, &format!("/{NUMBER}"), &none).await.status, 200);
    send(&sim, &hello("+919000000003")).await;
    quiet(&sim).await;
    assert!(has_sent(&account, "+919000000003"), "the account's is left");
    assert_eq!(post(&sim, &subscribed, &json!({})).await.status, 200);
    send(&sim, &hello("+919000000004")).await;
    quiet(&sim).await;
    assert!(has_sent(&app, "+919000000004"), "the app's is left");
}

#[tokio::test]
async fn an_override_that_does_not_answer_is_refused_and_nothing_changes() {
    let (_account, url) = elsewhere("right").await;
    let sim = start().await;
    let subscribed = format!("/v24.0/{WABA}/subscribed_apps");
    let long = format!("https://example.com/{}", "x".repeat(200));
    for (body, code, words) in [
        (overridden(&url, "wrong"), 2200, "Callback verification failed with the following errors: answered 403"),
        (overridden("http://127.0.0.1:9/", "right"), 2200, "Callback verification failed"),
        (json!({ "override_callback_uri": url }), 100, "The parameter verify_token is required."),
        (overridden("ftp://example.com", "right"), 100, "override_callback_uri must be a valid URL"),
        (overridden(&long, "right"), 100, "at most 200 characters"),
    ] {
        let refused = post(&sim, &subscribed, &body).await;
        assert_eq!((refused.status, refused.error_code()), (400, code), "{}", refused.body);
        assert!(refused.body.contains(words), "{}", refused.body);
    }
    assert_eq!(get(&sim, &subscribed).await.json()["data"][0].get("override_callback_uri"), None);
    for (configuration, words) in [
        (json!("x"), "webhook_configuration must be an object"),
        (json!({}), "webhook_configuration['override_callback_uri'] is required"),
        (json!({ "override_callback_uri": url }), "webhook_configuration['verify_token'] is required"),
    ] {
        let refused = post(&sim, &format!("/{NUMBER}"), &json!({ "webhook_configuration": configuration })).await;
        assert!(refused.error_code() == 100 && refused.body.contains(words), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_second_app_without_an_address_hears_where_it_says() {
    let (receiver, url) = Receiver::start_for("sim_app_secret_2", "mine", []).await;
    let sim = start_with(SimConfig { second_app: Some(SecondApp::default()), ..config() }).await;
    send(&sim, &hello(PHONE)).await;
    assert_eq!(sim.pending_webhooks(), 0);
    let headers = format!("{SECOND}Content-Type: application/json\r\n");
    let body = overridden(&url, "mine").to_string();
    let answer = call(&sim, "POST", &format!("/{WABA}/subscribed_apps"), &headers, body.as_bytes()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    send(&sim, &hello(PHONE)).await;
    quiet(&sim).await;
    assert!(has_sent(&receiver, PHONE));
    let same = SecondApp { token: "SIM_TOKEN".to_owned(), ..SecondApp::default() };
    let refused = Simulator::start(SimConfig { second_app: Some(same), ..config() }).await;
    assert!(refused.err().unwrap().to_string().contains("second_app.token"));
}
