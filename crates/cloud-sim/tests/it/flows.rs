//! The simulated phone against the endpoint of the client library: two implementations of one cipher. The keys beside it are of
//! these tests alone.

use axum::Router;
use dawncast_cloud_api::flows::{FlowAction, FlowEndpoint, FlowKey, FlowRequest, FlowResponse};
use dawncast_cloud_api::webhook::AppSecret;
use dawncast_cloud_sim::Simulator;
use serde_json::{Value, json};

use crate::support::*;

const PUBLIC: &str = include_str!("flow_key.pub.pem");
const OTHER: &str = include_str!("other_key.pub.pem");
const ENCRYPTION: &str = "/v24.0/100000000000001/whatsapp_business_encryption";

async fn screens(request: FlowRequest) -> FlowResponse {
    match (request.action, request.flow_token.as_deref()) {
        (_, Some("spent")) => FlowResponse::TokenInvalid { message: "This order is closed.".to_owned() },
        (FlowAction::Init { .. }, _) => FlowResponse::Screen { screen: "NAME".to_owned(), data: json!({ "max": 3 }) },
        (FlowAction::DataExchange { screen, data }, Some(token)) if screen == "NAME" => {
            assert_eq!(data, json!({ "name": "Ana é✓" }));
            FlowResponse::finish(token)
        }
        (FlowAction::ErrorNotice { error, .. }, _) => {
            assert_eq!(error, "invalid-screen-transition");
            FlowResponse::Active
        }
        (action, _) => panic!("{action:?}"),
    }
}

/// An endpoint, and its address.
async fn endpoint() -> String {
    let key = FlowKey::from_pem(include_str!("flow_key.pem"), None).unwrap();
    let endpoint = FlowEndpoint::new(key, vec![AppSecret::new("sim_app_secret").unwrap()]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/flow", listener.local_addr().unwrap());
    let app: Router = Router::new().route("/flow", endpoint.route(screens));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

async fn ask(sim: &Simulator, url: &str, request: Value) -> Value {
    stage(sim, "/_sim/flows/exchange", json!({ "url": url, "public_key": PUBLIC, "request": request })).await
}

#[tokio::test]
async fn a_phone_goes_through_a_flow() {
    let (sim, url) = (start().await, endpoint().await);
    let with = |action: &str, rest: Value| {
        let mut request = json!({ "version": "3.0", "action": action, "flow_token": "token-1" });
        request.as_object_mut().unwrap().extend(rest.as_object().unwrap().clone());
        request
    };
    let notice = json!({ "error": "invalid-screen-transition", "error_message": "no such screen" });
    for (request, answer) in [
        (json!({ "version": "3.0", "action": "ping" }), json!({ "data": { "status": "active" } })),
        (with("INIT", json!({})), json!({ "screen": "NAME", "data": { "max": 3 } })),
        (
            with("data_exchange", json!({ "screen": "NAME", "data": { "name": "Ana é✓" } })),
            json!({ "screen": "SUCCESS",
                "data": { "extension_message_response": { "params": { "flow_token": "token-1" } } } }),
        ),
        (
            with("data_exchange", json!({ "screen": "NAME", "data": notice })),
            json!({ "data": { "acknowledged": true } }),
        ),
    ] {
        let exchanged = ask(&sim, &url, request).await;
        assert_eq!((&exchanged["status"], &exchanged["answer"]), (&json!(200), &answer), "{exchanged}");
        assert_eq!(exchanged["content_type"], "text/plain");
    }
}

#[tokio::test]
async fn a_token_that_is_over_a_wrong_key_and_a_forged_signature_have_their_own_statuses() {
    let (sim, url) = (start().await, endpoint().await);
    let init = json!({ "version": "3.0", "action": "INIT", "flow_token": "spent" });
    let over = ask(&sim, &url, init.clone()).await;
    assert_eq!((&over["status"], &over["answer"]["error_msg"]), (&json!(427), &json!("This order is closed.")));
    for (order, status) in [
        (json!({ "url": url, "public_key": OTHER, "request": init }), 421),
        (json!({ "url": url, "public_key": PUBLIC, "request": init, "app_secret": "forged" }), 432),
        (json!({ "url": url, "public_key": PUBLIC, "request": {} }), 400),
    ] {
        let refused = stage(&sim, "/_sim/flows/exchange", order).await;
        assert_eq!((&refused["status"], &refused["answer"]), (&json!(status), &Value::Null));
    }
}

#[tokio::test]
async fn a_phone_encrypts_for_the_key_that_was_set_for_the_number() {
    let (sim, url) = (start().await, endpoint().await);
    let order = json!({ "url": url, "number": NUMBER, "request": { "version": "3.0", "action": "ping" } }).to_string();
    let unset = call(&sim, "POST", "/_sim/flows/exchange", "", order.as_bytes()).await;
    assert!(unset.status == 400 && unset.body.contains("whose key was set"), "{}", unset.body);
    assert_eq!(get(&sim, ENCRYPTION).await.json(), json!({}));
    let form = "Authorization: Bearer SIM_TOKEN\r\nContent-Type: application/x-www-form-urlencoded\r\n";
    let nonsense = call(&sim, "POST", ENCRYPTION, form, b"business_public_key=PEM").await;
    assert_eq!((nonsense.status, nonsense.error_code()), (400, 100));
    let nothing = call(&sim, "POST", ENCRYPTION, form, b"").await;
    assert!(nothing.body.contains("business_public_key is required"), "{}", nothing.body);
    let pem = PUBLIC.replace('+', "%2B").replace('=', "%3D").replace(' ', "+").replace('\n', "%0A");
    let set = call(&sim, "POST", ENCRYPTION, form, format!("business_public_key={pem}").as_bytes()).await;
    assert_eq!(set.json(), json!({ "success": true }));
    let shown = get(&sim, ENCRYPTION).await.json();
    let valid = json!({ "business_public_key": PUBLIC, "business_public_key_signature_status": "VALID" });
    assert_eq!(shown, valid);
    let pinged = stage(&sim, "/_sim/flows/exchange", serde_json::from_str(&order).unwrap()).await;
    assert_eq!(pinged["answer"], json!({ "data": { "status": "active" } }));
}
