//! The processes of a chaos run and the links between them: each can be taken away, and comes back.

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use dawncast_cloud_sim::FaultProfile;
use dawncast_store::private::{Appendfsync, PrivateConfig, PrivateRedis};
use rustix::process::{Pid, Signal, kill_process};
use tokio::{sync::Mutex, time::sleep};

use super::{
    CLOSE_AFTER,
    havoc::now_ms,
    link::{Far, Link},
    plan::Member,
};
use crate::{
    failure::Failure,
    play::{Addresses, Launcher, Process, Reach, Script, Settings, Sim, settings},
};

/// How often the crew is looked after, as whatever runs services does: who has ended by itself is started again.
const LOOK_AFTER: Duration = Duration::from_millis(300);

/// A whole deployment, ready.
pub(super) struct Crew {
    pub(super) addresses: Addresses,
    pub(super) redis: Redis,
    pub(super) members: Vec<Post>,
    /// From the simulator to the webhook.
    pub(super) webhook: Link,
    sim: Process,
}

/// A Redis that can be killed.
pub(super) struct Redis {
    config: PrivateConfig,
    running: Mutex<Option<PrivateRedis>>,
}

/// The place of one process of the engine: whoever fills it now, and its ways to the others.
pub(super) struct Post {
    pub(super) member: Member,
    pub(super) redis: Link,
    pub(super) cloud: Link,
    launcher: Launcher,
    arguments: Vec<String>,
    settings: Settings,
    process: Mutex<Process>,
}

/// A process ended without being told to.
#[derive(Debug, Clone, serde::Serialize)]
pub(super) struct Ending {
    member: String,
    status: String,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ended by itself ({})", self.member, self.status)
    }
}

impl Crew {
    /// Starts everything in `folder` and waits until it is ready.
    pub(super) async fn start(
        script: &Script,
        workers: usize,
        redis: Appendfsync,
        folder: &Path,
    ) -> Result<Self, Failure> {
        let addresses = Addresses::free(2 + workers)?;
        let redis =
            Redis::start(PrivateConfig { appendfsync: redis, ..PrivateConfig::new(folder.join("redis")) }).await?;
        let launcher = Launcher::new(folder)?;
        let webhook = open(Far::Tcp(addresses.webhook)).await?;
        let faults = FaultProfile::Harsh;
        let sim = Sim { script, faults, listen: addresses.sim, webhook: webhook.address() };
        let mut sim = launcher.launch("sim", &sim.arguments(), &Settings::new())?;
        sim.ready(&format!("http://{}/_sim/clock", addresses.sim)).await?;
        let places = [Member::Webhook, Member::Scheduler].into_iter().chain((0..workers).map(Member::Worker));
        let mut members = Vec::new();
        for (place, member) in places.enumerate() {
            members.push(Post::fill(member, place, &addresses, redis.socket().await, &launcher).await?);
        }
        for (post, metrics) in members.iter().zip(&addresses.metrics) {
            post.process.lock().await.ready(&format!("http://{metrics}/readyz")).await?;
        }
        Ok(Self { addresses, redis, members, webhook, sim })
    }

    /// The post of a member.
    pub(super) fn post(&self, member: Member) -> &Post {
        self.members.iter().find(|post| post.member == member).expect("plans are drawn for this crew")
    }

    /// Where the process with the monitor serves its metrics.
    pub(super) fn monitor(&self) -> SocketAddr {
        let place = self.members.iter().position(|post| post.member == Member::Scheduler);
        self.addresses.metrics[place.expect("there is always one")]
    }

    /// Starts again whoever ends without being told to. Never resolves, but when one cannot be started.
    pub(super) async fn look_after(&self, ended: impl Fn(Ending)) -> Failure {
        loop {
            sleep(LOOK_AFTER).await;
            for post in &self.members {
                match post.look_after() {
                    Ok(None) => {}
                    Ok(Some(ending)) => ended(ending),
                    Err(failure) => return failure,
                }
            }
        }
    }

