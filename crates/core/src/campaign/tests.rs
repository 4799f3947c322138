use serde_json::json;

use super::*;

/// Sunday evening before the Monday that [`least`] is scheduled for.
const EVENING: UnixMs = 1_795_370_000_000;

/// As little as a campaign can say.
fn least() -> Value {
    json!({
        "pool": "advisors",
        "message": {"type": "template", "name": "daily_pack_v1", "language": "en_IN"},
        "audience": {"id": "aud_1"},
        "schedule": {"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"},
    })
}

/// [`least`] with `value` at `pointer`, the last step of which may be new.
fn with(pointer: &str, value: Value) -> Value {
    let mut spec = least();
    let (parent, name) = pointer.rsplit_once('/').expect("a pointer");
    spec.pointer_mut(parent).expect("a parent")[name] = value;
    spec
}

fn parse(spec: &Value) -> Result<CampaignSpec, Faults> {
    CampaignSpec::parse(spec.to_string().as_bytes())
}

fn parsed(spec: &Value) -> CampaignSpec {
    parse(spec).expect("a campaign")
}

fn refused(pointer: &str, value: Value) -> String {
    parse(&with(pointer, value)).expect_err("a fault").to_string()
}

fn check(spec: &Value) -> Vec<String> {
    parsed(spec).check(EVENING).iter().map(|fault| fault.pointer.clone()).collect()
}

#[test]
fn what_is_left_out_is_as_documented() {
    let written = serde_json::to_value(parsed(&least())).expect("JSON");
    assert_eq!(
        written,
        json!({
            "name": "daily_pack_v1", "pool": "advisors", "priority": "normal",
            "message": {"type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY", "components": []},
            "audience": {"id": "aud_1"},
            "schedule": {"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"},
            "window": {"opens": "-30s", "closes": "+4m30s", "deadline": "+5m", "late": "expire"},
            "jitter": {"type": "uniform"},
            "tiers": ["pro", "standard"],
            "retry": {"max_attempts": 3, "base": "1s", "cap": "30s"},
            "unconfirmed": {"then": "resend", "grace": "30s"},
            "max_defects": 0.01,
            "sla": {"objective": 0.99, "counts": "sent"},
            "force": false,
        })
    );
}

#[test]
fn a_campaign_reads_back_as_stored() {
    let spec = parsed(&least());
    let stored = serde_json::to_string(&spec).expect("JSON");
    assert_eq!(serde_json::from_str::<CampaignSpec>(&stored).expect("a campaign"), spec);
}

#[test]
fn the_documented_body_is_taken_whole() {
    let mut spec = least();
    let documented = json!({
        "name": "daily pack", "priority": "critical",
        "audience": {"id": "aud_1", "require_fresh": null},
        "message": {"type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY", "fallback": [],
            "components": [
                {"type": "header", "parameters": [{"type": "image", "image": {"asset": "{{ image }}"}}]},
                {"type": "body", "parameters": [{"type": "text", "text": "{{ first_name }}"}]}]},
        "unconfirmed": {"then": "give_up", "grace": "3s"},
    });
    spec.as_object_mut().expect("an object").extend(documented.as_object().expect("an object").clone());
    let spec = parsed(&spec);
    assert_eq!((spec.name.as_str(), spec.priority), ("daily pack", Priority::Critical));
    assert_eq!(spec.unconfirmed, UnconfirmedSpec { then: Then::GiveUp, grace: Span::seconds(3) });
    assert!(spec.check(EVENING).is_empty());
}

#[test]
fn what_follows_silence_depends_on_the_category_unless_said() {
    let then = |category: &str| parsed(&with("/message/category", json!(category))).unconfirmed.then;
    assert_eq!(
        (then("utility"), then("AUTHENTICATION"), then("Marketing")),
        (Then::Resend, Then::Resend, Then::GiveUp)
    );
    let mut said = with("/message/category", json!("MARKETING"));
    said["unconfirmed"] = json!({"then": "resend"});
    assert_eq!(parsed(&said).unconfirmed, UnconfirmedSpec { then: Then::Resend, grace: Span::seconds(30) });
}

