//! What an edit of a campaign changes: its latest run while that waits for freeze, else the runs after it.

use crate::{
    UnixMs,
    schedule::{Occurrence, Schedule, Zones},
};

/// The first run that an edit is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// The latest, which goes out then from now on.
    Latest(Occurrence),
    /// The one after the latest: that one is frozen, and goes out as it was.
    Later(Occurrence),
    /// None: the last one is frozen.
    TooLate,
}

/// Which runs an edit from `before` to `after` is in, when the latest run is that of `latest`, and `waits` for its freeze.
/// A schedule that stays as it was keeps its time. The recipients live in `zones`.
pub fn reach(
    (before, after): (&Schedule, &Schedule),
    latest: &Occurrence,
    waits: bool,
    (now, zones): (UnixMs, &Zones),
) -> Reach {
    let kept = || Some(latest.clone()).filter(|_| before == after);
    if waits {
        return kept().or_else(|| after.first_in(now, zones)).map_or(Reach::TooLate, Reach::Latest);
    }
    after.next(latest).map_or(Reach::TooLate, Reach::Later)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::campaign::CampaignSpec;

    fn schedule(schedule: Value) -> Schedule {
        let campaign = json!({ "pool": "p", "audience": { "id": "aud_x" }, "schedule": schedule,
                               "message": { "type": "text", "text": { "body": "hi" } } });
        CampaignSpec::parse(campaign.to_string().as_bytes()).expect("a campaign").schedule
    }

    fn at(at: &str) -> Schedule {
        schedule(json!({ "type": "at", "at": at, "timezone": "UTC" }))
    }

    fn daily(hour: u8) -> Schedule {
        schedule(json!({ "type": "cron", "cron": format!("0 {hour} * * *"), "timezone": "UTC" }))
    }

    fn shown(reach: &Reach) -> String {
        match reach {
            Reach::Latest(occurrence) => format!("latest {}", occurrence.civil),
            Reach::Later(occurrence) => format!("later {}", occurrence.civil),
            Reach::TooLate => "too late".to_owned(),
        }
    }

    #[test]
    fn an_edit_is_in_the_run_that_waits_and_else_in_the_next() {
        let now = at("2026-11-23T05:00:00").first(0).expect("a time").instant;
        let check = |before: &Schedule, after: &Schedule, waits, expected: &str| {
            let latest = before.first(now).expect("a time");
            assert_eq!(shown(&reach((before, after), &latest, waits, (now, &Zones::default()))), expected);
        };
        let (six, seven) = (at("2026-11-23T06:00:00"), at("2026-11-23T07:00:00"));
        check(&six, &six, true, "latest 2026-11-23 06:00:00");
        check(&six, &seven, true, "latest 2026-11-23 07:00:00");
        check(&six, &six, false, "too late");
        check(&six, &seven, false, "too late");
        check(&daily(6), &daily(6), true, "latest 2026-11-23 06:00:00");
        check(&daily(6), &daily(6), false, "later 2026-11-24 06:00:00");
        check(&daily(6), &daily(7), false, "later 2026-11-23 07:00:00");
        check(&daily(6), &at("2026-11-25T06:00:00"), false, "too late");
    }
}
