//! The document and the router say the same: paths, methods, scopes.

use std::collections::BTreeSet;

use dawncast_server::openapi;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, KEY};

const METHODS: [&str; 5] = ["get", "post", "put", "patch", "delete"];

/// Path, method and operation, of all.
fn operations() -> Vec<(&'static str, &'static str, &'static Value)> {
    let paths = openapi()["paths"].as_object().unwrap();
    let all = paths.iter().flat_map(|(path, item)| METHODS.map(|method| (path.as_str(), method, &item[method])));
    all.filter(|(_, _, operation)| !operation.is_null()).collect()
}

/// A path with something in the place of each variable.
fn filled(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "none" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}

#[tokio::test]
async fn the_document_is_served_without_a_key() {
    let api = Api::start().await;
    let response = api.client.get(format!("http://{}/openapi.json", api.address)).send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    let served: Value = response.json().await.unwrap();
    assert_eq!((&served["openapi"], &served), (&json!("3.1.0"), openapi()));
}

#[test]
fn every_path_of_the_router_is_in_the_document_and_no_other() {
    let (router, health) = (include_str!("../../src/router.rs"), include_str!("../../src/health.rs"));
    let texts = router.split('"').skip(1).step_by(2).chain(health.split('"').skip(1).step_by(2));
    let served: BTreeSet<_> = texts.filter(|text| text.starts_with('/') && !text.contains(' ')).collect();
    let described: BTreeSet<_> = openapi()["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    assert!(served.len() > 30, "the router was not read: {served:?}");
    assert_eq!(served, described);
}

#[tokio::test]
async fn every_path_takes_the_methods_of_the_document_and_no_other() {
    let api = Api::start().await;
    for (path, item) in openapi()["paths"].as_object().unwrap() {
        let url = format!("http://{}{}", api.address, filled(path));
        let refused = api.client.request(Method::TRACE, &url).bearer_auth(KEY).send().await.unwrap();
        assert_eq!(refused.status(), 405, "{path}");
        let allowed = refused.headers()["allow"].to_str().unwrap().to_lowercase();
        let allowed: BTreeSet<_> = allowed.split(',').map(str::trim).filter(|method| *method != "head").collect();
        let described: BTreeSet<_> = METHODS.into_iter().filter(|method| !item[method].is_null()).collect();
        assert_eq!(allowed, described, "{path}");
    }
}

#[tokio::test]
async fn every_call_takes_the_scopes_of_the_document_and_no_other() {
    let api = Api::start().await;
    let mut keys = Vec::new();
    for scope in ["campaigns:read", "campaigns:write", "numbers:write"] {
        let (_, key) = api.post("/v1/keys", &json!({ "name": "ci", "scopes": [scope] })).await;
        keys.push((scope, key["secret"].as_str().unwrap().to_owned()));
    }
    for (path, method, operation) in operations() {
        let url = format!("http://{}{}", api.address, filled(path));
        let request = || api.client.request(method.to_uppercase().parse().unwrap(), &url).body("{}");
        let free = operation["security"] == json!([]);
        assert_eq!(request().send().await.unwrap().status() == 401, !free, "{method} {path} without a key");
        for (scope, secret) in &keys {
            let status = request().bearer_auth(secret).send().await.unwrap().status();
            let scopes = operation["x-scopes"].as_array();
            let may = free || scopes.unwrap().contains(&json!(scope));
            assert_eq!(status != 403, may, "{method} {path} with {scope}: {status}");
        }
    }
}

#[test]
fn every_operation_has_a_name_of_its_own_and_every_reference_an_end() {
    let names: Vec<_> = operations().iter().map(|(_, _, it)| it["operationId"].as_str().unwrap()).collect();
    assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len(), "{names:?}");
    for reference in references(openapi()) {
        let place = reference.strip_prefix('#').unwrap();
        assert!(openapi().pointer(place).is_some(), "{reference} leads nowhere");
    }
}

fn references(value: &Value) -> Vec<&str> {
    match value {
        Value::Object(fields) => {
            let own = fields.get("$ref").and_then(Value::as_str);
            own.into_iter().chain(fields.values().flat_map(references)).collect()
        }
        Value::Array(items) => items.iter().flat_map(references).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn every_kind_of_problem_that_the_api_answers_is_in_the_document() {
    // However the formatter has broken its lines.
    let source = include_str!("../../src/problem.rs").split_whitespace().collect::<Vec<_>>().join(" ");
    let source = source.replace("( StatusCode", "(StatusCode");
    let slugs = source.split("(StatusCode::").skip(1).filter_map(|after| after.split('"').nth(1));
    // Those of the webhook are no answers of this API.
    let webhook = ["forged", "not-subscribed"];
    let known: BTreeSet<_> = slugs.filter(|slug| !webhook.contains(slug)).map(|it| format!("/problems/{it}")).collect();
    let kinds = openapi()["components"]["schemas"]["Problem"]["properties"]["type"]["enum"].as_array().unwrap();
    let described: BTreeSet<_> = kinds.iter().map(|kind| kind.as_str().unwrap().to_owned()).collect();
    assert_eq!(known, described);
}
