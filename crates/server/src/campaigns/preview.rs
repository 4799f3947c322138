//! Preview: whom a campaign reaches, what they would see, who is dropped and why, and how many messages go out when. By
//! the rules and the planner that its run is planned with; nothing is stored.

mod sort;

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, body::Body, extract::State, http::HeaderMap};
use chrono::NaiveDateTime;
use dawncast_core::{
    UnixMs,
    campaign::{CampaignSpec, Choice, Content},
    ids::{CampaignId, NumberId, RunId},
    phone::Phone,
    plan::{self, Plan, Sender, Shortage, Staged, Terms},
    preview::{Shown, histogram, shown},
    quiet::{Clocks, Until},
    report::DropReason,
    template::Definition,
    window::Opening,
};
use dawncast_store::records::{Number, Recipient};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use self::sort::{Probe, Sorted};
use super::{capacity, check, facts::Facts, find};
use crate::{
    extract::{Id, Query, read_json},
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// Draws the times that a preview shows. A run draws its own seed when it is frozen.
const SEED: u64 = 1;
/// How many recipients are shown unless told otherwise.
const SAMPLES: usize = 3;
/// How many recipients are shown at most.
const MOST_SAMPLES: usize = 20;

/// How much of a preview is wanted.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ask {
    samples: Option<usize>,
}

impl Ask {
    fn samples(&self) -> Result<usize, Problem> {
        match self.samples.unwrap_or(SAMPLES) {
            samples if samples <= MOST_SAMPLES => Ok(samples),
            samples => Err(Problem::malformed(format!("samples is {samples}; ask for {MOST_SAMPLES} at most."))),
        }
    }
}

