//! `dawncast suppression`: who wants no messages.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    listing::{self, Paging},
    read_text,
};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, utc_cell},
};

/// How many refused lines are told one by one.
const TOLD_REJECTS: usize = 20;

/// The suppression list: who wants no messages.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Put a phone on the list: from then on nothing that begins is sent to it.
    Add {
        /// The phone, such as +919876543210.
        phone: String,
        /// Of which messages: all, marketing, utility, authentication or service (free-form).
        #[arg(long, default_value = "all")]
        scope: String,
    },
    /// Take a phone off the list, whoever put it there.
    Remove {
        /// The phone.
        phone: String,
        /// Only what was put there for these messages.
        #[arg(long)]
        scope: Option<String>,
    },
    /// List phones and why they are there, those that came last first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Put the phones of a file on the list: CSV with a column `phone` and, if wanted, `scope`.
    Import {
        /// The file; `-` is standard input.
        file: PathBuf,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        Action::Add { phone, scope } => {
            let body = json!({ "phone": phone, "scope": scope }).to_string();
            let entry = api.create(&["v1", "suppressions"], body, None).await?;
            let told =
                |entry: &Value| format!("{} gets no messages ({}).", cell(entry, "/phone"), cell(entry, "/scope"));
            remote.show(&entry, told);
            Ok(())
        }
        Action::Remove { phone, scope } => {
            let query = [("scope", scope)];
            api.delete_with(&["v1", "suppressions", &phone], &query).await?;
            remote.show(&json!({ "phone": phone, "removed": true }), |_| format!("{phone} is off the list."));
            Ok(())
        }
        Action::List { paging } => {
            let table = (["PHONE", "SCOPE", "SOURCE", "SINCE"], "Nobody is suppressed.");
            let cells = |it: &Value| {
                let [phone, scope, source] = ["/phone", "/scope", "/source"].map(|field| cell(it, field));
                [phone, scope, source, utc_cell(it, "/since")]
            };
            listing::show(remote, &api, &["v1", "suppressions"], &paging.query(), table, cells).await
        }
        Action::Import { file } => import(remote, file).await,
    }
}

async fn import(remote: &Remote, file: PathBuf) -> Result<(), Failure> {
    let text = read_text(&file)?;
    let imported = remote.api()?.upload(&["v1", "suppressions", "import"], &[], "text/csv", text).await?;
    let rejects = imported["rejects"].as_array().map_or(&[][..], Vec::as_slice);
    for reject in rejects.iter().take(TOLD_REJECTS) {
        eprintln!("{}:{}: {}", file.display(), reject["line"], cell(reject, "/reason"));
    }
    remote.show(&imported, |it| format!("{} of {} lines are on the list.", cell(it, "/accepted"), cell(it, "/rows")));
    match imported["rejected"].as_u64().unwrap_or_default() {
        0 => Ok(()),
        refused => Err(Failure::new(format!(
            "{refused} lines were not taken: their phones are still written to. Mend those lines and import them again"
        ))),
    }
}
