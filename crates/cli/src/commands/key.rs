//! `dawncast key`: who may call the API.

use clap::{Subcommand, ValueEnum};
use serde_json::{Value, json};

use super::listing::{self, Paging};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, utc_cell},
};

/// API keys.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Make a key and print it, this once.
    Create {
        /// What people call it.
        name: String,
        /// What it may do; several, comma-separated.
        #[arg(long, required = true, value_delimiter = ',')]
        scope: Vec<Scope>,
    },
    /// List keys, newest first.
    List {
        #[command(flatten)]
        paging: Paging,
    },
    /// Make a key worthless.
    Revoke {
        /// The key's id: the part before the dot.
        id: String,
    },
}

/// What a key may do.
#[derive(Debug, Clone, Copy, ValueEnum)]
enum Scope {
    /// Create and control campaigns, audiences and assets.
    #[value(name = "campaigns:write")]
    CampaignsWrite,
    /// Read campaigns, runs, reports and deliveries.
    #[value(name = "campaigns:read")]
    CampaignsRead,
    /// Add and control numbers and pools; stop everything.
    #[value(name = "numbers:write")]
    NumbersWrite,
    /// Everything, keys included.
    #[value(name = "admin")]
    Admin,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        Action::Create { name, scope } => {
            let scopes: Vec<_> = scope.iter().filter_map(ValueEnum::to_possible_value).collect();
            let scopes: Vec<_> = scopes.iter().map(|scope| scope.get_name()).collect();
            let key = api.ask(&["v1", "keys"], json!({ "name": name, "scopes": scopes }).to_string()).await?;
            if !remote.json {
                eprintln!(
                    "Key {} may {}. Keep it now, it is not shown again:",
                    cell(&key, "/id"),
                    cell(&key, "/scopes")
                );
            }
            remote.show(&key, |key| cell(key, "/secret"));
            Ok(())
        }
        Action::List { paging } => {
            let table = (["ID", "NAME", "SCOPES", "CREATED"], "There are no keys but the bootstrap key.");
            let cells = |key: &Value| {
                let [id, name, scopes] = ["/id", "/name", "/scopes"].map(|field| cell(key, field));
                [id, name, scopes, utc_cell(key, "/created_at")]
            };
            listing::show(remote, &api, &["v1", "keys"], &paging.query(), table, cells).await
        }
        Action::Revoke { id } => {
            api.delete(&["v1", "keys", &id]).await?;
            remote.show(&json!({ "id": id, "revoked": true }), |_| format!("Key {id} is worthless now."));
            Ok(())
        }
    }
}
