#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

use dawncast_core::{
    campaign::{CampaignSpec, Counts},
    report::{Sla, Totals},
    window::Opening,
};
use dawncast_store::run::{Hold, Origin, RunRecord};

use super::*;

const DEADLINE: UnixMs = 1_795_394_100_000; // 2026-11-23T06:05:00+05:30

fn run(state: RunState) -> Run {
    let spec = CampaignSpec::parse(
        br#"{"name":"daily pack","pool":"advisors","audience":{"id":"aud_x"},"message":{"type":"text","text":{"body":"hi"}},
             "schedule":{"type":"at","at":"2026-11-23T06:00:00","timezone":"Asia/Kolkata"}}"#,
    );
    let opening = Opening { opens_at: DEADLINE - 300_000, closes_at: DEADLINE - 30_000, deadline_at: DEADLINE };
    let (id, campaign) = ("run_x".parse().unwrap(), "cmp_x".parse().unwrap());
    let record = RunRecord {
        id,
        campaign,
        spec: spec.unwrap(),
        instant: DEADLINE,
        opening,
        created_at: 0,
        civil: None,
        origin: Origin::Schedule,
    };
    Run {
        record,
        state,
        edits: 0,
        moved: None,
        holds: vec![],
        frozen: None,
        pages: 0,
        canary: None,
        canary_judged: None,
        remarks: vec![],
        waits_for: None,
        doubt_until: None,
        missed_at: None,
        checks: vec![],
        check_asked: None,
        opened_at: None,
        cancelled_at: None,
        closed_at: None,
        verdict: None,
        archived: None,
        freed_at: None,
    }
}

fn report(verdict: SlaVerdict) -> Report {
    let run = run(RunState::Closed);
    let (submitted, dropped, delivered, read, failed) = (2_000, 4, 1_203, 790, 3);
    let totals = Totals { submitted, dropped, delivered, read, failed, ..Totals::default() };
    let at = moment(DEADLINE);
    Report {
        run: run.record.id,
        campaign: run.record.campaign,
        state: "closed".to_owned(),
        window: ReportWindow { opens_at: at, closes_at: at, deadline_at: at },
        totals,
        sla: Sla {
            objective: 0.99,
            counts: Counts::Sent,
            eligible: 1_996,
            within_deadline: 1_993,
            attained: 1_993.0 / 1_996.0,
            excluding_recipient_faults: 1.0,
            verdict,
            provisional: false,
        },
        lateness_ms: None,
        attempts: 2_017,
        resends: 2,
        known_duplicates: 0,
        dropped_by_reason: [].into(),
        failures: vec![],
        numbers: vec![],
        by_message: vec![],
        by_tier: vec![],
        by_country: vec![],
    }
}

fn body(notice: &Notice) -> Value {
    serde_json::from_str(&notice.body).unwrap()
}

#[test]
fn a_closed_run_is_told_with_its_verdict_in_words_and_in_figures() {
    let body = body(&closed(&run(RunState::Open), &report(SlaVerdict::Pass), DEADLINE));
    assert_eq!((&body["type"], &body["timestamp"]), (&json!("run.closed"), &json!("2026-11-23T00:35:00Z")));
    let data = &body["data"];
    assert_eq!((&data["verdict"], &data["totals"]["read"]), (&json!("pass"), &json!(790)));
    assert_eq!(data["window"]["deadline_at"], "2026-11-23T00:35:00Z");
    assert_eq!(
        data["summary"],
        "Run run_x of “daily pack” is closed: pass, the promise was kept. 1993 of 1996 messages were sent by \
         06:05:00 Asia/Kolkata (99.85 %; promised 99 %). Of 2000 submitted: 4 dropped, 1203 delivered, 790 read, 3 failed."
    );
}

#[test]
fn the_same_reason_to_hold_is_the_same_notice_and_another_is_another() {
    let run = run(RunState::Scheduled);
    let (one, again) = (held(&run, "no rows", DEADLINE), held(&run, "no rows", DEADLINE + 9));
    assert_eq!(one.name, again.name);
    assert_ne!(one.name, held(&run, "no numbers", DEADLINE).name);
    assert!(one.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'), "{}", one.name);
}

#[test]
fn a_held_run_says_at_which_step_why_and_what_to_do() {
    for (state, step) in [(RunState::Scheduled, "freeze"), (RunState::Frozen, "plan"), (RunState::Planned, "preflight")]
    {
        let body = body(&held(&run(state), "no rows", DEADLINE));
        assert_eq!((&body["data"]["step"], &body["data"]["why"]), (&json!(step), &json!("no rows")));
        let what_to_do = body["data"]["what_to_do"].as_str().unwrap();
        assert!(what_to_do.contains("dawncast run cancel run_x") && what_to_do.contains("06:05:00 Asia/Kolkata"));
    }
}

#[test]
fn a_missed_run_says_why_as_far_as_it_is_known() {
    let check = |run: Run, says: &str| {
        let body = body(&missed(&run, DEADLINE));
        assert!(body["data"]["why"].as_str().unwrap().contains(says), "{body}");
    };
    check(run(RunState::Scheduled), "No scheduler was running");
    check(Run { waits_for: Some("no rows".into()), ..run(RunState::Frozen) }, "It was held: no rows");
    check(Run { holds: vec![Hold::Pool], ..run(RunState::Open) }, "A person had it held: pool_paused");
    check(run(RunState::Open), "no worker began a message");
}

#[test]
fn the_names_of_kinds_are_those_of_the_bodies() {
    for kind in Kind::ALL {
        assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
    }
}
