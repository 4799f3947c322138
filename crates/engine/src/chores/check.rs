//! Check: while people are awake, sees whether a run that is not frozen yet would go, as it stands now. Moves nothing; what
//! it finds is kept with the run, and people are told when a person has to mend something.

use std::time::Duration;

use dawncast_core::{
    UnixMs,
    ids::{NumberId, RunId},
};
use dawncast_store::{
    records::{AudienceVersion, Number, NumberRole},
    run::{Check, Frozen, Run, Sender},
};
use tracing::{info, warn};

use super::{
    Chores,
    examine::{Fitness, remarks as told},
    preflight::defects,
    select::Selection,
};
use crate::{EngineError, Settings, doctor::sampled_links, notify, templates};

/// Of a run's checks so many are kept, the latest.
const KEPT: usize = 10;

/// What a check looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// All that the run needs.
    Whole,
    /// Whether its templates are approved: a review takes a day, and today's rows are not there yet.
    Templates,
}

/// Which check of a run that waits for freeze is due at `now`, and on which occasion: the one that a person asked for, or that
/// of the latest lead that was reached and not checked since.
pub(super) fn due(run: &Run, now: UnixMs, settings: &Settings) -> Option<(Look, String)> {
    let last = run.checks.iter().map(|check| check.at).max().unwrap_or(UnixMs::MIN);
    if run.check_asked.is_some_and(|asked| asked > last) {
        return Some((Look::Whole, "asked".to_owned()));
    }
    let from = |lead: &Duration| run.record.opening.opens_at - lead.as_millis() as i64;
    let templates = (!run.record.spec.message.is_free_form()).then_some((settings.template_lead, Look::Templates));
    let leads = settings.check_leads.iter().map(|lead| (*lead, Look::Whole)).chain(templates);
    let (lead, look) = leads.filter(|(lead, _)| now >= from(lead)).min_by_key(|(lead, _)| *lead)?;
    (last < from(&lead)).then(|| (look, format!("{} before", humantime::format_duration(lead))))
}

/// What was found.
#[derive(Default)]
struct Findings {
    /// What would hold the run.
    holds: Vec<String>,
    /// What is worth knowing.
    remarks: Vec<String>,
}

impl Chores {
    /// Checks `run`. Two schedulers that do so at once write the same.
    pub(super) async fn check(&self, run: &Run) -> Result<bool, EngineError> {
        let (id, now) = (&run.record.id, self.clock.now());
        let Some((look, occasion)) = due(run, now, &self.ctx.settings) else { return Ok(false) };
        let Findings { holds, remarks } = match look {
            Look::Whole => self.findings(run).await?,
            Look::Templates => Findings {
                holds: templates::unapproved(&self.ctx, run).await?,
                remarks: vec!["only its templates were looked at, the rest is checked later".to_owned()],
            },
        };
        let check = Check { at: now, occasion, would_go: holds.is_empty(), holds, remarks };
        if check.would_go {
            info!("check of run {id} is done, {}: it would go", check.occasion);
        } else {
            warn!(run.id = %id, "run {id} would be held: {}", check.holds.join("; "));
        }
        let notice = (!check.would_go).then(|| self.notice(run, || notify::checked(run, &check, now))).flatten();
        let kept = run.checks.iter().skip((run.checks.len() + 1).saturating_sub(KEPT)).cloned();
        let checks: Vec<Check> = kept.chain([check]).collect();
        self.ctx.store.note_checks(id, &checks, notice.as_ref(), now).await?;
        Ok(false)
    }

    async fn findings(&self, run: &Run) -> Result<Findings, EngineError> {
        let run = &self.rotated(run).await?;
        let mut findings = Findings::default();
        let mut senders = self.pool_senders(run).await?;
        let fit = self.fit_numbers(run, &senders, &mut findings).await?;
        senders.iter_mut().for_each(|sender| sender.standby |= !fit.contains(&sender.number));
        self.check_rows(run, senders, &mut findings).await?;
        let mut noted = Vec::new();
        findings.holds.extend(self.check_files(run, &mut noted).await?);
        noted.extend(sampled_links(&self.asked, &self.ctx.store, run, self.clock.now()).await?);
        noted.extend(self.check_ground().await?);
        findings.remarks.extend(told(noted));
        Ok(findings)
    }

