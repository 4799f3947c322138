use std::collections::BTreeMap;

use dawncast_core::{
    campaign::Choice,
    delivery::{Fact, Outcome, Standing},
    desk::Intent,
    ids::{PageRef, RunId},
    report::{DropReason, Explained, SlaVerdict},
};
use dawncast_store::{
    page::{AttemptFact, Claim, NewPage, Recipient, Recipients},
    run::{DroppedRow, Frozen, Sender},
};
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, NOW, answer, campaign_body, id};

/// An open run of five deliveries on two pages, with one dropped row. The first is sent, the second failed at the
/// recipient, the others wait.
pub(crate) async fn open_run(api: &Api) -> RunId {
    let audience = api.ready(1).await;
    open_run_of(api, &audience, "2026-11-23T06:00:00").await
}

/// The same of a campaign to `audience` at another time.
pub(crate) async fn open_run_of(api: &Api, audience: &str, at: &str) -> RunId {
    let mut body = campaign_body(audience);
    body["schedule"]["at"] = json!(at);
    let (status, campaign) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{campaign}");
    let run: RunId = id(campaign["next_run"].as_str().unwrap());
    freeze(api, &run).await;
    for (page, phones) in [(0, 1..=3), (1, 4..=5)] {
        write_page(api, &run, page, phones).await;
    }
    api.store.planned_run(&run, "plan", 2, None).await.unwrap();
    api.store.ready_run(&run, &["one number is paused".into()]).await.unwrap();
    api.store.open_run(&run, NOW, None).await.unwrap();
    attempt(api, &run).await;
    run
}

pub(crate) async fn freeze(api: &Api, run: &RunId) {
    let sender = Sender { number: id("101"), waba: id("200"), mps: 80, pace_milli: 1_000, standby: false };
    let frozen = Frozen {
        audience_version: 1,
        seed: 7,
        plan_token: "plan".into(),
        senders: vec![sender],
        quotas: BTreeMap::new(),
        over_quota: None,
        over_caps: None,
        opens_at: NOW,
        submitted: 6,
        screened: 0,
        fixed: false,
        fallback: 0,
        dropped: BTreeMap::from([(DropReason::Duplicate, 1)]),
    };
    api.store.freeze_run(run, 0, &frozen, None, None).await.unwrap();
    let row = DroppedRow {
        phone: phone(1),
        id: "r1".into(),
        reason: DropReason::Duplicate,
        detail: String::new(),
        row: Some(6),
    };
    api.store.put_dropped(run, "plan", &[row]).await.unwrap();
}

fn phone(n: u64) -> u64 {
    919_800_000_000 + n
}

async fn write_page(api: &Api, run: &RunId, page: u32, phones: impl Iterator<Item = u64>) {
    let record = api.store.run(run).await.unwrap().unwrap();
    let row = |n| Recipient { phone: phone(n), due: NOW, id: format!("r{n}"), tier: "pro".into(), values: vec![] };
    let recipients = Recipients { names: vec![], rows: phones.map(row).collect() };
    let page = NewPage { page, home: 0, base: NOW, terms: record.terms(), message: Choice::OWN, recipients };
    api.store.write_page(run, "plan", &page).await.unwrap();
}

async fn attempt(api: &Api, run: &RunId) {
    let page = PageRef { run: run.clone(), page: 0 };
    let Claim::Claimed { owner, .. } = api.store.claim(&page, [1; 8]).await.unwrap() else { panic!("it is free") };
    let intent = |index| (Intent { index, attempt: 1, expected: Standing::Planned }, 0);
    api.store.begin(&owner, &[intent(0), intent(1)]).await.unwrap();
    let fact = |index, outcome, code, message_id: Option<&str>| AttemptFact {
        index,
        fact: Fact { attempt: 1, outcome, throttled: false, code, at: NOW + 50 },
        message_id: message_id.map(str::to_owned),
    };
    let facts = [fact(0, Outcome::Sent, 0, Some("wamid.1")), fact(1, Outcome::Failed, 131_026, None)];
    api.store.commit(&owner, &facts).await.unwrap();
}

pub(crate) async fn list(api: &Api, run: &RunId, query: &str) -> Value {
    let (status, page) = api.get(&format!("/v1/runs/{run}/deliveries{query}")).await;
    assert_eq!(status, 200, "{page}");
    page
}

/// `recipient:state` of each item.
fn shown(page: &Value) -> Vec<String> {
    let item = |item: &Value| format!("{}:{}", item["recipient_id"].as_str().unwrap(), item["state"].as_str().unwrap());
    page["items"].as_array().unwrap().iter().map(item).collect()
}

