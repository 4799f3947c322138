//! A master, two replicas and three Sentinels per test: real processes on loopback, as somebody would run them on three
//! machines.

use std::{
    collections::HashMap,
    fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use ::redis::{AsyncConnectionConfig, FromRedisValue, RedisResult, Value};
use dawncast_store::{Durability, Store, StoreConfig};
use rustix::process::{Pid, Signal, kill_process};
use tempfile::TempDir;

use super::guard::Guard;
use crate::until;

const SERVERS: usize = 3;
const SENTINELS: usize = 3;
/// How long the set may take to come up, or to agree on another master.
const PATIENCE: Duration = Duration::from_secs(60);
/// A server answers within this, however much it is told.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// The name that Sentinel has for the master.
const MASTER: &str = "morning";
/// What every server is set up with: what Dawncast asks of a Sentinel set, and quick to see that a replica is there.
const SETTINGS: &str = "bind 127.0.0.1\nappendonly yes\nsave \"\"\nmaxmemory-policy noeviction\n\
                        min-replicas-to-write 1\nmin-replicas-max-lag 10\n\
                        repl-diskless-sync-delay 0\nrepl-ping-replica-period 1\n";

/// A Sentinel set of the test's own. Gone, with its folder, when dropped or when the test's process ends in whatever way.
pub struct TestSentinel {
    servers: Vec<Node>,
    sentinels: Vec<Node>,
    _guard: Guard,
    _folder: TempDir,
}

struct Node {
    port: u16,
    process: Child,
}

impl Node {
    fn signal(&self, signal: Signal) {
        // It may have ended, by the test's hand.
        let _ = kill_process(Pid::from_child(&self.process), signal);
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.process.wait();
    }
}

impl TestSentinel {
    /// Starts one whose servers write their file as `appendfsync` says, and waits until all know each other.
    ///
    /// # Panics
    /// When it cannot be started, with the reason.
    pub async fn start(appendfsync: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("dawncast-test-").tempdir().unwrap();
        let guard = Guard::over(folder.path());
        let ports = free_ports();
        let (first, sentinel_ports) = (ports[0], &ports[SERVERS..]);
        let server = |port: u16| {
            let replica = if port == first { String::new() } else { format!("replicaof 127.0.0.1 {first}\n") };
            launch(folder.path(), port, &format!("{SETTINGS}appendfsync {appendfsync}\n{replica}"), &[])
        };
        let servers: Vec<Node> = ports[..SERVERS].iter().map(|port| server(*port)).collect();
        until("the servers replicate", PATIENCE, async || replicas_of(first).await.filter(|count| *count == 2)).await;
        let conf = format!(
            "bind 127.0.0.1\nsentinel monitor {MASTER} 127.0.0.1 {first} 2\n\
             sentinel down-after-milliseconds {MASTER} 1000\nsentinel failover-timeout {MASTER} 5000\n\
             sentinel parallel-syncs {MASTER} 2\n"
        );
        let sentinels: Vec<Node> =
            sentinel_ports.iter().map(|port| launch(folder.path(), *port, &conf, &["--sentinel"])).collect();
        for port in sentinel_ports {
            until("the Sentinels know each other", PATIENCE, async || knows_all(*port).await.then_some(())).await;
        }
        Self { servers, sentinels, _guard: guard, _folder: folder }
    }

    /// Its address, for `redis.url`.
    pub fn url(&self) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|node| format!("127.0.0.1:{}", node.port)).collect();
        format!("redis+sentinel://{}/{MASTER}", hosts.join(","))
    }

    /// Connects to it, with keys under `prefix`.
    pub async fn store(&self, prefix: &str, durability: Durability) -> Store {
        let config = StoreConfig::new(self.url(), prefix).with_durability(durability);
        Store::connect(&config).await.unwrap().with_keyring(super::keyring())
    }

    /// The port of the server that most Sentinels call the master.
    pub async fn master(&self) -> u16 {
        let mut votes: HashMap<u16, usize> = HashMap::new();
        for sentinel in &self.sentinels {
            if let Ok((_, port)) = named(sentinel.port).await {
                *votes.entry(port).or_default() += 1;
            }
        }
        votes.into_iter().max_by_key(|(_, count)| *count).map(|(port, _)| port).expect("the Sentinels answer")
    }

    /// Waits until most Sentinels name another master than `old`, and it takes writes.
    pub async fn promoted(&self, old: u16) -> u16 {
        until("another master is promoted", PATIENCE, async || {
            let port = self.master().await;
            (port != old && replicas_of(port).await.is_some()).then_some(port)
        })
        .await
    }

    /// Ends the server on `port` as the loss of its machine would, without a word of warning.
    pub fn kill9(&self, port: u16) {
        self.node(port).signal(Signal::KILL);
    }

    /// Freezes the server on `port`: it is silent, and knows nothing of it.
    pub fn freeze(&self, port: u16) {
        self.node(port).signal(Signal::STOP);
    }

    /// Lets it go on.
    pub fn thaw(&self, port: u16) {
        self.node(port).signal(Signal::CONT);
    }

    /// The ports of all servers.
    pub fn ports(&self) -> Vec<u16> {
        self.servers.iter().map(|node| node.port).collect()
    }

    /// What the server on `port` answers to a command.
    ///
    /// # Errors
    /// When it cannot be reached, or refuses.
    pub async fn ask<T: FromRedisValue>(&self, port: u16, command: &[&str]) -> RedisResult<T> {
        ask(port, command).await
    }

    fn node(&self, port: u16) -> &Node {
        self.servers.iter().find(|node| node.port == port).expect("a server of this set")
    }
}

