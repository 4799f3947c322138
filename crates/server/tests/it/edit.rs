//! Edits of a campaign, before its run is frozen and too late.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    rig::{Api, answer, campaign_body, faults, id},
    runs::freeze,
};

/// A submitted campaign: its path, and its run's id.
async fn submitted(api: &Api, schedule: Option<Value>) -> (String, String) {
    let mut body = campaign_body(&api.ready(3).await);
    if let Some(schedule) = schedule {
        body["schedule"] = schedule;
    }
    let (status, campaign) = api.post("/v1/campaigns", &body).await;
    assert_eq!(status, 201, "{campaign}");
    (format!("/v1/campaigns/{}", campaign["id"].as_str().unwrap()), campaign["next_run"].as_str().unwrap().to_owned())
}

async fn tag(api: &Api, path: &str) -> String {
    let response = api.request(Method::GET, path).send().await.unwrap();
    response.headers()["etag"].to_str().unwrap().to_owned()
}

/// An edit made from what `tag` names.
async fn edit_from(api: &Api, path: &str, tag: &str, patch: &Value) -> (u16, Value) {
    let (status, body) = answer(api.request(Method::PATCH, path).header("if-match", tag).json(patch)).await;
    (status.as_u16(), body)
}

/// An edit made from what stands there now.
async fn edit(api: &Api, path: &str, patch: &Value) -> (u16, Value) {
    edit_from(api, path, &tag(api, path).await, patch).await
}

fn at(time: &str) -> Value {
    json!({ "schedule": { "type": "at", "at": time, "timezone": "Asia/Kolkata" } })
}

#[tokio::test]
async fn an_edit_is_in_the_campaign_and_in_the_run_that_waits() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    let before = tag(&api, &path).await;
    let patch = json!({ "name": "morning", "window": { "closes": "+2m" }, "max_defects": 0.5 });
    let (status, edited) = edit_from(&api, &path, &before, &patch).await;
    assert_eq!((status, &edited["applies_from"], &edited["name"]), (200, &json!(run), &json!("morning")), "{edited}");
    assert_eq!(
        edited["spec"]["window"],
        json!({ "opens": "-30s", "closes": "+2m", "deadline": "+5m", "late": "expire" })
    );
    let stored = api.store.run(&id(&run)).await.unwrap().unwrap();
    assert_eq!((stored.record.spec.name.as_str(), stored.record.spec.max_defects), ("morning", 0.5));
    let (_, shown) = api.get(&format!("/v1/runs/{run}")).await;
    assert_eq!(shown["window"]["closes_at"], "2026-11-23T00:32:00.000Z");
    let (status, back) = edit(&api, &path, &json!({ "max_defects": null })).await;
    assert_eq!((status, &back["spec"]["max_defects"]), (200, &json!(0.01)), "null gives the default");
    assert_ne!(tag(&api, &path).await, before);
}

#[tokio::test]
async fn an_edit_says_what_it_was_made_from_and_overwrites_nobody_elses() {
    let api = Api::start().await;
    let (path, _) = submitted(&api, None).await;
    let old = tag(&api, &path).await;
    let (status, problem) = answer(api.request(Method::PATCH, &path).json(&json!({}))).await;
    assert_eq!((status.as_u16(), &problem["type"]), (428, &json!("/problems/precondition-required")));
    assert_eq!(edit(&api, &path, &json!({ "name": "first" })).await.0, 200);
    let (status, problem) = edit_from(&api, &path, &old, &json!({ "name": "second" })).await;
    assert_eq!((status, &problem["type"]), (412, &json!("/problems/changed")));
    assert_eq!(api.get(&path).await.1["name"], "first");
    assert_eq!(edit_from(&api, &path, "*", &json!({ "name": "third" })).await.0, 200);
    let now = tag(&api, &path).await;
    api.act(&format!("{path}/pause")).await;
    assert_eq!(tag(&api, &path).await, now, "a pause is no edit");
    assert_eq!(edit_from(&api, "/v1/campaigns/cmp_none", "*", &json!({})).await.0, 404);
}

#[tokio::test]
async fn every_fault_of_an_edit_is_told_and_nothing_is_changed() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    let before = api.get(&path).await;
    let patch = json!({ "audience": { "id": "aud_none" }, "pool": "none", "window": { "closes": "-1m" } });
    let (status, problem) = edit(&api, &path, &patch).await;
    assert_eq!(status, 422, "{problem}");
    let told = faults(&problem).concat();
    assert!(["/audience/id", "/pool", "/window/closes"].iter().all(|place| told.contains(place)), "{told}");
    assert_eq!(edit(&api, &path, &json!({ "pol": "advisors" })).await.0, 422);
    assert_eq!(edit(&api, &path, &json!([])).await.0, 422);
    assert_eq!(api.get(&path).await, before);
    assert_eq!(api.store.run(&id(&run)).await.unwrap().unwrap().edits, 0);
}

