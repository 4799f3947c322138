//! `dawncast run`: one occurrence of a campaign.

use std::{io::Write, time::Duration};

use chrono_tz::Tz;
use clap::Subcommand;
use dawncast_core::report::Totals;
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::listing::{self, Paging};
use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::{cell, details, field, time_cell, zone_at},
    report, watch,
};

/// Runs: one occurrence of a campaign.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List runs, the latest to open first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show where a run stands.
    Show {
        /// Its id.
        id: String,
    },
    /// Look now whether the run would go: numbers, templates, the audience, its rows, the window.
    Check {
        /// Its id.
        id: String,
    },
    /// Begin nothing more until the run is resumed.
    Pause {
        /// Its id.
        id: String,
    },
    /// Let a paused run go on.
    Resume {
        /// Its id.
        id: String,
    },
    /// End a run for good; what is on the wire still counts.
    Cancel {
        /// Its id.
        id: String,
    },
    /// Send again to those of a closed run whom it certainly did not reach.
    Retry {
        /// Its id.
        id: String,
    },
    /// Show what came of it.
    Report {
        /// Its id.
        id: String,
    },
    /// List who got what.
    Deliveries(Deliveries),
    /// Follow it until it is closed.
    Watch {
        /// Its id.
        id: String,
    },
}

#[derive(Debug, clap::Args)]
struct Deliveries {
    /// The run's id.
    id: String,
    /// Only those to this phone.
    #[arg(long)]
    phone: Option<String>,
    /// Only those of this recipient id.
    #[arg(long)]
    recipient_id: Option<String>,
    /// Only those in this state.
    #[arg(long)]
    state: Option<String>,
    /// Print all of them as CSV.
    #[arg(long, conflicts_with_all = ["json", "limit", "cursor"])]
    csv: bool,
    #[command(flatten)]
    paging: Paging,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let run = match args.action {
        Action::List { paging } => return list(remote, &api, &paging).await,
        Action::Deliveries(which) => return deliveries(remote, &api, which).await,
        Action::Report { id } => {
            let zone = zone_of(&api, &api.get(&["v1", "runs", &id], &[]).await?).await?;
            let report = api.get(&["v1", "runs", &id, "report"], &[]).await?;
            let text = report::text(&report, zone)?;
            remote.show(&report, |_| text);
            return Ok(());
        }
        Action::Watch { id } => {
            let zone = zone_of(&api, &api.get(&["v1", "runs", &id], &[]).await?).await?;
            return watch::and_report(&api, &id, zone, remote.json).await;
        }
        Action::Check { id } => return check(remote, &api, &id).await,
        Action::Show { id } => api.get(&["v1", "runs", &id], &[]).await?,
        Action::Pause { id } => api.post(&["v1", "runs", &id, "pause"]).await?,
        Action::Resume { id } => api.post(&["v1", "runs", &id, "resume"]).await?,
        Action::Cancel { id } => api.post(&["v1", "runs", &id, "cancel"]).await?,
        Action::Retry { id } => api.post(&["v1", "runs", &id, "retry"]).await?,
    };
    let zone = zone_of(&api, &run).await?;
    remote.show(&run, |run| people(run, zone));
    Ok(())
}

/// The zone that the run's campaign tells its times in.
async fn zone_of(api: &Api, run: &Value) -> Result<Tz, Failure> {
    let campaign = run["campaign"].as_str().unwrap_or_default();
    let campaign = api.get(&["v1", "campaigns", campaign], &[]).await?;
    Ok(zone_at(&campaign, "/spec/schedule/timezone"))
}

