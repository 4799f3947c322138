//! The archive as a store of objects: opened from its settings, then written to and read from.

use std::{
    collections::HashMap,
    fmt, fs,
    ops::Range,
    path::Path as FilePath,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use dawncast_core::ids::RunId;
use object_store::{
    BackoffConfig, ObjectStore, ObjectStoreExt, RetryConfig, aws::AmazonS3Builder, buffered::BufWriter,
    local::LocalFileSystem, path::Path,
};
use reqwest::Url;

use super::{ArchiveError, BadArchive, http::Connector, lines::Index};
use crate::records::Secret;

/// What is gathered before it is sent as one part of an object. S3 takes no smaller ones.
const PART: usize = 5 * 1024 * 1024;
/// Indexes that are kept in memory: some 10 KB for a run of half a million.
const INDEXES: usize = 64;

/// Where runs are archived.
#[derive(Debug, Clone)]
pub struct ArchiveConfig {
    /// `file:///folder` or `s3://bucket/prefix`.
    pub url: String,
    /// What S3 wants to know.
    pub s3: S3Config,
}

/// How to reach an S3-compatible store.
#[derive(Debug, Clone, Default)]
pub struct S3Config {
    /// Its address, where it is not Amazon's.
    pub endpoint: Option<String>,
    /// Its region.
    pub region: String,
    /// Whose keys.
    pub access_key_id: Option<Secret>,
    /// The key.
    pub secret_access_key: Option<Secret>,
    /// Whether the address may be plain HTTP.
    pub allow_http: bool,
}

/// An open archive. Cheap to clone.
#[derive(Clone)]
pub struct Archive {
    objects: Arc<dyn ObjectStore>,
    /// Its address, without a slash at the end.
    root: Arc<str>,
    prefix: Path,
    indexes: Arc<Mutex<HashMap<String, Arc<Index>>>>,
}

impl fmt::Debug for Archive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Archive").field(&self.root).finish()
    }
}

impl Archive {
    /// Opens an archive. A folder is made if it is not there; an S3 store is not asked yet: one that is away at the start
    /// must not keep messages from being sent.
    ///
    /// # Errors
    /// When a setting is missing or cannot be right, naming it and what to do.
    pub fn open(config: &ArchiveConfig) -> Result<Self, BadArchive> {
        let known = "must be file:///folder or s3://bucket/prefix";
        let url = Url::parse(&config.url).map_err(|why| BadArchive::new("archive.url", format!("{known} ({why})")))?;
        if !url.username().is_empty() || url.password().is_some() {
            let secret = "holds a name or a password, and is shown to people: give keys by archive.access_key_id and archive.secret_access_key";
            return Err(BadArchive::new("archive.url", secret.to_owned()));
        }
        let (objects, prefix): (Arc<dyn ObjectStore>, _) = match url.scheme() {
            "file" => (Arc::new(folder(&url)?), Path::default()),
            "s3" => (Arc::new(bucket(&url, &config.s3)?), Path::from(url.path())),
            other => return Err(BadArchive::new("archive.url", format!("{known}, and is {other}:"))),
        };
        let root = config.url.trim_end_matches('/').into();
        Ok(Self { objects, root, prefix, indexes: Arc::default() })
    }

    /// Where people find an object.
    pub(super) fn url(&self, object: &str) -> String {
        format!("{}/{object}", self.root)
    }

    /// That what is at `url` was written to another archive, if so.
    pub(super) fn is_other_than(&self, url: &str) -> Option<ArchiveError> {
        let own = url.strip_prefix(&*self.root).is_some_and(|rest| rest.starts_with('/'));
        (!own).then(|| ArchiveError::Elsewhere { url: url.to_owned(), root: self.root.to_string() })
    }

    fn path(&self, object: &str) -> Path {
        let parts = self.prefix.parts().map(|part| part.as_ref().to_owned());
        let parts: Vec<String> = parts.chain(object.split('/').map(str::to_owned)).collect();
        Path::from_iter(parts)
    }

    pub(super) fn away(&self, source: object_store::Error) -> ArchiveError {
        ArchiveError::Away { root: self.root.to_string(), source }
    }

    /// Begins to write an object. It is there, whole, once that was shut down; until then it is not.
    pub(super) fn writer(&self, object: &str) -> BufWriter {
        BufWriter::with_capacity(Arc::clone(&self.objects), self.path(object), PART).with_max_concurrency(2)
    }

    pub(super) async fn size(&self, object: &str) -> Result<u64, ArchiveError> {
        let head = self.objects.head(&self.path(object)).await;
        Ok(head.map_err(|why| self.away(why))?.size)
    }

