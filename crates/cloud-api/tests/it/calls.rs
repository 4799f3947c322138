//! Media, numbers and templates.

use dawncast_cloud_api::{
    CallError, CanSend, Cause, HeaderFormat, MessagingLimit, NumberStatus, ParameterFormat, Quality, TemplateCategory,
    TemplateStatus, ThroughputLevel,
};

use serde_json::json;

use crate::server::{DONE, Reply, Server, token};

#[tokio::test]
async fn media_is_uploaded_as_a_form() {
    let server = Server::start([Reply::Http(200, r#"{"id":"4321"}"#)]).await;
    let id = server.client().upload_media("1234", &token(), "bytes", "image/jpeg", "a.jpg").await.unwrap();
    assert_eq!(id.as_str(), "4321");
    let request = server.requests().remove(0);
    for part in [
        "POST /v26.0/1234/media HTTP/1.1\r\n",
        "authorization: Bearer SIM_TOKEN\r\n",
        "content-length: ",
        "name=\"messaging_product\"\r\n\r\nwhatsapp\r\n",
        "name=\"type\"\r\n\r\nimage/jpeg\r\n",
        "name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\nbytes\r\n",
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn a_malformed_mime_type_is_refused_before_anything_is_sent() {
    let server = Server::start([]).await;
    let error = server.client().upload_media("1234", &token(), "bytes", "jpeg", "a.jpg").await.unwrap_err();
    assert_eq!(error.to_string(), "invalid argument: `jpeg` is not a MIME type such as image/jpeg");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_number_is_read_with_its_health() {
    let server = Server::start([Reply::Http(
        200,
        r#"{"id":"1234","display_phone_number":"+1 555","verified_name":"Dawn","quality_rating":"GREEN",
            "status":"CONNECTED","throughput":{"level":"STANDARD"},
            "whatsapp_business_manager_messaging_limit":"TIER_10K","brand_new":1,
            "health_status":{"can_send_message":"BLOCKED","entities":[{"entity_type":"WABA","id":"9",
              "can_send_message":"BLOCKED","errors":[{"error_code":141006,"error_description":"d","possible_solution":"s"}]}]}}"#,
    )])
    .await;
    let number = server.client().number("1234", &token()).await.unwrap();
    assert_eq!((number.quality_rating, number.status), (Some(Quality::Green), Some(NumberStatus::Connected)));
    assert_eq!(number.throughput.unwrap().level, ThroughputLevel::Standard);
    assert_eq!(number.messaging_limit.unwrap().users_per_day(), Some(10_000));
    let health = number.health.unwrap();
    assert_eq!((health.can_send_message, health.entities[0].errors[0].error_code), (CanSend::Blocked, 141_006));
    let request = server.requests().remove(0);
    assert!(request.starts_with("GET /v26.0/1234?fields=id%2Cdisplay_phone_number"), "{request}");
}

#[tokio::test]
async fn a_number_of_which_meta_says_little_is_read_all_the_same() {
    let reply = r#"{"id":"1234","quality_rating":"MAUVE","whatsapp_business_manager_messaging_limit":"TIER_1M"}"#;
    let server = Server::start([Reply::Http(200, reply)]).await;
    let number = server.client().number("1234", &token()).await.unwrap();
    assert_eq!(number.quality_rating, Some(Quality::Other("MAUVE".to_owned())));
    assert_eq!(number.messaging_limit, Some(MessagingLimit::Other("TIER_1M".to_owned())));
    assert_eq!((number.status, number.throughput, number.health), (None, None, None));
}

const FIRST_PAGE: &str = r#"{"data":[{"id":"1","name":"pack","language":"en-US","status":"APPROVED","category":"UTILITY",
    "parameter_format":"NAMED","components":[{"type":"HEADER","format":"IMAGE","example":{"header_handle":["x"]},"buttons":null},
    {"type":"BODY","text":"Hi {{name}}."},{"type":"BUTTONS","buttons":[{"type":"URL","text":"Go","url":"https://h/{{1}}"}]}]},
    {"id":"2","name":"pack_old","language":"en_US","status":"PAUSED","category":"MARKETING","components":null}],
    "paging":{"cursors":{"before":"a","after":"b"},"next":"https://evil.example/steal"}}"#;
const LAST_PAGE: &str = r#"{"data":[{"id":"3","name":"pack","language":"pt_BR","status":"NEW","category":"UTILITY"}],
    "paging":{"cursors":{"before":"c","after":"d"}}}"#;

#[tokio::test]
async fn templates_are_listed_over_all_pages() {
    let server = Server::start([Reply::Http(200, FIRST_PAGE), Reply::Http(200, LAST_PAGE)]).await;
    let templates = server.client().templates("99", &token(), None).await.unwrap();
    let names: Vec<_> = templates.iter().map(|t| (t.name.as_str(), t.language.as_str())).collect();
    assert_eq!(names, [("pack", "en_US"), ("pack_old", "en_US"), ("pack", "pt_BR")]);
    assert_eq!(templates[0].components[0].format, Some(HeaderFormat::Image));
    assert_eq!(templates[0].components[1].text.as_deref(), Some("Hi {{name}}."));
    assert_eq!(templates[0].components[2].buttons[0].url.as_deref(), Some("https://h/{{1}}"));
    assert_eq!(templates[0].parameter_format, ParameterFormat::Named);
    assert_eq!(templates[1].parameter_format, ParameterFormat::Positional);
    assert!(templates[1].components.is_empty(), "null where a list is documented");
    assert_eq!(templates[2].status, TemplateStatus::Other("NEW".to_owned()));
    let requests = server.requests();
    assert!(requests[0].starts_with("GET /v26.0/99/message_templates?fields="), "{}", requests[0]);
    assert!(!requests[0].contains("after=") && requests[1].contains("&after=b "), "{}", requests[1]);
}

#[tokio::test]
async fn a_template_is_found_by_its_exact_name() {
    let server = Server::start([Reply::Http(200, FIRST_PAGE), Reply::Http(200, LAST_PAGE)]).await;
    let templates = server.client().templates("99", &token(), Some("pack")).await.unwrap();
    assert_eq!(templates.iter().map(|t| t.id.as_str()).collect::<Vec<_>>(), ["1", "3"]);
    assert!(server.requests()[1].contains("&name=pack&after=b "));
}

#[tokio::test]
async fn a_template_is_created_and_edited_as_it_is_given() {
    let created = r#"{"id":"594425479261596","status":"PENDING","category":"MARKETING"}"#;
    let server = Server::start([Reply::Http(200, created), DONE]).await;
    let definition = json!({ "name": "pack", "language": "en_IN", "category": "UTILITY", "components": [] });
    let created = server.client().create_template("99", &token(), &definition).await.unwrap();
    assert_eq!((created.id.as_str(), created.status), ("594425479261596", TemplateStatus::Pending));
    assert_eq!(created.category, TemplateCategory::Marketing, "Meta may give another than was asked for");
    server.client().edit_template(&created.id, &token(), &json!({ "components": [] })).await.unwrap();
    let requests = server.requests();
    assert!(requests[0].starts_with("POST /v26.0/99/message_templates "), "{}", requests[0]);
    assert!(requests[0].ends_with(&definition.to_string()), "{}", requests[0]);
    assert!(requests[1].starts_with("POST /v26.0/594425479261596 "), "{}", requests[1]);
}

#[tokio::test]
async fn an_edit_that_changed_nothing_is_an_error() {
    let server = Server::start([Reply::Http(200, r#"{"success":false}"#)]).await;
    let error = server.client().edit_template("5", &token(), &json!({})).await.unwrap_err();
    assert!(matches!(error, CallError::Malformed(_)), "{error}");
}

#[tokio::test]
async fn paging_that_does_not_advance_ends_with_an_error() {
    let server = Server::start(std::iter::repeat_n(Reply::Http(200, FIRST_PAGE), 5)).await;
    let error = server.client().templates("99", &token(), None).await.unwrap_err();
    assert!(matches!(error, CallError::Malformed(_)), "{error}");
    assert_eq!(server.requests().len(), 2);
}

async fn error_of(status: u16, body: &'static str) -> CallError {
    let server = Server::start([Reply::Http(status, body)]).await;
    let error = server.client().number("1234", &token()).await.unwrap_err();
    assert_eq!(server.requests().len(), 1);
    error
}

#[tokio::test]
async fn a_call_tells_a_refusal_from_an_outage_and_from_nonsense() {
    let refused = error_of(400, r#"{"error":{"message":"(#80007) Rate","code":80007}}"#).await;
    assert_eq!(refused.to_string(), "HTTP 400, code 80007: (#80007) Rate");
    assert!(matches!(error_of(502, "<html>").await, CallError::Unreachable(Cause { .. })));
    assert!(matches!(error_of(200, "<html>").await, CallError::Malformed(_)));
    assert!(matches!(error_of(200, "{}").await, CallError::Malformed(_)));
}

#[tokio::test]
async fn an_upload_to_an_app_goes_on_where_it_was_cut_off() {
    let server = Server::start([
        Reply::Http(200, r#"{"id":"upload:MTph"}"#),
        Reply::Close,
        Reply::Http(200, r#"{"id":"upload:MTph","file_offset":3}"#),
        Reply::Http(200, r#"{"h":"4::aW"}"#),
    ])
    .await;
    let handle = server.client().upload_to_app("138", &token(), "pixels", "image/png", "a b.png").await.unwrap();
    assert_eq!(handle.as_str(), "4::aW");
    let requests = server.requests();
    let opens = "POST /v26.0/138/uploads?file_name=a+b.png&file_length=6&file_type=image%2Fpng HTTP/1.1\r\n";
    assert!(
        requests[0].starts_with(opens) && requests[0].contains("authorization: Bearer SIM_TOKEN"),
        "{}",
        requests[0]
    );
    for (request, offset, rest) in [(&requests[1], "0", "pixels"), (&requests[3], "3", "els")] {
        assert!(request.starts_with("POST /v26.0/upload:MTph HTTP/1.1\r\n"), "{request}");
        assert!(request.contains("authorization: OAuth SIM_TOKEN\r\n"), "{request}");
        assert!(request.contains(&format!("file_offset: {offset}\r\n")) && request.ends_with(rest), "{request}");
    }
    assert!(requests[2].starts_with("GET /v26.0/upload:MTph HTTP/1.1\r\n"), "{}", requests[2]);
    assert!(requests[2].contains("authorization: OAuth SIM_TOKEN\r\n"), "{}", requests[2]);
}

#[tokio::test]
async fn an_upload_that_is_refused_or_never_gets_through_says_so() {
    let refused =
        r#"{"error":{"message":"(#100) Unsupported file type image/gif","code":100,"type":"OAuthException"}}"#;
    let server = Server::start([Reply::Http(400, refused)]).await;
    let error = server.client().upload_to_app("138", &token(), "x", "image/gif", "a.gif").await.unwrap_err();
    assert!(matches!(&error, CallError::Api(error) if error.code == Some(100)), "{error:?}");
    let session = Reply::Http(200, r#"{"id":"upload:MTph"}"#);
    let cut_off = [Reply::Close, Reply::Http(200, r#"{"file_offset":0}"#)];
    let script = [session].into_iter().chain(cut_off.iter().cycle().take(6).cloned()).chain([Reply::Close]);
    let server = Server::start(script.collect::<Vec<_>>()).await;
    let error = server.client().upload_to_app("138", &token(), "x", "image/png", "a.png").await.unwrap_err();
    assert!(matches!(error, CallError::Unreachable(_)), "{error:?}");
    assert_eq!(server.requests().len(), 8, "four tries");
}