/// How long a scheduler may take to make a check that was asked for.
const PATIENCE: Duration = Duration::from_secs(60);
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Asks for a check and waits for what it finds; refused when the run would be held.
async fn check(remote: &Remote, api: &Api, id: &str) -> Result<(), Failure> {
    let before = last_check(&api.post(&["v1", "runs", id, "check"]).await?);
    let asked = Instant::now();
    let found = loop {
        match answer(&api.get(&["v1", "runs", id], &[]).await?, before.as_ref()) {
            Answer::Found(found) => break found,
            Answer::Overtaken(state) => {
                let why = "was frozen before it was checked";
                return Err(Failure::new(format!("run {id} {why}, and is {state}: preflight looks at it from now on")));
            }
            Answer::None if asked.elapsed() > PATIENCE => {
                return Err(Failure::new(format!("no scheduler has checked {id} within {PATIENCE:?}: does one run?")));
            }
            Answer::None => sleep(LOOK_EVERY).await,
        }
    };
    remote.show(&found, |found| found_in_words(id, found));
    if found["would_go"] == true { Ok(()) } else { Err(Failure::new(format!("run {id} would be held"))) }
}

/// What has come of a check that was asked for.
#[derive(Debug, PartialEq)]
enum Answer {
    None,
    Found(Value),
    /// *The run is frozen while its check is asked for*: there will be none.
    Overtaken(String),
}

fn answer(run: &Value, before: Option<&Value>) -> Answer {
    let state = run["state"].as_str().unwrap_or_default();
    match last_check(run).filter(|now| before != Some(now)) {
        Some(found) => Answer::Found(found),
        None if state != "scheduled" => Answer::Overtaken(state.to_owned()),
        None => Answer::None,
    }
}

fn last_check(run: &Value) -> Option<Value> {
    run["checks"].as_array()?.last().cloned()
}

fn found_in_words(id: &str, found: &Value) -> String {
    let lines = |name: &str| found[name].as_array().into_iter().flatten().filter_map(Value::as_str);
    let head = if found["would_go"] == true { "would go" } else { "would be held" };
    let holds = lines("holds").map(|why| format!("\nmend: {why}"));
    let remarks = lines("remarks").map(|remark| format!("\nnote: {remark}"));
    format!("Run {id} {head}, as things stand.{}", holds.chain(remarks).collect::<String>())
}

async fn list(remote: &Remote, api: &Api, paging: &Paging) -> Result<(), Failure> {
    let table = (["ID", "STATE", "HOLDS", "OPENS", "DEADLINE"], "There are no runs.");
    let cells = |run: &Value| {
        let [id, state, holds] = ["/id", "/state", "/holds"].map(|field| cell(run, field));
        // The list spans campaigns, so its times have one zone.
        let [opens, deadline] =
            ["opens_at", "deadline_at"].map(|edge| time_cell(run, &format!("/window/{edge}"), Tz::UTC));
        [id, state, holds, opens, deadline]
    };
    listing::show(remote, api, &["v1", "runs"], &paging.query(), table, cells).await
}

async fn deliveries(remote: &Remote, api: &Api, which: Deliveries) -> Result<(), Failure> {
    let Deliveries { id, phone, recipient_id, state, csv, paging } = which;
    let mut query = vec![("phone", phone), ("recipient_id", recipient_id), ("state", state)];
    let path = ["v1", "runs", &id, "deliveries"];
    if csv {
        let mut response = api.get_csv(&path, &query).await?;
        while let Some(piece) =
            response.chunk().await.map_err(|why| Failure::new(format!("the list broke off: {why}")))?
        {
            if std::io::stdout().write_all(&piece).is_err() {
                break;
            }
        }
        return Ok(());
    }
    query.extend(paging.query());
    let zone = zone_of(api, &api.get(&["v1", "runs", &id], &[]).await?).await?;
    let heads = ["ID", "PHONE", "RECIPIENT", "STATE", "REASON", "CODE", "ATTEMPTS", "SENT", "DELIVERED"];
    let cells = |it: &Value| {
        let fields = ["/id", "/phone", "/recipient_id", "/state", "/reason", "/attempts"];
        let [id, phone, recipient, state, reason, attempts] = fields.map(|field| cell(it, field));
        let code = it["code"].as_u64().map_or_else(String::new, |code| code.to_string());
        let [sent, delivered] = ["/sent_at", "/delivered_at"].map(|at| time_cell(it, at, zone));
        [id, phone, recipient, state, reason, code, attempts, sent, delivered]
    };
    listing::show(remote, api, &path, &query, (heads, "There are none."), cells).await
}

