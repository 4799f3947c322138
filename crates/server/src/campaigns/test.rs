//! `POST /v1/campaigns/{id}/test`: what a campaign says, sent now to named phones alone.
//!
//! It takes the way that every message takes, as a run of its own: so it is held by what holds the campaign's runs, spends
//! rate credit, and its receipts are followed. Nothing of it counts for the campaign, and people are told nothing of it.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{body::Body, extract::State, http::HeaderMap, response::Response};
use dawncast_cloud_api::ErrorEntry;
use dawncast_core::{
    campaign::{AudienceRef, CampaignSpec, Jitter, Then, UnconfirmedSpec},
    delivery::DeliveryState,
    fault::Faults,
    ids::{AudienceId, CampaignId, RunId},
    phone::Phone,
    window::{Offset, Window},
};
use dawncast_store::{
    records::Recipient,
    run::{DeliveryRow, Origin, RunRecord},
};
use serde::Serialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::{
    beside::{at_once, beside_id},
    find,
};
use crate::{
    extract::{Id, read_json},
    form::Form,
    once::{Created, Once},
    problem::Problem,
    retry::own_audience,
    runs,
    state::ApiState,
};

/// The most phones of one test.
const MAX_PHONES: usize = 20;

/// How often it looks.
const LOOK: Duration = Duration::from_millis(200);

/// What a test is answered with.
#[derive(Serialize)]
struct Tested {
    /// Its run; what becomes of it later, it says.
    run: RunId,
    /// What a person has to mend before it goes on.
    waits_for: Option<String>,
    results: Vec<Line>,
}

/// What came of one phone.
#[derive(Serialize)]
struct Line {
    phone: String,
    /// A state of a delivery, `dropped` with its reason, or `waiting` when the answer would not wait any longer.
    state: &'static str,
    message_id: Option<String>,
    code: Option<u32>,
    /// What the code means with what to do, or why it was dropped.
    detail: Option<String>,
}

/// What was asked for.
struct Wanted {
    phones: Vec<Phone>,
    /// The phone or the id of one in the audience, with whose attributes it is rendered.
    recipient: Option<String>,
    attributes: BTreeMap<String, String>,
}

fn read(body: Value) -> Result<Wanted, Problem> {
    let mut form = Form::new(body)?;
    let to = form.required::<Vec<String>>("to").unwrap_or_default();
    if form.faults.is_empty() && !(1..=MAX_PHONES).contains(&to.len()) {
        form.fault("to", format!("names {} phones; name 1 to {MAX_PHONES}.", to.len()));
    }
    let mut phones: Vec<Phone> = Vec::new();
    for (place, text) in to.iter().enumerate() {
        match text.parse::<Phone>() {
            Ok(phone) if phones.iter().any(|earlier| earlier.digits() == phone.digits()) => {
                form.fault(&format!("to/{place}"), "is named already; name each phone once.");
            }
            Ok(phone) => phones.push(phone),
            Err(why) => form.fault(&format!("to/{place}"), format!("{why}.")),
        }
    }
    let recipient = form.optional::<String>("recipient");
    let attributes = form.optional::<BTreeMap<String, String>>("attributes");
    if recipient.is_some() && attributes.is_some() {
        form.fault("attributes", "is given beside `recipient`; give one of them.");
    }
    form.finish(Some(Wanted { phones, recipient, attributes: attributes.unwrap_or_default() }))
}

/// The handler.
pub(crate) async fn test(
    State(state): State<ApiState>,
    once: Once,
    Id(id): Id<CampaignId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let (bytes, body) = read_json(&headers, body).await?;
    let wanted = read(body)?;
    let send = async |minted: String| {
        let campaign = find(&state, &id).await?;
        let template = template(&state, &campaign.spec.audience.id, wanted.recipient, wanted.attributes).await?;
        let run = beside_id(&id, "test", &minted);
        let audience: AudienceId = format!("aud_{run}").parse().expect("ids of runs beside the schedule are short");
        // An earlier try of this very call may have started it, and then died.
        if state.store.run(&run).await?.is_none() {
            let mut writer = own_audience(&state, &audience).await?;
            for (line, phone) in (1..).zip(&wanted.phones) {
                writer.push(line, Recipient { phone: phone.digits(), ..template.clone() }).await?;
            }
            writer.finish(template.attributes.keys().cloned().collect(), || state.now()).await?;
            let spec = spec_for(&campaign.spec, audience);
            let record = RunRecord::beside(run.clone(), id.clone(), spec, Origin::Test, state.now());
            state.store.create_run_beside(&record).await?;
            tracing::info!(run.id = %run, campaign.id = %id, "run {run} is started by request: a test");
        }
        Ok(Created::new(&outcome(&state, run, &wanted.phones).await?))
    };
    once.create(&state, &bytes, send).await
}

