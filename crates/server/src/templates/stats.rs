//! What came of a template and of its versions, over the runs of a period: from the reports that were kept when they closed.

use std::collections::BTreeMap;

use axum::{Json, extract::State};
use dawncast_core::{
    campaign::Category,
    price::{Cost, Prices},
    report::MessageLine,
};
use serde::{Deserialize, Serialize};

use super::find;
use crate::{
    extract::{Id, Query},
    problem::Problem,
    state::ApiState,
    time::rfc3339,
};

/// So many days are looked at unless told otherwise, and at most.
const DAYS: u16 = 31;
const MOST_DAYS: u16 = 92;
/// So many runs at most: they are read one by one.
const RUNS: usize = 2_000;
const DAY_MS: i64 = 24 * 3_600_000;

/// Which template, and how far back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Asked {
    language: Option<String>,
    days: Option<u16>,
}

/// The statistics of a template's versions.
#[derive(Serialize)]
pub(crate) struct View {
    name: String,
    language: String,
    from: String,
    to: String,
    /// In the order in which they go out; what is tried beside them comes last.
    versions: Vec<Line>,
}

/// One version's. Shares are of those that were sent or more.
#[derive(Serialize, Default)]
struct Line {
    version: String,
    /// In how many runs it went out.
    runs: u64,
    /// To how many.
    recipients: u64,
    /// Accepted by Meta, or more.
    sent: u64,
    delivered: u64,
    read: u64,
    failed: u64,
    /// Read, of those delivered: read receipts may be off.
    read_share: Option<f64>,
    failed_share: Option<f64>,
    /// By the configured prices; none where these say nothing of its category. A version's messages in a service window may
    /// have cost less: the bill is Meta's.
    cost: Option<Cost>,
    /// How often each error code was the reason.
    failures: BTreeMap<u32, u64>,
    #[serde(skip)]
    delivered_by_country: BTreeMap<String, u64>,
    #[serde(skip)]
    category: Option<Category>,
}

impl Line {
    fn add(&mut self, told: &MessageLine) {
        let totals = &told.part.totals;
        self.runs += 1;
        self.recipients += totals.submitted;
        self.sent += totals.reached();
        self.delivered += totals.arrived();
        self.read += totals.read;
        self.failed += totals.failed;
        self.category = told.category.or(self.category);
        told.count_delivered(&mut self.delivered_by_country);
        told.part.failures.iter().for_each(|it| *self.failures.entry(it.code).or_default() += it.count);
    }

    fn finish(mut self, prices: &Prices) -> Self {
        self.cost = self.category.and_then(|category| prices.cost(category, &self.delivered_by_country));
        let share = |part: u64, all: u64| (all > 0).then(|| part as f64 / all as f64);
        self.read_share = share(self.read, self.delivered);
        self.failed_share = share(self.failed, self.sent + self.failed);
        self
    }
}

/// `GET /v1/templates/{name}/stats?language=&days=`
pub(crate) async fn stats(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(asked): Query<Asked>,
) -> Result<Json<View>, Problem> {
    let days = asked.days.unwrap_or(DAYS);
    if !(1..=MOST_DAYS).contains(&days) {
        return Err(Problem::malformed(format!("`days` must lie between 1 and {MOST_DAYS}.")));
    }
    let ((name, language), _) = find(&state, &name, asked.language.as_deref()).await?;
    let (to, rotation) = (state.now(), state.store.rotation(&name, &language).await?);
    let from = to - i64::from(days) * DAY_MS;
    let tried = rotation.trial.as_ref().map(|trial| trial.version.as_str());
    let line = |version: &str| Line { version: version.to_owned(), ..Line::default() };
    let mut lines: Vec<Line> = rotation.in_order().filter(|it| Some(*it) != tried).chain(tried).map(line).collect();
    let runs = state.store.runs_from(None, RUNS).await?;
    for (_, run) in runs.into_iter().filter(|(opens_at, _)| (from..to).contains(opens_at)) {
        let Some(report) = state.store.kept_report(&run).await? else { continue };
        for told in report.by_message.iter().filter(|told| told.part.totals.submitted > 0) {
            let Some(line) = lines.iter_mut().find(|line| told.message == format!("template {}", line.version)) else {
                continue;
            };
            line.add(told);
        }
    }
    let versions = lines.into_iter().map(|line| line.finish(&state.prices)).collect();
    Ok(Json(View { name, language, from: rfc3339(from), to: rfc3339(to), versions }))
}
