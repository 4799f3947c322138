//! Plan: each delivery's number and time, written as pages. Planning is a pure function of what freeze pinned and pages
//! are create-only, so two planners, or one twice, write the same.

use dawncast_core::{
    campaign::Choice,
    delivery::DeliveryState,
    plan::{self, FirstStage, Plan, Shortage, Staged, Terms},
    quiet::Until,
};
use dawncast_store::{
    page::{NewPage, Recipient, Recipients, Written},
    run::{Advanced, CanaryPages, Frozen, Run, Sender},
};
use futures::future::try_join_all;

use super::{
    Chores, by_zone,
    screen::ANY,
    select::{self, Selection},
};
use crate::{
    EngineError,
    meters::Moves,
    points::{Point, reach},
};

/// Pages written at once.
const WRITES_AT_ONCE: usize = 16;
/// How often more time than the deadline leaves is asked for.
const TRIES_BEYOND: usize = 20;
/// Times in a page count from this long before its run opens.
const BASE_LEAD_MS: i64 = 60_000;

impl Chores {
    pub(super) async fn plan(&self, run: &Run) -> Result<bool, EngineError> {
        let Some(frozen) = &run.frozen else { return Ok(false) };
        // Pinned at freeze: the same version, whatever was imported since.
        let audience = &run.record.spec.audience.id;
        let Some(version) = self.ctx.store.pin(audience, &run.record.id).await? else { return Ok(false) };
        let screen = self.known_screen(run, frozen).await?;
        let selection = self.select(run, &version, &screen, frozen.opens_at).await?;
        let Staged { plan, canary } = match self.place(run, frozen, &selection) {
            Ok(staged) => staged,
            Err(shortage) => {
                let remedy = "This run's window and numbers are pinned: cancel it, mend that, submit again.";
                let beside = run.record.spec.canary_takes();
                return self.hold(run, &format!("{shortage}{beside} {remedy}")).await;
            }
        };
        self.ctx.store.put_dropped(&run.record.id, &frozen.plan_token, &selection.dropped).await?;
        if let Err(error) = self.upload(frozen, &selection.assets).await {
            return self.hold(run, &format!("the media cannot be uploaded: {error}")).await;
        }
        let pages = pages(run, frozen, &plan, &selection)?;
        reach(Point::PlanBefore);
        if !self.write(run, &frozen.plan_token, &pages).await? {
            reach(Point::PlanRefused);
            return Ok(false);
        }
        let canary = canary.map(|first| canary_pages(run, first, &plan));
        reach(Point::PlanWritten);
        let (id, token) = (&run.record.id, &frozen.plan_token);
        let advanced = self.ctx.store.planned_run(id, token, pages.len() as u32, canary.as_ref()).await?;
        reach(Point::PlanAfter);
        if advanced == Advanced::Moved && (frozen.screened > 0 || frozen.fixed) {
            self.ctx.store.forget_screened(&run.record.id, &frozen.plan_token).await?;
        }
        Ok(advanced == Advanced::Moved)
    }

    /// Within the window. Where that is too short because the run starts late, or was forced: within half of what is left
    /// before the deadline, so that the last ones, and their retries, still meet it; else up to the deadline; else beyond
    /// it: as many as can be are served in time, the others expire.
    pub(super) fn place(&self, run: &Run, frozen: &Frozen, selection: &Selection) -> Result<Staged, Shortage> {
        let (opening, opens_at) = (run.record.opening, frozen.opens_at);
        let sender = |(_, sender): (usize, &Sender)| {
            let quota = frozen.quotas.get(&sender.number).copied();
            plan::Sender { id: sender.number.clone(), mps: sender.planned_mps(), quota }
        };
        let senders: Vec<plan::Sender> = home_senders(frozen).map(sender).collect();
        let (headroom, jitter) = (self.ctx.settings.headroom, run.record.spec.jitter);
        let fixed = frozen.fixed.then(|| fixed(frozen, selection));
        let message = &run.record.spec.message;
        let choice = |candidate| selection.choice_of(message, candidate);
        let messages: Option<Vec<_>> =
            message.trial().map(|_| (0..selection.candidates.len() as u32).map(choice).collect());
        let candidates =
            plan::Candidates { all: &selection.candidates, fixed: fixed.as_deref(), messages: messages.as_deref() };
        let attempt = |closes_at, until| {
            let hours = selection.clocks.hours(opens_at, closes_at, until);
            let terms = Terms { opens_at, closes_at, headroom, jitter, hours };
            match &run.record.spec.canary {
                None => by_zone::plan(message, selection, |some| candidates.plan(some, &senders, &terms, frozen.seed)),
                Some(canary) => candidates.plan_in_two(canary, &senders, &terms, frozen.seed),
            }
        };
        let planned = attempt(opening.closes_at.max(opens_at), Until::Closes);
        if planned.is_ok() || !select::overruns(run, opens_at) {
            return planned;
        }
        let left = (opening.deadline_at - opens_at).max(0);
        let late = attempt(opens_at + left / 2, Until::Deadline).or_else(|_| attempt(opens_at + left, Until::Deadline));
        let pause = run.record.spec.canary.map_or(0, |canary| canary.pause_ms());
        late.or_else(|shortage| beyond(shortage, |length| attempt(opens_at + pause + length, Until::Ever)))
    }

