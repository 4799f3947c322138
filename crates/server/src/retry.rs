//! `POST /v1/runs/{id}/retry`: a new run to those of a closed one whom the message certainly did not reach, and whom
//! another attempt may.
//!
//! *Two retries of one run* would send to the same recipients twice: so the id of a retry is that of its run and a word, it
//! exists once, and whoever asks again is shown it. What a retry in turn fails is retried by a retry of the retry.

mod consents;

use std::collections::HashSet;

use axum::{extract::State, http::StatusCode, response::Response};
use dawncast_core::{
    campaign::{AudienceRef, CampaignSpec, Choice},
    consent::Scope,
    delivery::Again,
    fault::Faults,
    ids::{AudienceId, ImportId, RunId},
    phone::Phone,
    render::Renderers,
    schedule::Schedule,
};
use dawncast_store::{
    page,
    records::{BeginImport, ImportMode, ImportWriter, Recipient, mint},
    run::{DeliveryRow, Origin, Run, RunRecord},
};
use serde::Serialize;

use self::consents::Consents;
use crate::{
    extract::Id,
    once::Created,
    problem::{Kind, Problem},
    runs,
    state::ApiState,
};
/// What a retry is answered with.
#[derive(Serialize)]
struct Started {
    #[serde(flatten)]
    run: runs::View,
    /// How many of the recipients of the first run it sends to, and how many it leaves out, and why. Null when the retry was
    /// there already.
    recipients: Option<Sorted>,
}

/// The recipients of a closed run.
#[derive(Default, Serialize)]
struct Sorted {
    retried: u64,
    reached: u64,
    /// Nobody knows whether they got it: another one may be the second.
    unconfirmed: u64,
    /// Meta withholds such messages from them: they may be sent to again when their wait is over.
    withheld: u64,
    failed_for_good: u64,
    cancelled: u64,
}

impl Sorted {
    fn count(&mut self, again: Again) {
        *match again {
            Again::Yes => &mut self.retried,
            Again::Reached => &mut self.reached,
            Again::Unconfirmed => &mut self.unconfirmed,
            Again::Withheld => &mut self.withheld,
            Again::FailedForGood => &mut self.failed_for_good,
            Again::Cancelled => &mut self.cancelled,
        } += 1;
    }
}

/// The handler.
pub(crate) async fn retry(State(state): State<ApiState>, Id(id): Id<RunId>) -> Result<Response, Problem> {
    let run = runs::find(&state, &id).await?;
    if run.closed_at.is_none() || run.record.origin == Origin::Test {
        let why = if run.closed_at.is_none() { "not closed: what failed is not known yet" } else { "a test" };
        return Err(Problem::new(Kind::Conflict, format!("The run is {why}.")));
    }
    let long = |_| Problem::new(Kind::Conflict, "The run is a retry of too many retries; start one by run-now.");
    let again: RunId = format!("{id}-retry").parse().map_err(long)?;
    if let Some(there) = state.store.run(&again).await? {
        return Ok(answer(&state, StatusCode::OK, there, None).await?.into());
    }
    let audience: AudienceId = format!("aud_{again}").parse().map_err(long)?;
    let sorted = gather(&state, &run, &audience).await?;
    if sorted.retried == 0 {
        let Sorted { reached, unconfirmed, withheld, failed_for_good, cancelled, .. } = sorted;
        let detail = format!(
            "There is nobody to send to again: {reached} were reached, {unconfirmed} are unconfirmed and may have been, \
             {withheld} wait as Meta withholds such messages from them, {failed_for_good} failed for good, {cancelled} were \
             cancelled."
        );
        return Err(Problem::new(Kind::Conflict, detail));
    }
    let (now, spec) = (state.now(), spec_for(&run.record.spec, audience));
    let record = RunRecord::beside(again.clone(), run.record.campaign, spec, Origin::Retry(id), now);
    state.store.create_run_beside(&record).await?;
    tracing::info!(run.id = %again, "run {again} is started by request, to {} recipients", sorted.retried);
    let run = runs::find(&state, &again).await?;
    Ok(answer(&state, StatusCode::CREATED, run, Some(sorted)).await?.into())
}

async fn answer(
    state: &ApiState,
    status: StatusCode,
    run: Run,
    recipients: Option<Sorted>,
) -> Result<Created, Problem> {
    Ok(Created::with(status, &Started { run: runs::view(state, run).await?, recipients }))
}

