//! What can keep a simulator from starting or from taking an order.

use std::net::SocketAddr;
use std::path::PathBuf;

/// Why the simulator did not start, or did not do as it was told.
#[derive(Debug, thiserror::Error)]
pub enum SimError {
    /// A setting is out of bounds.
    #[error("`{field}` is not usable: {remedy}")]
    Config {
        /// The setting's name.
        field: &'static str,
        /// What to do about it.
        remedy: &'static str,
    },
    /// The address could not be bound.
    #[error("cannot listen on {addr}: {source}; choose another address, or port 0 for a free one")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The scenario file could not be read.
    #[error("cannot read the scenario {}: {source}", path.display())]
    Scenario {
        /// The file.
        path: PathBuf,
        /// The operating system's reason.
        source: std::io::Error,
    },
    /// The scenario file has mistakes.
    #[error("the scenario cannot be played:\n{0}")]
    Script(
        /// Each mistake in a line, with file and line.
        String,
    ),
    /// An order of faults makes no sense.
    #[error("the faults ordered are not usable: {0}")]
    Faults(String),
    /// What was ordered of a number is nothing that Meta has.
    #[error("`{field}` is not usable: {remedy}")]
    Order {
        /// The field.
        field: &'static str,
        /// What to do about it.
        remedy: String,
    },
    /// The webhook's address is not an HTTP URL.
    #[error("the webhook URL is not usable: {0}; give one such as http://127.0.0.1:8081/webhook")]
    WebhookUrl(String),
    /// The webhook's owner did not answer the verification as Meta demands.
    #[error("the webhook did not verify: {0}")]
    Verification(String),
}
