//! A campaign over time, and one phone across runs.

use dawncast_core::{ids::RunId, report::Explained};
use serde_json::{Value, json};

use crate::{
    rig::{Api, NOW},
    runs::{open_run, open_run_of},
};

const PHONE: &str = "%2B919800000001";

/// Two runs of two campaigns: the earlier and the later one.
async fn two_runs(api: &Api) -> [RunId; 2] {
    let earlier = open_run(api).await;
    let audience = api.filled_audience(1).await;
    [earlier, open_run_of(api, &audience, "2026-11-24T06:00:00").await]
}

async fn history(api: &Api, query: &str) -> Value {
    let (status, page) = api.get(&format!("/v1/deliveries{query}")).await;
    assert_eq!(status, 200, "{page}");
    page
}

/// `run:state` of each item.
fn shown(page: &Value) -> Vec<String> {
    let item = |item: &Value| format!("{}:{}", item["run"].as_str().unwrap(), item["state"].as_str().unwrap());
    page["items"].as_array().unwrap().iter().map(item).collect()
}

#[tokio::test]
async fn one_phone_is_found_in_every_run_the_latest_first() {
    let api = Api::start().await;
    let [earlier, later] = two_runs(&api).await;
    let expected = [&later, &earlier].map(|run| [format!("{run}:sent"), format!("{run}:dropped")]).concat();
    let all = history(&api, &format!("?phone={PHONE}")).await;
    assert_eq!((shown(&all), &all["next_cursor"]), (expected.clone(), &Value::Null));
    assert_eq!(all["items"][0]["opens_at"], "2026-11-24T00:29:30.000Z");
    assert_eq!(
        (&all["items"][0]["id"], &all["items"][1]["reason"]),
        (&json!(format!("{later}.0.0")), &json!("duplicate"))
    );
    let (mut walked, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = history(&api, &format!("?phone={PHONE}&limit=1{cursor}")).await;
        walked.extend(shown(&page));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(walked, expected, "one at a time");
    assert_eq!(history(&api, "?phone=%2B919800000999").await["items"], json!([]));
}

#[tokio::test]
async fn a_history_is_of_a_phone_and_says_so() {
    let api = Api::start().await;
    for (query, says) in [
        ("", "phone"),
        ("?phone=12", "`phone`"),
        ("?phone=%2B919800000001&cursor=p0.0", "`cursor`"),
        ("?phone=%2B919800000001&limit=0", "limit"),
        ("?phone=%2B919800000001&state=sent", "state"),
    ] {
        let (status, problem) = api.get(&format!("/v1/deliveries{query}")).await;
        assert_eq!((status.as_u16(), &problem["type"]), (400, &json!("/problems/malformed")), "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
}

#[tokio::test]
async fn a_campaign_is_reported_on_over_the_runs_of_a_time() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let stored = api.store.run(&run).await.unwrap().unwrap();
    let campaign = stored.record.campaign.clone();
    let report = async |query: &str| api.get(&format!("/v1/campaigns/{campaign}/report{query}")).await.1;
    let period = "?from=2026-11-01&to=2026-12-01T00:00:00Z";
    let open = report(period).await;
    assert_eq!((&open["runs"][0]["run"], &open["runs"][0]["state"]), (&json!(run), &json!("open")));
    assert_eq!((&open["sum"]["runs"], &open["sum"]["verdicts"]), (&json!(1), &json!({ "pending": 1 })));
    assert_eq!(open["sum"]["totals"]["submitted"], 6);
    let explain = |_| Explained { class: "recipient", meaning: Some("ask them") };
    let mut kept = api.store.report(&stored, NOW, explain).await.unwrap();
    kept.sla.verdict = dawncast_core::report::SlaVerdict::Fail;
    api.store.keep_report(&kept).await.unwrap();
    assert_eq!(report(period).await["sum"]["verdicts"], json!({ "pending": 1 }), "it is not closed yet");
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    let closed = report(period).await;
    assert_eq!(closed["sum"]["verdicts"], json!({ "fail": 1 }), "as it was kept at its close");
    assert_eq!((&closed["sum"]["sla"]["eligible"], &closed["sum"]["sla"]["within_deadline"]), (&json!(5), &json!(1)));
    assert_eq!(closed["sum"]["failures"][0]["meaning"], "ask them");
    assert_eq!(closed["sum"]["by_tier"][0]["tier"], "pro");
    assert_eq!(report("?to=2026-11-23T00:00:00Z").await["runs"], json!([]), "it opens after that");
}

#[tokio::test]
async fn a_period_that_is_none_is_refused() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let campaign = api.store.run(&run).await.unwrap().unwrap().record.campaign;
    for (query, says) in [
        ("?from=yesterday", "`from` is neither a moment such as"),
        ("?to=2026-13-01", "`to` is neither"),
        ("?from=2026-11-02&to=2026-11-01", "`from` is not before `to`"),
        ("?since=1", "since"),
    ] {
        let (status, problem) = api.get(&format!("/v1/campaigns/{campaign}/report{query}")).await;
        assert_eq!(status, 400, "{query}");
        assert!(problem["detail"].as_str().unwrap().contains(says), "{problem}");
    }
    assert_eq!(api.get("/v1/campaigns/cmp_nobody/report").await.0, 404);
}
