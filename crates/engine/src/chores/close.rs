//! Judge and close: the verdict, provisional at the deadline and final when all is settled or its time is over.

use std::collections::HashSet;

use dawncast_core::{
    consent::Scope,
    delivery::{Gate, Standing},
    phone::Phone,
    report::{Report, SlaVerdict},
};
use dawncast_store::{
    records::CampaignState,
    run::{Advanced, Origin, Run, RunState, RunTallies},
};
use metrics::counter;
use tracing::{debug, info};

use super::Chores;
use crate::{
    EngineError,
    answer::explain,
    meters::count_sla,
    metrics::RUNS,
    notify,
    points::{Point, reach},
};

impl Chores {
    /// The provisional verdict, at the deadline.
    pub(super) async fn judge(&self, run: &Run) -> Result<bool, EngineError> {
        let report = self.ctx.store.report(run, self.clock.now(), explain).await?;
        let (id, sla) = (&run.record.id, &report.sla);
        self.ctx.store.note_run(id, "verdict", sla.verdict.as_str()).await?;
        let (within, eligible) = (sla.within_deadline, sla.eligible);
        info!("judge of run {id} is done: {} at the deadline, {within} of {eligible} on time", sla.verdict);
        Ok(true)
    }

    /// The final verdict, once every page is finished and every delivery terminal, or long enough after the deadline.
    pub(super) async fn close(&self, run: &Run) -> Result<bool, EngineError> {
        let (store, now) = (&self.ctx.store, self.clock.now());
        let timed_out = now >= run.record.opening.deadline_at + self.ctx.settings.close_after.as_millis() as i64;
        if !timed_out {
            // First: *all of it goes out between two looks*, and a closed run would say for good that it waits.
            self.see_stalled(run).await?;
        }
        if !timed_out && !self.is_over(run).await? {
            return Ok(false);
        }
        self.see_missed(run).await?;
        let closed = Run { closed_at: Some(now), ..run.clone() };
        let report = store.report(&closed, now, explain).await?;
        let notice = self.notice(run, || notify::closed(run, &report, now));
        store.keep_report(&Report { state: RunState::Closed.as_str().to_owned(), ..report.clone() }).await?;
        self.learn(run, &report).await?;
        reach(Point::CloseBefore);
        let advanced = store.close_run(&run.record.id, report.sla.verdict.as_str(), now, notice.as_ref()).await?;
        reach(Point::CloseAfter);
        if advanced == Advanced::Moved {
            self.tell_closed(run, &report);
        }
        self.retire(run).await?;
        Ok(advanced == Advanced::Moved)
    }

    /// Nothing is left to do, and no receipt is waited for.
    async fn is_over(&self, run: &Run) -> Result<bool, EngineError> {
        let refs: Vec<_> = run.page_refs().collect();
        let headers = self.ctx.store.headers(&refs).await?;
        // A cancelled run's pages may never have been leased; what was begun in them is still waited for.
        let gate = run.gate(self.clock.now());
        let finished = gate == Gate::Cancelled || headers.iter().all(|(_, header)| header.finished);
        let tallies = self.ctx.store.run_tallies(&run.record.id).await?;
        Ok(finished && is_terminal(&tallies, gate))
    }

    fn tell_closed(&self, run: &Run, report: &Report) {
        let (id, sla) = (&run.record.id, &report.sla);
        if run.record.origin == Origin::Test {
            return info!("close of run {id} is done: it was a test");
        }
        let share = 100.0 * sla.attained;
        info!("close of run {id} is done: {}, {share:.2} % of {} on time", sla.verdict, sla.eligible);
        counter!(RUNS, "verdict" => sla.verdict.as_str()).increment(1);
        if sla.verdict != SlaVerdict::Cancelled {
            count_sla(&run.lane(), sla_outcomes(report));
        }
    }

    /// What is left to do for a closed run. Off the list of active runs at the very end: until then the tick brings it
    /// back, should its scheduler die in between.
    pub(super) async fn retire(&self, run: &Run) -> Result<(), EngineError> {
        self.release_contacts(run).await?;
        self.ctx.store.finish_move(run, self.clock.now()).await?;
        let (store, from) = (&self.ctx.store, [CampaignState::Active, CampaignState::Paused]);
        let campaign = store.campaign(&run.record.campaign).await?;
        if campaign.is_some_and(|campaign| campaign.run() == run.record.id && campaign.next().is_none()) {
            store.set_campaign_state(&run.record.campaign, &from, CampaignState::Done).await?;
        }
        let audience = &run.record.spec.audience.id;
        store.unpin(audience, &run.record.id).await?;
        if run.record.origin.has_own_audience() {
            store.drop_own_audience(audience).await?;
        }
        store.await_archive(&run.record.id, run.closed_at.unwrap_or_else(|| self.clock.now())).await?;
        Ok(store.retire_run(&run.record.id).await?)
    }
}

impl Chores {
    /// Gives back whom the run has counted against a frequency cap and not written to.
    async fn release_contacts(&self, run: &Run) -> Result<(), EngineError> {
        let (store, id, mut scopes) = (&self.ctx.store, &run.record.id, Vec::new());
        for (_, content) in run.record.spec.message.all() {
            let scope = Scope::of(content);
            if store.has_contacts(scope, id).await? {
                scopes.push(scope);
            }
        }
        if scopes.is_empty() {
            return Ok(());
        }
        let (terms, mut reached) = (run.terms(), HashSet::new());
        for at in run.page_refs() {
            let Some(page) = store.page(&at).await? else { continue };
            let rows = page.recipients.rows.iter().zip(&page.ledger.records);
            let written_to = rows.filter(|(_, record)| may_have_reached(record.standing(&terms)));
            reached.extend(written_to.map(|(row, _)| Phone::person_of(row.phone)));
        }
        for scope in scopes {
            let released = store.release_contacts(scope, id, &reached).await?;
            debug!("run {id} gives back {released} messages that it had counted against the cap of {scope}");
        }
        Ok(())
    }
}

/// Whether a message may be on the phone, or on its way.
fn may_have_reached(standing: Standing) -> bool {
    !matches!(standing, Standing::Planned | Standing::Retrying | Standing::Failed)
}

/// How many met the SLA, came late, or did not come, in the order of the metric's outcomes.
fn sla_outcomes(Report { sla, totals, .. }: &Report) -> [u64; 3] {
    let reached = totals.reached();
    let late = reached.saturating_sub(sla.within_deadline);
    [sla.within_deadline, late, sla.eligible.saturating_sub(sla.within_deadline + late)]
}

/// No receipt of this run can change anything that counts.
fn is_terminal(tallies: &RunTallies, gate: Gate) -> bool {
    let open = [Standing::Sending, Standing::Unconfirmed, Standing::Accepted, Standing::Sent];
    let waiting = [Standing::Planned, Standing::Retrying];
    let none = |standings: &[Standing]| standings.iter().all(|standing| tallies.tallies.count(*standing) == 0);
    none(&open) && (gate != Gate::Open || none(&waiting))
}
