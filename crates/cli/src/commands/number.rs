//! `dawncast number`: the WhatsApp phone numbers that send.

use std::path::{Path, PathBuf};

use clap::{Subcommand, ValueEnum};
use dawncast_store::records::Secret;
use serde_json::{Map, Value, json};

use super::{
    listing::{self, Paging},
    read_secret,
};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, details, field, utc_cell},
};

/// Numbers: the WhatsApp phone numbers that send.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Add a number. Its access token is read from standard input or a file.
    Add {
        /// Meta's phone number id: digits.
        id: String,
        /// The WhatsApp Business account that it belongs to.
        #[arg(long, value_name = "ID")]
        waba: String,
        /// The number as recipients see it, such as "+91 98765 43210".
        #[arg(long)]
        display: String,
        /// Where its access token is; `-` is standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        token_file: PathBuf,
        /// Send with the token of its account (`dawncast credential set`).
        #[arg(long, conflicts_with = "token_file")]
        account_token: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// List numbers, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show one number.
    Show {
        /// Its phone number id.
        id: String,
    },
    /// Change a number.
    Set {
        /// Its phone number id.
        id: String,
        /// The number as recipients see it.
        #[arg(long)]
        display: Option<String>,
        /// Where a new access token is; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        token_file: Option<PathBuf>,
        /// Send with the token of its account instead of one of its own.
        #[arg(long, conflicts_with = "token_file")]
        account_token: bool,
        #[command(flatten)]
        settings: Settings,
    },
    /// Let the number send nothing more until it is resumed.
    Pause {
        /// Its phone number id.
        id: String,
    },
    /// Let a paused number send again.
    Resume {
        /// Its phone number id.
        id: String,
    },
    /// Set how far a number is used, whatever the quality monitor sees.
    Pin {
        /// Its phone number id.
        id: String,
        /// How far: `fit`, `cooldown` or `paused`.
        stage: String,
        /// For how long, such as 2h; for good unless given.
        #[arg(long = "for", value_name = "TIME")]
        length: Option<String>,
    },
    /// Let the quality monitor decide about a pinned number again.
    Unpin {
        /// Its phone number id.
        id: String,
    },
    /// Show how the condition of a number changed, the latest first.
    History {
        /// Its phone number id.
        id: String,
    },
    /// Forget a number.
    Remove {
        /// Its phone number id.
        id: String,
    },
}

/// What can be said of a number, first and later.
#[derive(Debug, clap::Args)]
struct Settings {
    /// The numbers that it may stand in for.
    #[arg(long)]
    pool: Option<String>,
    /// Messages per second that Meta allows it; 80 for a new number unless given.
    #[arg(long)]
    mps: Option<u32>,
    /// Whether it sends or only stands by; a new number sends unless given.
    #[arg(long)]
    role: Option<Role>,
    /// The most messages in an hour; 0 or `none` lifts it.
    #[arg(long, value_name = "N", value_parser = cap)]
    max_per_hour: Option<u32>,
    /// The most messages in a day; 0 or `none` lifts it.
    #[arg(long, value_name = "N", value_parser = cap)]
    max_per_day: Option<u32>,
    /// Begin to warm the number up, by the steps of the playbook, or end it.
    #[arg(long)]
    warmup: Option<WarmupOrder>,
}

