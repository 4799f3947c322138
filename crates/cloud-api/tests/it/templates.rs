//! Templates: found by filter, one by one, deleted, unpaused, counted and compared.

use dawncast_cloud_api::{
    AnalyticsQuery, CallError, ComparisonWindow, TemplateFilter, TemplateProduct, TemplateStatus,
};

use crate::server::{DONE, Reply, Server, token};

const PACK: &str = r#"{"id":"1","name":"pack","language":"en_US","status":"PAUSED","category":"UTILITY"}"#;
const PAGE: &str = r#"{"data":[{"id":"1","name":"pack","language":"en_US","status":"PAUSED","category":"UTILITY"}],
    "paging":{"cursors":{"before":"a","after":"b"},"next":"x"}}"#;

fn paused() -> TemplateFilter {
    TemplateFilter {
        language: Some("en_US".to_owned()),
        status: Some(TemplateStatus::Paused),
        ..TemplateFilter::default()
    }
}

#[tokio::test]
async fn a_page_is_read_by_filter_and_cursor() {
    let server = Server::start([Reply::Http(200, PAGE), Reply::Http(200, r#"{"data":[]}"#)]).await;
    let client = server.client();
    let first = client.template_page("99", &token(), &paused(), None, None).await.unwrap();
    assert_eq!((first.templates[0].id.as_str(), first.after.as_deref()), ("1", Some("b")));
    let last = client.template_page("99", &token(), &paused(), Some("b"), Some(3)).await.unwrap();
    assert_eq!((last.templates.len(), last.after), (0, None));
    let requests = server.requests();
    assert!(requests[0].contains("&limit=25&language=en_US&status=PAUSED HTTP/1.1"), "{}", requests[0]);
    assert!(requests[1].contains("&limit=3&language=en_US&status=PAUSED&after=b HTTP/1.1"), "{}", requests[1]);
}

#[tokio::test]
async fn all_pages_are_read_by_filter_from_any_task() {
    let server = Server::start([Reply::Http(200, PAGE), Reply::Http(200, r#"{"data":[]}"#)]).await;
    let client = server.client();
    let found = tokio::spawn(async move { client.templates_where("99", &token(), &paused()).await });
    assert_eq!(found.await.unwrap().unwrap().len(), 1);
}

#[tokio::test]
async fn a_template_is_read_by_its_id() {
    let server = Server::start([Reply::Http(200, PACK)]).await;
    let template = server.client().template("1", &token()).await.unwrap();
    assert_eq!((template.name.as_str(), template.status), ("pack", TemplateStatus::Paused));
    assert!(server.requests()[0].starts_with("GET /v26.0/1?fields=id%2Cname"));
}

#[tokio::test]
async fn templates_are_deleted_by_name_or_by_id() {
    let server = Server::start([DONE, DONE, Reply::Http(200, r#"{"success":false}"#)]).await;
    let client = server.client();
    client.delete_templates_named("99", &token(), "pack").await.unwrap();
    client.delete_template("99", &token(), "1", "pack").await.unwrap();
    assert!(client.delete_template("99", &token(), "1", "pack").await.is_err());
    let requests = server.requests();
    assert!(requests[0].starts_with("DELETE /v26.0/99/message_templates?name=pack HTTP"), "{}", requests[0]);
    assert!(requests[1].starts_with("DELETE /v26.0/99/message_templates?hsm_id=1&name=pack HTTP"), "{}", requests[1]);
}

#[tokio::test]
async fn meta_unpauses_a_template_or_says_why_not() {
    let server = Server::start([DONE, Reply::Http(200, r#"{"success":false,"reason":"Still low quality"}"#)]).await;
    assert!(server.client().unpause_template("1", &token()).await.unwrap().success);
    let refused = server.client().unpause_template("1", &token()).await.unwrap();
    assert_eq!((refused.success, refused.reason.as_deref()), (false, Some("Still low quality")));
    assert!(server.requests()[0].starts_with("POST /v26.0/1/unpause HTTP/1.1"));
}

#[tokio::test]
async fn two_templates_are_compared() {
    let reply = r#"{"data":[
        {"metric":"BLOCK_RATE","type":"RELATIVE","order_by_relative_metric":["2","1"]},
        {"metric":"MESSAGE_SENDS","type":"NUMBER_VALUES","number_values":[{"key":"1","value":1200},{"key":"2","value":1300}]},
        {"metric":"TOP_BLOCK_REASON","type":"STRING_VALUES","string_values":[{"key":"1","value":"SPAM"}]},
        {"metric":"NEW"}]}"#;
    let server = Server::start([Reply::Http(200, reply)]).await;
    let end = 1_800_000_000;
    let compared = server.client().compare_templates("1", "2", &token(), ComparisonWindow::Week, end).await.unwrap();
    assert_eq!((compared.by_block_rate, compared.sends["2"]), (vec!["2".to_owned(), "1".to_owned()], 1300));
    assert_eq!(compared.top_block_reason["1"], "SPAM");
    let request = server.requests().remove(0);
    assert!(
        request.starts_with("GET /v26.0/1/compare?template_ids=%5B2%5D&start=1799395200&end=1800000000 "),
        "{request}"
    );
}

#[tokio::test]
async fn templates_are_counted_by_day() {
    let reply = r#"{"data":[{"granularity":"DAILY","product_type":"CLOUD_API","data_points":[
        {"template_id":"1","start":1,"end":2,"sent":10,"delivered":9,
         "clicked":[{"type":"url_button","button_content":"Open","count":3}],
         "cost":[{"type":"amount_spent","value":0.25},{"type":"cost_per_delivered"}]}]}]}"#;
    let server = Server::start([Reply::Http(200, reply), Reply::Http(200, r#"{"id":"99"}"#)]).await;
    let client = server.client();
    let ids = ["1".to_owned(), "2".to_owned()];
    let mut query = AnalyticsQuery { template_ids: &ids, start: 1, end: 2, metrics: &["SENT", "CLICKED"] };
    let counted = client.template_analytics("99", &token(), &query).await.unwrap();
    let day = &counted[0].data_points[0];
    assert_eq!((&counted[0].product_type, day.sent, day.read), (&Some(TemplateProduct::CloudApi), Some(10), None));
    assert_eq!((day.clicked[0].count, day.cost[0].value.as_ref().unwrap().to_string()), (3, "0.25".to_owned()));
    let asked = "?start=1&end=2&granularity=DAILY&template_ids=%5B1%2C2%5D&metric_types=SENT%2CCLICKED ";
    assert!(server.requests()[0].contains(asked), "{}", server.requests()[0]);
    query.template_ids = &[];
    let refused = client.template_analytics("99", &token(), &query).await.unwrap_err();
    assert!(matches!(refused, CallError::Invalid(_)), "{refused}");
    client.enable_insights("99", &token()).await.unwrap();
    assert!(server.requests()[1].starts_with("POST /v26.0/99?is_enabled_for_insights=true HTTP/1.1"));
}