    /// Stops everything: who sends first, Redis last.
    pub(super) async fn stop(self) -> Result<(), Failure> {
        for post in self.members.into_iter().rev() {
            post.process.into_inner().stop().await;
        }
        self.sim.stop().await;
        match self.redis.running.into_inner() {
            Some(redis) => Ok(redis.stop().await?),
            None => Ok(()),
        }
    }
}

impl Redis {
    async fn start(config: PrivateConfig) -> Result<Self, Failure> {
        let running = PrivateRedis::start(config.clone()).await?;
        Ok(Self { config, running: Mutex::new(Some(running)) })
    }

    async fn socket(&self) -> PathBuf {
        let running = self.running.lock().await;
        running.as_ref().expect("it runs unless it is being killed").socket().to_owned()
    }

    /// Kills it as a crash would (SIGKILL), and starts it again on its data after `down`. Resolves when it answers, to when
    /// it was killed.
    pub(super) async fn kill(&self, down: Duration) -> Result<i64, Failure> {
        let mut running = self.running.lock().await;
        let killed_ms = now_ms();
        if let Some(redis) = running.take() {
            let pid = i32::try_from(redis.pid()).ok().and_then(Pid::from_raw);
            if let Some(pid) = pid {
                // Should it have ended by itself, it is gone all the same.
                let _ = kill_process(pid, Signal::KILL);
            }
            sleep(down).await;
        }
        *running = Some(PrivateRedis::start(self.config.clone()).await?);
        Ok(killed_ms)
    }
}

impl Post {
    async fn fill(
        member: Member,
        place: usize,
        addresses: &Addresses,
        socket: PathBuf,
        launcher: &Launcher,
    ) -> Result<Self, Failure> {
        let (redis, cloud) = (open(Far::Unix(socket)).await?, open(Far::Tcp(addresses.sim)).await?);
        let url = format!("redis://{}", redis.address());
        let reach = Reach { redis: &url, cloud: cloud.address(), metrics: addresses.metrics[place] };
        let settings = settings(addresses, CLOSE_AFTER, &reach);
        let roles = match member {
            Member::Webhook => "api,webhook",
            Member::Scheduler => "scheduler,monitor",
            Member::Worker(_) => "worker",
        };
        let arguments = ["serve", "--leash", "--role", roles].map(str::to_owned).to_vec();
        let process = Mutex::new(launcher.launch(&member.to_string(), &arguments, &settings)?);
        Ok(Self { member, redis, cloud, launcher: launcher.clone(), arguments, settings, process })
    }

    fn launch(&self) -> Result<Process, Failure> {
        self.launcher.launch(&self.member.to_string(), &self.arguments, &self.settings)
    }

    /// Kills it, and starts another after `down`. Resolves to when it was killed.
    pub(super) async fn kill(&self, down: Duration) -> Result<i64, Failure> {
        let mut process = self.process.lock().await;
        let killed_ms = now_ms();
        process.kill();
        process.gone().await;
        sleep(down).await;
        *process = self.launch()?;
        Ok(killed_ms)
    }

    /// Freezes it for so long. Resolves to when that was.
    pub(super) async fn freeze(&self, length: Duration) -> i64 {
        let process = self.process.lock().await;
        let frozen_ms = now_ms();
        process.freeze();
        sleep(length).await;
        process.thaw();
        frozen_ms
    }

    /// Starts another if it has ended, unless it is in other hands just now.
    fn look_after(&self) -> Result<Option<Ending>, Failure> {
        let Ok(mut process) = self.process.try_lock() else { return Ok(None) };
        let Some(status) = process.ended() else { return Ok(None) };
        *process = self.launch()?;
        Ok(Some(Ending { member: self.member.to_string(), status: status.to_string() }))
    }
}

async fn open(far: Far) -> Result<Link, Failure> {
    Link::open(far).await.map_err(|why| Failure::new(format!("no free ports: {why}")))
}
