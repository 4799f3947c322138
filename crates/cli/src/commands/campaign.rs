//! `dawncast campaign`: what goes out, to whom, when.

mod control;
mod preview;

use std::path::{Path, PathBuf};

use chrono::DateTime;
use chrono_tz::Tz;
use clap::Subcommand;
use serde_json::Value;

use super::{
    listing::{self, Paging},
    read_text,
};
use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::{Table, cell, details, field, time_cell, utc_cell, zone_at},
    report, watch,
};

/// Where a campaign keeps the zone that its times are told in.
const ZONE: &str = "/spec/schedule/timezone";

/// Campaigns: what goes out, to whom, when.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create a campaign from a JSON file.
    Create {
        /// The file; `-` is standard input.
        file: PathBuf,
        /// Names this creation: given twice with the same file, it creates once.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Check a campaign without storing it.
    Validate {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
    /// Show what a campaign would do, storing nothing: phones, drops, numbers and send times.
    Preview {
        /// A campaign's id, `cmp_…`, or the file of one; `-` is standard input.
        what: String,
        /// How many recipients' phones to show, 20 at most.
        #[arg(long)]
        samples: Option<usize>,
    },
    /// List campaigns, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show a campaign.
    Show {
        /// Its id, `cmp_…`.
        id: String,
    },
    /// Start nothing more, and hold what is under way.
    Pause {
        /// Its id, `cmp_…`.
        id: String,
    },
    /// Let a paused campaign go on.
    Resume {
        /// Its id, `cmp_…`.
        id: String,
    },
    /// End a campaign for good, and its run with it.
    Cancel {
        /// Its id, `cmp_…`.
        id: String,
    },
    /// When it goes out next, on its own clock and on another.
    Calendar {
        /// Its id, `cmp_…`.
        id: String,
        /// The zone of the other clock, such as `Europe/Berlin`; this machine's unless given.
        #[arg(long, value_name = "ZONE")]
        timezone: Option<String>,
        #[command(flatten)]
        paging: Paging,
    },
    /// Show what came of its runs over time, each and all together.
    Report {
        /// Its id, `cmp_…`.
        id: String,
        /// Runs whose window opened from then on, such as 2026-11-01; the last 31 days unless given.
        #[arg(long)]
        from: Option<String>,
        /// Runs whose window opened before; now unless given.
        #[arg(long)]
        to: Option<String>,
    },
    /// Edit it, for the runs that are not frozen.
    Edit {
        /// Its id, `cmp_…`.
        id: String,
        /// What changes, as JSON: fields of the campaign, in part; null gives a field its default. `-` is standard input.
        file: PathBuf,
    },
    /// Send what it says now, to named phones alone.
    Test(control::Test),
    /// Another run of what it says, at once.
    RunNow {
        /// Its id, `cmp_…`.
        id: String,
        /// Names this run: given twice, it is started once.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Create another campaign that says the same.
    Duplicate {
        /// Its id, `cmp_…`.
        id: String,
        /// What differs, as JSON; `-` is standard input.
        file: Option<PathBuf>,
        /// Names this creation: given twice with the same file, it creates once.
        #[arg(long, value_name = "KEY")]
        idempotency_key: Option<String>,
    },
    /// Follow its run until it is closed.
    Watch {
        /// Its id, `cmp_…`.
        id: String,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let campaign = match args.action {
        Action::Create { file, idempotency_key } => {
            return create(remote, &api, &file, idempotency_key.as_deref()).await;
        }
        Action::Preview { what, samples } => return preview::show(remote, &api, &what, samples).await,
        Action::Validate { file } => return validate(remote, &api, &file).await,
        Action::List { paging } => {
            let table = (["ID", "NAME", "STATE", "POOL", "NEXT RUN"], "There are no campaigns.");
            let cells = |it: &Value| {
                let [id, name, state, pool] = ["/id", "/name", "/state", "/spec/pool"].map(|field| cell(it, field));
                [id, name, state, pool, time_cell(it, "/next_run_at", zone_at(it, ZONE))]
            };
            return listing::show(remote, &api, &["v1", "campaigns"], &paging.query(), table, cells).await;
        }
        Action::Calendar { id, timezone, paging } => return calendar(remote, &api, &id, timezone, &paging).await,
        Action::Report { id, from, to } => return over_time(remote, &api, &id, [("from", from), ("to", to)]).await,
        Action::Edit { id, file } => return control::edit(remote, &api, &id, &file).await,
        Action::Test(wanted) => return control::test(remote, &api, wanted).await,
        Action::RunNow { id, idempotency_key } => {
            return control::run_now(remote, &api, &id, idempotency_key.as_deref()).await;
        }
        Action::Duplicate { id, file, idempotency_key } => {
            return control::duplicate(remote, &api, &id, file.as_deref(), idempotency_key.as_deref()).await;
        }
        Action::Watch { id } => return follow(remote, &api, &id).await,
        Action::Show { id } => api.get(&["v1", "campaigns", &id], &[]).await?,
        Action::Pause { id } => api.post(&["v1", "campaigns", &id, "pause"]).await?,
        Action::Resume { id } => api.post(&["v1", "campaigns", &id, "resume"]).await?,
        Action::Cancel { id } => api.post(&["v1", "campaigns", &id, "cancel"]).await?,
    };
    remote.show(&campaign, people);
    Ok(())
}

async fn create(remote: &Remote, api: &Api, file: &Path, key: Option<&str>) -> Result<(), Failure> {
    let body = read_text(file)?;
    let zone = zone_in(&body);
    let created = api.create(&["v1", "campaigns"], body, key).await.map_err(|failure| failure.of(file))?;
    remote.show(&created, |created| {
        let id = cell(created, "/id");
        let head = format!("Campaign {id} is {}. Follow it: dawncast campaign watch {id}", cell(created, "/state"));
        let run = details([
            ("Schedule", field(created, "/schedule_in_words")),
            ("Run", field(created, "/next_run")),
            ("Goes out", Some(time_cell(created, "/next_run_at", zone))),
        ]);
        format!("{head}\n{run}\n{}", forecast(&created["forecast"]))
    });
    Ok(())
}

async fn validate(remote: &Remote, api: &Api, file: &Path) -> Result<(), Failure> {
    let body = read_text(file)?;
    let zone = zone_in(&body);
    let answer = api.ask(&["v1", "campaigns", "validate"], body).await.map_err(|failure| failure.of(file))?;
    remote.show(&answer, |answer| {
        let at = time_cell(answer, "/next_run_at", zone);
        format!("{} is valid. It would go out at {at}.\n{}", file.display(), forecast(&answer["forecast"]))
    });
    Ok(())
}

/// The zone in a campaign that was just accepted.
fn zone_in(body: &str) -> Tz {
    serde_json::from_str(body).map_or(Tz::UTC, |spec: Value| zone_at(&spec, "/schedule/timezone"))
}

fn forecast(forecast: &Value) -> String {
    let number = |pointer: &str| forecast.pointer(pointer).and_then(Value::as_f64);
    let seconds = |pointer: &str| number(pointer).map(|seconds| format!("{seconds:.1} s"));
    let rate = number("/messages_per_second")
        .map(|rate| format!("{rate:.1} messages per second from {} numbers", cell(forecast, "/numbers")));
    let lines = details([
        ("Recipients", field(forecast, "/recipients")),
        ("Rate", rate),
        (
            "Needs",
            seconds("/seconds_needed").zip(seconds("/window_seconds")).map(|(need, of)| format!("{need} of {of}")),
        ),
    ]);
    let windows = forecast["windows"].as_array().into_iter().flatten().map(window);
    let lines = windows.fold(lines, |text, window| format!("{text}\n{window}"));
    let warnings = forecast["warnings"].as_array().into_iter().flatten().filter_map(Value::as_str);
    warnings.fold(lines, |text, warning| format!("{text}\nwarning: {warning}"))
}

/// One of several windows, in the time of its first zone.
fn window(window: &Value) -> String {
    let zones: Vec<&str> = window["timezones"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let zone: Tz = zones.first().and_then(|zone| zone.parse().ok()).unwrap_or(Tz::UTC);
    let used = window["utilisation"].as_f64().map_or_else(String::new, |used| format!(", {:.0} % full", 100.0 * used));
    let (opens, recipients) = (time_cell(window, "/opens_at", zone), cell(window, "/recipients"));
    format!("Window       {opens}: {recipients} recipients in {}{used}", zones.join(", "))
}

async fn calendar(
    remote: &Remote,
    api: &Api,
    id: &str,
    timezone: Option<String>,
    paging: &Paging,
) -> Result<(), Failure> {
    let [limit, cursor] = paging.query();
    let here = timezone.or_else(|| iana_time_zone::get_timezone().ok());
    let query = [limit, cursor, ("timezone", here)];
    let page = api.get(&["v1", "campaigns", id, "calendar"], &query).await?;
    remote.show(&page, |page| {
        let (own, other) = (cell(page, "/timezone"), cell(page, "/other_timezone"));
        let clock = |line: &Value, pointer| line[pointer].as_str().map(wall).unwrap_or_default();
        let mut table = Table::new(&["GOES OUT", "ELSEWHERE", "UTC", "REMARK"]);
        for line in listing::items(page) {
            let skipped = line["skipped"].as_str().map(|why| format!("skipped: {why}"));
            let remark = skipped.or_else(|| field(line, "/remark")).unwrap_or_default();
            table.row([clock(line, "local"), clock(line, "elsewhere"), utc_cell(line, "/at"), remark]);
        }
        let words = field(page, "/schedule_in_words").map(|words| format!("{words}\n")).unwrap_or_default();
        format!("{words}Times in {own}, and elsewhere in {other}.\n{}", table.render("It does not go out any more."))
    });
    listing::say_more(remote, &page);
    Ok(())
}

/// `Mon 2026-11-30 06:00:00 +05:30`, of an RFC 3339 time.
fn wall(at: &str) -> String {
    DateTime::parse_from_rfc3339(at).map_or_else(|_| at.to_owned(), |at| at.format("%a %F %T %:z").to_string())
}

async fn follow(remote: &Remote, api: &Api, id: &str) -> Result<(), Failure> {
    let campaign = api.get(&["v1", "campaigns", id], &[]).await?;
    let runs = api.get(&["v1", "campaigns", id, "runs"], &[]).await?;
    // The latest to open comes first: of those that are not over, the last one is next.
    let is_over = |run: &&Value| matches!(run["state"].as_str(), Some("closed" | "cancelled"));
    let runs: Vec<_> = listing::items(&runs).iter().filter(|run| run["origin"] != "test").collect();
    let next = runs.iter().rev().find(|run| !is_over(run)).or(runs.first());
    let run = next.and_then(|run| run["id"].as_str());
    let run = run.ok_or_else(|| Failure::new(format!("the campaign {id} has no run to watch")))?;
    watch::and_report(api, run, zone_at(&campaign, ZONE), remote.json).await
}

async fn over_time(
    remote: &Remote,
    api: &Api,
    id: &str,
    period: [(&'static str, Option<String>); 2],
) -> Result<(), Failure> {
    let campaign = api.get(&["v1", "campaigns", id], &[]).await?;
    let told = api.get(&["v1", "campaigns", id, "report"], &period).await?;
    let text = report::over_time(&told, zone_at(&campaign, ZONE))?;
    remote.show(&told, |_| text);
    Ok(())
}

fn people(campaign: &Value) -> String {
    let zone = zone_at(campaign, ZONE);
    let window = ["opens", "closes", "deadline"].map(|edge| cell(campaign, &format!("/spec/window/{edge}")));
    details([
        ("Campaign", field(campaign, "/id").map(|id| format!("{id} `{}`", cell(campaign, "/name")))),
        ("State", field(campaign, "/state")),
        ("Pool", field(campaign, "/spec/pool").map(|pool| format!("{pool}, {}", cell(campaign, "/spec/priority")))),
        ("Audience", field(campaign, "/spec/audience/id")),
        ("Message", field(campaign, "/spec/message/name").or_else(|| field(campaign, "/spec/message/type"))),
        ("Next run", field(campaign, "/next_run")),
        ("Schedule", field(campaign, "/schedule_in_words")),
        ("Goes out", field(campaign, "/next_run_at").map(|_| time_cell(campaign, "/next_run_at", zone))),
        ("Window", Some(format!("{} to {}, deadline {}", window[0], window[1], window[2]))),
        ("Promise", promise(campaign)),
        ("Created", Some(time_cell(campaign, "/created_at", zone))),
    ])
}

fn promise(campaign: &Value) -> Option<String> {
    let objective = campaign.pointer("/spec/sla/objective")?.as_f64()?;
    Some(format!("{} {} by the deadline", crate::output::percent(objective), cell(campaign, "/spec/sla/counts")))
}
