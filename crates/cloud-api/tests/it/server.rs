//! A server of a few lines: it does to each request what its script says, and remembers what arrived.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
    time::Duration,
};

use dawncast_cloud_api::{Client, ClientConfig, Token};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// What to do with one request.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    /// Read the request and answer, keeping the connection.
    Http(u16, &'static str),
    /// Read the request and write these bytes as they are, then close.
    Raw(&'static str),
    /// Reset the connection before reading anything.
    Reset,
    /// Read the request, then close.
    Close,
    /// Read the request, then say nothing.
    Silence,
}

/// What Meta says when it did what it was asked to.
pub(crate) const DONE: Reply = Reply::Http(200, r#"{"success":true}"#);

/// A listening server. Requests beyond the script are remembered and the connection closed.
pub(crate) struct Server {
    port: u16,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    /// Starts a server that follows `script`, one reply for each request.
    pub(crate) async fn start(script: impl IntoIterator<Item = Reply>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let server = Self { port: listener.local_addr().unwrap().port(), requests: Arc::default() };
        let script = Arc::new(Mutex::new(script.into_iter().collect::<VecDeque<_>>()));
        let requests = server.requests.clone();
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                tokio::spawn(serve(connection, script.clone(), requests.clone()));
            }
        });
        server
    }

    /// The server's address.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// A client of this server.
    pub(crate) fn client(&self) -> Client {
        client(&self.url())
    }

    /// Every request that arrived: head and body.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// A client whose timeouts are short enough for tests.
pub(crate) fn client(base_url: &str) -> Client {
    Client::new(ClientConfig {
        base_url: base_url.to_owned(),
        timeout: Duration::from_millis(400),
        connect_timeout: Duration::from_millis(200),
        ..ClientConfig::default()
    })
    .unwrap()
}

/// Some token.
pub(crate) fn token() -> Token {
    Token::new("SIM_TOKEN").unwrap()
}

type Script = Arc<Mutex<VecDeque<Reply>>>;

async fn serve(mut connection: TcpStream, script: Script, requests: Arc<Mutex<Vec<String>>>) {
    loop {
        if matches!(script.lock().unwrap().front(), Some(Reply::Reset)) {
            script.lock().unwrap().pop_front();
            connection.set_zero_linger().unwrap();
            return;
        }
        let Some(request) = read_request(&mut connection).await else { return };
        requests.lock().unwrap().push(request);
        let reply = script.lock().unwrap().pop_front();
        match reply {
            Some(Reply::Http(status, body)) => {
                let head = format!("HTTP/1.1 {status} X\r\nretry-after: 7\r\ncontent-length: {}\r\n\r\n", body.len());
                connection.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
            }
            Some(Reply::Raw(bytes)) => {
                connection.write_all(bytes.as_bytes()).await.unwrap();
                return;
            }
            Some(Reply::Silence) => std::future::pending().await,
            Some(Reply::Reset | Reply::Close) | None => return,
        }
    }
}

/// Reads one request with a `content-length` or none; `None` at the end of the connection.
async fn read_request(connection: &mut TcpStream) -> Option<String> {
    let mut request = Vec::new();
    loop {
        if connection.read_buf(&mut request).await.ok()? == 0 {
            return None;
        }
        let text = String::from_utf8_lossy(&request).into_owned();
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
        if body.len() >= length.unwrap_or(0) {
            return Some(text);
        }
    }
}
