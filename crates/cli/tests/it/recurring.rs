//! A campaign that comes every morning, by the commands alone.

use serde_json::{Value, json};

use crate::flow::{Deployment, add_numbers, bring_recipients, campaign};

fn every_morning(audience: &str) -> String {
    let mut body: Value = serde_json::from_str(&campaign(audience)).unwrap();
    body["schedule"] = json!({ "type": "cron", "cron": "0 6 * * 1-5", "timezone": "Asia/Kolkata" });
    body["window"] = json!({ "opens": "-30s", "closes": "+4m30s", "deadline": "+5m" });
    body.to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_campaign_by_own_clocks_tells_each_window() {
    let it = Deployment::start().await;
    add_numbers(&it);
    let audience = it.ask(&["audience", "create", "everywhere"])["id"].as_str().unwrap().to_owned();
    let people = "phone,timezone,first_name\n+919876543210,Asia/Kolkata,Asha\n+818012345678,Asia/Tokyo,Yuki\n";
    it.write("people.csv", people);
    it.tell(&["audience", "import", &audience, "people.csv"]);
    let mut body: Value = serde_json::from_str(&every_morning(&audience)).unwrap();
    body["schedule"]["per_recipient"] = json!(true);
    it.write("campaign.json", body.to_string());
    let told = it.tell(&["campaign", "create", "campaign.json"]);
    for window in ["05:59:30 JST: 1 recipients in Asia/Tokyo, 0 % full", "05:59:30 IST: 1 recipients in Asia/Kolkata"] {
        assert!(told.contains(window), "{told}");
    }
    assert!(told.contains("by each recipient's own clock, or else Asia/Kolkata time"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_recurring_campaign_tells_its_calendar_and_is_checked_the_evening_before() {
    let it = Deployment::start().await;
    add_numbers(&it);
    it.write("campaign.json", every_morning(&bring_recipients(&it)));
    let words = "At 06:00, on Monday, Tuesday, Wednesday, Thursday, and Friday, Asia/Kolkata time.";
    let created = it.ask(&["campaign", "create", "campaign.json"]);
    assert_eq!(created["schedule_in_words"], words);
    let (id, run) = (created["id"].as_str().unwrap(), created["next_run"].as_str().unwrap());
    let calendar = it.tell(&["campaign", "calendar", id, "--timezone", "Europe/Berlin", "--limit", "3"]);
    assert!(calendar.starts_with(words) && calendar.contains("06:00:00 +05:30"), "{calendar}");
    assert!(calendar.contains("01:30:00 +01:00") || calendar.contains("02:30:00 +02:00"), "{calendar}");
    let listed = it.ask(&["campaign", "calendar", id, "--limit", "3"]);
    assert_eq!((&listed["items"][0]["run"], listed["items"].as_array().unwrap().len()), (&json!(run), 3));
    assert!(it.tell(&["run", "check", run]).contains("would go, as things stand"));
    assert!(it.tell(&["run", "show", run]).contains("it would go, at"));
    it.ask(&["number", "pause", "100000000000001"]);
    let held = it.refuse(&["run", "check", run]);
    assert!(held.out.contains("mend: number 100000000000001 cannot send: it is paused"), "{}", held.out);
    it.ask(&["campaign", "cancel", id]);
    assert!(it.tell(&["campaign", "calendar", id]).contains("It does not go out any more."));
    assert!(it.refuse(&["campaign", "calendar", id, "--timezone", "Mars"]).err.contains("not a time zone"));
}