    /// The pool's numbers that can send, of the active ones and of those that would be home in their place.
    async fn fit_numbers(
        &self,
        run: &Run,
        senders: &[Sender],
        findings: &mut Findings,
    ) -> Result<Vec<NumberId>, EngineError> {
        let (pool, mut fit, mut unfit, mut lacking) = (&run.record.spec.pool, Vec::new(), Vec::new(), 0);
        let numbers = self.ctx.store.pool_numbers(pool).await?;
        let is_home = |number: &Number| senders.iter().any(|it| !it.standby && it.number == number.phone_number_id);
        let mut noted = Vec::new();
        let meant = |number: &Number| number.role == NumberRole::Active || is_home(number);
        for number in numbers.into_iter().filter(meant) {
            let id = number.phone_number_id.clone();
            match self.examine(run, &number, &mut noted).await? {
                Fitness::Fit => fit.push(id),
                Fitness::Lacks(why) => {
                    unfit.push(format!("number {id} cannot send what is fallen back to: {why}"));
                    lacking += 1;
                    fit.push(id);
                }
                Fitness::Instead(why) | Fitness::Unknown(why) => {
                    findings.remarks.push(format!("number {id}: {why}"));
                    fit.push(id);
                }
                Fitness::NoTemplate(why) | Fitness::Unfit(why) => unfit.push(format!("number {id} cannot send: {why}")),
            }
        }
        match fit.len() == lacking {
            true if unfit.is_empty() => findings.holds.push(format!("the pool {pool} has no active number")),
            true => findings.holds.push(unfit.join("; ")),
            false => findings.remarks.extend(unfit),
        }
        findings.remarks.extend(told(noted));
        Ok(fit)
    }

    /// Each row is rendered once on trial, and has to fit.
    async fn check_rows(&self, run: &Run, senders: Vec<Sender>, findings: &mut Findings) -> Result<(), EngineError> {
        let (store, audience) = (&self.ctx.store, &run.record.spec.audience.id);
        // *An import that completes while its rows are read* would delete them: they are held under a name of the check's
        // own. One that a check which died has left behind is of an older version, and let go of first.
        let reader: RunId = format!("{}-check", run.record.id).parse().expect("the id of a run and a word");
        store.unpin(audience, &reader).await?;
        let Some(version) = store.pin(audience, &reader).await?.filter(|version| version.rows > 0) else {
            store.unpin(audience, &reader).await?;
            findings.holds.push(format!("audience {audience} holds no rows: import some"));
            return Ok(());
        };
        let tried = self.try_rows(run, &version, senders, findings).await;
        store.unpin(audience, &reader).await?;
        tried
    }

    async fn try_rows(
        &self,
        run: &Run,
        version: &AudienceVersion,
        senders: Vec<Sender>,
        findings: &mut Findings,
    ) -> Result<(), EngineError> {
        let screen = self.asking_screen(run, version, &senders).await?.without_cap();
        let opens_at = run.record.opening.opens_at;
        let selection = self.select(run, version, &screen, opens_at).await?;
        let dropped = selection.dropped_by_reason();
        let submitted = (selection.chosen.len() + selection.dropped.len()) as u64;
        findings.holds.extend(defects(run, submitted, &dropped));
        let sends_at = run.record.opening.opens_at.max(self.clock.now());
        let stale = run.record.spec.audience.stale(version.updated_at, sends_at);
        findings.holds.extend(stale.map(|why| format!("{why}: import rows by then")));
        if !dropped.is_empty() {
            let named: Vec<String> = dropped.iter().map(|(reason, count)| format!("{count} {reason}")).collect();
            findings.remarks.push(format!("of {submitted} rows these would be dropped: {}", named.join(", ")));
        }
        if senders.iter().all(|sender| sender.standby) {
            // That it has nobody to send is enough.
            return Ok(());
        }
        let frozen = self.draft(run, version, senders, &selection, opens_at).await?;
        findings.remarks.extend(frozen.over_quota.clone());
        findings.remarks.extend(frozen.over_caps.clone());
        self.check_fit(run, &frozen, &selection, findings);
        Ok(())
    }

