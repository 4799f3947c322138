//! Freeze (rule 8, freeze pins everything once): pins the audience's version, the numbers and the dice, and gives every row that is not sent to a reason.

use dawncast_core::{UnixMs, template::Rotation};
use dawncast_store::{
    records::{AudienceVersion, Number, NumberRole, mint},
    run::{Advanced, Frozen, Run, Sender},
};

use tracing::debug;

use super::{Chores, examine::kept_back, screen::ANY, select::Selection};
use crate::{
    EngineError,
    points::{Point, reach},
};

/// What freeze, plan, preflight and open may take when a run is frozen after its window opened.
const LATE_START_MS: i64 = 1_000;

/// `is_home` says whether recipients may be at home with it.
fn sender(number: &Number, is_home: bool, pace_milli: u32) -> Sender {
    let (id, waba) = (number.phone_number_id.clone(), number.waba_id.clone());
    Sender { number: id, waba, mps: number.mps, pace_milli, standby: !is_home }
}

/// From when messages may go out. Engine down at the minute: the run catches up from now on.
fn opens_at(run: &Run, now: UnixMs) -> UnixMs {
    let opening = run.record.opening;
    if now + LATE_START_MS < opening.deadline_at { opening.opens_at.max(now + LATE_START_MS) } else { opening.opens_at }
}

impl Chores {
    /// The numbers of a run's pool, in the order of its table. A standby is home to recipients in the place of each active
    /// number that may not be.
    pub(super) async fn pool_senders(&self, run: &Run) -> Result<Vec<Sender>, EngineError> {
        let mut numbers = self.ctx.store.pool_numbers(&run.record.spec.pool).await?;
        numbers.sort_by(|a, b| a.phone_number_id.as_str().cmp(b.phone_number_id.as_str()));
        let (mut senders, mut spares, mut away) = (Vec::new(), Vec::new(), 0);
        for number in &numbers {
            let (able, is_active) = (self.may_be_home(run, number).await?, number.role == NumberRole::Active);
            away += usize::from(is_active && !able);
            spares.extend((able && !is_active).then_some(senders.len()));
            let pace_milli = number.condition.leave(&self.ctx.settings.playbook).pace_milli;
            senders.push(sender(number, able && is_active, pace_milli));
        }
        spares.into_iter().take(away).for_each(|spare: usize| senders[spare].standby = false);
        // Records name a number by one byte.
        senders.truncate(256);
        Ok(senders)
    }

    /// Why no number of the pool can be home to anybody; `None` when one can.
    async fn without_home(&self, run: &Run, senders: &[Sender]) -> Result<Option<String>, EngineError> {
        if senders.iter().any(|sender| !sender.standby) {
            return Ok(None);
        }
        let pool = &run.record.spec.pool;
        let mut told = Vec::new();
        for number in self.ctx.store.pool_numbers(pool).await? {
            let why = match (number.paused, number.role) {
                (true, _) => "it is paused".to_owned(),
                _ if !number.serves(run.record.spec.priority, &self.ctx.settings.playbook) => kept_back(&number),
                (_, NumberRole::Standby) => "it stands by".to_owned(),
                _ => "Meta lets it send nothing".to_owned(),
            };
            told.push(format!("number {}: {why}", number.phone_number_id));
        }
        let numbers = if told.is_empty() { "it has none: add one".to_owned() } else { told.join("; ") };
        Ok(Some(format!("no number of the pool {pool} can send: {numbers}")))
    }

    /// Whether people have it paused, the monitor keeps it back, or Meta lets it send nothing.
    async fn may_be_home(&self, run: &Run, number: &Number) -> Result<bool, EngineError> {
        if !number.serves(run.record.spec.priority, &self.ctx.settings.playbook) {
            return Ok(false);
        }
        let reading = self.ctx.store.reading(&number.phone_number_id).await?;
        Ok(!self.ctx.store.number_health(number, reading.as_ref(), self.clock.now()).await?.is_out())
    }

    /// The run with the versions of its templates that go out now: pinned with the rest.
    pub(super) async fn rotated(&self, run: &Run) -> Result<Run, EngineError> {
        let rotations = self.ctx.store.rotations().await?;
        let mut rotated = run.clone();
        rotated.record.spec.message = Rotation::applied(&rotations, &run.record.spec.message);
        Ok(rotated)
    }

