//! Media that are read, fetched, deleted, and refused before they are sent.

use dawncast_cloud_api::{CallError, Client, ClientConfig, MediaId, MediaInfo};

use crate::server::{DONE, Reply, Server, token};

/// SHA-256 of `pixels`, in both forms.
const PIXELS_HEX: &str = "6ec9c2b0eb14010746c8bce8939303b382344b296206612eb8a907a37b2b2f37";
const PIXELS_BASE64: &str = "bsnCsOsUAQdGyLzok5MDs4I0SyliBmEuuKkHo3srLzc=";

fn medium(url: String, sha256: &str, file_size: u64) -> MediaInfo {
    MediaInfo { id: MediaId::from("7"), url, mime_type: "image/png".to_owned(), sha256: sha256.to_owned(), file_size }
}

#[tokio::test]
async fn what_whatsapp_does_not_take_is_refused_before_anything_is_sent() {
    let server = Server::start([]).await;
    let large = vec![0_u8; (5 << 20) + 1];
    for (bytes, mime, words) in [
        (large, "image/jpeg", "an image holds 5242881 bytes, and WhatsApp takes 5242880 at most"),
        (vec![1], "image/gif", "WhatsApp does not take `image/gif`"),
        (vec![], "image/png", "the file is empty"),
    ] {
        let error = server.client().upload_media("1234", &token(), bytes, mime, "a").await.unwrap_err();
        assert!(matches!(&error, CallError::Invalid(_)) && error.to_string().contains(words), "{error}");
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_medium_is_described_whether_its_size_is_a_number_or_a_text() {
    let text = r#"{"messaging_product":"whatsapp","url":"https://lookaside.fbsbx.com/x","mime_type":"image/png",
        "sha256":"ab","file_size":"303833","id":"7"}"#;
    let number =
        r#"{"url":"https://lookaside.fbsbx.com/x","mime_type":"image/png","sha256":"ab","file_size":303833,"id":"7"}"#;
    let server = Server::start([Reply::Http(200, text), Reply::Http(200, number)]).await;
    let id = MediaId::from("7");
    for owner in [None, Some("1234")] {
        let media = server.client().media(&id, &token(), owner).await.unwrap();
        assert_eq!((media.file_size, media.mime_type.as_str()), (303_833, "image/png"));
        assert!(!format!("{media:?}").contains("lookaside"), "the address is good for whoever has a token");
    }
    assert!(server.requests()[0].starts_with("GET /v26.0/7 HTTP/1.1\r\n"), "{}", server.requests()[0]);
    assert!(server.requests()[1].starts_with("GET /v26.0/7?phone_number_id=1234 HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_medium_is_fetched_with_the_token_and_checked() {
    let server = Server::start(vec![Reply::Http(200, "pixels"); 4]).await;
    let url = format!("{}/whatsapp_business/attachments/?mid=7", server.url());
    let hex = PIXELS_HEX.to_ascii_uppercase();
    for sha256 in [hex.as_str(), PIXELS_BASE64] {
        let bytes = server.client().download_media(&medium(url.clone(), sha256, 6), &token()).await.unwrap();
        assert_eq!(bytes, "pixels");
    }
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /whatsapp_business/attachments/?mid=7 HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer SIM_TOKEN\r\n"), "{request}");
    for (sha256, size) in [(PIXELS_HEX, 7), ("ab", 6)] {
        let error = server.client().download_media(&medium(url.clone(), sha256, size), &token()).await.unwrap_err();
        assert!(matches!(error, CallError::Malformed(_)), "{error}");
    }
}

#[tokio::test]
async fn an_address_that_is_over_and_one_that_is_not_metas_are_told_apart() {
    let server = Server::start([Reply::Http(404, "Not Found"), Reply::Http(502, "<html>")]).await;
    let here = medium(format!("{}/x", server.url()), PIXELS_HEX, 6);
    let over = server.client().download_media(&here, &token()).await.unwrap_err();
    assert!(matches!(&over, CallError::Api(error) if error.http_status == 404), "{over:?}");
    let down = server.client().download_media(&here, &token()).await.unwrap_err();
    assert!(matches!(down, CallError::Unreachable(_)), "{down:?}");
    let elsewhere = Client::new(ClientConfig { base_url: "http://127.0.0.1:1".into(), ..ClientConfig::default() });
    let refused = elsewhere.unwrap().download_media(&here, &token()).await.unwrap_err();
    assert!(refused.to_string().contains("not one of Meta's"), "{refused}");
    assert_eq!(server.requests().len(), 2, "the token was not shown to a stranger");
}

#[tokio::test]
async fn a_medium_is_deleted() {
    let server = Server::start([DONE, Reply::Http(200, r#"{"success":false}"#)]).await;
    let id = MediaId::from("7");
    server.client().delete_media(&id, &token(), Some("1234")).await.unwrap();
    assert!(server.requests()[0].starts_with("DELETE /v26.0/7?phone_number_id=1234 HTTP/1.1\r\n"));
    assert!(server.client().delete_media(&id, &token(), None).await.is_err());
}
