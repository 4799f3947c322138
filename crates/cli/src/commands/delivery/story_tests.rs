use serde_json::json;

use super::*;

/// The last line of a story with these parts.
fn check(parts: Value, last_line: &str) {
    let mut delivery = json!({ "id": "r.0.7", "phone": "+919876543210", "story": [] });
    delivery.as_object_mut().unwrap().extend(parts.as_object().unwrap().clone());
    let story = tell(&delivery, Tz::UTC);
    assert_eq!(story.lines().last(), Some(last_line), "{story}");
}

/// What is told of an attempt.
fn check_attempt(parts: Value, words: &str) {
    let told = tell_attempt(&parts, Tz::UTC);
    assert!(told.contains(words), "{told}");
}

#[test]
fn messages_too_many_are_told() {
    check(json!({ "known_duplicates": 0 }), "Nothing was sent.");
    check(json!({ "known_duplicates": 1 }), "One message too many is known to have got through.");
    check(json!({ "known_duplicates": 2 }), "2 messages too many are known to have got through.");
}

#[test]
fn a_story_is_told_in_the_order_it_happened() {
    let story = tell(
        &json!({ "id": "cmp_x-20261123T060000-Asia_Kolkata.0.7", "phone": "+919876543210", "recipient_id": "adv-7",
            "tier": "pro", "state": "read", "due_at": "2026-11-23T00:30:00.000Z", "home_number": "100",
            "sent_at": "2026-11-23T00:30:32.000Z", "read_at": "2026-11-23T00:31:00.000Z",
            "story": [
                { "attempt": 1, "because": "due", "outcome": "unsure", "phone_number_id": "100", "stand_in": false,
                  "begun_at": "2026-11-23T00:30:00.004Z", "after_ms": 4, "code": null, "message_id": null, "late_at": null },
                { "attempt": 2, "because": "resend", "outcome": "read", "phone_number_id": "101", "stand_in": true,
                  "begun_at": "2026-11-23T00:30:31.004Z", "after_ms": 31_000, "code": null, "message_id": "wamid.A",
                  "late_at": null } ],
            "awaits": null, "ended": null }),
        Tz::Asia__Kolkata,
    );
    assert_eq!(
        story,
        "cmp_x-20261123T060000-Asia_Kolkata.0.7 to +919876543210 (adv-7), tier pro is read.\n\
         It was planned for 2026-11-23 06:00:00 IST from number 100, its home: the hash of its phone has chosen it.\n\
         Attempt 1 began at 2026-11-23 06:00:00 IST from 100, 4 ms after it was due. No answer came that tells: it may \
         have got through.\n\
         Attempt 2 began at 2026-11-23 06:00:31 IST from 101, a stand-in for its home, 31.0 s after the one before, \
         whose receipt was waited for in vain. It was read. Its message id is wamid.A.\n\
         Receipts: sent on at 2026-11-23 06:00:32 IST, read at 2026-11-23 06:01:00 IST."
    );
}

#[test]
fn it_is_told_which_message_goes_out_and_why() {
    let delivery = |message: &str, fallback: bool| json!({ "id": "r.0.7", "phone": "+919876543210", "home_number": "100", "message": message, "fallback": fallback });
    let own = tell(&delivery("interactive", false), Tz::UTC);
    assert!(own.contains("from number 100, which its recipient has written to."), "{own}");
    let other = tell(&delivery("template daily_pack_v1", true), Tz::UTC);
    let why = "It gets the template daily_pack_v1, because no service window was open when the run was frozen.";
    assert!(other.contains("its home: the hash of its phone has chosen it.") && other.contains(why), "{other}");
}

#[test]
fn a_refusal_is_told_with_what_its_code_means() {
    let refused = |outcome, code| json!({ "outcome": outcome, "code": code, "meaning": "Undeliverable: ask." });
    check_attempt(refused("failed", 131_026), "It was refused for good with code 131026: Undeliverable: ask.");
    check_attempt(refused("failed_retryable", 130_429), "It was refused with code 130429: ");
    check_attempt(json!({ "outcome": "failed", "code": 999 }), "with code 999: Meta's documentation does not list it.");
    check_attempt(json!({ "outcome": "failed_retryable", "code": null }), "It never left");
    check_attempt(json!({ "outcome": "failed", "code": null }), "without a code");
}

#[test]
fn what_became_known_late_says_when() {
    let late = json!({ "outcome": "delivered", "late_at": "2026-11-23T00:31:00.000Z" });
    check_attempt(late, "It is on the phone. A receipt of 2026-11-23 00:31:00 UTC told of that, after the next");
}

#[test]
fn a_delivery_that_ended_unserved_says_why() {
    let ended = |why: &str| json!({ "ended": { "why": why, "at": "2026-11-23T00:35:00.000Z" } });
    check(ended("deadline"), "Its deadline, 2026-11-23 00:35:00 UTC, passed before an attempt was made.");
    check(
        ended("never_left"),
        "Its deadline, 2026-11-23 00:35:00 UTC, overtook it: whatever was begun never left, nothing was sent.",
    );
    check(ended("cancelled"), "The run was cancelled at 2026-11-23 00:35:00 UTC, before it was served.");
    check(ended("closed"), "The run was closed at 2026-11-23 00:35:00 UTC, before it was served.");
    check(ended("attempts_used_up"), "Nothing more is sent: the attempts that the campaign allows are used up.");
    check(ended("refused"), "Nothing more is sent: every other attempt would fail as well.");
}

#[test]
fn what_is_awaited_is_told_with_what_follows() {
    let awaits = |what: &str, then: Option<&str>| json!({ "awaits": { "what": what, "until": "2026-11-23T00:31:00.000Z", "then": then, "held_by": [] } });
    let until = "A receipt is awaited until 2026-11-23 00:31:00 UTC at the earliest; then it is";
    check(awaits("receipt", Some("resend")), &format!("{until} sent again."));
    check(awaits("receipt", Some("give_up")), &format!("{until} left so, lest it comes twice."));
    check(awaits("receipt", Some("nothing")), "A receipt is awaited; nothing is sent again.");
    check(awaits("receipt", None), "A receipt is awaited.");
    let held = json!({ "awaits": { "what": "next_attempt", "held_by": ["paused", "stopped"] } });
    check(held, "It waits for another attempt. Nothing begins meanwhile: paused, stopped.");
}

#[test]
fn a_dropped_row_says_why_and_where_it_stands() {
    let row = json!({ "id": null, "phone": "+919876543210", "recipient_id": "adv-7", "state": "dropped",
                      "reason": "duplicate: row 3 has the same phone", "audience_row": 1_206 });
    assert_eq!(
        tell(&row, Tz::UTC),
        "+919876543210 (adv-7) was dropped before anything was planned: duplicate: row 3 has the same phone.\n\
         It is row 1,206 of the audience that the run has pinned."
    );
}