#[tokio::test]
async fn a_run_shows_its_state_its_totals_and_its_sla() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let (_, shown) = api.get(&format!("/v1/runs/{run}")).await;
    assert_eq!((&shown["state"], &shown["holds"]), (&json!("open"), &json!([])));
    assert_eq!(shown["remarks"], json!(["one number is paused"]));
    let totals =
        ["submitted", "dropped", "planned", "sent", "failed"].map(|name| shown["totals"][name].as_u64().unwrap());
    assert_eq!(totals, [6, 1, 3, 1, 1]);
    assert_eq!((&shown["sla"]["eligible"], &shown["sla"]["within_deadline"]), (&json!(5), &json!(1)));
    assert_eq!(shown["sla"]["verdict"], "pending");
    let (_, runs) = api.get("/v1/runs").await;
    assert_eq!(runs["items"], json!([shown]));
}

#[tokio::test]
async fn a_report_names_failures_and_numbers() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let (status, report) = api.get(&format!("/v1/runs/{run}/report")).await;
    assert_eq!((status.as_u16(), &report["run"]), (200, &json!(run)));
    let failure = &report["failures"][0];
    assert_eq!(
        (&failure["code"], &failure["class"], &failure["count"]),
        (&json!(131_026), &json!("recipient"), &json!(1))
    );
    assert!(failure["meaning"].as_str().unwrap().contains("WhatsApp"), "{failure}");
    let failed = json!([{ "code": 131_026, "class": "recipient", "count": 1 }]);
    let (tier, country, number) = (&report["by_tier"][0], &report["by_country"][0], &report["numbers"][0]);
    for part in [tier, country, number] {
        assert_eq!((&part["totals"]["submitted"], &part["totals"]["sent"]), (&json!(5), &json!(1)), "{part}");
        assert_eq!((&part["within_deadline"], &part["failures"]), (&json!(1), &failed), "{part}");
    }
    assert_eq!(
        (&tier["tier"], &country["country"], &country["calling_code"]),
        (&json!("pro"), &json!("IN"), &json!(91))
    );
    assert_eq!((&number["home"], &number["stand_in"]), (&json!(5), &json!(0)));
    assert_eq!((&report["attempts"], &report["dropped_by_reason"]), (&json!(2), &json!({ "duplicate": 1 })));
    assert_eq!(report["numbers"][0]["phone_number_id"], "101");
    assert_eq!(report["window"]["deadline_at"], "2026-11-23T00:35:00Z");
}

#[tokio::test]
async fn every_recipient_submitted_is_listed_with_what_became_of_it() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let all = list(&api, &run, "").await;
    assert_eq!(shown(&all), ["r1:sent", "r2:failed", "r3:planned", "r4:planned", "r5:planned", "r1:dropped"]);
    let sent = &all["items"][0];
    assert_eq!(
        (&sent["phone"], &sent["phone_number_id"], &sent["attempts"]),
        (&json!("+919800000001"), &json!("101"), &json!(1))
    );
    assert_eq!((&all["items"][1]["code"], &all["items"][5]["reason"]), (&json!(131_026), &json!("duplicate")));
}

#[tokio::test]
async fn a_list_is_walked_by_cursor_across_pages() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    for limit in 1..=6 {
        let (mut seen, mut cursor) = (Vec::new(), String::new());
        loop {
            let page = list(&api, &run, &format!("?limit={limit}{cursor}")).await;
            assert!(page["items"].as_array().unwrap().len() <= limit);
            seen.extend(shown(&page));
            let Some(next) = page["next_cursor"].as_str() else { break };
            cursor = format!("&cursor={next}");
        }
        assert_eq!(seen.len(), 6, "limit {limit}");
    }
}

