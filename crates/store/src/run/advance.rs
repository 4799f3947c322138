//! How a run comes to be and moves on: each step once, under its guard.

use dawncast_core::{UnixMs, canary::CanaryVerdict, ids::RunId};
use redis::AsyncCommands;

use super::{CanaryJudged, CanaryPages, Frozen, Hold, Moved, Notice, Run, RunRecord, RunState};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

static CREATE: Script = script!("create.lua");
static ADVANCE: Script = script!("advance.lua", allow_oom);
static CANARY: Script = script!("canary.lua", allow_oom);

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Advanced {
    /// The run moved.
    Moved,
    /// It was there already: someone else took the same step.
    Present,
    /// It is somewhere else; the step is void.
    Refused,
}

/// The field that must hold a value for a step to be taken.
struct Expected<'a>(&'a str, &'a str);

/// A run that was never edited has no such field.
fn edits_field(edits: u32) -> String {
    if edits == 0 { String::new() } else { edits.to_string() }
}

fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("records are plain data")
}

impl Store {
    /// Creates a run; false when it exists. Indexed first: an index entry too many is harmless, one too few is a
    /// morning without messages. Then it takes over the holds that stand, so that a stop answered while the run was
    /// being created holds it too.
    pub async fn create_run(&self, run: &RunRecord) -> Result<bool, StoreError> {
        let mut hot = self.hot.clone();
        self.index_run(run).await?;
        let _: () = hot.sadd(self.keys.active_runs(), run.id.as_str()).await?;
        let created: i64 = CREATE.key(self.keys.run(&run.id)).arg(json(run)).invoke_async(&mut hot).await?;
        self.take_over_holds(&run.id, &run.spec.pool).await?;
        Ok(created == 1)
    }

    /// Lists a run where its window opens.
    pub(super) async fn index_run(&self, run: &RunRecord) -> Result<(), StoreError> {
        let (mut hot, id, opens_at) = (self.hot.clone(), run.id.as_str(), run.opening.opens_at);
        let _: () = hot.zadd(self.keys.runs(), id, opens_at).await?;
        Ok(hot.zadd(self.keys.campaign_runs(&run.campaign), id, opens_at).await?)
    }

    /// Freeze: pins the audience and all that planning depends on. Refused when the run was edited since it was read as
    /// edited `edits` times: what was found out is about what it was before. `rotated` is the run with
    /// other versions of its templates, where these go out.
    pub async fn freeze_run(
        &self,
        run: &RunId,
        edits: u32,
        frozen: &Frozen,
        begin_until: Option<UnixMs>,
        rotated: Option<&RunRecord>,
    ) -> Result<Advanced, StoreError> {
        let until = begin_until.map(|at| at.to_string()).unwrap_or_default();
        let mut fields = vec![
            ("frozen", json(frozen)),
            ("plan_token", frozen.plan_token.clone()),
            ("begin_from", frozen.opens_at.to_string()),
            ("begin_until", until),
            ("waits_for", String::new()),
        ];
        fields.extend(rotated.map(|record| ("record", json(record))));
        let edits = edits_field(edits);
        let unedited = Expected("edits", &edits);
        self.advance(run, &[RunState::Scheduled], RunState::Frozen, Some(unedited), &fields).await
    }

    /// Plan: all pages of the plan that `token` names are written.
    pub async fn planned_run(
        &self,
        run: &RunId,
        token: &str,
        pages: u32,
        canary: Option<&CanaryPages>,
    ) -> Result<Advanced, StoreError> {
        let expected = Expected("plan_token", token);
        let mut fields = vec![("pages", pages.to_string()), ("waits_for", String::new())];
        fields.extend(canary.map(|canary| ("canary", json(canary))));
        self.advance(run, &[RunState::Frozen], RunState::Planned, Some(expected), &fields).await
    }

    /// Preflight: the run may go, with what a person should know.
    pub async fn ready_run(&self, run: &RunId, remarks: &[String]) -> Result<Advanced, StoreError> {
        let fields = [("remarks", json(&remarks)), ("waits_for", String::new())];
        self.advance(run, &[RunState::Planned], RunState::Ready, None, &fields).await
    }

    /// Open: the run's pages are in their lane. People are told in the same step.
    pub async fn open_run(&self, run: &RunId, now: UnixMs, notice: Option<&Notice>) -> Result<Advanced, StoreError> {
        self.list_notice(run, notice, now).await?;
        let told = notice.map(|notice| (notice.field(), notice.body.clone()));
        let mut fields = vec![("opened_at", now.to_string())];
        fields.extend(told.iter().map(|(field, body)| (field.as_str(), body.clone())));
        self.advance(run, &[RunState::Ready], RunState::Open, None, &fields).await
    }