    pub(super) async fn freeze(&self, run: &Run) -> Result<bool, EngineError> {
        let named = run;
        let run = &self.rotated(run).await?;
        let rotated = (run.record != named.record).then_some(&run.record);
        let (store, spec, id) = (&self.ctx.store, &run.record.spec, &run.record.id);
        let Some(version) = store.pin(&spec.audience.id, id).await? else {
            return self.hold(run, &format!("audience {} holds no rows: import some", spec.audience.id)).await;
        };
        if let Some(moved) = run.record.moved_to(&version.zones, self.clock.now()) {
            // *An import that completes after the last look at the zones*: the run waits, or begins, by what they are now.
            debug!(run.id = %id, "run {id} opens at {} now", moved.opening.opens_at);
            store.unpin(&spec.audience.id, id).await?;
            store.follow_zones(run, &version.zones, self.clock.now()).await?;
            return Ok(false);
        }
        // Pinned with what is selected by it: plan has to come to the same recipients.
        let opens_at = opens_at(run, self.clock.now());
        if let Some(why) = spec.audience.stale(version.updated_at, opens_at) {
            // Let go of, or what is imported now would never be looked at.
            store.unpin(&spec.audience.id, id).await?;
            return self.hold(run, &format!("{why}: import today's rows")).await;
        }
        let senders = self.pool_senders(run).await?;
        if let Some(why) = self.without_home(run, &senders).await? {
            store.unpin(&spec.audience.id, id).await?;
            return self.hold(run, &why).await;
        }
        let screen = self.asking_screen(run, &version, &senders).await?;
        let selection = self.select(run, &version, &screen, opens_at).await?;
        let frozen = self.draft(run, &version, senders, &selection, opens_at).await?;
        let screened = selection.screened();
        store.put_screened(id, &frozen.plan_token, &screened).await?;
        if frozen.fixed {
            store.put_fixed_numbers(id, &frozen.plan_token, &selection.fixed_numbers()).await?;
        }
        if !self.ctx.vigil.verify(store.server_id().await?).await {
            // A snapshot that came back meanwhile would be planned as if nothing of it had gone out.
            return Ok(false);
        }
        reach(Point::FreezeBefore);
        let advanced = store.freeze_run(id, run.edits, &frozen, run.begin_until(), rotated).await?;
        reach(Point::FreezeAfter);
        if advanced == Advanced::Refused {
            self.let_go_of_another_audience(run).await?;
        }
        Ok(advanced == Advanced::Moved)
    }

    /// What freeze would pin.
    pub(super) async fn draft(
        &self,
        run: &Run,
        version: &AudienceVersion,
        senders: Vec<Sender>,
        selection: &Selection,
        opens_at: UnixMs,
    ) -> Result<Frozen, EngineError> {
        let (message, chosen) = (&run.record.spec.message, selection.chosen.len() as u64);
        let fixed = message.is_free_form();
        let anybody = selection.chosen_rows().filter(|(_, number)| *number == ANY).count() as u64;
        let (fallback, conversations) = if fixed { (anybody, anybody) } else { (0, chosen) };
        let (homes, over_quota) = self.homes_by_limit(run, &senders, opens_at, conversations).await?;
        // A free-form message goes where its user has written to, cap or not.
        let (homes, over_caps) =
            if fixed { (homes, None) } else { self.homes_by_caps(run, homes, opens_at, chosen).await? };
        Ok(Frozen {
            audience_version: version.version,
            seed: rand::random(),
            plan_token: mint(),
            senders,
            quotas: homes.into_iter().filter_map(|home| Some((home.id, home.quota?))).collect(),
            over_quota,
            over_caps,
            opens_at,
            submitted: chosen + selection.dropped.len() as u64,
            dropped: selection.dropped_by_reason(),
            screened: selection.screened().len() as u64,
            fixed,
            fallback,
        })
    }

    /// *A run that is edited while freeze runs* may be for another audience by now, and would never let go of the one that
    /// was pinned for what it was.
    async fn let_go_of_another_audience(&self, run: &Run) -> Result<(), EngineError> {
        let (store, audience) = (&self.ctx.store, &run.record.spec.audience.id);
        let now = store.run(&run.record.id).await?;
        if now.is_some_and(|now| now.record.spec.audience.id != *audience) {
            store.unpin(audience, &run.record.id).await?;
        }
        Ok(())
    }
}
