//! Starting, staging and stopping a simulator.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{ConnectInfo, DefaultBodyLimit, Request, State};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::access::TokenOrder;
use crate::clock::Clock;
use crate::cloud::{Cloud, Number, waba_id};
use crate::config::SimConfig;
use crate::control;
use crate::error::SimError;
use crate::faults::FaultOrder;
use crate::graph;
use crate::ledger::LedgerSnapshot;
use crate::listener::{CuttingListener, Line};
use crate::page;
use crate::phone;
use crate::review::Verdict;
use crate::scenario::Script;
use crate::standing::NumberOrder;
use crate::templates::TemplateOrder;
use crate::webhooks::{Sender, Webhooks};

/// Meta's greatest medium is 100 MB; a little more leaves room for the form around it.
const UPLOAD_BYTES: usize = 101 << 20;

/// How long calls under way may finish when the simulator stops.
const STOP_GRACE: Duration = Duration::from_secs(1);

/// A running simulator. Dropping it stops it as well, without waiting.
pub struct Simulator {
    addr: SocketAddr,
    cloud: Arc<Cloud>,
    server: JoinHandle<()>,
    stop: DropGuard,
}

impl Simulator {
    /// Binds the address and starts to serve.
    ///
    /// # Errors
    /// A setting is out of bounds, the scenario file cannot be used, or the address cannot be bound.
    pub async fn start(config: SimConfig) -> Result<Self, SimError> {
        config.validate()?;
        let token = CancellationToken::new();
        // Whatever was begun ends when the start fails.
        let stop = token.clone().drop_guard();
        let cloud = Arc::new(cloud(&config, &token)?);
        if let Some(path) = &config.scenario {
            cloud.play(path, Script::read(path, &cloud)?);
        }
        let unbound = |source| SimError::Listen { addr: config.listen, source };
        let listener = TcpListener::bind(config.listen).await.map_err(unbound)?;
        let addr = listener.local_addr().map_err(unbound)?;
        cloud.catch_up();
        tokio::spawn(token.clone().run_until_cancelled_owned(keep_agenda(Arc::clone(&cloud))));
        let server = tokio::spawn(serve(listener, Arc::clone(&cloud), token));
        Ok(Self { addr, cloud, server, stop })
    }

    /// The address it listens on.
    #[must_use]
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The base URL of its Graph API, without a version.
    #[must_use]
    pub fn base_url(&self) -> String {
        format!("http://{}", self.addr)
    }

    /// The ids of its numbers.
    #[must_use]
    pub fn numbers(&self) -> Vec<String> {
        self.cloud.numbers.iter().map(|number| number.id.clone()).collect()
    }

    /// The id of the account that a number belongs to.
    #[must_use]
    pub fn account(&self, number: &str) -> Option<String> {
        self.cloud.number(number).map(|number| waba_id(number.waba))
    }

    /// What it accepted and refused until now.
    #[must_use]
    pub fn ledger(&self) -> LedgerSnapshot {
        self.cloud.catch_up();
        self.cloud.ledger()
    }

    /// The most calls to send that were ever under way at once, from the first byte to the answer.
    #[must_use]
    pub fn most_under_way(&self) -> usize {
        self.cloud.totals.most_under_way()
    }

    /// Replaces the ordered faults.
    ///
    /// # Errors
    /// A rule makes no sense; then the rules before stay in force.
    pub fn set_faults(&self, order: FaultOrder) -> Result<(), SimError> {
        self.cloud.order_faults(order)
    }

    /// Orders how Meta regards a number, and the messaging limit of all.
    ///
    /// # Errors
    /// There is no such number, or Meta has no such word.
    pub fn order_number(&self, id: &str, order: NumberOrder) -> Result<(), SimError> {
        self.cloud.order_number(id, order).map(drop)
    }

    /// Orders what Meta makes of a template.
    ///
    /// # Errors
    /// There is no such template, or Meta has no such word.
    pub fn order_template(&self, name: &str, order: &TemplateOrder) -> Result<(), SimError> {
        self.cloud.order_template(name, order)
    }

    /// What the reviews of templates come to from now on.
    ///
    /// # Errors
    /// Meta has no such word.
    pub fn order_reviews(&self, verdict: Verdict) -> Result<(), SimError> {
        self.cloud.order_reviews(verdict)
    }

    /// Orders what the token may do, and until when.
    ///
    /// # Errors
    /// Meta has no such scope.
    pub fn order_token(&self, order: TokenOrder) -> Result<(), SimError> {
        self.cloud.access.order(order).map(drop)
    }