#[tokio::test]
async fn a_campaign_that_is_moved_leaves_its_run_and_has_another() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    let (status, edited) = edit(&api, &path, &at("2026-11-23T07:00:00")).await;
    assert_eq!((status, &edited["state"]), (200, &json!("active")), "{edited}");
    let moved = edited["next_run"].as_str().unwrap();
    assert!(moved.ends_with("20261123T070000-Asia_Kolkata") && edited["applies_from"] == moved, "{edited}");
    assert_eq!(api.get(&format!("/v1/runs/{run}")).await.1["state"], "cancelled");
    assert_eq!(api.get(&format!("/v1/runs/{moved}")).await.1["state"], "scheduled");
    let (status, problem) = edit(&api, &path, &at("2026-11-23T06:00:00")).await;
    assert_eq!(status, 409, "{problem}");
    assert!(problem["detail"].as_str().unwrap().contains(&run), "a run exists once: {problem}");
}

#[tokio::test]
async fn a_move_that_died_half_way_is_finished_by_whoever_comes_next() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    assert_eq!(edit(&api, &path, &at("2026-11-23T07:00:00")).await.0, 200);
    let left = api.store.run(&id(&run)).await.unwrap().unwrap();
    // As if the process had died right after it left the run: the campaign still says what it said.
    let (campaign, moved) = (left.record.campaign.clone(), left.moved.clone().unwrap());
    let now = api.store.campaign(&campaign).await.unwrap().unwrap();
    let latest = dawncast_core::schedule::Occurrence { instant: left.record.instant, ..occurrence(&left.record.spec) };
    let before = dawncast_store::run::Moved { spec: left.record.spec.clone(), latest };
    assert!(api.store.edit_campaign(&now, &before).await.unwrap().is_some());
    api.store.finish_move(&left, 0).await.unwrap();
    let after = api.store.campaign(&campaign).await.unwrap().unwrap();
    assert_eq!((after.latest, after.spec), (moved.latest, moved.spec));
    api.store.finish_move(&left, 0).await.unwrap();
}

fn occurrence(spec: &dawncast_core::campaign::CampaignSpec) -> dawncast_core::schedule::Occurrence {
    spec.schedule.first(0).unwrap()
}

#[tokio::test]
async fn an_edit_after_freeze_is_refused_and_changes_nothing() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    let before = api.get(&path).await;
    freeze(&api, &id(&run)).await;
    for patch in [json!({ "name": "late" }), at("2026-11-23T07:00:00")] {
        let (status, problem) = edit(&api, &path, &patch).await;
        assert_eq!((status, &problem["type"]), (409, &json!("/problems/conflict")));
        assert!(problem["detail"].as_str().unwrap().contains("is frozen"), "{problem}");
    }
    assert_eq!(api.get(&path).await, before);
    api.act(&format!("{path}/cancel")).await;
    assert_eq!(edit(&api, &path, &json!({ "name": "late" })).await.0, 409);
}

#[tokio::test]
async fn an_edit_of_a_campaign_that_comes_again_is_in_the_runs_that_are_not_frozen() {
    let api = Api::start().await;
    let daily = |hour: u8| json!({ "type": "cron", "cron": format!("0 {hour} * * *"), "timezone": "Asia/Kolkata" });
    let (path, run) = submitted(&api, Some(daily(6))).await;
    freeze(&api, &id(&run)).await;
    let (status, edited) = edit(&api, &path, &json!({ "name": "later", "schedule": daily(7) })).await;
    assert_eq!(status, 200, "{edited}");
    let next = edited["applies_from"].as_str().unwrap();
    assert!(next.ends_with("T070000-Asia_Kolkata") && next > run.as_str(), "{next}");
    assert_ne!(api.store.run(&id(&run)).await.unwrap().unwrap().record.spec.name, "later");
    let campaign = api.store.campaign(&id(path.rsplit('/').next().unwrap())).await.unwrap().unwrap();
    let due = campaign.latest.instant;
    let derived = api.store.derive_runs(campaign, due).await.unwrap();
    assert_eq!((derived[0].id.as_str(), derived[0].spec.name.as_str()), (next, "later"));
}

#[tokio::test]
async fn of_two_edits_at_once_one_is_made() {
    let api = Api::start().await;
    let (path, run) = submitted(&api, None).await;
    let tag = tag(&api, &path).await;
    let patches: Vec<_> = (0..6).map(|n| json!({ "name": format!("edit {n}") })).collect();
    let edits = futures::future::join_all(patches.iter().map(|patch| edit_from(&api, &path, &tag, patch))).await;
    let made: Vec<_> = edits.iter().filter(|(status, _)| *status == 200).collect();
    assert!(made.len() == 1 && edits.iter().all(|(status, _)| [200, 409, 412].contains(status)), "{edits:?}");
    let stored = api.store.run(&id(&run)).await.unwrap().unwrap();
    assert_eq!((json!(stored.record.spec.name), stored.edits), (made[0].1["name"].clone(), 1));
    assert_eq!(api.get(&path).await.1["name"], made[0].1["name"]);
}