/// What the campaign says, now and to these alone, whatever the hour. A test that nobody knows the end of is not sent again.
fn spec_for(spec: &CampaignSpec, audience: AudienceId) -> CampaignSpec {
    CampaignSpec {
        audience: AudienceRef::whole(audience),
        window: Window {
            opens: Offset::seconds(0),
            closes: Offset::seconds(5),
            deadline: Offset::seconds(60),
            ..Window::default()
        },
        jitter: Jitter::Uniform,
        canary: None,
        unconfirmed: UnconfirmedSpec { then: Then::GiveUp, ..spec.unconfirmed },
        max_defects: 1.0,
        ..at_once(spec)
    }
}

/// The row that each phone gets.
async fn template(
    state: &ApiState,
    audience: &AudienceId,
    recipient: Option<String>,
    attributes: BTreeMap<String, String>,
) -> Result<Recipient, Problem> {
    let Some(wanted) = recipient else {
        let none = (None, None, None, None, None);
        let (id, tier, timezone, consent, user_id) = none;
        return Ok(Recipient { phone: 0, id, tier, timezone, consent, user_id, attributes });
    };
    let phone = wanted.parse::<Phone>().ok().map(Phone::digits);
    if let Some(version) = state.store.audience_version(audience).await? {
        let mut rows = state.store.rows(audience, &version);
        while let Some(rows) = rows.next().await? {
            let is_it = |row: &&Recipient| row.id.as_ref() == Some(&wanted) || Some(row.phone) == phone;
            if let Some(row) = rows.iter().find(is_it) {
                return Ok(row.clone());
            }
        }
    }
    let detail = format!("the audience has nobody with the phone or the id `{wanted}`.");
    Err(Faults::one("/recipient", detail).into())
}

/// What came of the phones, once something has of each, or patience is at its end.
async fn outcome(state: &ApiState, run: RunId, phones: &[Phone]) -> Result<Tested, Problem> {
    let until = Instant::now() + state.test_patience;
    loop {
        let now = state.now();
        let there = runs::find(state, &run).await?;
        let mut lines = Vec::new();
        for page in 0..there.pages {
            for row in state.store.deliveries(&there, page, now).await?.unwrap_or_default() {
                lines.extend(line(state, row).await?);
            }
        }
        lines.extend(state.store.dropped(&run).await?.into_iter().map(|row| Line {
            phone: format!("+{}", row.phone),
            state: "dropped",
            message_id: None,
            code: None,
            detail: Some(format!("{}: {}", row.reason, row.detail)),
        }));
        let over = there.waits_for.is_some() || there.closed_at.is_some() || Instant::now() >= until;
        if lines.len() >= phones.len() || over {
            return Ok(Tested { run, waits_for: there.waits_for, results: all(lines, phones) });
        }
        sleep(LOOK).await;
    }
}

/// What is known of a delivery, once it says something.
async fn line(state: &ApiState, row: DeliveryRow) -> Result<Option<Line>, Problem> {
    if matches!(row.state, DeliveryState::Planned | DeliveryState::Sending) {
        return Ok(None);
    }
    let story = state.store.delivery(&row.id, state.now()).await?.map(|(_, story)| story).unwrap_or_default();
    let code = Some(row.record.code).filter(|code| *code != 0);
    Ok(Some(Line {
        phone: format!("+{}", row.recipient.phone),
        state: row.state.as_str(),
        message_id: story.iter().rev().find_map(|attempt| attempt.message_id.clone()),
        code,
        detail: code.and_then(|code| ErrorEntry::of(i64::from(code))).map(|entry| entry.hint().to_owned()),
    }))
}

/// A line for each phone, in the order asked.
fn all(mut lines: Vec<Line>, phones: &[Phone]) -> Vec<Line> {
    let known: BTreeSet<_> = lines.iter().map(|line| line.phone.clone()).collect();
    let named: Vec<_> = phones.iter().map(|phone| format!("+{}", phone.digits())).collect();
    let waiting =
        |phone: &String| Line { phone: phone.clone(), state: "waiting", message_id: None, code: None, detail: None };
    lines.extend(named.iter().filter(|phone| !known.contains(*phone)).map(waiting));
    lines.sort_by_key(|line| named.iter().position(|phone| *phone == line.phone));
    lines
}
