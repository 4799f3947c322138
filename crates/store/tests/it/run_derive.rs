//! The runs of a campaign that comes again: each occurrence once, and none while it is paused.

use dawncast_core::{
    UnixMs,
    campaign::CampaignSpec,
    ids::{AudienceId, CampaignId},
    schedule::Zones,
};
use dawncast_store::{
    Store,
    records::{Audience, BeginImport, Campaign, CampaignState, ImportMode, Recipient},
    run::{Hold, RunState},
};
use dawncast_testkit::TestRedis;
use serde_json::json;

const DAY: i64 = 24 * 3_600_000;
/// 2026-11-23T00:00:00Z.
const MONDAY: UnixMs = 1_795_392_000_000;

fn campaign(schedule: serde_json::Value) -> Campaign {
    let spec = json!({ "pool": "advisors", "audience": { "id": "aud_x" }, "schedule": schedule,
                       "message": { "type": "text", "text": { "body": "hi" } } });
    let spec = CampaignSpec::parse(spec.to_string().as_bytes()).unwrap();
    Campaign::new("cmp_x".parse().unwrap(), spec, MONDAY, &Zones::default()).unwrap()
}

async fn daily(store: &Store) -> Campaign {
    let campaign = campaign(json!({ "type": "cron", "cron": "0 6 * * 1-5", "timezone": "UTC" }));
    assert!(store.add_campaign(&campaign).await.unwrap());
    campaign
}

fn id() -> CampaignId {
    "cmp_x".parse().unwrap()
}

/// The days of the runs that there are, the latest first.
async fn days(store: &Store) -> Vec<String> {
    let runs = store.campaign_runs(&id(), 50, None).await.unwrap().items;
    runs.iter().map(|run| run.record.id.as_str()["cmp_x-202611".len()..][..2].to_owned()).collect()
}

/// A scheduler's look at `now`; how many runs it created.
async fn look(store: &Store, now: UnixMs) -> usize {
    let mut created = 0;
    for campaign in store.open_campaigns().await.unwrap() {
        created += store.derive_runs(campaign, now).await.unwrap().len();
    }
    created
}

#[tokio::test]
async fn the_next_run_is_there_as_soon_as_the_one_before_is_due() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    daily(&store).await;
    assert_eq!((look(&store, MONDAY).await, days(&store).await), (1, vec!["23".to_owned()]));
    assert_eq!(look(&store, MONDAY + 6 * 3_600_000 - 1).await, 0);
    assert_eq!(look(&store, MONDAY + 6 * 3_600_000).await, 1);
    assert_eq!(look(&store, MONDAY + 6 * 3_600_000).await, 0, "once");
    assert_eq!(days(&store).await, ["24", "23"]);
}

#[tokio::test]
async fn where_recipients_live_by_their_own_clocks_the_next_run_is_there_when_the_first_of_them_has_heard() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let audience: AudienceId = "aud_x".parse().unwrap();
    let named = Audience { id: audience.clone(), name: "people".into(), created_at: 0 };
    assert!(store.add_audience(&named).await.unwrap());
    let begun = store.begin_import(&audience, &"imp_1".parse().unwrap(), ImportMode::Replace, MONDAY).await.unwrap();
    let BeginImport::Started(mut writer) = begun else { panic!("the import begins") };
    for (line, zone) in [(1, None), (2, Some("Asia/Tokyo")), (3, Some("America/New_York"))] {
        let timezone = zone.map(str::to_owned);
        let phone = 919_800_000_000 + line;
        let (id, tier, consent, user_id, attributes) = Default::default();
        let row = Recipient { phone, id, tier, timezone, consent, user_id, attributes };
        writer.push(line, row).await.unwrap();
    }
    writer.finish(Default::default(), || MONDAY).await.unwrap();
    let daily = json!({ "type": "cron", "cron": "0 6 * * *", "timezone": "UTC", "per_recipient": true });
    let zones = store.audience_version(&audience).await.unwrap().unwrap().zones;
    let draft = campaign(daily);
    // At midnight in UTC it is nine in Tokyo: Monday's six is over there.
    let campaign = Campaign::new(draft.id, draft.spec, MONDAY, &zones).unwrap();
    assert_eq!(campaign.run().as_str(), "cmp_x-20261124T060000-UTC");
    assert!(store.add_campaign(&campaign).await.unwrap());
    assert_eq!((look(&store, MONDAY).await, days(&store).await), (1, vec!["24".to_owned()]));
    let opening = store.run(&campaign.run()).await.unwrap().unwrap().record.opening;
    let hours = |at: UnixMs| (at - MONDAY) as f64 / 3_600_000.0;
    // 06:00 on the 24th is 21:00 on the 23rd in Tokyo, and 11:00 on the 24th in New York.
    assert_eq!((hours(opening.opens_at + 30_000), hours(opening.deadline_at - 300_000)), (21.0, 35.0));
    assert_eq!(look(&store, MONDAY + 21 * 3_600_000 - 1).await, 0);
    assert_eq!(look(&store, MONDAY + 21 * 3_600_000).await, 1);
    assert_eq!(days(&store).await, ["25", "24"]);
}

