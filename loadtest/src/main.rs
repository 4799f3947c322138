//! The load test: what Dawncast costs against a bare loop that does the same with nothing written down. Every part
//! runs as a process of its own, so that the system tells whose time was spent.

mod bench;
mod message;
mod parts;
mod process;

use clap::{Parser, Subcommand};

/// The measurements of Dawncast.
#[derive(Parser)]
#[command(name = "dawncast-loadtest", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure, print the table, and say which targets are met.
    Bench(bench::Args),
    /// A part of the measurement, started by it.
    #[command(hide = true)]
    Part {
        #[command(subcommand)]
        part: parts::Part,
    },
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    match Cli::parse().command {
        Command::Bench(args) => bench::run(args).await,
        Command::Part { part } => part.run().await,
    }
}