    /// Whether those who are chosen fit, as plan will find.
    fn check_fit(&self, run: &Run, frozen: &Frozen, selection: &Selection, findings: &mut Findings) {
        let mut strict = run.clone();
        strict.record.spec.force = false;
        let Err(shortage) = self.place(&strict, frozen, selection) else { return };
        let told = match run.record.spec.force {
            true => &mut findings.remarks,
            false => &mut findings.holds,
        };
        told.push(shortage.to_string());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chores::due::tests::run;
    use dawncast_store::run::RunState;

    const HOUR: i64 = 3_600_000;
    const DAY: i64 = 24 * HOUR;

    fn check(checked_at: &[i64], asked: Option<i64>, now: i64, expected: Option<&str>) {
        let mut run = run(RunState::Scheduled);
        let opens_at = run.record.opening.opens_at;
        let made = |at: &i64| Check {
            at: opens_at + at,
            occasion: String::new(),
            would_go: true,
            holds: vec![],
            remarks: vec![],
        };
        run.checks = checked_at.iter().map(made).collect();
        run.check_asked = asked.map(|at| opens_at + at);
        let due = due(&run, opens_at + now, &Settings::default());
        let occasion = due.as_ref().map(|(_, occasion)| occasion.as_str());
        assert_eq!(occasion, expected, "{checked_at:?} {asked:?} at {now}");
    }

    #[test]
    fn a_check_is_due_once_from_each_of_its_leads_on() {
        check(&[], None, -12 * HOUR - 1, None);
        check(&[], None, -12 * HOUR, Some("12h before"));
        check(&[-12 * HOUR], None, -11 * HOUR, None);
        check(&[-12 * HOUR], None, -HOUR, Some("1h before"));
        check(&[-12 * HOUR, -HOUR], None, -HOUR + 1, None);
    }

    #[test]
    fn whoever_was_away_makes_the_latest_check_alone() {
        check(&[], None, -HOUR + 5, Some("1h before"));
    }

    #[test]
    fn a_check_that_a_person_asks_for_is_due_until_it_was_made() {
        check(&[-12 * HOUR], Some(-2 * HOUR), -2 * HOUR, Some("asked"));
        check(&[-12 * HOUR, -2 * HOUR + 1], Some(-2 * HOUR), -2 * HOUR + 2, None);
    }

    #[test]
    fn days_before_templates_alone_are_looked_at() {
        let mut run = run(RunState::Scheduled);
        let (opens_at, settings) = (run.record.opening.opens_at, Settings::default());
        let at = |run: &Run, now| due(run, opens_at + now, &settings).map(|(look, _)| look);
        assert_eq!(at(&run, -4 * DAY), None, "a free-form message has none");
        let template = json!({ "type": "template", "name": "t", "language": "en" });
        run.record.spec.message = dawncast_core::campaign::CampaignSpec::parse(
            json!({ "pool": "p", "audience": { "id": "aud_x" }, "schedule": { "type": "now" }, "message": template })
                .to_string()
                .as_bytes(),
        )
        .expect("a campaign")
        .message;
        assert_eq!(at(&run, -5 * DAY - 1), None);
        assert_eq!(at(&run, -5 * DAY), Some(Look::Templates));
        assert_eq!(at(&run, -12 * HOUR), Some(Look::Whole), "the whole look sees them too");
    }
}
