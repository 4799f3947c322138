//! `dawncast audience`: named lists of recipients.

use std::{io::IsTerminal, path::PathBuf};

use clap::{Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};
use reqwest::Body;
use serde_json::{Value, json};
use tokio::{fs::File, io::AsyncRead};
use tokio_util::io::ReaderStream;

use super::{
    cannot_read,
    listing::{self, Paging},
};
use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::{cell, details, field, utc_cell},
};

/// How many refused rows are told one by one.
const TOLD_REJECTS: usize = 20;

/// Audiences: named lists of recipients.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an audience, still empty.
    Create {
        /// What people call it.
        name: String,
    },
    /// Bring rows into an audience, from CSV or from one JSON object on each line.
    Import {
        /// The audience, `aud_…`.
        id: String,
        /// The file; `-` is standard input.
        file: PathBuf,
        /// What becomes of the rows that were there before.
        #[arg(long, default_value = "replace")]
        mode: Mode,
        /// What the file holds; told by the ending of its name unless given.
        #[arg(long)]
        format: Option<Format>,
    },
    /// List audiences, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Show an audience.
    Show {
        /// Its id, `aud_…`.
        id: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Mode {
    /// They go.
    Replace,
    /// Those whose phone is not in the file stay.
    Upsert,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Format {
    /// Comma-separated values, the first line naming the columns.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let audience = match args.action {
        Action::Import { id, file, mode, format } => return import(remote, &api, &id, file, mode, format).await,
        Action::List { paging } => {
            let table = (["ID", "NAME", "ROWS", "UPDATED"], "There are no audiences.");
            let cells =
                |it: &Value| [cell(it, "/id"), cell(it, "/name"), cell(it, "/rows"), utc_cell(it, "/updated_at")];
            return listing::show(remote, &api, &["v1", "audiences"], &paging.query(), table, cells).await;
        }
        Action::Create { name } => api.create(&["v1", "audiences"], json!({ "name": name }).to_string(), None).await?,
        Action::Show { id } => api.get(&["v1", "audiences", &id], &[]).await?,
    };
    remote.show(&audience, people);
    Ok(())
}

fn people(audience: &Value) -> String {
    details([
        ("Audience", field(audience, "/id").map(|id| format!("{id} `{}`", cell(audience, "/name")))),
        ("Rows", field(audience, "/rows")),
        ("Attributes", field(audience, "/columns")),
        ("Updated", Some(utc_cell(audience, "/updated_at"))),
        ("Created", Some(utc_cell(audience, "/created_at"))),
    ])
}

async fn import(
    remote: &Remote,
    api: &Api,
    id: &str,
    file: PathBuf,
    mode: Mode,
    format: Option<Format>,
) -> Result<(), Failure> {
    let mime = match format.or_else(|| told_by_ending(&file)) {
        Some(Format::Csv) => "text/csv",
        Some(Format::Ndjson) => "application/x-ndjson",
        None => return Err(Failure::Usage(format!("what does {} hold? Give --format", file.display()))),
    };
    let mode = match mode {
        Mode::Replace => "replace",
        Mode::Upsert => "upsert",
    };
    let (body, bar) = open(&file).await?;
    let import = api.upload(&["v1", "audiences", id, "imports"], &[("mode", mode)], mime, body).await?;
    bar.finish_and_clear();
    let name = file.display().to_string();
    tell_rejects(api, &import, &name).await?;
    if import["state"] == "failed" {
        return Err(Failure::new(format!("{name}: {}; the audience is as it was", cell(&import, "/error"))));
    }
    remote.show(&import, |import| {
        let [rows, accepted, rejected, duplicates] =
            ["/rows", "/accepted", "/rejected", "/duplicates"].map(|count| cell(import, count));
        format!("{rows} rows read: {accepted} accepted (of these, {duplicates} with a phone that came before), {rejected} rejected.")
    });
    Ok(())
}

fn told_by_ending(file: &std::path::Path) -> Option<Format> {
    match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
        "csv" => Some(Format::Csv),
        "ndjson" | "jsonl" => Some(Format::Ndjson),
        _ => None,
    }
}

/// The file as a body that is read while it is sent, and a bar that shows how far.
async fn open(path: &PathBuf) -> Result<(Body, ProgressBar), Failure> {
    if path.as_os_str() == "-" {
        return Ok(streamed(tokio::io::stdin(), None));
    }
    let file = File::open(path).await.map_err(|why| cannot_read(path, &why))?;
    let size = file.metadata().await.map_err(|why| cannot_read(path, &why))?.len();
    Ok(streamed(file, Some(size)))
}

fn streamed(source: impl AsyncRead + Send + 'static, size: Option<u64>) -> (Body, ProgressBar) {
    let bar = match size {
        _ if !std::io::stderr().is_terminal() => ProgressBar::hidden(),
        Some(size) => ProgressBar::new(size),
        None => ProgressBar::new_spinner(),
    };
    let style = ProgressStyle::with_template("{wide_bar} {binary_bytes} of {binary_total_bytes}, {eta} left");
    bar.set_style(style.expect("the template is well-formed"));
    let source = bar.wrap_async_read(Box::pin(source));
    (Body::wrap_stream(ReaderStream::new(source)), bar)
}

/// Tells refused rows by file and line, as compilers do.
pub(crate) async fn tell_rejects(api: &Api, import: &Value, file: &str) -> Result<(), Failure> {
    let rejected = import["rejected"].as_u64().unwrap_or_default();
    if rejected == 0 {
        return Ok(());
    }
    let id = import["id"].as_str().unwrap_or_default();
    let page = api.get(&["v1", "imports", id, "rejects"], &[("limit", Some(TOLD_REJECTS.to_string()))]).await?;
    let told = listing::items(&page);
    for reject in told {
        eprintln!("{file}:{}: {}", reject["line"], cell(reject, "/reason"));
    }
    let more = rejected.saturating_sub(told.len() as u64);
    if more > 0 {
        eprintln!("… and {more} more: GET /v1/imports/{id}/rejects");
    }
    Ok(())
}
