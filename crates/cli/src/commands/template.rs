//! `dawncast template`: what Meta has approved, lint, submission, versions, and what came of them.

use std::path::{Path, PathBuf};

use clap::Subcommand;
use serde::de::IgnoredAny;
use serde_json::{Value, json};

use super::{
    listing::{self, Paging},
    read_text,
};
use crate::{
    client::Remote,
    failure::Failure,
    output::{Table, cell, details, field, percent, utc_cell},
};

/// Templates: what Meta has approved, lint, submission and versions.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say what Meta would refuse a template for, and what its review may stumble over. Submits nothing.
    Lint {
        /// The template as Meta's API takes it, in JSON; `-` is standard input.
        file: PathBuf,
    },
    /// Submit a template for review, to every account that has numbers. One that is there is edited.
    Submit {
        /// The template as Meta's API takes it, in JSON; `-` is standard input.
        file: PathBuf,
        /// To this account alone.
        #[arg(long, value_name = "ID")]
        waba: Option<String>,
    },
    /// Read what Meta has, now.
    Sync,
    /// List templates and how they stand in each account.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one template, its versions and how it stands in each account.
    Show(Which),
    /// Let another template go out for campaigns that name this one, from their next freeze on.
    Rotate {
        #[command(flatten)]
        which: Which,
        /// The template that goes out.
        #[arg(long, value_name = "NAME")]
        to: String,
    },
    /// Take the last rotation back.
    Rollback(Which),
    /// Try another template on a share of the recipients: it goes to more of them, or to none, on evidence alone.
    Trial {
        #[command(flatten)]
        which: Which,
        /// The template that is tried.
        #[arg(long, value_name = "NAME")]
        version: String,
        /// The share of the recipients that gets it first, above 0 and below 1.
        #[arg(long, default_value_t = 0.1)]
        share: f64,
    },
    /// End a trial: all get what they got before it.
    EndTrial(Which),
    /// Show what came of each version.
    Stats {
        #[command(flatten)]
        which: Which,
        /// Over so many days.
        #[arg(long, default_value_t = 31)]
        days: u16,
    },
}

/// Which template.
#[derive(Debug, clap::Args)]
struct Which {
    /// Its name.
    name: String,
    /// Its language, where the name has several.
    #[arg(long)]
    language: Option<String>,
}

impl Which {
    fn query(&self) -> Vec<(&'static str, Option<String>)> {
        vec![("language", self.language.clone())]
    }
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        Action::Lint { file } => lint(remote, &file).await,
        Action::Submit { file, waba } => submit(remote, &file, waba).await,
        Action::Sync => {
            let read: Value = api.post(&["v1", "templates", "sync"]).await?;
            remote.show(&read, |it| format!("{} templates are known.", cell(it, "/templates")));
            Ok(())
        }
        Action::List { paging } => {
            let table =
                (["TEMPLATE", "LANGUAGE", "CATEGORY", "STATUS", "QUALITY", "GOES OUT AS"], "There are no templates.");
            let cells = |it: &Value| {
                let [name, language, category, current] =
                    ["/name", "/language", "/category", "/versions/0"].map(|field| cell(it, field));
                [name, language, category, standing(it, "status"), standing(it, "quality"), current]
            };
            listing::show(remote, &api, &["v1", "templates"], &paging.query(), table, cells).await
        }
        Action::Show(which) => {
            let shown: Value = api.get(&["v1", "templates", &which.name], &which.query()).await?;
            remote.show(&shown, describe);
            Ok(())
        }
        Action::Rotate { which, to } => {
            let path = ["v1", "templates", &which.name, "rotate"];
            let rotated: Value = api.ask_with(&path, &which.query(), json!({ "to": to }).to_string()).await?;
            remote.show(&rotated, goes_out);
            Ok(())
        }
        Action::Rollback(which) => {
            let path = ["v1", "templates", &which.name, "rollback"];
            let rotated: Value = api.ask_with(&path, &which.query(), String::new()).await?;
            remote.show(&rotated, goes_out);
            Ok(())
        }
        Action::Trial { which, version, share } => {
            let (path, asked) =
                (["v1", "templates", &which.name, "trial"], json!({ "version": version, "share": share }));
            let tried: Value = api.ask_with(&path, &which.query(), asked.to_string()).await?;
            remote.show(&tried, goes_out);
            Ok(())
        }
        Action::EndTrial(which) => {
            api.delete_with(&["v1", "templates", &which.name, "trial"], &which.query()).await?;
            let ended = json!({ "name": which.name, "trial": null });
            remote.show(&ended, |it| format!("Nothing is tried in place of {} any more.", cell(it, "/name")));
            Ok(())
        }
        Action::Stats { which, days } => {
            let mut query = which.query();
            query.push(("days", Some(days.to_string())));
            let stats: Value = api.get(&["v1", "templates", &which.name, "stats"], &query).await?;
            remote.show(&stats, table_of);
            Ok(())
        }
    }
}

/// The template in a file.
fn read(file: &Path) -> Result<String, Failure> {
    let text = read_text(file)?;
    let read: Result<IgnoredAny, _> = serde_json::from_str(&text);
    read.map(|_| text).map_err(|why| {
        Failure::Usage(format!("{}:{}:{}: this is not JSON: {why}", file.display(), why.line(), why.column()))
    })
}

/// Faults or warnings, one to a line.
fn told(found: &Value) -> Vec<String> {
    let found = found.as_array().map_or(&[][..], Vec::as_slice);
    found.iter().map(|it| format!("{}: {}", cell(it, "/pointer"), cell(it, "/detail"))).collect()
}

fn warn(file: &Path, warnings: &Value) {
    told(warnings).iter().for_each(|warning| eprintln!("warning: {}{warning}", file.display()));
}

