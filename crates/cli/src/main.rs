//! The binary `dawncast`: configuration, telemetry, roles, commands. No logic of its own: it wires the crates together
//! and speaks to the server's API like any other client.

#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test that panics has failed"))]

mod chaos;
mod client;
mod commands;
mod config;
mod credentials;
mod demo;
mod failure;
mod logs;
mod output;
mod play;
mod report;
mod roles;
#[cfg(test)]
mod samples;
mod serve;
mod signals;
mod telemetry;
mod watch;

use std::process::ExitCode;

use clap::Parser;

use crate::{commands::Command, failure::Failure};

/// One campaign to many WhatsApp recipients at one moment: on time, once, and proven.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = runtime.map_err(Failure::new).and_then(|runtime| {
        let outcome = runtime.block_on(cli.command.run());
        // Else whoever failed would hang until standard input ends: the thread that reads it cannot be told to stop.
        runtime.shutdown_background();
        outcome
    });
    outcome.unwrap_or_else(|failure| {
        eprintln!("error: {failure}");
        failure.exit_code()
    })
}
