//! The `redis-server` process: how it is configured, started, asked and signalled.

use std::collections::HashMap;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, InfoDict, RedisResult};
use rustix::process::{Pid, Signal, kill_process};
use tokio::process::{Child, Command};
use tokio::time::{Instant, sleep};

use super::folder::{Folder, Lock};
use super::{Appendfsync, PrivateConfig, PrivateError};

const ANSWER_WITHIN: Duration = Duration::from_secs(2);
const LOG_TAIL_LINES: usize = 10;

/// What became of a server that was waited for.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wait {
    Ready,
    Ended,
    Silent,
}

/// The one table of settings: written for a server that is started, compared with one that is to be adopted.
fn settings(folder: &Folder, config: &PrivateConfig) -> Vec<(&'static str, String)> {
    let text = |path: &Path| path.to_str().expect("a folder is opened only if its paths are UTF-8").to_owned();
    let appendfsync = match config.appendfsync {
        Appendfsync::Always => "always",
        Appendfsync::EverySec => "everysec",
    };
    vec![
        ("dir", text(folder.root())),
        ("port", "0".to_owned()),
        ("unixsocket", text(folder.socket())),
        ("unixsocketperm", "700".to_owned()),
        ("pidfile", text(&folder.pid_file())),
        ("appendonly", "yes".to_owned()),
        ("appendfsync", appendfsync.to_owned()),
        ("save", String::new()),
        ("maxmemory", config.max_memory.unwrap_or(0).to_string()),
        ("maxmemory-policy", "noeviction".to_owned()),
    ]
}

/// Starts a server on the folder, which holds `lock` while it lives.
pub(super) fn launch(folder: &Folder, config: &PrivateConfig, lock: Lock) -> Result<Child, PrivateError> {
    let log = prepare(folder, config).map_err(|source| PrivateError::Io { path: folder.root().to_owned(), source })?;
    let binary = config.binary.clone().unwrap_or_else(|| PathBuf::from("redis-server"));
    Command::new(&binary)
        .arg(folder.conf())
        .current_dir(folder.root())
        // Some versions refuse to start under a locale that is not installed.
        .env("LC_ALL", "C")
        // Else Ctrl-C in a terminal would end Redis before its owner has written what it still holds.
        .process_group(0)
        .stdin(lock.into_file())
        .stdout(log.0)
        .stderr(log.1)
        .spawn()
        .map_err(|source| match source.kind() {
            io::ErrorKind::NotFound => PrivateError::Missing { binary },
            _ => PrivateError::Io { path: binary, source },
        })
}

/// Writes the configuration and opens the log afresh, keeping the previous one.
fn prepare(folder: &Folder, config: &PrivateConfig) -> io::Result<(File, File)> {
    let lines = settings(folder, config).into_iter().map(|(name, value)| format!("{name} {}\n", quote(&value)));
    fs::write(folder.conf(), format!("# Written at each start; changes are lost.\n{}", lines.collect::<String>()))?;
    allow_absent(fs::remove_file(folder.pid_file()))?;
    allow_absent(fs::rename(folder.log(), folder.log().with_extension("log.1")))?;
    let log = File::options().create(true).append(true).open(folder.log())?;
    Ok((log.try_clone()?, log))
}

fn allow_absent(result: io::Result<()>) -> io::Result<()> {
    result.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}

/// Quotes a value as `redis.conf` reads it.
fn quote(value: &str) -> String {
    let escaped = value.chars().map(|c| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_ascii_control() => format!("\\x{:02x}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}

/// Waits until the server on the folder has loaded its data and answers. Loading may take any time; one that neither
/// answers nor says that it is loading for `patience` is given up.
pub(super) async fn wait_ready(folder: &Folder, patience: Duration) -> Result<Wait, PrivateError> {
    let mut heard = Instant::now();
    loop {
        match ping(folder).await {
            Ok(()) => return Ok(Wait::Ready),
            Err(error) if error.code() == Some("LOADING") => heard = Instant::now(),
            Err(_) if heard.elapsed() > patience => return Ok(Wait::Silent),
            Err(_) => {}
        }
        if !folder.is_occupied()? {
            return Ok(Wait::Ended);
        }
        sleep(super::POLL).await;
    }
}

async fn connect(folder: &Folder) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(ANSWER_WITHIN))
        .set_response_timeout(Some(ANSWER_WITHIN));
    redis::Client::open(folder.url())?.get_multiplexed_async_connection_with_config(&config).await
}

async fn ping(folder: &Folder) -> RedisResult<()> {
    redis::cmd("PING").exec_async(&mut connect(folder).await?).await
}

/// The process id of the server that answers on the folder, if it is set up as asked.
pub(super) async fn identify(folder: &Folder, config: &PrivateConfig) -> Option<u32> {
    let wanted = settings(folder, config);
    let (names, values): (Vec<_>, Vec<_>) = wanted.into_iter().unzip();
    let mut connection = connect(folder).await.ok()?;
    let (found, info): (HashMap<String, String>, InfoDict) = redis::pipe()
        .cmd("CONFIG")
        .arg("GET")
        .arg(&names)
        .cmd("INFO")
        .arg("server")
        .query_async(&mut connection)
        .await
        .ok()?;
    let same = names.iter().zip(&values).all(|(name, value)| found.get(*name) == Some(value));
    if same { info.get("process_id") } else { None }
}

/// The error for a server that ended while it started.
pub(super) fn died(folder: &Folder) -> PrivateError {
    let text = fs::read(folder.log()).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<_> = text.lines().collect();
    let tail = lines[lines.len().saturating_sub(LOG_TAIL_LINES)..].join("\n");
    PrivateError::Died { log: folder.log(), tail }
}

/// Asks a server to shut down: it refuses further writes, flushes and exits.
pub(super) fn terminate(pid: u32) {
    signal(pid, Signal::TERM);
}

/// Ends a server at once.
pub(super) fn kill(pid: u32) {
    signal(pid, Signal::KILL);
}

/// A process that is gone already is what the signal was for, so failing is no error; the lock tells what happened.
fn signal(pid: u32, signal: Signal) {
    if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
        let _ = kill_process(pid, signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_quoted_as_redis_reads_them() {
        assert_eq!(quote(""), r#""""#);
        assert_eq!(quote(r#"/a b/"c"\d"#), r#""/a b/\"c\"\\d""#);
        assert_eq!(quote("a\nb"), r#""a\x0ab""#);
    }
}