/// What a campaign would do.
#[derive(Debug, Serialize)]
pub(crate) struct Preview {
    window: Edges,
    /// The seed of the times below.
    seed: u64,
    recipients: Counts,
    /// Who would get which message, were service windows then as they are now.
    messages: Vec<MessageShare>,
    samples: Vec<Sample>,
    numbers: Vec<NumberShare>,
    /// `None` where the recipients do not fit.
    histogram: Option<Bars>,
    /// Why they do not fit.
    shortage: Option<String>,
    warnings: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Edges {
    opens_at: String,
    closes_at: String,
    deadline_at: String,
}

#[derive(Debug, Default, Serialize)]
struct Counts {
    rows: u64,
    planned: u64,
    dropped: u64,
    dropped_by_reason: BTreeMap<DropReason, u64>,
}

#[derive(Debug, Serialize)]
struct MessageShare {
    message: String,
    fallback: bool,
    recipients: u64,
}

/// One recipient and what the phone would show, of each message that it might get.
#[derive(Debug, Serialize)]
struct Sample {
    /// Masked.
    phone: String,
    id: Option<String>,
    tier: Option<String>,
    message: String,
    fallback: bool,
    /// `None` where the recipients do not fit, and for what this one would not get as service windows are now.
    due_at: Option<String>,
    phone_number_id: Option<NumberId>,
    #[serde(flatten)]
    shown: Shown,
}

#[derive(Debug, Serialize)]
struct NumberShare {
    phone_number_id: NumberId,
    recipients: u64,
    share: f64,
}

#[derive(Debug, Serialize)]
struct Bars {
    bucket_seconds: f64,
    buckets: Vec<Bar>,
}

#[derive(Debug, Serialize)]
struct Bar {
    from: String,
    messages: u64,
}

/// `POST /v1/campaigns/preview`: of a campaign that is not submitted yet.
pub(crate) async fn of_body(
    State(state): State<ApiState>,
    Query(ask): Query<Ask>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Preview>, Problem> {
    let (samples, (bytes, _)) = (ask.samples()?, read_json(&headers, body).await?);
    let (spec, now) = (CampaignSpec::parse(&bytes)?, state.now());
    let facts = Facts::load(&state, &spec, now, None).await?;
    let warnings = check::check(&spec, &facts, now, state.headroom)?.warnings;
    let opening = capacity::opening(&spec, &facts, now);
    let civil = facts.first.as_ref().map(|first| first.civil);
    let sheet = Sheet { spec, facts, opening, civil, headroom: state.headroom };
    Ok(Json(sheet.preview(&state, samples, warnings).await?))
}

/// `POST /v1/campaigns/{id}/preview`.
pub(crate) async fn of_campaign(
    State(state): State<ApiState>,
    Id(id): Id<CampaignId>,
    Query(ask): Query<Ask>,
) -> Result<Json<Preview>, Problem> {
    let samples = ask.samples()?;
    let campaign = find(&state, &id).await?;
    let (now, ahead) = (state.now(), campaign.ahead(state.now()));
    let zones = state.store.zones_of(&campaign.spec).await?;
    let opening = campaign.spec.opening(&ahead, &zones, campaign.created_at);
    let run = RunId::of(&id, ahead.civil, &ahead.zone);
    let facts = Facts::load(&state, &campaign.spec, now, Some(&run)).await?;
    let warnings = check::warnings(&campaign.spec, &facts);
    let sheet = Sheet { spec: campaign.spec, facts, opening, civil: Some(ahead.civil), headroom: state.headroom };
    Ok(Json(sheet.preview(&state, samples, warnings).await?))
}

/// A fault of ours.
fn broken(why: impl std::fmt::Display) -> Problem {
    tracing::error!("a preview broke off: {why}");
    Problem::new(Kind::Internal, "The preview broke off. The server's log says more.")
}

/// What is previewed.
struct Sheet {
    spec: CampaignSpec,
    facts: Facts,
    opening: Opening,
    /// What the schedule says.
    civil: Option<NaiveDateTime>,
    headroom: f64,
}

impl Sheet {
    async fn preview(self, state: &ApiState, samples: usize, warnings: Vec<String>) -> Result<Preview, Problem> {
        let Some(version) = self.facts.version.clone() else {
            let detail = format!("The audience {} holds no rows: import some first.", self.spec.audience.id);
            return Err(Problem::new(Kind::Conflict, detail));
        };
        let (sorted, clocks) = self.sort(state, &version, samples).await?;
        // Many recipients take a while: not in the way of other requests.
        tokio::task::spawn_blocking(move || self.lay_out(sorted, &clocks, warnings)).await.map_err(broken)
    }

    fn lay_out(&self, sorted: Sorted, clocks: &Clocks, mut warnings: Vec<String>) -> Preview {
        let Opening { opens_at, closes_at, deadline_at } = self.opening;
        let senders = self.senders();
        let hours = clocks.hours(opens_at, closes_at, Until::Closes);
        let terms = Terms { opens_at, closes_at, headroom: self.headroom, jitter: self.spec.jitter, hours };
        let (plan, shortage) = match self.plan(&sorted, &senders, &terms) {
            Ok(staged) => (Some(staged.plan), None),
            Err(shortage) => {
                let watch = self.spec.canary_takes();
                (None, Some(format!("{shortage}{watch}.")))
            }
        };
        let wanted = sorted.samples.iter().filter_map(|probe| Some(probe.gets?.0)).collect();
        let places = plan.as_ref().map(|plan| places(plan, &wanted)).unwrap_or_default();
        let place = |probe: &Probe, choice| {
            let (candidate, _) = probe.gets.filter(|(_, gets)| *gets == choice)?;
            places.get(&candidate).map(|(number, due)| (senders[*number].id.clone(), *due))
        };
        let of_each = |probe: &Probe| {
            let sample =
                |(choice, request): &(Choice, Value)| self.sample(&probe.row, *choice, request, place(probe, *choice));
            probe.requests.iter().map(sample).collect::<Vec<_>>()
        };
        let samples = sorted.samples.iter().flat_map(of_each).collect();
        let share = |(choice, content): (Choice, &Content)| MessageShare {
            message: content.name(),
            fallback: self.spec.message.falls_back(choice),
            recipients: sorted.messages[choice.place()],
        };
        let messages = self.spec.message.all().map(share).collect();
        warnings.extend(self.unknown());
        Preview {
            window: Edges {
                opens_at: rfc3339(opens_at),
                closes_at: rfc3339(closes_at),
                deadline_at: rfc3339(deadline_at),
            },
            seed: SEED,
            recipients: sorted.counts,
            messages,
            samples,
            numbers: plan.as_ref().map(|plan| shares(plan, &senders)).unwrap_or_default(),
            histogram: plan.as_ref().map(|plan| bars(plan, opens_at, closes_at)),
            shortage,
            warnings,
        }
    }

    /// As the run will be planned, but for its seed.
    fn plan(&self, sorted: &Sorted, senders: &[Sender], terms: &Terms) -> Result<Staged, Shortage> {
        let fixed = self.spec.message.is_free_form().then_some(sorted.fixed.as_slice());
        let messages = self.spec.message.trial().map(|_| sorted.choices.as_slice());
        let candidates = plan::Candidates { all: &sorted.candidates, fixed, messages };
        match &self.spec.canary {
            None => candidates.plan(None, senders, terms, SEED).map(Staged::whole),
            Some(canary) => candidates.plan_in_two(canary, senders, terms, SEED),
        }
    }

    /// The numbers that are home to recipients, in the order of a run's table.
    fn senders(&self) -> Vec<Sender> {
        let active = self.facts.numbers.iter().filter(|number| !number.paused);
        let sender = |n: &Number| Sender { id: n.phone_number_id.clone(), mps: n.mps, quota: None };
        let mut senders: Vec<_> = active.map(sender).collect();
        senders.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
        senders
    }

    /// The template that a message uses, as some account has it.
    fn definition(&self, message: &Content) -> Option<&Definition> {
        let message = message.template()?;
        let mut known = self.facts.templates.values().flatten().flatten();
        known.find(|definition| definition.name == message.name && definition.language == message.language)
    }

    fn unknown(&self) -> Option<String> {
        let is_unknown = |content: &Content| content.template().is_some() && self.definition(content).is_none();
        let any = self.spec.message.all().any(|(_, content)| is_unknown(content));
        any.then(|| "The template is not known here, so its text and buttons are not shown.".to_owned())
    }

    fn sample(&self, row: &Recipient, choice: Choice, request: &Value, place: Option<(NumberId, UnixMs)>) -> Sample {
        let content = self.spec.message.sent_as(choice);
        let (phone_number_id, due) = place.unzip();
        Sample {
            phone: Phone::from_digits(row.phone).map_or_else(|_| String::new(), |phone| phone.to_string()),
            id: row.id.clone(),
            tier: row.tier.clone(),
            message: content.name(),
            fallback: self.spec.message.falls_back(choice),
            due_at: due.map(rfc3339),
            phone_number_id,
            shown: shown(self.definition(content), request),
        }
    }
}

/// Number and due time of the candidates that are `wanted`.
fn places(plan: &Plan, wanted: &BTreeSet<u32>) -> BTreeMap<u32, (usize, UnixMs)> {
    let entries = plan.pages.iter().flat_map(|page| page.entries.iter().map(|entry| (page.number, entry)));
    let wanted = entries.filter(|(_, entry)| wanted.contains(&entry.candidate));
    wanted.map(|(number, entry)| (entry.candidate, (number, entry.due))).collect()
}

fn shares(plan: &Plan, senders: &[Sender]) -> Vec<NumberShare> {
    let mut counts = vec![0; senders.len()];
    plan.pages.iter().for_each(|page| counts[page.number] += page.entries.len() as u64);
    let total = counts.iter().sum::<u64>().max(1) as f64;
    let share = |(sender, recipients): (&Sender, u64)| NumberShare {
        phone_number_id: sender.id.clone(),
        recipients,
        share: recipients as f64 / total,
    };
    senders.iter().zip(counts).map(share).collect()
}

fn bars(plan: &Plan, opens_at: UnixMs, closes_at: UnixMs) -> Bars {
    let dues = plan.pages.iter().flat_map(|page| page.entries.iter().map(|entry| entry.due));
    let drawn = histogram(dues, opens_at, closes_at);
    let bar = |(messages, at): (u64, i64)| Bar { from: rfc3339(drawn.begins_at + at * drawn.width_ms), messages };
    Bars { bucket_seconds: drawn.width_ms as f64 / 1000.0, buckets: drawn.bars.into_iter().zip(0..).map(bar).collect() }
}
