//! `dawncast audience`: named lists of recipients.

mod export;
mod import;

use std::path::Path;

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

pub(crate) use self::import::tell_rejects;
use super::listing::{self, Paging};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, details, field, utc_cell},
};

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
    Import(import::Args),
    /// Write the rows of an audience out, in a form that can be imported.
    Export(export::Args),
    /// Delete an audience that no campaign, run or import uses.
    Delete {
        /// Its id, `aud_…`.
        id: String,
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
enum Format {
    /// Comma-separated values, the first line naming the columns.
    Csv,
    /// A JSON object on each line.
    Ndjson,
}

impl Format {
    fn told_by_ending(file: &Path) -> Option<Self> {
        match file.extension()?.to_str()?.to_ascii_lowercase().as_str() {
            "csv" => Some(Self::Csv),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            _ => None,
        }
    }

    fn mime(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Ndjson => "application/x-ndjson",
        }
    }
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let audience = match args.action {
        Action::Import(args) => return import::import(remote, &api, args).await,
        Action::Export(args) => return export::export(remote, &api, args).await,
        Action::Delete { id } => {
            api.delete(&["v1", "audiences", &id]).await?;
            remote.show(&json!({ "id": id, "deleted": true }), |_| format!("Deleted audience {id}."));
            return Ok(());
        }
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