#[tokio::test]
async fn a_list_is_narrowed_by_phone_recipient_and_state() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    for (query, expected) in [
        ("?phone=919800000001", vec!["r1:sent", "r1:dropped"]),
        ("?phone=%2B919800000001&state=sent", vec!["r1:sent"]),
        ("?recipient_id=r4", vec!["r4:planned"]),
        ("?state=planned&limit=3", vec!["r3:planned", "r4:planned", "r5:planned"]),
        ("?state=dropped", vec!["r1:dropped"]),
        ("?recipient_id=nobody", vec![]),
    ] {
        let page = list(&api, &run, query).await;
        assert_eq!(shown(&page), expected, "{query}");
        assert_eq!(page["next_cursor"], Value::Null, "{query}");
    }
    for bad in ["?state=done", "?phone=12", "?cursor=x", "?tier=pro"] {
        assert_eq!(api.get(&format!("/v1/runs/{run}/deliveries{bad}")).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn csv_streams_all_of_it() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let request = api.request(Method::GET, &format!("/v1/runs/{run}/deliveries?limit=1")).header("accept", "text/csv");
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "text/csv; charset=utf-8");
    let text = response.text().await.unwrap();
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines.len(), 7, "{text}");
    let fields = |line: &str| line.split(',').count();
    assert!(lines.iter().all(|line| fields(line) == fields(lines[0])), "{text}");
    assert!(lines[0].starts_with("id,phone,recipient_id,tier,state,"));
    assert!(
        lines[1].starts_with(&format!("{run}.0.0,+919800000001,r1,pro,sent,,101,2026-11-20T12:00:00.000Z,1,")),
        "{text}"
    );
}

#[tokio::test]
async fn a_delivery_tells_its_whole_story() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let (status, delivery) = api.get(&format!("/v1/deliveries/{run}.0.0")).await;
    assert_eq!((status.as_u16(), &delivery["state"], &delivery["run"]), (200, &json!("sent"), &json!(run)));
    let story = &delivery["story"][0];
    assert_eq!((&story["outcome"], &story["message_id"]), (&json!("sent"), &json!("wamid.1")));
    assert_eq!(delivery["known_duplicates"], 0);
    for unknown in [format!("{run}.0.9"), format!("{run}.7.0"), "run.0.0".into(), "x".into()] {
        assert_eq!(api.get(&format!("/v1/deliveries/{unknown}")).await.0, 404, "{unknown}");
    }
}

#[tokio::test]
async fn a_message_too_many_shows_on_the_delivery_and_on_the_report() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let page = PageRef { run: run.clone(), page: 0 };
    // Both attempts of the second got through: it was unsure, then sent again.
    let fact = |index, attempt, outcome| AttemptFact {
        index,
        fact: Fact { attempt, outcome, throttled: false, code: 0, at: NOW + 60 },
        message_id: None,
    };
    let facts = [fact(1, 1, Outcome::Delivered), fact(1, 2, Outcome::Accepted)];
    api.store.receipt(&page, &facts).await.unwrap();
    let (_, delivery) = api.get(&format!("/v1/deliveries/{run}.0.1")).await;
    assert_eq!((&delivery["known_duplicates"], &delivery["state"]), (&json!(1), &json!("delivered")));
    let (_, report) = api.get(&format!("/v1/runs/{run}/report")).await;
    assert_eq!(report["known_duplicates"], 1);
    assert_eq!(list(&api, &run, "?limit=2").await["items"][1]["known_duplicates"], 1);
}

#[tokio::test]
async fn a_run_is_paused_resumed_and_cancelled() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let path = format!("/v1/runs/{run}");
    assert_eq!(api.act(&format!("{path}/pause")).await["holds"], json!(["paused"]));
    assert_eq!(api.act(&format!("{path}/resume")).await["holds"], json!([]));
    api.act("/v1/stop").await;
    assert_eq!(api.get(&path).await.1["holds"], json!(["stopped"]));
    let cancelled = api.act(&format!("{path}/cancel")).await;
    assert_eq!((&cancelled["state"], &cancelled["totals"]["cancelled"]), (&json!("cancelled"), &json!(3)));
    assert_eq!(api.act(&format!("{path}/cancel")).await["state"], "cancelled");
    let (status, problem) = answer(api.request(Method::POST, &format!("{path}/pause"))).await;
    assert_eq!((status.as_u16(), &problem["type"]), (409, &json!("/problems/conflict")), "{problem}");
    for call in ["", "/report", "/deliveries"] {
        assert_eq!(api.get(&format!("/v1/runs/run_none{call}")).await.0, 404);
    }
    assert_eq!(answer(api.request(Method::POST, "/v1/runs/run_none/cancel")).await.0, 404);
}

#[tokio::test]
async fn a_closed_run_is_shown_with_the_verdict_of_its_close() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    api.store.close_run(&run, "pass", NOW, None).await.unwrap();
    let stored = api.store.run(&run).await.unwrap().unwrap();
    let mut report = api.store.report(&stored, NOW, |_| Explained { class: "unknown", meaning: None }).await.unwrap();
    assert_eq!(report.sla.verdict.as_str(), "fail", "by the tallies alone");
    report.sla.verdict = SlaVerdict::Pass;
    api.store.keep_report(&report).await.unwrap();
    let (_, shown) = api.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(shown["sla"]["verdict"], "pass");
}
