use reqwest::{Method, multipart};
use serde_json::{Value, json};

use crate::rig::{Api, answer};

async fn raw(api: &Api, name: &str, mime: &str, bytes: Vec<u8>) -> (u16, Value) {
    let request = api.request(Method::POST, &format!("/v1/assets?name={name}")).header("content-type", mime);
    let (status, body) = answer(request.body(bytes)).await;
    (status.as_u16(), body)
}

#[tokio::test]
async fn a_file_is_uploaded_once() {
    let api = Api::start().await;
    let (status, asset) = raw(&api, "pack.png", "image/png", b"one".to_vec()).await;
    assert_eq!((status, &asset["mime"], &asset["size"]), (201, &json!("image/png"), &json!(3)));
    let (status, again) = raw(&api, "pack.png", "image/png", b"one".to_vec()).await;
    assert_eq!((status, &again), (200, &asset));
    let (status, problem) = raw(&api, "pack.png", "image/png", b"two".to_vec()).await;
    assert_eq!((status, &problem["type"]), (409, &json!("/problems/conflict")));
    let (_, listed) = api.get("/v1/assets").await;
    assert_eq!(listed["items"], json!([asset]));
}

#[tokio::test]
async fn a_form_brings_its_own_name_and_type() {
    let api = Api::start().await;
    let bytes = vec![7; 3 * 1024 * 1024];
    let part = multipart::Part::bytes(bytes.clone()).file_name("pack.jpg").mime_str("image/jpeg").unwrap();
    let form = multipart::Form::new().text("note", "x").part("file", part);
    let (status, asset) = answer(api.request(Method::POST, "/v1/assets").multipart(form)).await;
    assert_eq!((status.as_u16(), &asset["name"]), (201, &json!("pack.jpg")), "{asset}");
    let stored = api.store.asset("pack.jpg").await.unwrap().unwrap();
    assert!(api.store.asset_bytes(&stored).await.unwrap() == bytes);
}

#[tokio::test]
async fn what_whatsapp_would_refuse_is_refused_here() {
    let api = Api::start().await;
    let mb = 1024 * 1024;
    for (name, mime, size, status, kind) in [
        ("a", "image/gif", 10, 415, "unsupported-media-type"),
        ("a", "image/png", 5 * mb + 1, 413, "too-large"),
        ("a", "image/png", 0, 400, "malformed"),
        ("", "image/png", 10, 400, "malformed"),
    ] {
        let (got, problem) = raw(&api, name, mime, vec![0; size]).await;
        assert_eq!((got, &problem["type"]), (status, &json!(format!("/problems/{kind}"))), "{mime} {size}");
    }
    let empty = multipart::Form::new().text("note", "x");
    let (status, _) = answer(api.request(Method::POST, "/v1/assets").multipart(empty)).await;
    assert_eq!(status, 400);
    assert!(api.store.assets_page(10, None).await.unwrap().items.is_empty());
}