    /// The verdict on a run's canary, once. A run whose canary has failed is paused in the same step, says what it waits for,
    /// and people are told.
    pub async fn judge_canary(
        &self,
        run: &RunId,
        judged: &CanaryJudged,
        waits_for: &str,
        notice: Option<&Notice>,
        now: UnixMs,
    ) -> Result<Advanced, StoreError> {
        self.list_notice(run, notice, now).await?;
        let mut call = CANARY.key(self.keys.run(run));
        call.arg(json(judged));
        if judged.verdict == CanaryVerdict::Failed {
            call.arg(Hold::Run.field()).arg("1").arg("waits_for").arg(waits_for);
        }
        if let Some(notice) = notice {
            call.arg(notice.field()).arg(&notice.body);
        }
        Ok(advanced(call.invoke_async(&mut self.hot.clone()).await?))
    }

    /// Cancel: no begin succeeds any more. Refused when the run is closed.
    pub async fn cancel_run(&self, run: &RunId, now: UnixMs) -> Result<Advanced, StoreError> {
        let open = [RunState::Scheduled, RunState::Frozen, RunState::Planned, RunState::Ready, RunState::Open];
        self.advance(run, &open, RunState::Cancelled, None, &[("cancelled_at", now.to_string())]).await
    }

    /// Moves an edited campaign away from a run that waits for freeze: the run is cancelled, and keeps where its campaign
    /// goes in the same step, so that whoever sees it can finish the [move](Self::finish_move). Refused once it is frozen.
    pub(super) async fn leave_run(&self, run: &Run, moved: &Moved, now: UnixMs) -> Result<Advanced, StoreError> {
        let edits = edits_field(run.edits);
        let fields = [("cancelled_at", now.to_string()), ("moved", json(moved))];
        let unedited = Expected("edits", &edits);
        self.advance(&run.record.id, &[RunState::Scheduled], RunState::Cancelled, Some(unedited), &fields).await
    }

    /// Close: the final verdict. People are told in the same step. The run is still among the active ones until it is
    /// [retired](Self::retire_run).
    pub async fn close_run(
        &self,
        run: &RunId,
        verdict: &str,
        now: UnixMs,
        notice: Option<&Notice>,
    ) -> Result<Advanced, StoreError> {
        self.list_notice(run, notice, now).await?;
        let from = &RunState::ALL[..6];
        let told = notice.map(|notice| (notice.field(), notice.body.clone()));
        let mut fields = vec![("verdict", verdict.to_owned()), ("closed_at", now.to_string())];
        fields.extend(told.iter().map(|(field, body)| (field.as_str(), body.clone())));
        self.advance(run, from, RunState::Closed, None, &fields).await
    }

    /// Takes a run off the list of active ones: the last thing that is done for a closed one, so that whoever dies
    /// before it leaves the rest to others.
    pub async fn retire_run(&self, run: &RunId) -> Result<(), StoreError> {
        Ok(self.hot.clone().srem(self.keys.active_runs(), run.as_str()).await?)
    }

    /// Notes something about a run that guards nothing, such as the provisional verdict.
    pub async fn note_run(&self, run: &RunId, field: &'static str, text: &str) -> Result<(), StoreError> {
        Ok(self.hot.clone().hset(self.keys.run(run), field, text).await?)
    }

    async fn advance(
        &self,
        run: &RunId,
        from: &[RunState],
        to: RunState,
        expected: Option<Expected<'_>>,
        fields: &[(&str, String)],
    ) -> Result<Advanced, StoreError> {
        let Expected(field, value) = expected.unwrap_or(Expected("", ""));
        let mut call = ADVANCE.key(self.keys.run(run));
        call.arg(to.as_str()).arg(field).arg(value).arg(from.len());
        for state in from {
            call.arg(state.as_str());
        }
        for (field, value) in fields {
            call.arg(field).arg(value);
        }
        Ok(advanced(call.invoke_async(&mut self.hot.clone()).await?))
    }
}

/// What a script says of a step.
fn advanced(code: i64) -> Advanced {
    match code {
        1 => Advanced::Moved,
        2 => Advanced::Present,
        _ => Advanced::Refused,
    }
}
