//! Tokens and subscriptions.

use dawncast_cloud_api::{CallError, Token};

use crate::server::{Reply, Server, token};

#[tokio::test]
async fn a_token_is_read_with_its_scopes_and_its_end() {
    let server = Server::start([
        Reply::Http(
            200,
            r#"{"data":{"app_id":"138","type":"SYSTEM_USER","application":"Dawn","is_valid":true,"expires_at":1800000000,
                "data_access_expires_at":0,"scopes":["whatsapp_business_messaging"],"user_id":"1","issued_at":1,
                "granular_scopes":[{"scope":"whatsapp_business_messaging","target_ids":["200"]},{"scope":"public_profile"}]}}"#,
        ),
        Reply::Http(200, r#"{"data":{"app_id":138,"is_valid":true,"expires_at":0}}"#),
    ])
    .await;
    let info = server.client().debug_token(&token()).await.unwrap();
    assert_eq!((info.app_id.as_deref(), info.is_valid, info.ends_at()), (Some("138"), true, Some(1_800_000_000)));
    assert_eq!(info.granular_scopes[0].target_ids, ["200"]);
    assert!(info.granular_scopes[1].target_ids.is_empty());
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /v26.0/debug_token?input_token=SIM_TOKEN HTTP/1.1\r\n"), "{request}");
    assert!(request.contains("authorization: Bearer SIM_TOKEN\r\n"), "{request}");
    let endless = server.client().debug_token(&token()).await.unwrap();
    assert_eq!((endless.app_id.as_deref(), endless.ends_at()), (Some("138"), None));
}

#[tokio::test]
async fn no_error_repeats_the_token() {
    let malformed = r#"{"error":{"message":"Malformed access token EAAGsecret","code":190,
        "error_data":{"details":"EAAGsecret is no token"}}}"#;
    let invalid = r#"{"data":{"is_valid":false,"scopes":[],"error":{"code":190,"message":"EAAGsecret has expired"}}}"#;
    let script =
        [Reply::Http(401, malformed), Reply::Http(200, invalid), Reply::Http(200, "<html>EAAGsecret"), Reply::Close];
    let server = Server::start(script).await;
    let secret = Token::new("EAAGsecret").unwrap();
    let refused = server.client().debug_token(&secret).await.unwrap_err();
    assert!(matches!(&refused, CallError::Api(error) if error.code == Some(190)), "{refused:?}");
    let info = server.client().debug_token(&secret).await.unwrap();
    assert_eq!(info.error.as_ref().unwrap().message, "*** has expired");
    let (nonsense, broken) = (server.client().debug_token(&secret).await, server.client().debug_token(&secret).await);
    let nobody = crate::server::client("http://127.0.0.1:1").debug_token(&secret).await;
    for said in [format!("{refused} {refused:?}"), format!("{info:?}"), format!("{nonsense:?} {broken:?} {nobody:?}")] {
        assert!(!said.contains("EAAGsecret"), "{said}");
    }
}

#[tokio::test]
async fn the_apps_of_an_account_are_read() {
    let server = Server::start([
        Reply::Http(
            200,
            r#"{"data":[{"whatsapp_business_api_data":{"id":"138","link":"https://x","name":"Dawn"},
                "override_callback_uri":"https://hooks.example.com/webhook"}]}"#,
        ),
        Reply::Http(200, r#"{"data":[]}"#),
    ])
    .await;
    let apps = server.client().subscribed_apps("200", &token()).await.unwrap();
    assert_eq!((apps[0].app.id.as_deref(), apps[0].app.name.as_deref()), (Some("138"), Some("Dawn")));
    assert_eq!(apps[0].override_callback_uri.as_deref(), Some("https://hooks.example.com/webhook"));
    assert!(server.requests()[0].starts_with("GET /v26.0/200/subscribed_apps HTTP/1.1\r\n"));
    assert!(server.client().subscribed_apps("200", &token()).await.unwrap().is_empty());
}
