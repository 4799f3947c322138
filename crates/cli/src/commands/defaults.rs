//! `dawncast config`: every key, commented, with its default.

use crate::{config, failure::Failure, output};

/// Print the configuration with its defaults, commented.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Print JSON, for machines: the defaults without their comments.
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: &Args) -> Result<(), Failure> {
    let defaults: toml::Table = config::DEFAULTS.parse().expect("a test parses the defaults");
    output::show(args.json, &defaults, |_| config::DEFAULTS.to_owned());
    Ok(())
}
