//! `GET /v1/doctor`: whether what runs depend on is well, each with evidence and remedy. Looked at by the engine, which the
//! binary hands over, and judged by `dawncast_core`.

use std::time::Duration;

use axum::{Json, extract::State};
use dawncast_core::{
    doctor::{Finding, Outcome, Ward, worst},
    ids::{CampaignId, RunId},
};
use serde::{Deserialize, Serialize};

use crate::{
    extract::Query,
    problem::{Kind, Problem},
    state::ApiState,
    time::rfc3339,
};

/// Meta may be slow about each number. Well below what callers and proxies wait for.
const PATIENCE: Duration = Duration::from_secs(50);

/// What is looked at: all, unless one of these is named.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    run: Option<String>,
    campaign: Option<String>,
}

impl Which {
    fn ward(&self) -> Result<Ward, Problem> {
        match (&self.run, &self.campaign) {
            (None, None) => Ok(Ward::All),
            (Some(run), None) => run.parse::<RunId>().map(Ward::Run).map_err(|_| Problem::no_such("run", run)),
            (None, Some(campaign)) => {
                campaign.parse::<CampaignId>().map(Ward::Campaign).map_err(|_| Problem::no_such("campaign", campaign))
            }
            (Some(_), Some(_)) => Err(Problem::malformed("Give `run` or `campaign`, not both.")),
        }
    }
}

/// Everything that was found.
#[derive(Serialize)]
pub(crate) struct Report {
    /// The worst of them.
    outcome: Outcome,
    at: String,
    findings: Vec<Finding>,
}

/// `GET /v1/doctor?run=&campaign=`
pub(crate) async fn examine(
    State(state): State<ApiState>,
    Query(which): Query<Which>,
) -> Result<Json<Report>, Problem> {
    let ward = which.ward()?;
    let unavailable = |detail| Problem::new(Kind::Unavailable, detail);
    let Some(doctor) = &state.doctor else { return Err(unavailable("This process has no doctor.")) };
    let examined = tokio::time::timeout(PATIENCE, doctor(ward)).await;
    let findings = match examined {
        Ok(Ok(Some(findings))) => findings,
        Ok(Ok(None)) => {
            let (what, id) = if which.run.is_some() { ("run", &which.run) } else { ("campaign", &which.campaign) };
            return Err(Problem::no_such(what, id.as_deref().unwrap_or_default()));
        }
        Ok(Err(why)) => {
            tracing::warn!("the doctor could not look: {why}");
            return Err(unavailable(
                "Redis does not answer, or what it has cannot be read. The server's log says more.",
            ));
        }
        Err(_) => {
            return Err(unavailable("Meta takes too long to answer. Try again; what it has said is kept a minute."));
        }
    };
    Ok(Json(Report { outcome: worst(&findings), at: rfc3339(state.now()), findings }))
}