fn free_ports() -> Vec<u16> {
    let listeners: Vec<_> = (0..SERVERS + SENTINELS).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// Each in a folder of its own, with its process id beside it for the guard.
fn launch(folder: &Path, port: u16, settings: &str, arguments: &[&str]) -> Node {
    let own = folder.join(port.to_string());
    fs::create_dir(&own).unwrap();
    let conf = own.join("redis.conf");
    let (dir, pid_file) = (own.display(), folder.join(format!("{port}.pid")));
    let text = format!("port {port}\ndir \"{dir}\"\npidfile \"{}\"\n{settings}", pid_file.display());
    fs::write(&conf, text).unwrap();
    let log = fs::File::create(own.join("log")).unwrap();
    let process = Command::new("redis-server")
        .arg(&conf)
        .args(arguments)
        .env("LC_ALL", "C")
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap();
    // Redis writes it later than a test may be killed.
    fs::write(pid_file, process.id().to_string()).unwrap();
    Node { port, process }
}

async fn ask<T: FromRedisValue>(port: u16, command: &[&str]) -> RedisResult<T> {
    let client = ::redis::Client::open(format!("redis://127.0.0.1:{port}"))?;
    let config = AsyncConnectionConfig::new().set_response_timeout(Some(ANSWER_WITHIN));
    let mut connection = client.get_multiplexed_async_connection_with_config(&config).await?;
    let mut asked = ::redis::Cmd::new();
    for word in command {
        asked.arg(word);
    }
    asked.query_async(&mut connection).await
}

/// How many replicas a master has that are in step; none when it is no master.
async fn replicas_of(port: u16) -> Option<usize> {
    let role: Vec<Value> = ask(port, &["ROLE"]).await.ok()?;
    let name = String::from_redis_value(role.first()?.clone()).ok()?;
    let replicas = Vec::<Value>::from_redis_value(role.get(2)?.clone()).ok();
    (name == "master").then(|| replicas.map_or(0, |replicas| replicas.len()))
}

async fn named(sentinel: u16) -> RedisResult<(String, u16)> {
    ask(sentinel, &["SENTINEL", "GET-MASTER-ADDR-BY-NAME", MASTER]).await
}

async fn knows_all(sentinel: u16) -> bool {
    let facts: HashMap<String, String> = ask(sentinel, &["SENTINEL", "MASTER", MASTER]).await.unwrap_or_default();
    let count = |field: &str| facts.get(field).and_then(|text| text.parse::<usize>().ok());
    count("num-slaves") == Some(SERVERS - 1) && count("num-other-sentinels") == Some(SENTINELS - 1)
}
