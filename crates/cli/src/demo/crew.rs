//! The child processes: a private Redis, the simulator, the engine, its workers. All of them are this very binary.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use dawncast_store::private::{PrivateConfig, PrivateRedis};
use tokio::{
    process::{Child, Command},
    time::{Instant, sleep, timeout},
};

use super::{Args, CLOSE_AFTER, ports::Addresses};
use crate::failure::Failure;

/// How many worker processes there are: enough for some to live while others are killed.
const WORKERS: usize = 3;
/// How long a killed worker keeps its pages: as short as it may be, for the whole run lasts seconds.
const LEASE: Duration = Duration::from_secs(3);
/// How long a process may take until it is ready, and how often it is asked.
const READY_WITHIN: Duration = Duration::from_secs(15);
const ASK_AGAIN: Duration = Duration::from_millis(50);
/// How long a process may take to stop before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);
/// How much of a log is shown when its process has failed.
const TAIL_LINES: usize = 8;

/// A whole deployment, ready.
pub(super) struct Crew {
    pub(super) addresses: Addresses,
    pub(super) workers: Workers,
    pub(super) others: Others,
}

/// What lives as long as the demo.
pub(super) struct Others {
    engine: Process,
    sim: Process,
    redis: PrivateRedis,
}

impl Crew {
    /// Starts everything in `folder` and waits until it is ready.
    pub(super) async fn start(args: &Args, folder: &Path) -> Result<Self, Failure> {
        let addresses = Addresses::free(WORKERS).map_err(|why| Failure::new(format!("no free ports: {why}")))?;
        let redis = PrivateRedis::start(PrivateConfig::new(folder.join("redis"))).await?;
        let launcher = Launcher { program: std::env::current_exe().map_err(Failure::new)?, folder: folder.to_owned() };
        let sim = launcher.launch("sim", sim(args, &addresses), &[])?;
        let settings = settings(&redis.url(), &addresses);
        let roles = ["serve", "--leash", "--role", "api,webhook,scheduler,monitor"];
        let engine =
            launcher.launch("engine", roles.map(str::to_owned).to_vec(), &listening(&settings, &addresses, 0))?;
        let mut workers = Workers { launcher, settings, addresses: addresses.clone(), running: Vec::new(), killed: 0 };
        for place in 0..WORKERS {
            let worker = workers.launch(place)?;
            workers.running.push(worker);
        }
        let mut others = Others { engine, sim, redis };
        others.sim.ready(&format!("http://{}/_sim/clock", addresses.sim)).await?;
        others.engine.ready(&format!("http://{}/readyz", addresses.api)).await?;
        for (worker, metrics) in workers.running.iter_mut().zip(&addresses.metrics[1..]) {
            worker.ready(&format!("http://{metrics}/readyz")).await?;
        }
        Ok(Self { addresses, workers, others })
    }
}

impl Others {
    /// Stops everything: who sends first, Redis last.
    pub(super) async fn stop(self, workers: Workers) -> Result<(), Failure> {
        for worker in workers.running {
            worker.stop().await;
        }
        self.engine.stop().await;
        self.sim.stop().await;
        Ok(self.redis.stop().await?)
    }
}

fn sim(args: &Args, addresses: &Addresses) -> Vec<String> {
    let faults = serde_json::to_value(args.faults).expect("a profile is a word");
    [
        ("--listen", addresses.sim.to_string()),
        ("--numbers", args.numbers.to_string()),
        ("--mps", args.mps.to_string()),
        ("--faults", faults.as_str().unwrap_or_default().to_owned()),
        ("--seed", args.seed.to_string()),
        ("--webhook", format!("http://{}/webhook", addresses.webhook)),
    ]
    .into_iter()
    .fold(vec!["sim".to_owned(), "--leash".to_owned()], |mut arguments, (name, value)| {
        arguments.extend([name.to_owned(), value]);
        arguments
    })
}

