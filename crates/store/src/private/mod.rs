//! A Redis of our own: a `redis-server` child on a data folder, for whoever has no Redis to point `redis.url` at.
//!
//! Two locks in the folder keep the promise "never two on one folder", and neither can be left behind by a crash:
//! - `lock` is held by the dawncast that owns the folder. A second one is refused.
//! - `redis.lock` is handed to the child as its standard input, so it is held exactly as long as that Redis lives,
//!   whatever became of its parent. A start that finds it held has met an orphan, and adopts or ends it.

mod error;
mod folder;
mod server;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::process::Child;
use tokio::time::{Instant, sleep};

pub use error::PrivateError;
use folder::{Folder, Lock};
use server::Wait;

/// How long a new server may be silent before it is given up.
const NEW_SILENT: Duration = Duration::from_secs(10);
/// How long an orphan may: it runs already, and ending it loses nothing.
const ORPHAN_SILENT: Duration = Duration::from_secs(2);
/// A process that stops in an orderly way, or that has been told to die, is given this long.
const END_WITHIN: Duration = Duration::from_secs(10);
/// Dropping blocks its thread, so it waits less before it kills.
const DROP_WITHIN: Duration = Duration::from_secs(2);
const POLL: Duration = Duration::from_millis(5);

/// When Redis forces its append-only file to disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Appendfsync {
    /// Before each answer: what was acknowledged survives a crash.
    #[default]
    Always,
    /// Once a second: faster on slow disks, and a crash may lose what was acknowledged in the last second or more.
    EverySec,
}

/// How to run a private Redis.
#[derive(Debug, Clone)]
pub struct PrivateConfig {
    /// Where its data, socket, log and locks live; created if absent. Belongs to one dawncast at a time.
    pub data_dir: PathBuf,
    /// The program to start; by default `redis-server` from the search path.
    pub binary: Option<PathBuf>,
    /// When writes reach the disk.
    pub appendfsync: Appendfsync,
    /// The most memory its data may take, in bytes; without it, all there is. When full it refuses writes, never evicts.
    pub max_memory: Option<u64>,
}

impl PrivateConfig {
    /// The safe defaults, on `data_dir`.
    pub fn new(data_dir: impl Into<PathBuf>) -> Self {
        Self { data_dir: data_dir.into(), binary: None, appendfsync: Appendfsync::default(), max_memory: None }
    }
}

/// A running private Redis. End it by [`stop`](Self::stop); dropping it ends it as well, but blocks meanwhile.
#[derive(Debug)]
pub struct PrivateRedis {
    folder: Folder,
    pid: u32,
    /// Absent when the server was adopted: it is not our child then.
    child: Option<Child>,
    /// Held for its lifetime only. The last field, so that the folder is given up after all else has ended.
    _owner: Lock,
}

impl PrivateRedis {
    /// Takes the data folder and sees to it that one Redis, set up as asked, answers on it: the orphan of a dawncast
    /// that was killed if it is fit, else a new one. Returns when it is ready, that is, has loaded its data.
    pub async fn start(config: PrivateConfig) -> Result<Self, PrivateError> {
        let folder = Folder::open(&config.data_dir)?;
        let owner = folder.own().await?;
        let child = match settle(&folder, &config).await? {
            Tenant::Adopted(pid) => return Ok(Self { folder, pid, child: None, _owner: owner }),
            Tenant::Nobody(lock) => server::launch(&folder, &config, lock)?,
        };
        let pid = child.id().expect("a child that was not awaited has an id");
        let redis = Self { folder, pid, child: Some(child), _owner: owner };
        match server::wait_ready(&redis.folder, NEW_SILENT).await? {
            Wait::Ready => Ok(redis),
            Wait::Ended => Err(server::died(&redis.folder)),
            Wait::Silent => Err(PrivateError::Silent { pid, log: redis.folder.log() }),
        }
    }

    /// Where it listens: a Unix socket, as `redis+unix://…`. There is no TCP port.
    pub fn url(&self) -> String {
        self.folder.url()
    }

    /// The Unix socket that it listens on.
    pub fn socket(&self) -> &Path {
        self.folder.socket()
    }

    /// The process id of the server.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Stops the server in an orderly way, by force if it takes longer than ten seconds. Its data stay.
    pub async fn stop(mut self) -> Result<(), PrivateError> {
        drop(end(&self.folder, Some(self.pid)).await?);
        if let Some(child) = &mut self.child {
            child.wait().await.map_err(|source| PrivateError::Io { path: self.folder.log(), source })?;
        }
        Ok(())
    }

    /// By the lock, or should its folder have been deleted, by what is known of the process.
    fn is_alive(&mut self) -> bool {
        let has_ended = |child: &mut Child| matches!(child.try_wait(), Ok(Some(_)));
        self.folder.is_occupied().unwrap_or_else(|_| !self.child.as_mut().is_some_and(has_ended))
    }
}

impl Drop for PrivateRedis {
    fn drop(&mut self) {
        if !self.is_alive() {
            return;
        }
        server::terminate(self.pid);
        let started = std::time::Instant::now();
        while self.is_alive() && started.elapsed() < DROP_WITHIN {
            std::thread::sleep(POLL);
        }
        if self.is_alive() {
            server::kill(self.pid);
        }
    }
}

/// Who lives on a folder once its past is settled.
enum Tenant {
    /// The orphan with this process id.
    Adopted(u32),
    /// Nobody: the lock is there to be handed to a new server.
    Nobody(Lock),
}

/// Adopts what runs on the folder already, or ends it.
async fn settle(folder: &Folder, config: &PrivateConfig) -> Result<Tenant, PrivateError> {
    if let Some(lock) = folder.occupy()? {
        return Ok(Tenant::Nobody(lock));
    }
    if server::wait_ready(folder, ORPHAN_SILENT).await? == Wait::Ready
        && let Some(pid) = server::identify(folder, config).await
    {
        tracing::info!(redis.pid = pid, "adopted the Redis that an earlier dawncast left running, process {pid}");
        return Ok(Tenant::Adopted(pid));
    }
    let orphan = folder.orphan();
    tracing::warn!(
        redis.pid = orphan,
        "ending the Redis that an earlier dawncast left running: it is silent, or set up otherwise"
    );
    end(folder, orphan).await.map(Tenant::Nobody)
}

/// Ends whatever lives on the folder and takes its place. Without a process id, all that can be done is to wait for it.
async fn end(folder: &Folder, pid: Option<u32>) -> Result<Lock, PrivateError> {
    for signal in [server::terminate, server::kill] {
        if let Some(pid) = pid
            && folder.is_occupied()?
        {
            signal(pid);
        }
        let started = Instant::now();
        while started.elapsed() < END_WITHIN {
            if let Some(lock) = folder.occupy()? {
                return Ok(lock);
            }
            sleep(POLL).await;
        }
    }
    Err(PrivateError::Stubborn { folder: folder.root().to_owned(), pid })
}
