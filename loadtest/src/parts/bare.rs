//! The bare loop: the engine's own client with the engine's own bodies, and nothing written down. Its receipts meet a
//! handler that does nothing but answer.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use anyhow::{anyhow, ensure};
use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use chrono::Utc;
use dawncast_cloud_api::{Client, ClientConfig, SendOutcome, Token};
use dawncast_core::{campaign::Priority, phone::Phone, plan::PAGE_SIZE, render::Renderer};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::{net::TcpListener, task::JoinSet};

use crate::{
    message::{DEPLOYMENT, TOKEN, campaign, recipient},
    process::answer,
};

/// What the loop is given.
#[derive(Serialize, Deserialize)]
pub(crate) struct Config {
    /// The simulator.
    pub(crate) sim: String,
    /// Its numbers, which take turns.
    pub(crate) numbers: Vec<String>,
    /// How many messages to send.
    pub(crate) messages: u64,
    /// How many POSTs are on the wire at once.
    pub(crate) in_flight: usize,
}

/// What the loop says of itself.
#[derive(Serialize, Deserialize)]
pub(crate) struct Ready {
    /// Where its empty handler listens.
    pub(crate) webhook: String,
}

/// What it can be asked.
#[derive(Serialize, Deserialize)]
pub(crate) enum Ask {
    /// Send everything. Answered with null when all is answered.
    Go,
}

struct Work {
    client: Client,
    token: Token,
    numbers: Vec<String>,
    bodies: Vec<Bytes>,
    next: AtomicUsize,
}

/// Runs it until its input ends.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let webhook = listen().await?;
    let work = Arc::new(Work {
        client: Client::new(ClientConfig { base_url: config.sim, ..ClientConfig::default() })?,
        token: Token::new(TOKEN)?,
        numbers: config.numbers,
        bodies: bodies(config.messages)?,
        next: AtomicUsize::new(0),
    });
    answer(&Ready { webhook }, async |Ask::Go| {
        let mut hands: JoinSet<_> = (0..config.in_flight).map(|_| Arc::clone(&work).send()).collect();
        while let Some(hand) = hands.join_next().await {
            hand??;
        }
        Ok(json!(null))
    })
    .await
}

impl Work {
    async fn send(self: Arc<Self>) -> anyhow::Result<()> {
        loop {
            let place = self.next.fetch_add(1, Ordering::Relaxed);
            let Some(body) = self.bodies.get(place) else { return Ok(()) };
            let number = &self.numbers[place % self.numbers.len()];
            let outcome = self.client.send_body(number, &self.token, body.clone()).await;
            ensure!(matches!(outcome, SendOutcome::Accepted { .. }), "a message was not accepted: {outcome:?}");
        }
    }
}

/// What the engine would POST.
fn bodies(messages: u64) -> anyhow::Result<Vec<Bytes>> {
    let campaign = campaign(&"aud_bench".parse()?, Utc::now(), "1s", Priority::Normal)?;
    let renderer = Renderer::compile(&campaign.message.content, "/message").map_err(|faults| anyhow!("{faults}"))?;
    let body = |place: u64| {
        let recipient = recipient(place);
        let attributes: Vec<_> = recipient.attributes.into_iter().collect();
        let (page, index) = (place / PAGE_SIZE as u64, place % PAGE_SIZE as u64);
        let callback = format!("d1:{DEPLOYMENT}:cmp_0123456789-20261123T060000-UTC.{page}.{index}:1:1");
        let mut body = Vec::new();
        let to = Phone::from_digits(recipient.phone)?;
        renderer.render(attributes.as_slice(), &|_| None, to, &callback, &mut body)?;
        Ok(Bytes::from(body))
    };
    (0..messages).map(body).collect()
}

async fn listen() -> anyhow::Result<String> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
    let url = format!("http://{}/webhook", listener.local_addr()?);
    let router = Router::new().route("/webhook", post(|_: Bytes| async { StatusCode::OK }));
    tokio::spawn(async move { axum::serve(listener, router).await });
    Ok(url)
}
