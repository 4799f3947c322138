//! `[credentials]`: the keys that access tokens are sealed under.

use std::path::PathBuf;

use dawncast_store::{Keyring, records::Secret};
use serde::Deserialize;

use super::{BadConfig, lines, list};

const KEYS: &str = "credentials.keys";

/// See `default.toml`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Credentials {
    #[serde(deserialize_with = "list")]
    keys: Vec<Secret>,
    keys_file: Option<PathBuf>,
}

impl Credentials {
    pub(super) fn read_secrets(&mut self) -> Result<(), BadConfig> {
        lines(KEYS, &mut self.keys, self.keys_file.as_deref())
    }

    /// The keys that were given; none where none were.
    pub(crate) fn keyring(&self) -> Result<Keyring, BadConfig> {
        Keyring::new(&self.keys).map_err(|why| BadConfig::Value { key: KEYS, reason: format!("cannot be used: {why}") })
    }
}