#[test]
fn a_message_that_may_fall_back_to_an_advertisement_is_not_sent_twice() {
    let then = |category: &str| {
        let fallback = json!([{"type": "template", "name": "x", "language": "en", "category": category}]);
        let text = json!({"type": "text", "text": {"body": "Hi"}, "fallback": fallback});
        parsed(&with("/message", text)).unconfirmed.then
    };
    assert_eq!((then("UTILITY"), then("MARKETING")), (Then::Resend, Then::GiveUp));
}

#[test]
fn broken_json_is_a_fault_with_its_line() {
    let faults = CampaignSpec::parse(b"{\n  \"pool\": }").expect_err("a fault");
    assert!(faults.to_string().starts_with("is not JSON: expected value at line 2 column 11"), "{faults}");
}

#[test]
fn faults_all_over_the_body_are_told_together() {
    let spec = json!({
        "pool": "a b", "priorty": "normal", "priority": "urgent",
        "message": {"type": "template", "name": "x", "language": "en", "components": [{"type": "body", "parameters": [{"type": "text"}]}]},
        "audience": {"id": "aud_1", "require_fresh": "soon"},
        "schedule": {"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkatta"},
        "retry": {"max_attempts": 9}, "sla": {"objective": 99, "counts": "seen"}, "max_defects": -0.1,
        "unconfirmed": {"grace": "0s"},
    });
    let faults = parse(&spec).expect_err("faults");
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    let expected = [
        "/pool",
        "/priority",
        "/message/components/0/parameters/0/text",
        "/audience/require_fresh",
        "/schedule/timezone",
        "/retry/max_attempts",
        "/unconfirmed/grace",
        "/max_defects",
        "/sla/objective",
        "/sla/counts",
        "/priorty",
    ];
    assert_eq!(pointers, expected);
    assert!(faults.to_string().ends_with("/priorty: is not a field that is known here. Did you mean `priority`?"));
}

#[test]
fn every_required_field_is_missed() {
    let faults = parse(&json!({})).expect_err("faults").to_string();
    let expected = ["pool", "message", "audience", "schedule"].map(|name| format!("/{name}: is missing and required."));
    assert_eq!(faults, expected.join("\n"));
}

#[test]
fn later_fields_and_kinds_are_refused_by_name() {
    assert!(
        refused("/schedule/type", json!("rate"))
            .starts_with("/schedule/type: `rate` is not one of `at`, `cron`, `now`.")
    );
    let own_clocks_now = refused("/schedule", json!({"type": "now", "per_recipient": true}));
    assert!(own_clocks_now.starts_with("/schedule/per_recipient: is not a field"), "{own_clocks_now}");
    assert!(
        refused("/jitter", json!({"type": "normal"}))
            .starts_with("/jitter/type: `normal` is not one of `uniform`, `stagger`, `front_loaded`.")
    );
    assert!(
        refused("/retry", json!({"max_attempts": 0}))
            .starts_with("/retry/max_attempts: is 0; it must lie between 1 and 8.")
    );
}

#[test]
fn every_jitter_reads_back_as_written() {
    for jitter in [json!({"type": "stagger", "step": "50ms"}), json!({"type": "front_loaded"})] {
        let spec = parsed(&with("/jitter", jitter.clone()));
        assert_eq!(serde_json::to_value(spec.jitter).expect("JSON"), jitter);
        let stored = serde_json::to_string(&spec).expect("JSON");
        assert_eq!(serde_json::from_str::<CampaignSpec>(&stored).expect("a campaign"), spec);
    }
}

#[test]
fn a_stagger_needs_a_step_and_others_take_none() {
    let stagger = |step: Value| refused("/jitter", json!({"type": "stagger", "step": step}));
    assert_eq!(stagger(json!("0s")), "/jitter/step: must be longer than nothing, such as `1s`.");
    assert!(stagger(json!("50")).starts_with("/jitter/step: `50` is not a span of time"));
    assert_eq!(refused("/jitter", json!({"type": "stagger"})), "/jitter/step: is missing and required.");
    let told = refused("/jitter", json!({"type": "uniform", "step": "50ms"}));
    assert!(told.starts_with("/jitter/step: is not a field that is known here."), "{told}");
}