/// A cap as it is given; 0 is none.
fn cap(given: &str) -> Result<u32, String> {
    match given {
        "none" => Ok(0),
        _ => given.parse().map_err(|_| "give a number of messages, or `none`".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum WarmupOrder {
    /// Few messages a day, and more with each day that recipients rate it well.
    Start,
    /// As many as its caps and its rate let through.
    Stop,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Role {
    /// Gets deliveries when a run is planned.
    Active,
    /// Sends only when an active number of its pool cannot.
    Standby,
}

impl Settings {
    /// What was given, as a body.
    fn body(&self, display: Option<String>, token_file: Option<&Path>) -> Result<Map<String, Value>, Failure> {
        let role = self.role.and_then(|role| Some(role.to_possible_value()?.get_name().to_owned()));
        let warmup = self.warmup.and_then(|order| Some(order.to_possible_value()?.get_name().to_owned()));
        let token = token_file.map(|file| read_secret(file, "the access token")).transpose()?;
        let given = [
            ("pool", json!(self.pool)),
            ("mps", json!(self.mps)),
            ("role", json!(role)),
            ("max_per_hour", json!(self.max_per_hour)),
            ("max_per_day", json!(self.max_per_day)),
            ("warmup", json!(warmup)),
            ("display_phone_number", json!(display)),
            ("access_token", json!(token.as_ref().map(Secret::expose))),
        ];
        let given = given.into_iter().filter(|(_, value)| !value.is_null());
        // Null lifts a cap.
        let value = |name: &str, value: Value| if name.starts_with("max_") && value == 0 { Value::Null } else { value };
        Ok(given.map(|(name, given)| (name.to_owned(), value(name, given))).collect())
    }
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let number = match args.action {
        Action::List { paging } => {
            let table = (
                ["NUMBER", "DISPLAY", "POOL", "MPS", "ROLE", "HEALTH", "QUALITY", "LIMIT", "LEFT TODAY"],
                "There are no numbers.",
            );
            let fields = [
                "/phone_number_id",
                "/display_phone_number",
                "/pool",
                "/mps",
                "/role",
                "/health",
                "/meta/quality",
                "/meta/messaging_limit",
                "/daily_remaining",
            ];
            let cells = |number: &Value| fields.map(|field| cell(number, field));
            return listing::show(remote, &api, &["v1", "numbers"], &paging.query(), table, cells).await;
        }
        Action::Remove { id } => {
            api.delete(&["v1", "numbers", &id]).await?;
            let removed = json!({ "phone_number_id": id, "removed": true });
            remote.show(&removed, |_| format!("Number {id} is forgotten."));
            return Ok(());
        }
        Action::Add { id, waba, display, token_file, account_token, settings } => {
            let mut body = settings.body(Some(display), Some(token_file.as_path()).filter(|_| !account_token))?;
            body.insert("phone_number_id".to_owned(), json!(id));
            body.insert("waba_id".to_owned(), json!(waba));
            api.create(&["v1", "numbers"], Value::Object(body).to_string(), None).await?
        }
        Action::Set { id, display, token_file, account_token, settings } => {
            let mut body = settings.body(display, token_file.as_deref())?;
            if account_token {
                body.insert("access_token".to_owned(), Value::Null);
            }
            if body.is_empty() {
                let detail = "nothing to set: give --pool, --mps, --role, --max-per-hour, --max-per-day, --warmup, \
                              --display, --token-file or --account-token";
                return Err(Failure::Usage(detail.to_owned()));
            }
            api.patch(&["v1", "numbers", &id], &Value::Object(body)).await?
        }
        Action::Pin { id, stage, length } => api.ask(&["v1", "numbers", &id, "pin"], pin(&stage, length)).await?,
        Action::Unpin { id } => api.post(&["v1", "numbers", &id, "unpin"]).await?,
        Action::History { id } => {
            let history = api.get(&["v1", "numbers", &id, "history"], &[]).await?;
            remote.show(&history, changes);
            return Ok(());
        }
        Action::Show { id } => api.get(&["v1", "numbers", &id], &[]).await?,
        Action::Pause { id } => api.post(&["v1", "numbers", &id, "pause"]).await?,
        Action::Resume { id } => api.post(&["v1", "numbers", &id, "resume"]).await?,
    };
    remote.show(&number, people);
    Ok(())
}

/// A pin, as a body.
fn pin(stage: &str, length: Option<String>) -> String {
    let mut body = json!({ "stage": stage });
    if let Some(length) = length {
        body["for"] = json!(length);
    }
    body.to_string()
}

/// Whose token a number sends with, and what keeps it from that.
fn credential(number: &Value) -> Option<String> {
    let whose = match field(number, "/credential/source")?.as_str() {
        "account" => "its account's",
        "number" => "its own",
        _ => "none",
    };
    let problem = field(number, "/credential/problem").map(|problem| format!(": {problem}"));
    Some(format!("{whose}{}", problem.unwrap_or_default()))
}

/// The most that people let a number send; nothing of one without caps.
fn caps(number: &Value) -> Option<String> {
    let cap = |name, span| field(number, name).map(|cap| format!("{cap} messages {span}"));
    let caps = [cap("/max_per_hour", "an hour"), cap("/max_per_day", "a day")];
    let told = caps.into_iter().flatten().collect::<Vec<_>>().join(", ");
    (!told.is_empty()).then_some(told)
}

/// Where a number stands in its warm-up; nothing of one that is in none.
fn warmup(number: &Value) -> Option<String> {
    let (step, steps) = (field(number, "/warmup/step")?, cell(number, "/warmup/steps"));
    let since = utc_cell(number, "/warmup/since");
    Some(format!("step {step} of {steps} since {since}: {} messages a day", cell(number, "/warmup/max_per_day")))
}

/// What is against a number; nothing of one that is fit.
fn condition(number: &Value) -> Option<String> {
    let stage = field(number, "/condition/stage").filter(|stage| stage != "fit")?;
    let until = field(number, "/condition/until").map(|_| format!(" until {}", utc_cell(number, "/condition/until")));
    let (cause, evidence) = (cell(number, "/condition/cause"), cell(number, "/condition/evidence"));
    Some(format!("{stage}{}: {evidence} ({cause})", until.unwrap_or_default()))
}

fn changes(history: &Value) -> String {
    let items = history["items"].as_array().into_iter().flatten();
    let line = |change: &Value| {
        let (at, evidence) = (utc_cell(change, "/at"), cell(change, "/to/evidence"));
        if let Some(warmup) = field(change, "/warmup") {
            return format!("{at}  warm-up: {warmup}");
        }
        format!(
            "{at}  {} to {}: {evidence} ({})",
            cell(change, "/from"),
            cell(change, "/to/stage"),
            cell(change, "/to/cause")
        )
    };
    let lines: Vec<_> = items.map(line).collect();
    if lines.is_empty() { "Its condition has not changed.".to_owned() } else { lines.join("\n") }
}

fn people(number: &Value) -> String {
    details([
        (
            "Number",
            field(number, "/phone_number_id").map(|id| format!("{id} ({})", cell(number, "/display_phone_number"))),
        ),
        ("Account", field(number, "/waba_id")),
        ("Pool", field(number, "/pool")),
        ("Rate", field(number, "/mps").map(|mps| format!("{mps} messages per second"))),
        ("Role", field(number, "/role")),
        ("Paused", field(number, "/paused")),
        ("Token", credential(number)),
        ("Health", field(number, "/health")),
        ("Condition", condition(number)),
        ("Caps", caps(number)),
        ("Warm-up", warmup(number)),
        ("Caps leave", field(number, "/cap_remaining").map(|left| format!("{left} messages now"))),
        ("Status at Meta", field(number, "/meta/status")),
        ("Quality", field(number, "/meta/quality")),
        ("Messaging limit", field(number, "/meta/messaging_limit")),
        ("Left today", field(number, "/daily_remaining").map(|left| format!("{left} unique users of its portfolio"))),
        ("Portfolio", field(number, "/meta/portfolio")),
        ("Read from Meta", field(number, "/meta/read_at").map(|_| utc_cell(number, "/meta/read_at"))),
        ("Added", Some(utc_cell(number, "/created_at"))),
    ])
}