    pub(super) async fn range(&self, object: &str, range: Range<u64>) -> Result<Bytes, ArchiveError> {
        if range.is_empty() {
            return Ok(Bytes::new());
        }
        let bytes = self.objects.get_range(&self.path(object), range.clone()).await.map_err(|why| self.away(why))?;
        if bytes.len() as u64 != range.end - range.start {
            let detail = format!("it ends before byte {}", range.end);
            return Err(ArchiveError::Damaged { url: self.url(object), detail });
        }
        Ok(bytes)
    }

    /// Removes an object that no run names any more; one that is not there is removed.
    pub(super) async fn remove(&self, object: &str) -> Result<(), ArchiveError> {
        match self.objects.delete(&self.path(object)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(why) => Err(self.away(why)),
        }
    }

    pub(super) fn known_index(&self, object: &str) -> Option<Arc<Index>> {
        self.indexes.lock().unwrap_or_else(PoisonError::into_inner).get(object).cloned()
    }

    pub(super) fn keep_index(&self, object: &str, index: Arc<Index>) {
        let mut indexes = self.indexes.lock().unwrap_or_else(PoisonError::into_inner);
        if indexes.len() >= INDEXES {
            indexes.clear();
        }
        indexes.insert(object.to_owned(), index);
    }
}

/// What a run's object is called. The token keeps two schedulers that archive one run apart: each has written what it says
/// that it has.
pub(super) fn name(campaign: &str, run: &RunId, token: u32) -> String {
    format!("{campaign}/{run}.{token:08x}.ndjson.gz")
}

fn folder(url: &Url) -> Result<LocalFileSystem, BadArchive> {
    let path = url.to_file_path().map_err(|()| {
        BadArchive::new(
            "archive.url",
            "must name a folder of this machine from its root on, as file:///var/lib/archive",
        )
    })?;
    make_folder(&path)?;
    let folder = LocalFileSystem::new_with_prefix(&path);
    let folder = folder.map_err(|why| BadArchive::new("archive.url", format!("cannot be opened: {why}")))?;
    Ok(folder.with_fsync(true))
}

fn make_folder(path: &FilePath) -> Result<(), BadArchive> {
    fs::create_dir_all(path).map_err(|why| {
        let path = path.display();
        BadArchive::new("archive.url", format!("names {path}, which cannot be made: {why}; make it, or give another"))
    })
}

fn bucket(url: &Url, s3: &S3Config) -> Result<impl ObjectStore + use<>, BadArchive> {
    let Some(bucket) = url.host_str().filter(|bucket| !bucket.is_empty()) else {
        return Err(BadArchive::new("archive.url", "must name a bucket, as in s3://bucket/prefix"));
    };
    let given = |key, value: &Option<Secret>| {
        let missing = format!("is not set, but archive.url is in S3: set it, or {key}_file");
        value.as_ref().map(|value| value.expose().to_owned()).ok_or_else(|| BadArchive::new(key, missing))
    };
    let scheme = scheme(s3)?;
    let connector = Connector::new(&scheme).map_err(|why| {
        BadArchive::new("archive.url", format!("cannot be reached by HTTPS ({why}); are ca-certificates installed?"))
    })?;
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(&s3.region)
        .with_access_key_id(given("archive.access_key_id", &s3.access_key_id)?)
        .with_secret_access_key(given("archive.secret_access_key", &s3.secret_access_key)?)
        .with_allow_http(s3.allow_http)
        .with_http_connector(connector)
        .with_retry(patience());
    if let Some(endpoint) = &s3.endpoint {
        builder = builder.with_endpoint(endpoint);
    }
    builder.build().map_err(|why| BadArchive::new("archive", format!("cannot be opened: {why}")))
}

/// The scheme by which the store is reached.
fn scheme(s3: &S3Config) -> Result<String, BadArchive> {
    let Some(endpoint) = &s3.endpoint else { return Ok("https".to_owned()) };
    let url = Url::parse(endpoint).map_err(|why| {
        BadArchive::new("archive.endpoint", format!("must be an address such as https://s3.example.com ({why})"))
    })?;
    match url.scheme() {
        "https" => {}
        "http" if s3.allow_http => {}
        "http" => {
            let remedy =
                "is plain HTTP: give an https address, or set archive.allow_http where nobody listens in between";
            return Err(BadArchive::new("archive.endpoint", remedy));
        }
        _ => return Err(BadArchive::new("archive.endpoint", "must be an http or https address")),
    }
    Ok(url.scheme().to_owned())
}

/// What fails in passing is asked again, within a time in which somebody who reads still waits.
fn patience() -> RetryConfig {
    let backoff =
        BackoffConfig { init_backoff: Duration::from_millis(100), max_backoff: Duration::from_secs(1), base: 2.0 };
    RetryConfig { backoff, max_retries: 3, retry_timeout: Duration::from_secs(10) }
}