async fn lint(remote: &Remote, file: &Path) -> Result<(), Failure> {
    let linted: Value = remote.api()?.ask(&["v1", "templates", "lint"], read(file)?).await?;
    warn(file, &linted["warnings"]);
    let faults = told(&linted["faults"]);
    faults.iter().for_each(|fault| eprintln!("error: {}{fault}", file.display()));
    if faults.is_empty() {
        remote.show(&linted, |_| format!("{} may be submitted.", file.display()));
        return Ok(());
    }
    Err(Failure::new(format!("Meta would refuse {}: mend what is said above", file.display())))
}

async fn submit(remote: &Remote, file: &Path, waba: Option<String>) -> Result<(), Failure> {
    let query = [("waba", waba)];
    let answer: Value = remote.api()?.ask_with(&["v1", "templates"], &query, read(file)?).await?;
    warn(file, &answer["warnings"]);
    let accounts = answer["accounts"].as_array().map_or(&[][..], Vec::as_slice);
    let refused: Vec<&Value> = accounts.iter().filter(|account| !account["error"].is_null()).collect();
    for account in &refused {
        eprintln!("error: account {}: {}", cell(account, "/waba_id"), cell(account, "/error"));
    }
    remote.show(&answer, |answer| {
        let stands = |it: &Value| format!("account {}: {}", cell(it, "/waba_id"), cell(it, "/status"));
        let taken: Vec<_> = accounts.iter().filter(|it| it["error"].is_null()).map(stands).collect();
        format!("{} ({}): {}", cell(answer, "/name"), cell(answer, "/language"), taken.join(", "))
    });
    match refused.len() {
        0 => Ok(()),
        count => Err(Failure::new(format!("{count} of {} accounts did not take it", accounts.len()))),
    }
}

/// What all accounts say of a template; each, where they differ.
fn standing(template: &Value, what: &str) -> String {
    let accounts = template["accounts"].as_array().map_or(&[][..], Vec::as_slice);
    let mut said: Vec<String> = accounts.iter().map(|account| cell(account, &format!("/{what}"))).collect();
    let all_same = said.windows(2).all(|pair| pair[0] == pair[1]);
    if all_same {
        said.truncate(1);
    }
    said.join(", ")
}

fn goes_out(template: &Value) -> String {
    let [name, current, version] = ["/name", "/versions/0", "/trial/version"].map(|field| cell(template, field));
    match template["trial"]["share"].as_f64() {
        Some(share) => format!(
            "Campaigns that name {name} send {version} to {} of the recipients and {current} to the others, from their next \
             freeze on.",
            percent(share)
        ),
        None => format!("Campaigns that name {name} send {current} from their next freeze on."),
    }
}

fn describe(template: &Value) -> String {
    let accounts = template["accounts"].as_array().map_or(&[][..], Vec::as_slice);
    let account = |it: &Value| {
        let why = field(it, "/rejected_reason").map(|why| format!(", {why}")).unwrap_or_default();
        format!("{}: {}{why}, quality {}", cell(it, "/waba_id"), cell(it, "/status"), cell(it, "/quality"))
    };
    let versions: Vec<String> =
        template["versions"].as_array().map_or(&[][..], Vec::as_slice).iter().map(|it| cell(it, "")).collect();
    let changes = template["rotations"].as_array().map_or(&[][..], Vec::as_slice);
    let change = |it: &Value| match field(it, "/why") {
        Some(why) => format!("{} {why}", utc_cell(it, "/at")),
        None => format!("{} {} to {}", utc_cell(it, "/at"), cell(it, "/from"), cell(it, "/to")),
    };
    let trial = template["trial"]["share"].as_f64().map(|share| {
        let [version, since, evidence] =
            ["/trial/version", "/trial/since", "/trial/evidence"].map(|at| cell(template, at));
        format!("{version} on {} since {since}: {evidence}", percent(share))
    });
    details([
        ("Template", field(template, "/name")),
        ("Language", field(template, "/language")),
        ("Category", field(template, "/category")),
        ("Text", field(template, "/body")),
        ("Accounts", Some(accounts.iter().map(account).collect::<Vec<_>>().join("; "))),
        ("Goes out as", Some(versions.join(", then "))),
        ("On trial", trial),
        ("Rotated", Some(changes.iter().map(change).collect::<Vec<_>>().join("; ")).filter(|it| !it.is_empty())),
    ])
}

/// What a version's messages cost; `-` where no price is known.
fn cost(line: &Value) -> String {
    let Some(amount) = line["cost"]["amount"].as_f64() else { return "-".to_owned() };
    let unpriced = line["cost"]["unpriced"].as_u64().filter(|count| *count > 0);
    let beside = unpriced.map(|count| format!(" and {count} without a price")).unwrap_or_default();
    format!("{amount:.2} {}{beside}", cell(line, "/cost/currency"))
}

fn table_of(stats: &Value) -> String {
    let lines = stats["versions"].as_array().map_or(&[][..], Vec::as_slice);
    let share = |it: &Value, name: &str| it[name].as_f64().map_or_else(|| "-".to_owned(), percent);
    let mut table =
        Table::new(&["VERSION", "RUNS", "SENT", "DELIVERED", "READ", "READ SHARE", "FAILED", "FAILED SHARE", "COST"]);
    for it in lines {
        let [version, runs, sent, delivered, read, failed] =
            ["/version", "/runs", "/sent", "/delivered", "/read", "/failed"].map(|field| cell(it, field));
        let [read_share, failed_share] = ["read_share", "failed_share"].map(|name| share(it, name));
        table.row([version, runs, sent, delivered, read, read_share, failed, failed_share, cost(it)]);
    }
    table.render("No run has sent it in this time.")
}
