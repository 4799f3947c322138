//! `dawncast pool`: numbers that may stand in for each other.

use clap::Subcommand;
use serde_json::Value;

use super::listing;
use crate::{client::Remote, failure::Failure, output::cell};

/// Pools: numbers that may stand in for each other.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List pools and their numbers.
    List,
    /// Let the pool send nothing more until it is resumed.
    Pause {
        /// The pool's name.
        pool: String,
    },
    /// Let a paused pool send again.
    Resume {
        /// The pool's name.
        pool: String,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let (pool, verb, came_to) = match &args.action {
        Action::List => {
            let table = (["POOL", "PAUSED", "NUMBERS"], "There are no pools: add a number first.");
            let cells = |pool: &Value| ["/id", "/paused", "/numbers"].map(|field| cell(pool, field));
            return listing::show(remote, &api, &["v1", "pools"], &[], table, cells).await;
        }
        Action::Pause { pool } => (pool, "pause", "is paused"),
        Action::Resume { pool } => (pool, "resume", "sends again"),
    };
    let answer = api.post(&["v1", "pools", pool, verb]).await?;
    remote.show(&answer, |_| format!("Pool {pool} {came_to}."));
    Ok(())
}