/// Configuration by environment, as an operator would set it.
type Settings = Vec<(&'static str, String)>;

fn settings(redis: &str, addresses: &Addresses) -> Settings {
    vec![
        ("DAWNCAST_REDIS__URL", redis.to_owned()),
        ("DAWNCAST_API__LISTEN", addresses.api.to_string()),
        ("DAWNCAST_AUTH__BOOTSTRAP_KEY", addresses.key.clone()),
        ("DAWNCAST_WEBHOOK__LISTEN", addresses.webhook.to_string()),
        ("DAWNCAST_WEBHOOK__APP_SECRETS", "sim_app_secret".to_owned()),
        ("DAWNCAST_WEBHOOK__VERIFY_TOKEN", "sim_verify".to_owned()),
        ("DAWNCAST_CLOUD_API__BASE_URL", format!("http://{}", addresses.sim)),
        ("DAWNCAST_ENGINE__LEASE", humantime::format_duration(LEASE).to_string()),
        ("DAWNCAST_ENGINE__CLOSE_AFTER", humantime::format_duration(CLOSE_AFTER).to_string()),
    ]
}

fn listening(settings: &Settings, addresses: &Addresses, place: usize) -> Settings {
    let mut settings = settings.clone();
    settings.push(("DAWNCAST_METRICS__LISTEN", addresses.metrics[place].to_string()));
    settings
}

/// The workers, which `--kill-workers` kills.
pub(super) struct Workers {
    launcher: Launcher,
    settings: Settings,
    addresses: Addresses,
    running: Vec<Process>,
    killed: usize,
}

impl Workers {
    fn launch(&self, place: usize) -> Result<Process, Failure> {
        let arguments = ["serve", "--leash", "--role", "worker"].map(str::to_owned).to_vec();
        let settings = listening(&self.settings, &self.addresses, place + 1);
        self.launcher.launch(&format!("worker-{place}"), arguments, &settings)
    }

    /// Kills one as a crash would (SIGKILL), each in its turn, and starts another in its place.
    pub(super) fn kill_one(&mut self) -> Result<(), Failure> {
        let place = self.killed % self.running.len();
        self.killed += 1;
        self.running[place].kill();
        self.running[place] = self.launch(place)?;
        Ok(())
    }
}

/// Starts processes of this binary whose files lie in a folder.
struct Launcher {
    program: PathBuf,
    folder: PathBuf,
}

impl Launcher {
    fn launch(&self, name: &str, arguments: Vec<String>, settings: &[(&str, String)]) -> Result<Process, Failure> {
        let log = self.folder.join(format!("{name}.log"));
        let child = self.spawn(&log, arguments, settings);
        let child = child.map_err(|why| Failure::new(format!("{name} cannot be started: {why}")))?;
        Ok(Process { name: name.to_owned(), child, log })
    }

    fn spawn(&self, log: &Path, arguments: Vec<String>, settings: &[(&str, String)]) -> io::Result<Child> {
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
struct Process {
    name: String,
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Waits until `url` answers with success.
    async fn ready(&mut self, url: &str) -> Result<(), Failure> {
        let http = crate::client::http_client(false)?;
        let started = Instant::now();
        while started.elapsed() < READY_WITHIN {
            if http.get(url).send().await.is_ok_and(|response| response.status().is_success()) {
                return Ok(());
            }
            if let Ok(Some(status)) = self.child.try_wait() {
                return Err(Failure::new(format!("{} ended ({status}):\n{}", self.name, self.tail())));
            }
            sleep(ASK_AGAIN).await;
        }
        Err(Failure::new(format!("{} was not ready within {READY_WITHIN:?}:\n{}", self.name, self.tail())))
    }

    fn tail(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<_> = text.lines().collect();
        lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
    }

    fn kill(&mut self) {
        // It may have ended by itself; either way it is gone.
        let _ = self.child.start_kill();
    }

    /// Lets go of its leash, so that it stops in order; kills it when it takes too long.
    async fn stop(mut self) {
        drop(self.child.stdin.take());
        if timeout(STOP_WITHIN, self.child.wait()).await.is_err() {
            self.kill();
            let _ = self.child.wait().await;
        }
    }
}