#[tokio::test]
async fn after_an_absence_every_occurrence_has_its_run_whoever_looks_how_often() {
    let redis = TestRedis::start().await;
    let (store, other) = (redis.store("t:").await, redis.store("t:").await);
    daily(&store).await;
    let now = MONDAY + 3 * DAY;
    let (one, two) = tokio::join!(look(&store, now), look(&other, now));
    assert_eq!(one + two, 4);
    // The 28th and 29th are no workdays; Friday the 27th is the next after Thursday's.
    assert_eq!(days(&store).await, ["26", "25", "24", "23"]);
    look(&store, MONDAY + 4 * DAY).await;
    assert_eq!(days(&store).await, ["27", "26", "25", "24", "23"]);
}

#[tokio::test]
async fn what_comes_while_it_is_paused_is_passed_over() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    daily(&store).await;
    look(&store, MONDAY).await;
    store.set_campaign_state(&id(), &[CampaignState::Active], CampaignState::Paused).await.unwrap();
    assert_eq!(look(&store, MONDAY + 2 * DAY).await, 0);
    store.set_campaign_state(&id(), &[CampaignState::Paused], CampaignState::Active).await.unwrap();
    look(&store, MONDAY + 2 * DAY).await;
    assert_eq!(days(&store).await, ["25", "23"]);
}

#[tokio::test]
async fn a_campaign_that_is_stopped_while_its_run_is_being_created_stops_that_run_too() {
    for (to, holds) in [(CampaignState::Paused, vec![Hold::Run]), (CampaignState::Cancelled, vec![])] {
        let redis = TestRedis::start().await;
        let store = redis.store("t:").await;
        let read = daily(&store).await;
        // Read by a scheduler, then stopped by a person, whose look for runs finds none yet.
        store.set_campaign_state(&id(), &[CampaignState::Active], to).await.unwrap();
        assert!(store.campaign_active_runs(&id()).await.unwrap().is_empty());
        store.derive_runs(read, MONDAY).await.unwrap();
        let run = store.campaign_runs(&id(), 1, None).await.unwrap().items.remove(0);
        assert_eq!(run.holds, holds, "{to}");
        assert_eq!(run.state == RunState::Cancelled, to == CampaignState::Cancelled);
    }
}

#[tokio::test]
async fn the_last_run_is_the_last() {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    let schedule = json!({ "type": "cron", "cron": "0 6 * * *", "timezone": "UTC", "ends": "2026-11-24" });
    store.add_campaign(&campaign(schedule)).await.unwrap();
    look(&store, MONDAY + 30 * DAY).await;
    assert_eq!(days(&store).await, ["24", "23"]);
    assert_eq!(store.campaign(&id()).await.unwrap().unwrap().next(), None);
}

#[tokio::test]
async fn a_campaign_stored_before_there_were_calendars_is_read_as_it_was() {
    let once = campaign(json!({ "type": "at", "at": "2026-11-23T06:00:00", "timezone": "UTC" }));
    let mut stored = serde_json::to_value(&once).unwrap();
    stored.as_object_mut().unwrap().remove("latest");
    stored["run"] = json!("cmp_x-20261123T060000-UTC");
    let read: Campaign = serde_json::from_value(stored).unwrap();
    assert_eq!((read.run().as_str(), &read), ("cmp_x-20261123T060000-UTC", &once));
}
