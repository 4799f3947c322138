//! Processes that are asked and answer, a line of JSON each way, and what they cost.

use std::{
    fs::File,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, anyhow, bail};
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command},
    time::timeout,
};

/// How long an answer may take: the longest measurement and some more.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long a process may take to end by itself.
const END_WITHIN: Duration = Duration::from_secs(5);

/// A part of the measurement that runs. Dropping it kills it.
pub(crate) struct Process {
    name: &'static str,
    child: Child,
    input: ChildStdin,
    output: Lines<BufReader<ChildStdout>>,
    log: PathBuf,
}

impl Process {
    /// Starts the part `name` of this program and waits for what it says of itself.
    pub(crate) async fn start<R: DeserializeOwned>(
        folder: &Path,
        name: &'static str,
        config: &impl Serialize,
    ) -> anyhow::Result<(Self, R)> {
        let log = folder.join(format!("{name}.log"));
        let mut child = Command::new(std::env::current_exe()?)
            .args(["part", name, &serde_json::to_string(config)?])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(&log)?)
            .kill_on_drop(true)
            .spawn()?;
        let input = child.stdin.take().expect("its input is a pipe");
        let output = BufReader::new(child.stdout.take().expect("its output is a pipe")).lines();
        let mut process = Self { name, child, input, output, log };
        let ready = process.hear().await?;
        Ok((process, ready))
    }

    /// Asks, and waits for the answer.
    pub(crate) async fn ask<R: DeserializeOwned>(&mut self, question: &impl Serialize) -> anyhow::Result<R> {
        let line = format!("{}\n", serde_json::to_string(question)?);
        self.input.write_all(line.as_bytes()).await.with_context(|| self.last_words())?;
        self.hear().await
    }

    async fn hear<R: DeserializeOwned>(&mut self) -> anyhow::Result<R> {
        match timeout(PATIENCE, self.output.next_line()).await {
            Ok(Ok(Some(line))) => Ok(serde_json::from_str(&line)?),
            Ok(_) => bail!("{} ended. {}", self.name, self.last_words()),
            Err(_) => bail!("{} did not answer within {PATIENCE:?}. {}", self.name, self.last_words()),
        }
    }

    fn last_words(&self) -> String {
        let log = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = log.lines().collect();
        format!("The end of its log:\n{}", lines[lines.len().saturating_sub(12)..].join("\n"))
    }

    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> Option<Duration> {
        self.child.id().and_then(cpu)
    }

    /// The most memory that it has ever taken, in bytes; none where the system does not tell (Linux does).
    pub(crate) fn peak_memory(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()?)).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse().ok().map(|kilobytes: u64| kilobytes * 1024)
    }

    /// Lets it end; ends it when it takes too long.
    pub(crate) async fn stop(self) {
        let Self { mut child, input, .. } = self;
        drop(input);
        if timeout(END_WITHIN, child.wait()).await.is_err() {
            // It may have ended in this moment; either way it is gone.
            let _ = child.kill().await;
        }
    }
}

/// The other end: says what there is to say of itself, then answers until its input ends.
pub(crate) async fn answer<Q: DeserializeOwned>(
    ready: &impl Serialize,
    mut reply: impl AsyncFnMut(Q) -> anyhow::Result<serde_json::Value>,
) -> anyhow::Result<()> {
    say(ready).await?;
    let mut questions = BufReader::new(tokio::io::stdin()).lines();
    while let Some(line) = questions.next_line().await? {
        let answer = reply(serde_json::from_str(&line)?).await?;
        say(&answer).await?;
    }
    Ok(())
}

async fn say(words: &impl Serialize) -> anyhow::Result<()> {
    let mut output = tokio::io::stdout();
    output.write_all(format!("{}\n", serde_json::to_string(words)?).as_bytes()).await?;
    Ok(output.flush().await?)
}

/// The processor time that a process and its threads have used; none where the system does not tell (Linux does).
pub(crate) fn cpu(pid: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    ticks(&stat).map(|ticks| Duration::from_secs_f64(ticks as f64 / rustix::param::clock_ticks_per_second() as f64))
}

/// User and system time from a line of `/proc/PID/stat`: its 14th and 15th field. The second, the program's name, may
/// hold blanks and parentheses.
fn ticks(stat: &str) -> Option<u64> {
    let (_, fields) = stat.rsplit_once(") ")?;
    let mut times = fields.split(' ').skip(11).take(2).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

/// What a process has used between two looks, in microseconds for each of `count`.
pub(crate) fn micros_each(before: Option<Duration>, after: Option<Duration>, count: u64) -> anyhow::Result<f64> {
    let (before, after) = before.zip(after).ok_or_else(|| anyhow!("this system has no /proc to read times from"))?;
    Ok(after.saturating_sub(before).as_secs_f64() * 1e6 / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_behind_any_name() {
        let stat = "7 (a ) b) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 3 0 100 0 0";
        assert_eq!(ticks(stat), Some(300));
        assert_eq!(ticks("7 (x) S 1"), None);
    }

    #[test]
    fn a_process_that_works_has_used_time() {
        let started = std::time::Instant::now();
        while started.elapsed() < Duration::from_millis(50) {
            std::hint::spin_loop();
        }
        assert!(cpu(std::process::id()).is_some_and(|used| used >= Duration::from_millis(20)));
    }
}
