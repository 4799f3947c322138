//! What a run has to send when: one load, or several for recipients who live by their own clocks.

use chrono_tz::Tz;

use super::CampaignSpec;
use crate::{
    UnixMs,
    schedule::{Occurrence, Zones, spanning},
    window::{Late, Opening},
};

/// Recipients who are sent to in one stretch of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The window, or several that overlap.
    pub opening: Opening,
    /// Where they live.
    pub zones: Vec<Tz>,
    /// How many they are.
    pub recipients: u64,
}

impl CampaignSpec {
    /// The loads of an occurrence, in the order of time: all `meant` recipients at once, or those of each clock. Windows that
    /// overlap are one load: they share the numbers.
    pub fn loads(&self, occurrence: &Occurrence, zones: &Zones, accepted_at: UnixMs, meant: u64) -> Vec<Load> {
        let mut loads: Vec<Load> = Vec::new();
        for hearing in self.schedule.hearings(occurrence, zones) {
            let opening = self.window.around(hearing.instant, accepted_at);
            match loads.last_mut().filter(|last| last.opening.closes_at > opening.opens_at) {
                Some(last) => {
                    last.opening = spanning([last.opening, opening]).unwrap_or(opening);
                    last.zones.extend(hearing.zones);
                    last.recipients += hearing.rows;
                }
                None => loads.push(Load { opening, zones: hearing.zones, recipients: hearing.rows }),
            }
        }
        if !self.schedule.is_per_recipient() {
            loads.iter_mut().for_each(|load| load.recipients = meant);
        }
        loads
    }

    /// The window of an occurrence, from the first recipient to the last.
    pub fn opening(&self, occurrence: &Occurrence, zones: &Zones, accepted_at: UnixMs) -> Opening {
        self.opening_from(occurrence, zones, accepted_at, accepted_at)
    }

    /// The same as it looks at `now`: whoever's deadline was over by then is not waited for, unless all are.
    pub fn opening_from(&self, occurrence: &Occurrence, zones: &Zones, accepted_at: UnixMs, now: UnixMs) -> Opening {
        let all: Vec<_> = self.loads(occurrence, zones, accepted_at, 0).into_iter().map(|load| load.opening).collect();
        let ahead = all.iter().copied().filter(|one| self.window.late == Late::Send || one.deadline_at > now);
        spanning(ahead).or_else(|| spanning(all.iter().copied())).expect("somebody hears of it")
    }
}

impl Load {
    /// Where they live, for people: a zone or two by name, more by count.
    pub fn named(&self) -> String {
        let named: Vec<_> = self.zones.iter().take(2).map(|zone| zone.name()).collect();
        match self.zones.len() - named.len() {
            0 => named.join(" and "),
            more => format!("{} and {more} more", named.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schedule::Schedule;

    fn spec(closes: &str) -> CampaignSpec {
        let body = serde_json::json!({
            "pool": "p", "audience": { "id": "aud_x" }, "message": { "type": "text", "text": { "body": "hi" } },
            "schedule": { "type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata", "per_recipient": true },
            "window": { "opens": "-30s", "closes": closes, "deadline": closes },
        });
        CampaignSpec::parse(body.to_string().as_bytes()).expect("a campaign")
    }

    fn zones() -> Zones {
        let mut zones = Zones::default();
        for zone in ["Asia/Kolkata", "Asia/Kathmandu", "Asia/Tokyo", "Asia/Kolkata"] {
            zones.note(Some(zone));
        }
        zones
    }

    #[test]
    fn windows_that_overlap_are_one_load() {
        let loads = |closes: &str| {
            let spec = spec(closes);
            let occurrence = spec.schedule.first(0).expect("an occurrence");
            let loads = spec.loads(&occurrence, &zones(), 0, 99);
            loads.iter().map(|load| (load.named(), load.recipients)).collect::<Vec<_>>()
        };
        let (tokyo, kathmandu, kolkata) = ("Asia/Tokyo", "Asia/Kathmandu", "Asia/Kolkata");
        let apart = [(tokyo, 1), (kathmandu, 1), (kolkata, 2)].map(|(zone, rows)| (zone.to_owned(), rows));
        assert_eq!(loads("+5m"), apart);
        // 06:00 in Kathmandu is a quarter of an hour before 06:00 in Kolkata.
        assert_eq!(loads("+20m"), [(tokyo.to_owned(), 1), ("Asia/Kathmandu and Asia/Kolkata".to_owned(), 3)]);
    }

    #[test]
    fn whose_time_was_over_is_not_waited_for_unless_it_is_for_all_or_the_campaign_sends_late() {
        let mut spec = spec("+5m");
        let occurrence = spec.schedule.first(0).expect("an occurrence");
        let opens = |spec: &CampaignSpec, after_tokyo| {
            let now = occurrence.instant - 12_600_000 + after_tokyo;
            occurrence.instant - spec.opening_from(&occurrence, &zones(), 0, now).opens_at
        };
        // Tokyo is three and a half hours ahead, Kathmandu a quarter of one.
        assert_eq!([opens(&spec, 299_999), opens(&spec, 300_000)], [12_630_000, 930_000]);
        assert_eq!(opens(&spec, 24 * 3_600_000), 12_630_000, "over for all");
        spec.window.late = Late::Send;
        assert_eq!(opens(&spec, 300_000), 12_630_000);
    }

    #[test]
    fn a_schedule_with_one_clock_is_one_load_of_all_who_are_meant() {
        let mut spec = spec("+5m");
        if let Schedule::At { per_recipient, .. } = &mut spec.schedule {
            *per_recipient = false;
        }
        let occurrence = spec.schedule.first(0).expect("an occurrence");
        let loads = spec.loads(&occurrence, &zones(), 0, 99);
        assert_eq!((loads.len(), loads[0].recipients), (1, 99));
        assert_eq!(spec.opening(&occurrence, &zones(), 0), spec.window.around(occurrence.instant, 0));
    }
}
