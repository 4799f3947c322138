//! `dawncast credential`: the access tokens that the numbers of an account share.

use std::path::PathBuf;

use clap::Subcommand;
use serde_json::{Value, json};

use super::{listing, read_secret};
use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, field, utc_cell},
};

/// Credentials: the access tokens that the numbers of a WhatsApp Business account share.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Set the token of an account, or put a new one in its place. It is read from standard input or a file.
    Set {
        /// The WhatsApp Business account: digits.
        waba: String,
        /// Where the token is; `-` is standard input.
        #[arg(long, value_name = "FILE", default_value = "-")]
        token_file: PathBuf,
    },
    /// List which accounts have a token, and which numbers send with it. Tokens are not shown.
    List,
    /// Remove the token of an account whose numbers do not need it.
    Remove {
        /// The WhatsApp Business account.
        waba: String,
    },
    /// Seal every token under the first of credentials.keys.
    Rekey,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        Action::Set { waba, token_file } => {
            let token = read_secret(&token_file, "the access token")?;
            let body = json!({ "access_token": token.expose() });
            let set = api.put(&["v1", "credentials", &waba], &body).await?;
            remote.show(&set, |set| format!("The token of account {waba} is set. {}", users(set)));
        }
        Action::List => {
            let table = (["ACCOUNT", "KEY", "SET AT", "NUMBERS", "PROBLEM"], "There are no credentials.");
            let cells = |credential: &Value| {
                let [account, key, numbers, problem] =
                    ["/waba_id", "/key_id", "/numbers", "/problem"].map(|field| cell(credential, field));
                [account, key, utc_cell(credential, "/set_at"), numbers, problem]
            };
            return listing::show(remote, &api, &["v1", "credentials"], &[], table, cells).await;
        }
        Action::Remove { waba } => {
            api.delete(&["v1", "credentials", &waba]).await?;
            let removed = json!({ "waba_id": waba, "removed": true });
            remote.show(&removed, |_| format!("The token of account {waba} is forgotten."));
        }
        Action::Rekey => {
            let rekeyed = api.post(&["v1", "credentials", "rekey"]).await?;
            remote.show(&rekeyed, rekeyed_words);
        }
    }
    Ok(())
}

fn users(credential: &Value) -> String {
    match field(credential, "/numbers") {
        Some(numbers) if !numbers.is_empty() => format!("Numbers that send with it: {numbers}."),
        _ => "No number sends with it yet.".to_owned(),
    }
}

fn rekeyed_words(rekeyed: &Value) -> String {
    let [key, count] = ["/key_id", "/rekeyed"].map(|field| cell(rekeyed, field));
    let locked = rekeyed["locked"].as_array().map_or(0, Vec::len);
    let done = format!("{count} tokens were sealed anew, under key {key}.");
    match locked {
        0 => format!("{done} No other key is needed any more."),
        _ => format!("{done} {locked} cannot be opened by the server: {}", cell(rekeyed, "/locked")),
    }
}
