//! Where Redis is: one address, or whichever server Sentinel calls the master.

use std::{collections::HashMap, sync::Arc, time::Duration};

use futures::{StreamExt, stream::FuturesUnordered};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisConnectionInfo,
    RedisError, RedisResult, Value, aio::MultiplexedConnection,
};

/// A command is answered within this, or it has failed.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// A Sentinel answers within this, or it is passed over.
const SENTINEL_WITHIN: Duration = Duration::from_millis(500);
const SENTINEL_PORT: u16 = 26_379;

/// How Redis is found.
pub(super) enum Source {
    /// At one address.
    Server(ConnectionInfo),
    /// At the address that Sentinel names.
    Sentinel(Sentinels),
}

/// The Sentinels of one master.
pub(super) struct Sentinels {
    clients: Vec<Client>,
    master: String,
    /// Database, user and password of the servers, and whether they speak TLS.
    server: ConnectionInfo,
}

/// A connection, and whom it is to.
#[derive(Clone)]
pub(crate) struct Opened {
    pub(super) connection: MultiplexedConnection,
    pub(super) address: Arc<ConnectionAddr>,
}

impl Source {
    /// Reads `redis.url`.
    pub(super) fn parse(url: &str) -> RedisResult<Self> {
        let sentinel = |scheme, rest| Sentinels::parse(scheme, rest).map(Self::Sentinel);
        match url.split_once("://") {
            Some(("redis+sentinel", rest)) => sentinel("redis", rest),
            Some(("rediss+sentinel", rest)) => sentinel("rediss", rest),
            _ => url.into_connection_info().map(Self::Server),
        }
    }

    pub(super) fn is_sentinel(&self) -> bool {
        matches!(self, Self::Sentinel(_))
    }

    pub(super) fn database(&self) -> i64 {
        match self {
            Self::Server(server) | Self::Sentinel(Sentinels { server, .. }) => server.redis_settings().db(),
        }
    }

    /// Connects, to a server that says of itself that it is the master where Sentinel has named it.
    pub(super) async fn open(&self) -> RedisResult<Opened> {
        match self {
            Self::Server(server) => open(server.clone()).await,
            Self::Sentinel(sentinels) => {
                let server = sentinels.server.clone().set_addr(sentinels.address().await?);
                let mut opened = open(server).await?;
                check_role(&mut opened).await?;
                Ok(opened)
            }
        }
    }

    /// Where the master is by what Sentinel says now; none where there is no Sentinel, or none of them answers.
    pub(super) async fn named(&self) -> Option<ConnectionAddr> {
        match self {
            Self::Server(_) => None,
            Self::Sentinel(sentinels) => sentinels.address().await.ok(),
        }
    }
}

async fn open(server: ConnectionInfo) -> RedisResult<Opened> {
    let address = Arc::new(server.addr().clone());
    let config = timeouts(ANSWER_WITHIN);
    let connection = Client::open(server)?.get_multiplexed_async_connection_with_config(&config).await?;
    Ok(Opened { connection, address })
}

fn timeouts(limit: Duration) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new().set_connection_timeout(Some(limit)).set_response_timeout(Some(limit))
}

/// A promotion takes a moment to reach the server that it is about.
async fn check_role(opened: &mut Opened) -> RedisResult<()> {
    let role: Vec<Value> = redis::cmd("ROLE").query_async(&mut opened.connection).await?;
    match role.first() {
        Some(Value::BulkString(role)) if role == b"master" => Ok(()),
        _ => Err(RedisError::from((ErrorKind::Io, "Sentinel names a server that is no master yet"))),
    }
}

impl Sentinels {
    fn parse(scheme: &str, rest: &str) -> RedisResult<Self> {
        const FORM: &str = "a Sentinel address is redis+sentinel://host:port,host:port/master-name[/database]";
        let malformed = || RedisError::from((ErrorKind::InvalidClientConfig, FORM));
        let (login, rest) = rest.rsplit_once('@').map_or(("", rest), |(login, rest)| (login, rest));
        let (hosts, path) = rest.split_once('/').ok_or_else(malformed)?;
        let (master, database) = path.split_once('/').unwrap_or((path, "0"));
        if master.is_empty() {
            return Err(malformed());
        }
        let at = if login.is_empty() { "" } else { "@" };
        let server = |host: &str| format!("{scheme}://{login}{at}{host}/{database}").into_connection_info();
        let servers = hosts.split(',').map(|host| server(&with_port(host))).collect::<RedisResult<Vec<_>>>();
        let servers = servers.map_err(|_| malformed())?;
        let own = |server: &ConnectionInfo| server.clone().set_redis_settings(RedisConnectionInfo::default());
        let clients = servers.iter().map(|server| Client::open(own(server))).collect::<RedisResult<_>>()?;
        Ok(Self { clients, master: master.to_owned(), server: servers[0].clone() })
    }

