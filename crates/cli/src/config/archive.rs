//! `[archive]`: where closed runs go.

use std::{path::PathBuf, time::Duration};

use dawncast_store::{
    archive::{Archive as Opened, ArchiveConfig, BadArchive, S3Config},
    records::Secret,
};
use serde::Deserialize;

use super::{BadConfig, engine::duration, from_file};

/// The section.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Archive {
    url: Option<String>,
    #[serde(deserialize_with = "duration")]
    after: Duration,
    endpoint: Option<String>,
    region: String,
    access_key_id: Option<Secret>,
    access_key_id_file: Option<PathBuf>,
    secret_access_key: Option<Secret>,
    secret_access_key_file: Option<PathBuf>,
    allow_http: bool,
}

impl Archive {
    pub(super) fn read_secrets(&mut self) -> Result<(), BadConfig> {
        let (id, secret) = (&mut self.access_key_id, &mut self.secret_access_key);
        from_file("archive.access_key_id", id, self.access_key_id_file.as_deref())?;
        from_file("archive.secret_access_key", secret, self.secret_access_key_file.as_deref())
    }

    /// How long after its close a run is archived; none without an archive.
    pub(crate) fn after(&self) -> Option<Duration> {
        self.url.is_some().then_some(self.after)
    }

    /// Opens the archive, if there is to be one.
    pub(crate) fn open(&self) -> Result<Option<Opened>, BadConfig> {
        let Some(url) = &self.url else { return Ok(None) };
        let s3 = S3Config {
            endpoint: self.endpoint.clone(),
            region: self.region.clone(),
            access_key_id: self.access_key_id.clone(),
            secret_access_key: self.secret_access_key.clone(),
            allow_http: self.allow_http,
        };
        let opened = Opened::open(&ArchiveConfig { url: url.clone(), s3 });
        opened.map(Some).map_err(|BadArchive { key, reason }| BadConfig::Value { key, reason })
    }
}