/// What a retry makes of the recipients of the first run.
fn recipients(run: &Value) -> Option<String> {
    let counts = run.get("recipients")?.as_object()?;
    let parts = counts.iter().map(|(what, count)| format!("{count} {}", what.replace('_', " ")));
    Some(parts.collect::<Vec<_>>().join(", "))
}

fn totals(run: &Value) -> Option<String> {
    let totals = Totals::deserialize(run.get("totals")?).ok()?;
    Some(report::totals(&totals))
}

fn checked(found: &Value, zone: Tz) -> String {
    let told = if found["would_go"] == true { "it would go" } else { "it would be held" };
    format!("{told}, at {} ({})", time_cell(found, "/at", zone), cell(found, "/occasion"))
}

/// What goes first, and what came of it.
fn canary(run: &Value, zone: Tz) -> Option<String> {
    let canary = run.get("canary").filter(|canary| !canary.is_null())?;
    let (deliveries, verdict) = (cell(canary, "/deliveries"), cell(canary, "/verdict"));
    let Some(seen) = canary["seen"].as_object() else {
        return Some(format!("{deliveries} go first, {verdict} until {}", time_cell(canary, "/watched_until", zone)));
    };
    let count = |what: &str| seen.get(what).and_then(Value::as_u64).unwrap_or_default();
    let (reached, failed, undecided) = (count("reached"), count("failed"), count("undecided"));
    let at = time_cell(canary, "/judged_at", zone);
    Some(format!("{verdict} at {at}: of {deliveries}, {reached} got through, {failed} failed, {undecided} undecided"))
}

fn people(run: &Value, zone: Tz) -> String {
    let time = |pointer: &str| field(run, pointer).map(|_| time_cell(run, pointer, zone));
    details([
        ("Run", field(run, "/id")),
        ("Campaign", field(run, "/campaign")),
        ("Origin", field(run, "/origin").filter(|origin| origin != "schedule")),
        ("Retry of", field(run, "/retry_of")),
        ("Recipients", recipients(run)),
        ("State", field(run, "/state")),
        ("Holds", field(run, "/holds")),
        ("Waits for", field(run, "/waits_for")),
        ("Remarks", field(run, "/remarks")),
        ("Canary", canary(run, zone)),
        ("Checked", last_check(run).map(|found| checked(&found, zone))),
        ("Verdict", field(run, "/sla/verdict")),
        ("Totals", totals(run)),
        ("Opens", time("/window/opens_at")),
        ("Closes", time("/window/closes_at")),
        ("Deadline", time("/window/deadline_at")),
        ("Opened", time("/opened_at")),
        ("Cancelled", time("/cancelled_at")),
        ("Closed", time("/closed_at")),
        ("Archived", time("/archived_at")),
        ("Archive", field(run, "/archive_url")),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_check_is_waited_for_until_it_is_made_or_the_run_is_frozen() {
        let (old, new) = (json!({ "at": 1 }), json!({ "at": 2 }));
        let run = |state: &str, checks: &[&Value]| json!({ "state": state, "checks": checks });
        assert_eq!(answer(&run("scheduled", &[&old]), Some(&old)), Answer::None);
        assert_eq!(answer(&run("scheduled", &[]), None), Answer::None);
        assert_eq!(answer(&run("scheduled", &[&old, &new]), Some(&old)), Answer::Found(new.clone()));
        // Made just before the run was frozen.
        assert_eq!(answer(&run("planned", &[&old, &new]), Some(&old)), Answer::Found(new));
        assert_eq!(answer(&run("ready", &[&old]), Some(&old)), Answer::Overtaken("ready".to_owned()));
    }
}