    /// What most Sentinels say; one that was cut off may still name a master that was deposed, and its epoch tells.
    async fn address(&self) -> RedisResult<ConnectionAddr> {
        let mut asked: FuturesUnordered<_> = self.clients.iter().map(|client| self.ask(client)).collect();
        let (mut answers, mut failure) = (Vec::new(), None);
        while let Some(answer) = asked.next().await {
            match answer {
                Ok(answer) => answers.push(answer),
                Err(error) => failure = Some(error),
            }
            if answers.len() > self.clients.len() / 2 {
                break;
            }
        }
        let latest = answers.into_iter().max_by_key(|(epoch, _)| *epoch).map(|(_, address)| address);
        latest.ok_or_else(|| failure.expect("there is a Sentinel, and it has not answered"))
    }

    /// The epoch of a Sentinel's knowledge and the address that it names.
    async fn ask(&self, client: &Client) -> RedisResult<(u64, ConnectionAddr)> {
        const UNKNOWN: &str = "a Sentinel does not know the master that redis.url names";
        let mut sentinel = client.get_multiplexed_async_connection_with_config(&timeouts(SENTINEL_WITHIN)).await?;
        let mut pipe = redis::pipe();
        pipe.cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(&self.master);
        pipe.cmd("SENTINEL").arg("MASTER").arg(&self.master);
        type Reply = (Option<(String, u16)>, HashMap<String, String>);
        let (named, facts): Reply = pipe.query_async(&mut sentinel).await?;
        let (host, port) = named.ok_or_else(|| RedisError::from((ErrorKind::MasterNameNotFoundBySentinel, UNKNOWN)))?;
        let epoch = facts.get("config-epoch").and_then(|epoch| epoch.parse().ok()).unwrap_or_default();
        Ok((epoch, self.server_at(host, port)))
    }

    fn server_at(&self, host: String, port: u16) -> ConnectionAddr {
        match self.server.addr().clone() {
            ConnectionAddr::TcpTls { insecure, tls_params, .. } => {
                ConnectionAddr::TcpTls { host, port, insecure, tls_params }
            }
            _ => ConnectionAddr::Tcp(host, port),
        }
    }
}

fn with_port(host: &str) -> String {
    let has_port = host.rsplit_once(':').is_some_and(|(_, port)| port.parse::<u16>().is_ok());
    if has_port { host.to_owned() } else { format!("{host}:{SENTINEL_PORT}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sentinels(url: &str) -> Sentinels {
        match Source::parse(url).unwrap() {
            Source::Sentinel(sentinels) => sentinels,
            Source::Server(_) => panic!("{url} is a Sentinel address"),
        }
    }

    #[test]
    fn a_sentinel_address_names_hosts_a_master_and_a_database() {
        let found = sentinels("redis+sentinel://me:s%40crt@one:7000,two,[::1]:7002/morning/3");
        let hosts: Vec<_> =
            found.clients.iter().map(|client| client.get_connection_info().addr().to_string()).collect();
        assert_eq!(hosts, ["one:7000", "two:26379", "::1:7002"]);
        let server = found.server.redis_settings();
        assert_eq!((server.db(), server.username(), server.password()), (3, Some("me"), Some("s@crt")));
        assert_eq!(found.master, "morning");
        assert_eq!(found.clients[0].get_connection_info().redis_settings().password(), None);
        assert_eq!(sentinels("redis+sentinel://one/morning").server.redis_settings().db(), 0);
    }

    #[test]
    fn addresses_of_either_kind_may_ask_for_tls() {
        let is_tls = |address: &ConnectionAddr| matches!(address, ConnectionAddr::TcpTls { insecure: false, .. });
        let found = sentinels("rediss+sentinel://one/morning");
        assert!(is_tls(found.server.addr()) && is_tls(found.clients[0].get_connection_info().addr()));
        assert!(is_tls(&found.server_at("two".to_owned(), 6379)));
        assert!(matches!(Source::parse("rediss://one").unwrap(), Source::Server(server) if is_tls(server.addr())));
    }

    #[test]
    fn an_address_without_a_master_is_refused_and_its_password_not_repeated() {
        for url in
            ["redis+sentinel://:secret@one:7000", "redis+sentinel://:secret@one:7000/", "redis+sentinel://:secret@/m"]
        {
            let error = Source::parse(url).err().unwrap_or_else(|| panic!("{url}")).to_string();
            assert!(error.contains("master-name") && !error.contains("secret"), "{error}");
        }
    }
}
