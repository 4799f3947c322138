//! What the tests of several rooms look at.

use serde_json::{Value, json};

/// What became of a part of it.
fn totals(delivered: u64, failed: u64) -> Value {
    json!({ "submitted": delivered + failed, "dropped": 0, "planned": 0, "sending": 0, "unconfirmed": 0, "accepted": 0,
            "sent": 0, "delivered": delivered, "read": 0, "failed": failed, "expired": 0, "cancelled": 0 })
}

/// The report of a closed run of 2,000 recipients.
pub(crate) fn report() -> Value {
    json!({
        "run": "cmp_x-20261123T060000-Asia_Kolkata", "campaign": "cmp_x", "state": "closed",
        "window": { "opens_at": "2026-11-23T00:30:00Z", "closes_at": "2026-11-23T00:30:20Z",
                    "deadline_at": "2026-11-23T00:30:25Z" },
        "totals": { "submitted": 2000, "dropped": 4, "planned": 0, "sending": 0, "unconfirmed": 0, "accepted": 0,
                    "sent": 3, "delivered": 1200, "read": 790, "failed": 3, "expired": 0, "cancelled": 0 },
        "sla": { "objective": 0.99, "counts": "sent", "eligible": 1996, "within_deadline": 1993, "attained": 0.9985,
                 "excluding_recipient_faults": 1.0, "verdict": "pass", "provisional": false },
        "lateness_ms": { "p50": 1.2, "p95": 4.0, "p99": 9.8, "max": 30.1 },
        "attempts": 2017, "resends": 2, "known_duplicates": 0,
        "dropped_by_reason": { "duplicate": 4 }, "failures": [{ "code": 131026, "class": "recipient", "count": 3, "meaning": "The recipient has no WhatsApp: ask them." }],
        "numbers": [{ "phone_number_id": "100000000000001", "accepted": 665, "throttled": 1, "health": "active",
                      "home": 660, "stand_in": 6, "totals": totals(660, 3), "within_deadline": 662,
                      "failures": [{ "code": 131026, "class": "recipient", "count": 3 }] }],
        "by_message": [{ "message": "interactive", "fallback": false, "totals": totals(300, 0), "within_deadline": 300,
                         "failures": [] },
                       { "message": "template daily_pack_v1", "fallback": true, "totals": totals(1693, 3),
                         "within_deadline": 1693, "failures": [{ "code": 131026, "class": "recipient", "count": 3 }] }],
        "by_tier": [{ "tier": "pro", "totals": totals(500, 0), "within_deadline": 500, "failures": [] },
                    { "tier": null, "totals": totals(1493, 3), "within_deadline": 1493,
                      "failures": [{ "code": 131026, "class": "recipient", "count": 3 }] }],
        "by_country": [{ "calling_code": 91, "country": "IN", "totals": totals(1993, 3), "within_deadline": 1993,
                         "failures": [{ "code": 131026, "class": "recipient", "count": 3 }] }]
    })
}
