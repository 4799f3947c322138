//! Child processes of this very binary.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::Settings;
use crate::failure::Failure;

/// How long a process may take until it is ready, and how often it is asked.
const READY_WITHIN: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// How long a process may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How much of a log is shown when its process has failed.
const TAIL_LINES: usize = 8;

/// Starts processes of this binary whose files lie in a folder.
#[derive(Debug, Clone)]
pub(crate) struct Launcher {
    program: PathBuf,
    folder: PathBuf,
}

impl Launcher {
    /// For processes whose files shall lie in `folder`.
    pub(crate) fn new(folder: &Path) -> Result<Self, Failure> {
        Ok(Self { program: std::env::current_exe().map_err(Failure::new)?, folder: folder.to_owned() })
    }

    /// Starts one. Another of the same name continues its log.
    pub(crate) fn launch(&self, name: &str, arguments: &[String], settings: &Settings) -> Result<Process, Failure> {
        let log = self.folder.join(format!("{name}.log"));
        let mut settings = settings.clone();
        // What a process keeps for itself, no other shall find.
        settings.push(("DAWNCAST_DATA_DIR", self.folder.join(format!("{name}-data")).display().to_string()));
        let child = self.spawn(&log, arguments, &settings);
        let child = child.map_err(|why| Failure::new(format!("{name} cannot be started: {why}")))?;
        Ok(Process { name: name.to_owned(), child, log })
    }

    fn spawn(&self, log: &Path, arguments: &[String], settings: &Settings) -> io::Result<Child> {
        let log = File::options().create(true).append(true).open(log)?;
        let mut command = Command::new(&self.program);
        // What configures this process, or lies where it was started, is not meant for its children.
        for (inherited, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"DAWNCAST_"))
        {
            command.env_remove(inherited);
        }
        command
            .args(arguments)
            .envs(settings.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            // Ctrl-C is for the parent, which stops its children in order. Should it die instead, their input ends.
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
    }
}

/// A child process. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Waits until `url` answers with success.
    pub(crate) async fn ready(&mut self, url: &str) -> Result<(), Failure> {
        let http = crate::client::http_client(false)?;
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if http.get(url).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                return Err(Failure::new(format!("{} ended ({status}):\n{}", self.name, self.tail())));
            }
            sleep(ASK_AGAIN).await;
        }
        Err(Failure::new(format!("{} was not ready within {READY_WITHIN:?}:\n{}", self.name, self.tail())))
    }

    /// How it ended, if it has.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// The end of its log.
    pub(crate) fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    /// Kills it as a crash would (SIGKILL).
    pub(crate) fn kill(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.start_kill();
    }

    /// Waits until it is gone, and its ports free.
    pub(crate) async fn gone(&mut self) {
        let _ = self.child.wait().await;
    }

    /// Freezes it where it stands (SIGSTOP).
    pub(crate) fn freeze(&self) {
        self.signal(Signal::STOP);
    }

    /// Lets it go on (SIGCONT).
    pub(crate) fn thaw(&self) {
        self.signal(Signal::CONT);
    }

    fn signal(&self, signal: Signal) {
        let pid = self.child.id().and_then(|pid| i32::try_from(pid).ok()).and_then(Pid::from_raw);
        if let Some(pid) = pid {
            // One that has ended meanwhile needs no signal.
            let _ = kill_process(pid, signal);
        }
    }

    /// Lets go of its leash, so that it stops in order; kills it when it takes too long.
    pub(crate) async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            self.kill();
            self.gone().await;
        }
    }
}