/// What the run said, to the recipients chosen, at once.
fn spec_for(spec: &CampaignSpec, audience: AudienceId) -> CampaignSpec {
    CampaignSpec {
        audience: AudienceRef::whole(audience),
        schedule: Schedule::Now { timezone: spec.schedule.zone() },
        canary: None,
        ..spec.clone()
    }
}

/// Writes the audience of those who are sent to again, page by page, as the run's pages have them.
async fn gather(state: &ApiState, run: &Run, audience: &AudienceId) -> Result<Sorted, Problem> {
    let (names, message) = (attributes(&run.record.spec)?, &run.record.spec.message);
    let consents = Consents::read(state, run).await?;
    let mut writer = own_audience(state, audience).await?;
    let mut sorted = Sorted::default();
    for page in 0..run.pages {
        let rows = state.store.deliveries(run, page, state.now()).await?.unwrap_or_default();
        let waiting = waiting(state, run, &rows).await?;
        for row in rows {
            let again = match Again::of(row.state, &row.record) {
                Again::Withheld if !waiting.contains(&row.recipient.phone) => Again::Yes,
                again => again,
            };
            sorted.count(again);
            if again == Again::Yes {
                let scope = Scope::of(message.sent_as(row.message));
                let consent = consents.of(row.recipient.phone, scope);
                writer.push(sorted.retried, recipient(&names, consent, row.recipient)).await?;
            }
        }
        writer.beat(state.now()).await?;
    }
    if sorted.retried == 0 {
        writer.fail("there is nobody to send to again", state.now()).await?;
    } else {
        writer.finish(names.into_iter().collect(), || state.now()).await?;
    }
    Ok(sorted)
}

/// Those of `rows` from whom Meta withholds what they were to get, still.
async fn waiting(state: &ApiState, run: &Run, rows: &[DeliveryRow]) -> Result<HashSet<u64>, Problem> {
    let withheld = rows.iter().filter(|row| Again::of(row.state, &row.record) == Again::Withheld);
    let of = |row: &DeliveryRow| Some((Phone::from_digits(row.recipient.phone).ok()?, row.message));
    let (phones, messages): (Vec<Phone>, Vec<Choice>) = withheld.filter_map(of).unzip();
    let known = state.store.withheld(&phones).await?;
    let waits = phones.iter().zip(messages).zip(known).filter(|((_, message), known)| {
        let scope = Scope::of(run.record.spec.message.sent_as(*message));
        known.is_some_and(|known| known.refuses(scope, state.now()).is_some())
    });
    Ok(waits.map(|((phone, _), _)| phone.digits()).collect())
}

/// The attributes that the messages use, in the order in which pages keep them.
fn attributes(spec: &CampaignSpec) -> Result<Vec<String>, Problem> {
    let renderers = Renderers::compile(&spec.message).map_err(|faults: Faults| Problem::from(faults))?;
    Ok(renderers.attributes().to_vec())
}

/// The suppression list is asked anew.
fn recipient(names: &[String], consent: Option<String>, row: page::Recipient) -> Recipient {
    let given = |text: String| Some(text).filter(|text| !text.is_empty());
    let values = names.iter().cloned().zip(row.values).filter_map(|(name, value)| Some((name, value?)));
    // Those two are no attributes, but a message may use them.
    let attributes = values.filter(|(name, _)| !["id", "tier"].contains(&name.as_str())).collect();
    Recipient {
        phone: row.phone,
        id: given(row.id),
        tier: given(row.tier),
        timezone: None,
        consent,
        user_id: None,
        attributes,
    }
}

/// Starts writing the audience that one run alone has: it is on no list, and goes with the run.
pub(crate) async fn own_audience(state: &ApiState, audience: &AudienceId) -> Result<Box<ImportWriter>, Problem> {
    let id: ImportId = format!("imp_{}", mint()).parse().expect("minted ids are plain");
    match state.store.begin_import(audience, &id, ImportMode::Replace, state.now()).await? {
        BeginImport::Started(writer) => Ok(Box::new(writer.with_scratch(state.scratch.clone()))),
        // It is gone with the run that it belonged to: whatever asks for it comes too late.
        BeginImport::Gone => Err(Problem::no_such("audience", audience.as_str())),
        BeginImport::Busy(_) => Err(Problem::new(Kind::InProgress, "The same call is in progress; ask again.")),
    }
}
