//! The commands. Each says in its own words what the server answered.

mod asset;
mod audience;
mod campaign;
mod credential;
mod debug;
mod defaults;
mod delivery;
mod doctor;
mod key;
mod listing;
mod number;
mod pool;
mod restore;
mod run;
mod sim;
mod suppression;
mod switch;
mod template;

use std::{
    fs,
    io::{self, IsTerminal, Read},
    path::Path,
    process::ExitCode,
};

pub(crate) use audience::tell_rejects;
use clap::Subcommand;
use dawncast_store::records::Secret;

use crate::{
    chaos,
    client::Remote,
    demo,
    failure::{Failure, Outcome},
    serve,
};

/// What `dawncast` can be told.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the engine: all of it, or some of its roles.
    Serve(serve::Args),
    /// Run a simulator of the WhatsApp Cloud API.
    Sim(Box<sim::Args>),
    /// Send a made-up broadcast to the simulator, with faults, and see what comes of it.
    Demo(demo::Args),
    /// Kill, freeze and cut off everything that can be while a broadcast goes out, then audit every recipient.
    Chaos(chaos::Args),
    /// Print the configuration with its defaults, commented.
    Config(defaults::Args),
    /// Campaigns: what goes out, to whom, when.
    Campaign(campaign::Args),
    /// Runs: one occurrence of a campaign.
    Run(run::Args),
    /// Audiences: named lists of recipients.
    Audience(audience::Args),
    /// Assets: media files that messages carry.
    Asset(asset::Args),
    /// Pools: numbers that may stand in for each other.
    Pool(pool::Args),
    /// Numbers: the WhatsApp phone numbers that send.
    Number(number::Args),
    /// Credentials: the access tokens that the numbers of an account share.
    Credential(credential::Args),
    /// Deliveries: one recipient in one run.
    Delivery(delivery::Args),
    /// See whether all is well that runs depend on: tokens, numbers, webhooks, templates, files, Redis, clocks.
    Doctor(doctor::Args),
    /// Templates: what Meta has approved, lint, submission and versions.
    Template(template::Args),
    /// The suppression list: who wants no messages.
    Suppression(suppression::Args),
    /// Stop everything at once: nothing more is sent until `dawncast start`.
    Stop(Remote),
    /// Take a stop back.
    Start(Remote),
    /// A Redis that was restored from an older copy: what is in doubt, and going on.
    Restore(restore::Args),
    /// API keys.
    Key(key::Args),
    /// Look into the storage itself.
    Debug(debug::Args),
}

impl Command {
    /// Does it.
    pub(crate) async fn run(self) -> Outcome {
        let done = match self {
            Self::Demo(args) => return demo::run(args).await,
            Self::Chaos(args) => return chaos::run(args).await,
            Self::Doctor(args) => return doctor::run(args).await,
            Self::Serve(args) => serve::run(args).await,
            Self::Sim(args) => sim::run(*args).await,
            Self::Config(args) => defaults::run(&args),
            Self::Campaign(args) => campaign::run(args).await,
            Self::Run(args) => run::run(args).await,
            Self::Audience(args) => audience::run(args).await,
            Self::Asset(args) => asset::run(args).await,
            Self::Pool(args) => pool::run(args).await,
            Self::Number(args) => number::run(args).await,
            Self::Credential(args) => credential::run(args).await,
            Self::Delivery(args) => delivery::run(args).await,
            Self::Template(args) => template::run(args).await,
            Self::Suppression(args) => suppression::run(args).await,
            Self::Stop(remote) => switch::stop(remote).await,
            Self::Start(remote) => switch::start(remote).await,
            Self::Restore(args) => restore::run(args).await,
            Self::Key(args) => key::run(args).await,
            Self::Debug(args) => debug::run(args).await,
        };
        done.map(|()| ExitCode::SUCCESS)
    }
}

/// The text of a file; `-` is standard input.
pub(crate) fn read_text(path: &Path) -> Result<String, Failure> {
    if path != Path::new("-") {
        return fs::read_to_string(path).map_err(|why| cannot_read(path, &why));
    }
    let mut text = String::new();
    io::stdin().read_to_string(&mut text).map_err(|why| cannot_read(path, &why))?;
    Ok(text)
}

/// The secret in a file, or on standard input when the file is `-`. What ends the line is not part of it.
pub(crate) fn read_secret(path: &Path, what: &str) -> Result<Secret, Failure> {
    if path == Path::new("-") && io::stdin().is_terminal() {
        eprintln!("Paste {what}, then press Enter and Ctrl-D.");
    }
    match read_text(path)?.trim() {
        "" => Err(Failure::Usage(format!("{what} is empty: give it on standard input or in a file"))),
        secret => Ok(Secret::new(secret)),
    }
}

/// Why a file cannot be used.
pub(crate) fn cannot_read(path: &Path, why: &io::Error) -> Failure {
    Failure::new(format!("{}: {why}", path.display()))
}