    async fn write(&self, run: &Run, token: &str, pages: &[NewPage]) -> Result<bool, EngineError> {
        for batch in pages.chunks(WRITES_AT_ONCE) {
            let mut writes = Vec::with_capacity(batch.len());
            for page in batch {
                writes.push(self.ctx.store.write_page(&run.record.id, token, page));
            }
            let written = try_join_all(writes).await?;
            for (page, _) in batch.iter().zip(&written).filter(|(_, written)| **written == Written::Created) {
                count_planned(run, page);
            }
            if written.contains(&Written::Refused) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Who may hear from one number alone: its place among those that are home to recipients.
fn fixed(frozen: &Frozen, selection: &Selection) -> Vec<Option<usize>> {
    let home = |number: u8| home_senders(frozen).position(|(place, _)| place == usize::from(number));
    selection.chosen_rows().map(|(_, number)| home(number).filter(|_| number != ANY)).collect()
}

/// The message that all of a planned page get.
fn message_of(run: &Run, page: &plan::Page, selection: &Selection) -> Choice {
    let choice = |entry: &plan::Entry| selection.choice_of(&run.record.spec.message, entry.candidate);
    page.entries.first().map_or(Choice::OWN, choice)
}

/// Within as long as it takes, in milliseconds.
fn beyond(mut shortage: Shortage, attempt: impl Fn(i64) -> Result<Staged, Shortage>) -> Result<Staged, Shortage> {
    let mut least = 0;
    for _ in 0..TRIES_BEYOND {
        let Some(seconds) = shortage.seconds_needed() else { break };
        let length = ((seconds * 1_000.0).ceil() as i64).max(least);
        // Quiet hours may take what was added: at least twice as long, and the night is over after a few times.
        least = 2 * length;
        match attempt(length) {
            Err(still) => shortage = still,
            planned => return planned,
        }
    }
    Err(shortage)
}

/// The part that goes first, as the run keeps it.
fn canary_pages(run: &Run, first: FirstStage, plan: &Plan) -> CanaryPages {
    let watch = run.record.spec.canary.map_or(0, |canary| canary.watch.ms());
    let deliveries = plan.pages[..first.pages].iter().map(|page| page.entries.len() as u64).sum();
    CanaryPages { pages: first.pages as u32, deliveries, watched_until: first.ends_at + watch }
}

fn count_planned(run: &Run, page: &NewPage) {
    let sender = run.frozen.as_ref().and_then(|frozen| frozen.senders.get(usize::from(page.home)));
    let number = sender.map_or("", |sender| sender.number.as_str());
    Moves::of(&run.record.spec.pool, number).count(DeliveryState::Planned, page.recipients.rows.len() as u64);
}

/// The pages of a plan, filled in.
fn pages(run: &Run, frozen: &Frozen, plan: &Plan, selection: &Selection) -> Result<Vec<NewPage>, EngineError> {
    let names = select::renderers(run)?.attributes().to_vec();
    let row = |entry: &plan::Entry| Recipient { due: entry.due, ..selection.chosen[entry.candidate as usize].clone() };
    let page = |(page, planned): (usize, &plan::Page)| NewPage {
        page: page as u32,
        home: place_of(frozen, planned.number) as u16,
        base: frozen.opens_at - BASE_LEAD_MS,
        terms: by_zone::terms(run, selection, planned),
        message: message_of(run, planned, selection),
        recipients: Recipients { names: names.clone(), rows: planned.entries.iter().map(row).collect() },
    };
    Ok(plan.pages.iter().enumerate().map(page).collect())
}

/// The numbers that are home to recipients, with their places in the run's table.
fn home_senders(frozen: &Frozen) -> impl Iterator<Item = (usize, &Sender)> {
    frozen.senders.iter().enumerate().filter(|(_, sender)| !sender.standby)
}

fn place_of(frozen: &Frozen, home: usize) -> usize {
    home_senders(frozen).nth(home).map_or(0, |(place, _)| place)
}
