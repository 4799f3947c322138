//! The parts of a measurement, each a process: the simulator, the engine, the bare loop that it is held against, and the
//! API.

pub(crate) mod api;
pub(crate) mod bare;
pub(crate) mod engine;
pub(crate) mod sim;

use clap::Subcommand;

/// A part, with its configuration as JSON.
#[derive(Subcommand)]
pub(crate) enum Part {
    /// The simulator.
    Sim {
        /// A `SimConfig`.
        config: String,
    },
    /// Scheduler, worker, webhook and monitor.
    Engine {
        /// An `engine::Config`.
        config: String,
    },
    /// The same client in a loop.
    Bare {
        /// A `bare::Config`.
        config: String,
    },
    /// The API.
    Api {
        /// An `api::Config`.
        config: String,
    },
}

impl Part {
    pub(crate) async fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Sim { config } => sim::run(serde_json::from_str(&config)?).await,
            Self::Engine { config } => engine::run(serde_json::from_str(&config)?).await,
            Self::Api { config } => api::run(serde_json::from_str(&config)?).await,
            Self::Bare { config } => bare::run(serde_json::from_str(&config)?).await,
        }
    }
}
