use std::time::Duration;

use dawncast_cloud_sim::Simulator;
use serde_json::{Value, json};

use crate::support::*;

async fn upload(sim: &Simulator, product: &str, mime: &str, bytes: &[u8]) -> Answer {
    let part = |head: &str, body: &[u8]| {
        [b"--cut\r\nContent-Disposition: form-data; ", head.as_bytes(), b"\r\n\r\n", body, b"\r\n"].concat()
    };
    let file = format!("name=\"file\"; filename=\"pack.png\"\r\nContent-Type: {mime}");
    let mut body = part(&file, bytes);
    if !product.is_empty() {
        body.extend(part("name=\"messaging_product\"", product.as_bytes()));
    }
    body.extend(part("name=\"type\"", mime.as_bytes()));
    body.extend(b"--cut--\r\n");
    let headers = "Authorization: Bearer SIM_TOKEN\r\nContent-Type: multipart/form-data; boundary=cut\r\n";
    call(sim, "POST", &format!("/v24.0/{NUMBER}/media"), headers, &body).await
}

fn pack(media_id: &Value) -> Value {
    let image = json!([{ "type": "image", "image": { "id": media_id } }]);
    daily(PHONE, image, json!([{ "type": "text", "text": "Asha" }]))
}

#[tokio::test]
async fn a_medium_serves_the_number_that_it_was_uploaded_to_and_no_other() {
    let sim = start().await;
    let id = upload(&sim, "whatsapp", "image/png", b"pixels").await.json()["id"].clone();
    assert_eq!(send(&sim, &pack(&id)).await.status, 200);
    let refused = send_from(&sim, OTHER_NUMBER, &pack(&id)).await;
    assert_eq!((refused.status, refused.error_code()), (400, 100));
    assert!(refused.body.contains("not a valid whatsapp business account media attachment ID"), "{}", refused.body);
}

#[tokio::test]
async fn a_medium_expires_after_thirty_days() {
    let sim = start().await;
    let id = upload(&sim, "whatsapp", "image/jpeg", b"pixels").await.json()["id"].clone();
    sim.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(send(&sim, &pack(&id)).await.error_code(), 100);
}

#[tokio::test]
async fn what_cannot_be_sent_cannot_be_uploaded() {
    let sim = start().await;
    let big = vec![0; 5 * (1 << 20) + 1];
    for (product, mime, bytes, code, words) in [
        ("", "image/png", &b"pixels"[..], 100, "The parameter messaging_product is required."),
        ("sms", "image/png", b"pixels", 100, "must be one of {WHATSAPP}."),
        ("whatsapp", "image/gif", b"pixels", 100, "Received file of type 'image/gif'."),
        ("whatsapp", "image/png", b"", 131053, "The file is empty"),
        ("whatsapp", "image/png", &big, 131053, "exceeds the maximum of 5242880 bytes"),
    ] {
        let answer = upload(&sim, product, mime, bytes).await;
        assert_eq!((answer.status, answer.error_code()), (400, code), "{}", answer.body);
        assert!(answer.body.contains(words), "{}", answer.body);
    }
    assert_eq!(upload(&sim, "whatsapp", "image/png", &big[1..]).await.status, 200);
    let sticker = |flags: u8, length: usize| {
        let mut bytes = [&b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0"[..], &[flags]].concat();
        bytes.resize(length, 0);
        bytes
    };
    assert_eq!(upload(&sim, "whatsapp", "image/webp", &sticker(0, 100 << 10)).await.status, 200);
    assert_eq!(upload(&sim, "whatsapp", "image/webp", &sticker(0, (100 << 10) + 1)).await.error_code(), 131_053);
    assert_eq!(upload(&sim, "whatsapp", "image/webp", &sticker(2, 500 << 10)).await.status, 200);
    assert_eq!(upload(&sim, "whatsapp", "image/webp", &sticker(2, (500 << 10) + 1)).await.error_code(), 131_053);
}

/// The path of an address that was given out.
fn path_of(medium: &Value) -> String {
    medium["url"].as_str().unwrap().strip_prefix("http://sim.test").unwrap().to_owned()
}

#[tokio::test]
async fn what_was_uploaded_is_described_and_given_back() {
    let sim = start().await;
    let id = upload(&sim, "whatsapp", "image/png", b"pixels").await.json()["id"].as_str().unwrap().to_owned();
    let medium = get(&sim, &format!("/v24.0/{id}?phone_number_id={NUMBER}")).await.json();
    assert_eq!(
        (&medium["id"], &medium["mime_type"], &medium["file_size"], &medium["messaging_product"]),
        (&json!(id), &json!("image/png"), &json!("6"), &json!("whatsapp"))
    );
    assert_eq!(medium["sha256"], "6ec9c2b0eb14010746c8bce8939303b382344b296206612eb8a907a37b2b2f37");
    let bytes = get(&sim, &path_of(&medium)).await;
    assert_eq!((bytes.status, bytes.body.as_str(), bytes.header("content-type")), (200, "pixels", Some("image/png")));
    let nobody = call(&sim, "GET", &path_of(&medium), "", b"").await;
    assert_eq!((nobody.status, nobody.error_code()), (401, 190));
    let others = get(&sim, &format!("/v24.0/{id}?phone_number_id={OTHER_NUMBER}")).await;
    assert_eq!((others.status, others.json()["error"]["error_subcode"].clone()), (400, json!(33)));
}

#[tokio::test]
async fn the_address_of_a_medium_is_good_for_five_minutes() {
    let sim = start().await;
    let id = upload(&sim, "whatsapp", "image/png", b"pixels").await.json()["id"].as_str().unwrap().to_owned();
    let medium = get(&sim, &format!("/{id}")).await.json();
    sim.advance(Duration::from_secs(290));
    assert_eq!(get(&sim, &path_of(&medium)).await.status, 200);
    sim.advance(Duration::from_secs(11));
    assert_eq!(get(&sim, &path_of(&medium)).await.status, 404);
    let fresh = get(&sim, &format!("/{id}")).await.json();
    assert_eq!(get(&sim, &path_of(&fresh)).await.status, 200);
    let forged = path_of(&medium).replace("ext=", "ext=9");
    assert_eq!(get(&sim, &forged).await.status, 404, "nobody prolongs it");
    sim.advance(Duration::from_secs(30 * 24 * 3600));
    assert_eq!(get(&sim, &format!("/{id}")).await.error_code(), 100, "the medium is over");
}

#[tokio::test]
async fn a_deleted_medium_is_gone() {
    let sim = start().await;
    let id = upload(&sim, "whatsapp", "image/png", b"pixels").await.json()["id"].clone();
    let path = format!("/{}", id.as_str().unwrap());
    let medium = get(&sim, &path).await.json();
    let deleted = call(&sim, "DELETE", &path, BEARER, b"").await;
    assert_eq!(deleted.json(), json!({ "success": true }));
    assert_eq!(deleted.header("x-app-usage"), None, "media do not count, and neither do their deletions");
    assert_eq!(get(&sim, &path).await.json()["error"]["error_subcode"], 33);
    assert_eq!(get(&sim, &path_of(&medium)).await.status, 404);
    assert_eq!(send(&sim, &pack(&id)).await.error_code(), 100);
}
