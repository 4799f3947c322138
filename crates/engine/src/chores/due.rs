//! Which chore of a run is due: a pure function of its record and the time, so that any scheduler, at any time, comes
//! to the same answer.

use std::time::Duration;

use dawncast_core::UnixMs;
use dawncast_store::run::{Run, RunState};

use super::{Step, check};
use crate::Settings;

/// The step that is due at `now`. One whose lead time has passed is due at once. Whether an open run can be closed, its
/// pages have to be asked: [`Step::Close`] is only a candidate.
pub(crate) fn due(run: &Run, now: UnixMs, settings: &Settings) -> Option<Step> {
    let opens_at = run.record.opening.opens_at;
    let reached = |lead: Duration| now >= opens_at - lead.as_millis() as i64;
    let never_opened = run.state < RunState::Open && run.begin_until().is_some();
    let timed_out = now >= run.record.opening.deadline_at + settings.close_after.as_millis() as i64;
    if never_opened && timed_out {
        // Held until its time was over: nobody was served, and that is its verdict.
        return Some(Step::Close);
    }
    match run.state {
        RunState::Scheduled if reached(settings.freeze_lead) => Some(Step::Freeze),
        RunState::Scheduled => check::due(run, now, settings).map(|_| Step::Check),
        RunState::Frozen => Some(Step::Plan),
        RunState::Planned => reached(settings.preflight_lead).then_some(Step::Preflight),
        RunState::Ready => reached(settings.open_lead).then_some(Step::Open),
        RunState::Open if now >= run.record.opening.deadline_at && run.verdict.is_none() => Some(Step::Judge),
        RunState::Open if run.watched_canary().is_some() && !timed_out => Some(Step::Canary),
        RunState::Open | RunState::Cancelled => Some(Step::Close),
        RunState::Closed => None,
    }
}

#[cfg(test)]
pub(super) mod tests {
    use dawncast_core::{
        campaign::CampaignSpec,
        canary::{CanaryVerdict, Seen},
        window::Opening,
    };
    use dawncast_store::run::{CanaryJudged, CanaryPages, Origin, RunRecord};

    use super::*;

    pub(crate) fn run(state: RunState) -> Run {
        let spec = CampaignSpec::parse(
            br#"{"pool":"p","audience":{"id":"aud_x"},"schedule":{"type":"at","at":"2026-11-23T06:00:00","timezone":"UTC"},
                 "message":{"type":"text","text":{"body":"hi"}}}"#,
        )
        .expect("a campaign");
        let record = RunRecord {
            id: "run".parse().expect("an id"),
            campaign: "cmp_x".parse().expect("an id"),
            spec,
            instant: 1_000_000,
            opening: Opening { opens_at: 1_000_000, closes_at: 1_300_000, deadline_at: 1_330_000 },
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

    fn check(state: RunState, now: UnixMs, expected: Option<Step>) {
        assert_eq!(due(&run(state), now, &Settings::default()), expected, "{state:?} at {now}");
    }

    #[test]
    fn a_step_is_due_from_its_lead_time_on_however_late_it_is() {
        check(RunState::Scheduled, 99_999, Some(Step::Check));
        check(RunState::Scheduled, 100_000, Some(Step::Freeze));
        check(RunState::Scheduled, 2_000_000, Some(Step::Freeze));
        check(RunState::Ready, 1_329_999, Some(Step::Open));
        check(RunState::Planned, 939_999, None);
        check(RunState::Planned, 940_000, Some(Step::Preflight));
        check(RunState::Ready, 990_000, Some(Step::Open));
    }

    #[test]
    fn a_run_is_judged_once_at_its_deadline() {
        check(RunState::Open, 1_329_999, Some(Step::Close));
        check(RunState::Open, 1_330_000, Some(Step::Judge));
        let judged = Run { verdict: Some("pass".into()), ..run(RunState::Open) };
        assert_eq!(due(&judged, 1_330_000, &Settings::default()), Some(Step::Close));
    }

    #[test]
    fn a_canary_is_looked_at_until_it_is_judged_or_nothing_can_begin_any_more() {
        let canary = CanaryPages { pages: 1, deliveries: 10, watched_until: 1_100_000 };
        let watched = Run { canary: Some(canary), ..run(RunState::Open) };
        let due_at = |run: &Run, now| due(run, now, &Settings::default());
        assert_eq!(due_at(&watched, 1_000_000), Some(Step::Canary));
        assert_eq!(due_at(&watched, 1_330_000), Some(Step::Judge));
        let past = Run { verdict: Some("fail".into()), ..watched.clone() };
        assert_eq!(due_at(&past, 1_330_001), Some(Step::Canary));
        assert_eq!(due_at(&past, 2_230_000), Some(Step::Close));
        let judged = CanaryJudged { verdict: CanaryVerdict::Passed, at: 1_100_000, seen: Seen::default() };
        assert_eq!(due_at(&Run { canary_judged: Some(judged), ..watched }, 1_200_000), Some(Step::Close));
    }

    #[test]
    fn a_run_that_was_held_until_its_time_was_over_is_closed() {
        check(RunState::Planned, 2_229_999, Some(Step::Preflight));
        check(RunState::Planned, 2_230_000, Some(Step::Close));
    }

    #[test]
    fn a_closed_run_has_nothing_left_to_do() {
        check(RunState::Closed, 9_000_000, None);
    }
}