    /// Subscribes the first app to the accounts, or takes it off: then nothing more is announced to it, and all else goes on.
    pub fn subscribe(&self, subscribed: bool) {
        self.cloud.subscribe_first(subscribed);
    }

    /// As if so many management calls had just been made, of the account at this place or of the app alone.
    pub fn order_calls(&self, account: Option<usize>, calls: usize) {
        self.cloud.calls.order(account, calls, self.cloud.clock.now_us());
    }

    /// Cuts the next resumable upload off after so many bytes; what has come is kept.
    pub fn cut_upload_after(&self, bytes: usize) {
        self.cloud.uploads.cut_after(bytes);
    }

    /// Moves its clock forward: limits refill, service windows close, media expire, webhooks that were to come later come.
    pub fn advance(&self, by: Duration) {
        self.cloud.advance(by);
    }

    /// Where webhooks of the first app go from now on; without a URL no further event is produced, and those under way wait.
    ///
    /// # Errors
    /// It is not an HTTP URL.
    pub fn set_webhook(&self, url: Option<&str>) -> Result<(), SimError> {
        self.cloud.webhooks.set_url(url)
    }

    /// Verifies the webhook of each app as Meta does when one is registered.
    ///
    /// # Errors
    /// It is not there, refuses the verify token, or does not answer the bare challenge.
    pub async fn verify_webhook(&self) -> Result<(), SimError> {
        let apps = self.cloud.apps().all();
        let all: Vec<_> = apps.iter().filter_map(|app| Some((app.url()?, app.verify_token()))).collect();
        if all.is_empty() {
            return Err(SimError::Verification("no webhook URL is set".to_owned()));
        }
        for (url, verify_token) in all {
            self.cloud.webhooks.courier().verify(url, verify_token).await.map_err(SimError::Verification)?;
        }
        Ok(())
    }

    /// Events that are still to be announced, or were not answered 200 yet.
    #[must_use]
    pub fn pending_webhooks(&self) -> usize {
        self.cloud.webhooks.courier().undelivered()
    }

    /// Stops listening, lets calls under way finish for a second, and drops what was still to be announced.
    pub async fn stop(self) {
        self.stop.disarm().cancel();
        let mut server = self.server;
        if tokio::time::timeout(STOP_GRACE, &mut server).await.is_err() {
            server.abort();
        }
    }
}

/// Everything but the socket.
pub(crate) fn cloud(config: &SimConfig, stop: &CancellationToken) -> Result<Cloud, SimError> {
    let clock = Clock::start();
    let now_us = clock.now_us();
    let numbers: Vec<_> =
        (0..config.numbers).map(|place| Number::new(place, config.wabas, config.mps, now_us)).collect();
    let sender = |it: &Number| Sender { id: it.id.clone(), display: it.display.clone(), waba: it.waba };
    let senders = numbers.iter().map(sender).collect();
    let webhooks = Webhooks::start(config, senders, &clock, stop)?;
    Ok(Cloud::new(config, clock, numbers, webhooks))
}

async fn keep_agenda(cloud: Arc<Cloud>) {
    cloud.agenda.keep(&cloud, &cloud.clock).await;
}

/// The simulator's own calls see nothing before what was due.
async fn catch_up(State(cloud): State<Arc<Cloud>>, request: Request, next: Next) -> Response {
    cloud.catch_up();
    next.run(request).await
}

async fn serve(listener: TcpListener, cloud: Arc<Cloud>, stop: CancellationToken) {
    let upload = DefaultBodyLimit::max(UPLOAD_BYTES);
    let listener = CuttingListener::new(listener, cloud.faults.away());
    let up_to_date = from_fn_with_state(Arc::clone(&cloud), catch_up);
    let router: Router = control::router()
        .merge(phone::router())
        .merge(page::router())
        .layer(up_to_date)
        .fallback(graph::serve)
        .layer(upload)
        .layer(from_fn_with_state(Arc::clone(&cloud), unless_away))
        .with_state(cloud);
    let service = router.into_make_service_with_connect_info::<Line>();
    let serving = axum::serve(listener, service);
    if let Err(reason) = serving.with_graceful_shutdown(stop.cancelled_owned()).await {
        tracing::error!(%reason, "the simulator stopped serving");
    }
}

/// While it is away, connections that were open are of no use either.
async fn unless_away(
    State(cloud): State<Arc<Cloud>>,
    ConnectInfo(line): ConnectInfo<Line>,
    request: Request,
    next: Next,
) -> Response {
    if cloud.faults.is_down() { line.reset() } else { next.run(request).await }
}
