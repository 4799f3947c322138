//! The demo's processes: a private Redis, the simulator, the engine, its workers.

use std::path::Path;

use dawncast_store::private::{PrivateConfig, PrivateRedis};
use serde_json::{Value, json};

use super::{Args, CLOSE_AFTER};
use crate::{
    failure::Failure,
    play::{Addresses, Launcher, Process, Reach, Settings, Sim, settings},
};

/// How many worker processes there are: enough for some to live while others are killed.
const WORKERS: usize = 3;
/// What the others of the engine's processes do, in one; and what the workers do.
const ENGINE_ROLES: &str = "api,webhook,scheduler,monitor";
const WORKER_ROLE: &str = "worker";

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
        let addresses = Addresses::free(1 + WORKERS)?;
        let redis = PrivateRedis::start(PrivateConfig::new(folder.join("redis"))).await?;
        let launcher = Launcher::new(folder)?;
        let sim =
            Sim { script: &args.script(), faults: args.faults, listen: addresses.sim, webhook: addresses.webhook };
        let sim = launcher.launch("sim", &sim.arguments(), &Settings::new())?;
        let mut workers =
            Workers { launcher, redis: redis.url(), addresses: addresses.clone(), running: Vec::new(), killed: 0 };
        let engine = workers.start("engine", ENGINE_ROLES, 0)?;
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

    /// Where the engine's processes tell of themselves, as Prometheus reads targets from a file.
    pub(super) fn targets(&self) -> Value {
        let (engine, workers) = self.addresses.metrics.split_at(1);
        json!([
            { "targets": engine, "labels": { "role": ENGINE_ROLES } },
            { "targets": workers, "labels": { "role": WORKER_ROLE } },
        ])
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

/// The workers, which `--kill-workers` kills.
pub(super) struct Workers {
    launcher: Launcher,
    redis: String,
    addresses: Addresses,
    running: Vec<Process>,
    killed: usize,
}

impl Workers {
    fn start(&self, name: &str, roles: &str, place: usize) -> Result<Process, Failure> {
        let reach = Reach { redis: &self.redis, cloud: self.addresses.sim, metrics: self.addresses.metrics[place] };
        let arguments = ["serve", "--leash", "--role", roles].map(str::to_owned);
        self.launcher.launch(name, &arguments, &settings(&self.addresses, CLOSE_AFTER, &reach))
    }

    fn launch(&self, place: usize) -> Result<Process, Failure> {
        self.start(&format!("worker-{place}"), WORKER_ROLE, place + 1)
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
