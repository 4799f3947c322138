//! Why there is no private Redis, and what to do about it.

use std::path::PathBuf;

/// A private Redis could not be started or stopped.
#[derive(Debug, thiserror::Error)]
pub enum PrivateError {
    /// There is no such program.
    #[error(
        "`{}` was not found. Install Redis 7.0 or newer (Debian and Ubuntu: `sudo apt-get install redis-server`; \
         macOS: `brew install redis`), or set redis.url to a Redis that runs already",
        .binary.display()
    )]
    Missing {
        /// What was looked for.
        binary: PathBuf,
    },
    /// Another dawncast lives on the data folder.
    #[error(
        "another dawncast ({}) uses the data folder {}. Stop it, or set data_dir to another folder",
        name_process(*.owner), .folder.display()
    )]
    Held {
        /// The data folder.
        folder: PathBuf,
        /// Its process id, if it could be learnt.
        owner: Option<u32>,
    },
    /// The server ended before it was ready.
    #[error("redis-server ended while it started. The end of its log, {}:\n{tail}", .log.display())]
    Died {
        /// Its log.
        log: PathBuf,
        /// The last lines of its log.
        tail: String,
    },
    /// The server runs and does not answer.
    #[error("redis-server (process {pid}) runs, but does not answer; see its log, {}", .log.display())]
    Silent {
        /// Its process id.
        pid: u32,
        /// Its log.
        log: PathBuf,
    },
    /// A server that has to go will not.
    #[error(
        "a Redis ({}) still runs on {} and could not be ended. End it by hand, then start again",
        name_process(*.pid), .folder.display()
    )]
    Stubborn {
        /// The data folder.
        folder: PathBuf,
        /// Its process id, if it could be learnt.
        pid: Option<u32>,
    },
    /// The data folder cannot serve.
    #[error("the data folder {} cannot be used: {reason}", .folder.display())]
    Unusable {
        /// The data folder.
        folder: PathBuf,
        /// Why, and what to do.
        reason: String,
    },
    /// The operating system refused something.
    #[error("{}: {source}", .path.display())]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
}

fn name_process(pid: Option<u32>) -> String {
    pid.map_or_else(|| "process unknown".to_owned(), |pid| format!("process {pid}"))
}
