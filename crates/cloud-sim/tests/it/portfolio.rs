//! Messages of all templates together that are held back, and then go out in batches or are dropped.

use std::time::Duration;

use dawncast_cloud_sim::{Rules, SimConfig, Simulator};
use serde_json::{Value, json};

use crate::pacing::{ACCEPTED, HELD, answered, phone, quiet, start_for, statuses};
use crate::support::*;

const TEN_MINUTES: Duration = Duration::from_secs(600);

fn paced() -> Rules {
    Rules { portfolio_paced_after: Some(3), held_for: TEN_MINUTES, ..Rules::default() }
}

/// Sends `hello_world`, which is utility, and `weekly_offer_v1`, which is marketing, in turns; what the answers say.
async fn sends(sim: &Simulator, users: std::ops::Range<u64>) -> Vec<String> {
    let mut answers = Vec::new();
    for n in users {
        let body = if n % 2 == 0 { hello(&phone(n)) } else { offer(&phone(n)) };
        answers.push(answered(sim, if n % 4 < 2 { NUMBER } else { OTHER_NUMBER }, &body).await);
    }
    answers
}

/// Moves the clock on by ten minutes, and by a moment in which what goes out then is told of.
async fn ten_minutes_later(sim: &Simulator) {
    sim.advance(TEN_MINUTES);
    sim.advance(Duration::from_secs(5));
    quiet(sim).await;
}

#[tokio::test]
async fn after_the_first_of_all_templates_and_numbers_the_rest_goes_out_batch_by_batch() {
    let (receiver, sim) = start_for(paced()).await;
    assert_eq!(sends(&sim, 0..3).await, [ACCEPTED; 3]);
    assert_eq!(sends(&sim, 3..8).await, [HELD; 5]);
    write_in(&sim).await;
    assert_eq!(send(&sim, &text(PHONE)).await.status, 200);
    assert_eq!(send(&sim, &text(PHONE)).await.json()["messages"][0]["message_status"], Value::Null, "no template");
    let went_out = || (0..8).map(|n| u8::from(!statuses(&receiver, n).is_empty())).collect::<Vec<_>>();
    ten_minutes_later(&sim).await;
    assert_eq!(went_out(), [1, 1, 1, 1, 1, 1, 0, 0]);
    assert_eq!(statuses(&receiver, 3)[0], "sent");
    ten_minutes_later(&sim).await;
    assert_eq!(went_out(), [1; 8]);
    assert_eq!(sends(&sim, 8..10).await, [ACCEPTED, HELD], "two of three have just gone out");
    assert_eq!(sim.ledger().totals.accepted, 12);
}

#[tokio::test]
async fn hours_that_pass_at_once_let_every_batch_out_that_was_due() {
    let (receiver, sim) = start_for(paced()).await;
    sends(&sim, 0..12).await;
    sim.advance(2 * TEN_MINUTES);
    ten_minutes_later(&sim).await;
    assert!((0..12).all(|n| !statuses(&receiver, n).is_empty()));
}

#[tokio::test]
async fn what_is_held_is_dropped_when_a_number_is_rated_low_and_no_template_is_paused() {
    let (receiver, sim) = start_for(paced()).await;
    assert_eq!(sends(&sim, 0..5).await, [ACCEPTED, ACCEPTED, ACCEPTED, HELD, HELD]);
    stage(&sim, &format!("/_sim/numbers/{OTHER_NUMBER}"), json!({ "quality_rating": "RED" })).await;
    ten_minutes_later(&sim).await;
    assert_eq!([statuses(&receiver, 3), statuses(&receiver, 4)], [["132015"], ["132015"]]);
    assert_eq!(sim.ledger().recipients[&phone(3)[1..]].attempts[0].failed, Some(132_015));
    assert_eq!(receiver.told("message_template_status_update").len(), 0);
    assert_eq!(sends(&sim, 5..9).await, [ACCEPTED, ACCEPTED, ACCEPTED, HELD], "it is paced anew");
}

#[tokio::test]
async fn who_sends_few_in_ten_minutes_is_never_held() {
    let (_receiver, sim) = start_for(paced()).await;
    for round in 0..3 {
        assert_eq!(sends(&sim, 3 * round..3 * round + 3).await, [ACCEPTED; 3], "round {round}");
        sim.advance(TEN_MINUTES + Duration::from_secs(1));
    }
}

#[tokio::test]
async fn a_message_that_its_template_holds_does_not_count_for_the_portfolio() {
    let (_receiver, sim) = start_for(paced()).await;
    stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "pacing": "HELD" })).await;
    assert_eq!(sends(&sim, 0..6).await, [ACCEPTED, HELD, ACCEPTED, HELD, ACCEPTED, HELD]);
    assert_eq!(sends(&sim, 6..7).await, [HELD]);
    stage(&sim, "/_sim/templates/weekly_offer_v1", json!({ "pacing": "RELEASED" })).await;
    assert_eq!(sends(&sim, 7..8).await, [HELD], "the portfolio holds it now");
}

#[tokio::test]
async fn a_scenario_paces_the_portfolio_for_a_while_and_then_lets_everything_out() {
    let path = std::env::temp_dir().join(format!("dawncast-sim-portfolio-{}.json", std::process::id()));
    let text = r#"{"steps":[{"at":"1h","for":"1h","rules":{"portfolio_paced_after":1,"held_for":"90m"}}]}"#;
    std::fs::write(&path, text).unwrap();
    let started = Simulator::start(SimConfig { scenario: Some(path.clone()), ..config() }).await;
    std::fs::remove_file(&path).unwrap();
    let sim = started.unwrap();
    assert_eq!(sends(&sim, 0..2).await, [ACCEPTED; 2]);
    sim.advance(6 * TEN_MINUTES);
    assert_eq!(sends(&sim, 2..5).await, [ACCEPTED, HELD, HELD]);
    sim.advance(6 * TEN_MINUTES);
    assert_eq!(sends(&sim, 5..6).await, [HELD], "what follows does not overtake");
    sim.advance(3 * TEN_MINUTES);
    assert_eq!(sends(&sim, 6..9).await, [ACCEPTED; 3]);
}

#[tokio::test]
async fn none_at_all_is_no_pace() {
    let sim = start().await;
    let none = call(&sim, "POST", "/_sim/rules", "", br#"{"portfolio_paced_after":0}"#).await;
    assert!(
        none.status == 400 && none.body.contains("`portfolio_paced_after` is not usable: give at least 1"),
        "{none:?}"
    );
    let rules = stage(&sim, "/_sim/rules", json!({ "portfolio_paced_after": 5 })).await;
    assert_eq!(rules["portfolio_paced_after"], 5);
    let rules = stage(&sim, "/_sim/rules", json!({ "portfolio_paced_after": null })).await;
    assert_eq!(rules["portfolio_paced_after"], Value::Null);
}