#[test]
fn blackout_dates_are_left_out_of_what_comes_again() {
    let mut spec = with("/schedule", json!({"type": "cron", "cron": "0 6 * * *", "timezone": "Asia/Kolkata"}));
    spec["window"] = json!({"blackout": ["2026-11-23", "2026-11-24"]});
    assert!(check(&spec).is_empty());
    let first = parsed(&spec).schedule.first(EVENING).expect("an occurrence");
    assert_eq!(first.civil.to_string(), "2026-11-25 06:00:00");
}

#[test]
fn fields_that_contradict_each_other_are_all_told() {
    let mut spec = with("/window", json!({"closes": "-1m", "deadline": "-2m"}));
    spec["retry"] = json!({"base": "1m"});
    spec["tiers"] = json!(["pro", "lite", "pro"]);
    assert_eq!(check(&spec), ["/window/closes", "/window/deadline", "/retry/cap", "/tiers/2"]);
}

#[test]
fn a_campaign_for_yesterday_has_one_fault() {
    let spec = with("/schedule/at", json!("2026-11-21T06:00:00"));
    assert_eq!(check(&spec), ["/schedule/at"]);
}

#[test]
fn a_campaign_for_now_is_not_late() {
    assert!(check(&with("/schedule", json!({"type": "now"}))).is_empty());
}

#[test]
fn a_retry_is_handed_on_in_milliseconds() {
    let policy = RetryPolicy { max_attempts: 8, base_ms: 500, cap_ms: 60_000 };
    assert_eq!(
        parsed(&with("/retry", json!({"max_attempts": 8, "base": "500ms", "cap": "1m"}))).retry.policy(),
        policy
    );
}

#[test]
fn a_segment_and_its_freshness_read_back_as_stored() {
    let spec = parsed(&with("/audience", json!({"id": "aud_1", "require_fresh": "12h", "where": {"tier": ["pro"]}})));
    let written = serde_json::to_value(&spec).expect("JSON");
    assert_eq!(written["audience"], json!({"id": "aud_1", "require_fresh": "12h", "where": {"tier": ["pro"]}}));
    assert_eq!(parsed(&written), spec);
}

#[test]
fn a_row_is_in_a_segment_when_every_column_fits() {
    let of = json!({"id": "aud_1", "where": {"tier": ["pro"], "city": ["Pune", "Mumbai"]}});
    let segment = parsed(&with("/audience", of)).audience.segment;
    let misfit = |tier: Option<&'static str>, city: Option<&'static str>| {
        segment.misfit(|column| if column == "tier" { tier } else { city }).map(str::to_owned)
    };
    assert_eq!(misfit(Some("pro"), Some("Mumbai")), None);
    assert_eq!(misfit(Some("pro"), Some("pune")).as_deref(), Some("city"));
    assert_eq!(misfit(Some("pro"), None).as_deref(), Some("city"));
    assert_eq!(misfit(None, Some("Pune")).as_deref(), Some("tier"));
    assert_eq!(Segment::default().misfit(|_| None), None);
}

#[test]
fn a_segment_that_can_hold_nobody_is_refused() {
    let refused = |of| refused("/audience/where", of);
    assert!(refused(json!({"tier": "pro", "city": [7]})).starts_with("/audience/where/city/0: is a number"));
    assert!(refused(json!({"tier": "pro", "city": [7]})).contains("/audience/where/tier: is a string; give a list."));
    assert!(refused(json!({"tier": []})).starts_with("/audience/where/tier: lists no value;"));
    assert!(refused(json!({"tier": [" "]})).starts_with("/audience/where/tier/0: is empty;"));
    assert!(refused(json!(["pro"])).starts_with("/audience/where: is a list; give an object."));
}

#[test]
fn rows_are_fresh_as_long_as_was_asked_for() {
    let fresh = |of| parsed(&with("/audience", json!({"id": "aud_1", "require_fresh": of}))).audience;
    let at = EVENING;
    assert_eq!(fresh(json!("12h")).stale(at, at + 12 * 3_600_000), None);
    assert_eq!(
        fresh(json!("12h")).stale(at, at + 12 * 3_600_000 + 1).as_deref(),
        Some("audience aud_1 was last updated at 2026-11-22T17:53:20Z, longer than require_fresh 12h before sending")
    );
    assert_eq!(fresh(Value::Null).stale(0, at), None);
    assert!(refused("/audience/require_fresh", json!("0s")).contains("must be longer than nothing"));
}
