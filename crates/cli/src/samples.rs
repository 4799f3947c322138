//! What the tests of several rooms look at.

use serde_json::{Value, json};

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
        "dropped_by_reason": { "duplicate": 4 }, "failures": [{ "code": 131026, "class": "recipient", "count": 3 }],
        "numbers": [{ "phone_number_id": "100000000000001", "accepted": 665, "throttled": 1, "health": "active" }]
    })
}
