use dawncast_core::{campaign::CampaignSpec, schedule::Zones};
use dawncast_store::records::{Campaign, CampaignState};

use super::{fresh, id};

const SPEC: &str = r#"{ "pool": "advisors", "message": { "type": "text", "text": { "body": "Good morning" } },
    "audience": { "id": "aud_a" }, "schedule": { "type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata" } }"#;

fn campaign(name: &str, created_at: i64) -> Campaign {
    Campaign::new(id(name), CampaignSpec::parse(SPEC.as_bytes()).unwrap(), created_at, &Zones::default()).unwrap()
}

#[tokio::test]
async fn a_campaign_reads_back_as_submitted() {
    let (_redis, store) = fresh().await;
    assert!(store.add_campaign(&campaign("cmp_a", 1)).await.unwrap());
    assert!(!store.add_campaign(&campaign("cmp_a", 2)).await.unwrap());
    assert_eq!(store.campaign(&id("cmp_a")).await.unwrap(), Some(campaign("cmp_a", 1)));
    store.add_campaign(&campaign("cmp_b", 2)).await.unwrap();
    let listed = store.campaigns_page(10, None).await.unwrap().items;
    assert_eq!(listed, [campaign("cmp_b", 2), campaign("cmp_a", 1)]);
}

#[tokio::test]
async fn a_state_changes_only_from_where_it_may() {
    use CampaignState::{Active, Cancelled, Done, Paused};
    let (_redis, store) = fresh().await;
    store.add_campaign(&campaign("cmp_a", 1)).await.unwrap();
    let set = async |from: &[CampaignState], to| {
        store.set_campaign_state(&id("cmp_a"), from, to).await.unwrap().unwrap().state
    };
    assert_eq!(set(&[Active], Paused).await, Paused);
    assert_eq!(set(&[Active], Done).await, Paused);
    assert_eq!(set(&[Active, Paused], Cancelled).await, Cancelled);
    assert_eq!(set(&[Active, Paused], Active).await, Cancelled);
    assert!(store.set_campaign_state(&id("cmp_z"), &[Active], Paused).await.unwrap().is_none());
}

#[tokio::test]
async fn open_campaigns_are_those_that_may_still_start_runs() {
    let (_redis, store) = fresh().await;
    for (name, to) in [("cmp_a", None), ("cmp_b", Some(CampaignState::Paused)), ("cmp_c", Some(CampaignState::Done))] {
        store.add_campaign(&campaign(name, 1)).await.unwrap();
        if let Some(to) = to {
            store.set_campaign_state(&id(name), &[CampaignState::Active], to).await.unwrap();
        }
    }
    let mut open: Vec<String> =
        store.open_campaigns().await.unwrap().into_iter().map(|campaign| campaign.id.to_string()).collect();
    open.sort();
    assert_eq!(open, ["cmp_a", "cmp_b"]);
}
