//! Credentials: set, shared, overridden, rotated, sealed anew; and never seen again.

use dawncast_store::{Keyring, records::Secret};
use dawncast_testkit::{CREDENTIALS_KEY, TestRedis, keyring};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use crate::rig::{Api, answer, faults, id, number_body};

impl Api {
    async fn put(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::PUT, path).json(body)).await
    }

    async fn patch(&self, path: &str, body: &Value) -> (StatusCode, Value) {
        answer(self.request(Method::PATCH, path).json(body)).await
    }

    async fn delete(&self, path: &str) -> (StatusCode, Value) {
        answer(self.request(Method::DELETE, path)).await
    }

    async fn token_of(&self, number: &str) -> String {
        let number = self.store.number(&id(number)).await.unwrap().unwrap();
        self.store.access_token(&number).await.unwrap().unwrap().expose().to_owned()
    }
}

/// A number without a token of its own.
fn sharing(number: &str) -> Value {
    let mut body = number_body(number);
    body.as_object_mut().unwrap().remove("access_token");
    body
}

#[tokio::test]
async fn a_credential_is_set_shared_rotated_and_removed() {
    let api = Api::start().await;
    let (status, problem) = api.post("/v1/numbers", &sharing("101")).await;
    assert_eq!(status, 422);
    assert!(
        faults(&problem)[0].starts_with("/access_token: is missing, and account `200` has no credential"),
        "{problem}"
    );
    let (status, set) = api.put("/v1/credentials/200", &json!({ "access_token": " EAAG\n" })).await;
    let key = keyring().current().unwrap().to_owned();
    let expected = json!({ "waba_id": "200", "key_id": key, "set_at": "2026-11-20T12:00:00.000Z", "problem": null,
                           "numbers": [] });
    assert_eq!((status.as_u16(), &set), (200, &expected));
    for number in ["101", "102"] {
        let (status, added) = api.post("/v1/numbers", &sharing(number)).await;
        assert_eq!((status.as_u16(), &added["credential"]), (201, &json!({ "source": "account", "problem": null })));
        assert_eq!(api.token_of(number).await, "EAAG");
    }
    api.put("/v1/credentials/200", &json!({ "access_token": "EAAH" })).await;
    assert_eq!(api.token_of("101").await, "EAAH");
    let (_, listed) = api.get("/v1/credentials").await;
    assert_eq!(listed["items"][0]["numbers"].as_array().unwrap().len(), 2, "{listed}");
    let (status, problem) = api.delete("/v1/credentials/200").await;
    assert_eq!(status, 409);
    assert!(problem["detail"].as_str().unwrap().contains("`101`"), "{problem}");
    for number in ["101", "102"] {
        api.delete(&format!("/v1/numbers/{number}")).await;
    }
    assert_eq!(api.delete("/v1/credentials/200").await.0, 204);
    assert_eq!(api.delete("/v1/credentials/200").await.0, 404);
}

#[tokio::test]
async fn a_number_may_have_a_token_of_its_own_and_go_back_to_its_accounts() {
    let api = Api::start().await;
    api.number("101").await;
    api.post("/v1/numbers", &sharing("102")).await;
    let (_, own) = api.patch("/v1/numbers/102", &json!({ "access_token": "mine", "mps": 20 })).await;
    assert_eq!((&own["credential"]["source"], &own["mps"]), (&json!("number"), &json!(20)));
    assert_eq!((api.token_of("101").await, api.token_of("102").await), ("EAAG".to_owned(), "mine".to_owned()));
    api.patch("/v1/numbers/102", &json!({ "mps": 30 })).await;
    assert_eq!(api.token_of("102").await, "mine", "what is not named stays");
    let (_, shared) = api.patch("/v1/numbers/102", &json!({ "access_token": null })).await;
    assert_eq!((&shared["credential"]["source"], api.token_of("102").await), (&json!("account"), "EAAG".to_owned()));
}

#[tokio::test]
async fn a_token_that_cannot_be_one_is_refused() {
    let api = Api::start().await;
    api.number("101").await;
    for (body, told) in [
        (json!({}), "/access_token: is missing and required."),
        (json!({ "access_token": " " }), "/access_token: is empty; give a text."),
        (json!({ "access_token": "EAAG two" }), "/access_token: holds a character that is not printable ASCII"),
        (json!({ "access_token": "EAAG", "token": 1 }), "/token: is not a field of this body"),
    ] {
        let (status, problem) = api.put("/v1/credentials/200", &body).await;
        assert_eq!(status, 422);
        assert!(faults(&problem)[0].starts_with(told), "{problem}");
    }
    let (_, problem) = api.patch("/v1/numbers/101", &json!({ "access_token": "" })).await;
    assert_eq!(faults(&problem), ["/access_token: is empty; give a text."]);
    assert_eq!(api.put("/v1/credentials/my-account", &json!({ "access_token": "EAAG" })).await.0, 404);
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_and_sealed_anew_once_both_keys_are_there() {
    let redis = TestRedis::start().await;
    let old = redis.store("t:").await;
    old.set_credential(&id("200"), &Secret::new("EAAG"), 0).await.unwrap();
    let (was, new) = (Secret::new(CREDENTIALS_KEY), Keyring::make_key());
    let ring = |keys: &[&Secret]| Keyring::new(&keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>()).unwrap();
    let stranger = Api::start_on(redis, old.clone().with_keyring(ring(&[&new]))).await;
    let (_, added) = stranger.post("/v1/numbers", &sharing("101")).await;
    let problem = added["credential"]["problem"].as_str().unwrap();
    assert!(problem.contains(keyring().current().unwrap()) && problem.contains("credentials.keys"), "{problem}");
    let (_, listed) = stranger.get("/v1/credentials").await;
    assert!(listed["items"][0]["problem"].is_string(), "{listed}");
    let rekeyed = stranger.act("/v1/credentials/rekey").await;
    assert_eq!((&rekeyed["rekeyed"], &rekeyed["locked"]), (&json!(0), &json!(["waba:200"])));
    let Api { redis, .. } = stranger;
    let both = Api::start_on(redis, old.with_keyring(ring(&[&new, &was]))).await;
    let rekeyed = both.act("/v1/credentials/rekey").await;
    let current = ring(&[&new]).current().unwrap().to_owned();
    assert_eq!(rekeyed, json!({ "key_id": current, "rekeyed": 1, "locked": [] }));
    let (_, number) = both.get("/v1/numbers/101").await;
    assert_eq!(number["credential"]["problem"], Value::Null);
}
