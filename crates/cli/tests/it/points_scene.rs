//! One part of the engine in a process of its own, told by `FAILPOINTS` where to end or freeze; all else around it plays
//! in the test.

use std::{collections::BTreeMap, process::Stdio, time::Duration};

use dawncast_cloud_api::{
    Client, ClientConfig,
    webhook::{AppSecret, Parsed},
};
use dawncast_cloud_sim::{AttemptRecord, FaultOrder, Receipts as SimReceipts, SimConfig, Simulator, Span, WABA_ID};
use dawncast_core::{
    callback::Callback,
    campaign::CampaignSpec,
    ids::{AudienceId, PageRef, RunId},
    report::Totals,
    schedule::Zones,
};
use dawncast_engine::{Clock, Context, Receipts, Settings, Vigil, explain, scheduler, webhook_beat, worker};
use dawncast_server::{Unavailable, WebhookState, webhook_router};
use dawncast_store::{
    Store,
    archive::{Archive, ArchiveConfig, S3Config},
    page::Header,
    records::{
        Audience, BeginImport, Campaign, CampaignState, ImportMode, Number, NumberRole, NumberWritten, Recipient,
        Secret, TokenChange, mint,
    },
    run::{DeliveryRow, Run, RunRecord, RunState, Story, totals},
};
use dawncast_testkit::{TestRedis, until};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{
    armed::Process,
    dawncast::{Daemon, dawncast, free},
};

/// A test's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
const FIRST_PHONE: u64 = 919_700_000_000;
/// How many hear of each run.
pub(crate) const RECIPIENTS: u64 = 36;
const DEPLOYMENT: &str = "points";
const PREFIX: &str = "p:";
const LEASE: Duration = Duration::from_secs(3);

/// The part in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Worker,
    Webhook,
    Scheduler,
}

impl Part {
    fn role(self) -> &'static str {
        match self {
            Self::Worker => "worker",
            Self::Webhook => "webhook",
            Self::Scheduler => "scheduler",
        }
    }
}

/// See the module. Fields are dropped in their order: Redis goes last.
pub(crate) struct Scene {
    pub(crate) sim: Simulator,
    pub(crate) store: Store,
    pub(crate) part: Part,
    ctx: Context,
    clock: Clock,
    settings: Vec<(&'static str, String)>,
    stop: CancellationToken,
    _end: DropGuard,
    folder: TempDir,
    _redis: TestRedis,
}

/// Receipts that come when the pages of a run of one second have been finished: a `failed` reopens them.
pub(crate) fn slow_receipts() -> SimReceipts {
    let soon = Span::millis(5, 50);
    let retry_cap = Duration::from_millis(400);
    SimReceipts {
        sent: Span::millis(1_400, 1_500),
        delivered: soon,
        read: soon,
        early_share: 0.0,
        retry_cap,
        ..SimReceipts::default()
    }
}

/// The phone of recipient `n`.
pub(crate) fn phone(n: u64) -> u64 {
    FIRST_PHONE + n
}

impl Scene {
    /// Everything but the part and its process. A worker is left out as well when `part` is the scheduler: it is
    /// [hired](Self::hire) when it is wanted.
    pub(crate) async fn start(part: Part, receipts: SimReceipts) -> Self {
        let redis = TestRedis::start().await;
        let store = redis.store(PREFIX).await;
        let config = SimConfig {
            listen: ([127, 0, 0, 1], 0).into(),
            latency: Duration::from_millis(20),
            receipts,
            ..SimConfig::default()
        };
        let sim = Simulator::start(config).await.unwrap();
        let client = Client::new(ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() }).unwrap();
        let ([webhook], folder) = (free(), tempfile::tempdir().unwrap());
        // *Another scene takes the address meanwhile*: it is held from now on, where it is ours to listen on.
        let listener = match part {
            Part::Webhook => None,
            _ => Some(TcpListener::bind(webhook).await.unwrap()),
        };
        let stop = CancellationToken::new();
        let settings = vec![
            ("DAWNCAST_REDIS__URL", redis.url()),
            ("DAWNCAST_DATA_DIR", folder.path().display().to_string()),
            ("DAWNCAST_REDIS__PREFIX", PREFIX.to_owned()),
            ("DAWNCAST_CREDENTIALS__KEYS", dawncast_testkit::CREDENTIALS_KEY.to_owned()),
            ("DAWNCAST_DEPLOYMENT", DEPLOYMENT.to_owned()),
            ("DAWNCAST_WEBHOOK__LISTEN", webhook.to_string()),
            ("DAWNCAST_WEBHOOK__APP_SECRETS", "sim_app_secret".to_owned()),
            ("DAWNCAST_METRICS__LISTEN", "127.0.0.1:0".to_owned()),
            ("DAWNCAST_CLOUD_API__BASE_URL", sim.base_url()),
            ("DAWNCAST_ENGINE__LEASE", "3s".to_owned()),
            ("DAWNCAST_ENGINE__CLOSE_AFTER", "1s".to_owned()),
        ];
        let lease_and_close = Settings { lease: LEASE, close_after: Duration::from_secs(1), ..Settings::default() };
        let vigil = Vigil::start(&store, None).await.unwrap();
        let ctx = Context {
            store: store.clone(),
            client,
            deployment: DEPLOYMENT.to_owned(),
            vigil,
            settings: lease_and_close,
        };
        let clock = Clock::start(&store).await.unwrap();
        let scene = Self {
            sim,
            store,
            part,
            ctx,
            clock,
            settings,
            _end: stop.clone().drop_guard(),
            stop,
            folder,
            _redis: redis,
        };
        scene.add_numbers().await;
        if let Some(listener) = listener {
            scene.receive(listener);
        }
        scene.sim.set_webhook(Some(&format!("http://{webhook}/webhook"))).unwrap();
        if part != Part::Scheduler {
            scene.schedule();
        }
        scene
    }

    /// Archives runs as soon as they are closed.
    pub(crate) fn archive(&mut self) {
        let url = format!("file://{}/archive", self.folder.path().display());
        let archive = Archive::open(&ArchiveConfig { url: url.clone(), s3: S3Config::default() }).unwrap();
        self.store = self.store.clone().with_archive(archive);
        self.settings.extend([("DAWNCAST_ARCHIVE__URL", url), ("DAWNCAST_ARCHIVE__AFTER", "0s".to_owned())]);
    }

    async fn add_numbers(&self) {
        for id in self.sim.numbers() {
            let number = Number {
                phone_number_id: id.parse().unwrap(),
                waba_id: WABA_ID.parse().unwrap(),
                display_phone_number: "15550000001".to_owned(),
                plain_token: None,
                pool: "advisors".parse().unwrap(),
                mps: 80,
                role: NumberRole::Active,
                paused: false,
                condition: Default::default(),
                caps: Default::default(),
                warmup: None,
                created_at: 0,
            };
            let token = TokenChange::Give(Secret::new("SIM_TOKEN"));
            let added = self.store.add_number(&number, &token).await.unwrap();
            assert!(matches!(added, NumberWritten::Written(_)), "{added:?}");
        }
    }

    fn receive(&self, listener: TcpListener) {
        let receipts = Receipts::new(self.ctx.clone(), self.clock.clone());
        let handler = move |parsed: Parsed| {
            let receipts = receipts.clone();
            async move { receipts.apply(parsed.statuses).await.map_err(|_| Unavailable) }
        };
        let secrets = vec![AppSecret::new("sim_app_secret").unwrap()];
        let router = webhook_router(WebhookState::new(secrets, "", handler));
        tokio::spawn(dawncast_server::serve(listener, router, self.stop.clone().cancelled_owned()));
        tokio::spawn(webhook_beat(self.ctx.clone(), self.clock.clone(), self.stop.clone()));
    }

    /// A scheduler in the test.
    pub(crate) fn schedule(&self) {
        tokio::spawn(scheduler(self.ctx.clone(), self.stop.clone()));
    }

    /// A worker in the test.
    pub(crate) fn hire(&self) {
        tokio::spawn(worker(self.ctx.clone(), self.stop.clone()));
    }

    /// A process of the part, under these orders.
    pub(crate) fn launch(&self, orders: &str) -> Process {
        let mut command = dawncast(["serve", "--role", self.part.role()]);
        command.envs(self.settings.iter().cloned()).env("FAILPOINTS", orders);
        // Its log is what a failed test is understood by.
        Process(Daemon::start(command.stdout(Stdio::null()).stderr(Stdio::inherit())))
    }

    /// Orders faults, as `POST /_sim/faults` takes them.
    pub(crate) fn faults(&self, faults: Value) {
        let order: FaultOrder = serde_json::from_value(json!({ "faults": faults })).unwrap();
        self.sim.set_faults(order).unwrap();
    }

    /// Submits a run that opens in two seconds, for the next [`RECIPIENTS`] people from number `first` on.
    pub(crate) async fn submit(&self, first: u64, then: &str, closes: &str, grace: &str) -> RunId {
        self.submit_with(first, then, closes, grace, None).await
    }

    /// The same with a canary.
    pub(crate) async fn submit_with(
        &self,
        first: u64,
        then: &str,
        closes: &str,
        grace: &str,
        canary: Option<Value>,
    ) -> RunId {
        let mut spec = json!({
            "name": "morning", "pool": "advisors", "audience": { "id": self.audience(first).await },
            "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
                         "components": [{ "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] }] },
            "schedule": { "type": "now" },
            "window": { "opens": "+2s", "closes": closes, "deadline": "+40s" },
            "unconfirmed": { "then": then, "grace": grace },
            "retry": { "max_attempts": 8 },
        });
        if let Some(canary) = canary {
            spec["canary"] = canary;
        }
        let spec = CampaignSpec::parse(spec.to_string().as_bytes()).unwrap();
        let (id, created_at) = (format!("cmp_{}", mint()).parse().unwrap(), self.clock.now());
        let campaign = Campaign::new(id, spec, created_at, &Zones::default()).unwrap();
        let run = RunRecord::of(&campaign, &Zones::default());
        assert!(self.store.add_campaign(&campaign).await.unwrap());
        // The tick may have been faster.
        self.store.create_run(&run).await.unwrap();
        run.id
    }

    async fn audience(&self, first: u64) -> AudienceId {
        let id: AudienceId = format!("aud_{}", mint()).parse().unwrap();
        let audience = Audience { id: id.clone(), name: "people".to_owned(), created_at: 0 };
        assert!(self.store.add_audience(&audience).await.unwrap());
        let import = format!("imp_{}", mint()).parse().unwrap();
        let begun = self.store.begin_import(&id, &import, ImportMode::Replace, self.clock.now()).await.unwrap();
        let BeginImport::Started(mut writer) = begun else { panic!("the import begins") };
        for n in first..first + RECIPIENTS {
            let attributes = [("first_name".to_owned(), format!("Asha {n}"))].into_iter().collect();
            let person = Recipient {
                phone: phone(n),
                id: None,
                tier: None,
                attributes,
                timezone: None,
                consent: None,
                user_id: None,
            };
            writer.push(n, person).await.unwrap();
        }
        writer.finish(["first_name".to_owned()].into(), || self.clock.now()).await.unwrap();
        id
    }

    pub(crate) async fn run(&self, id: &RunId) -> Run {
        self.store.run(id).await.unwrap().unwrap()
    }

    pub(crate) async fn reaches(&self, id: &RunId, state: RunState) -> Run {
        let what = format!("the run is {}", state.as_str());
        until(&what, PATIENCE, async || Some(self.run(id).await).filter(|run| run.state >= state)).await
    }

    pub(crate) async fn totals(&self, id: &RunId) -> Totals {
        totals(&self.run(id).await, &self.store.run_tallies(id).await.unwrap(), self.clock.now())
    }

    pub(crate) async fn headers(&self, id: &RunId) -> Vec<(PageRef, Header)> {
        let refs: Vec<PageRef> = self.run(id).await.page_refs().collect();
        self.store.headers(&refs).await.unwrap()
    }

    /// Every delivery of a run.
    pub(crate) async fn rows(&self, id: &RunId) -> Vec<DeliveryRow> {
        let (run, mut rows) = (self.run(id).await, Vec::new());
        for page in 0..run.pages {
            rows.extend(self.store.deliveries(&run, page, self.clock.now()).await.unwrap().unwrap());
        }
        rows
    }

    /// Every attempt of a delivery.
    pub(crate) async fn story(&self, row: &DeliveryRow) -> Vec<Story> {
        self.store.delivery(&row.id, self.clock.now()).await.unwrap().unwrap().1
    }

    /// How many messages beyond the first are known to have reached somebody.
    pub(crate) async fn known_duplicates(&self, id: &RunId) -> u64 {
        self.store.report(&self.run(id).await, self.clock.now(), explain).await.unwrap().known_duplicates
    }

    pub(crate) async fn until_accepted(&self, count: u64) {
        let what = format!("{count} messages are accepted");
        until(&what, PATIENCE, async || (self.sim.ledger().totals.accepted >= count).then_some(())).await;
    }

    /// Waits until nothing moves by itself any more: every page is finished, and no receipt is on its way.
    pub(crate) async fn settled(&self, id: &RunId) {
        self.reaches(id, RunState::Open).await;
        until("the run has settled", PATIENCE, async || self.is_settled(id).await.then_some(())).await;
    }

    pub(crate) async fn is_settled(&self, id: &RunId) -> bool {
        let headers = self.headers(id).await;
        let totals = self.totals(id).await;
        let waiting = totals.planned + totals.sending + totals.accepted + totals.sent;
        !headers.is_empty() && headers.iter().all(|(_, header)| header.finished) && waiting == 0
    }

    /// What the simulator accepted for a recipient, with what the messages said of themselves.
    pub(crate) fn accepted(&self, phone: u64) -> Vec<(Callback, AttemptRecord)> {
        let known = self.sim.ledger().recipients.remove(&phone.to_string());
        let told = |sent: AttemptRecord| (sent.callback_data.as_deref().unwrap().parse().unwrap(), sent);
        known.into_iter().flat_map(|known| known.attempts).map(told).collect()
    }

    /// What is stored of runs, pages and lanes: hashes field by field, all else byte for byte.
    pub(crate) async fn dump(&self) -> BTreeMap<String, Vec<u8>> {
        let mut connection = self.store.connection();
        let mut dump = BTreeMap::new();
        for tag in ["*{run:*", "*{lane:*"] {
            let keys: Vec<String> = redis::cmd("KEYS").arg(tag).query_async(&mut connection).await.unwrap();
            for key in keys {
                let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
                if kind == "hash" {
                    let fields: BTreeMap<String, Vec<u8>> =
                        redis::cmd("HGETALL").arg(&key).query_async(&mut connection).await.unwrap();
                    dump.extend(fields.into_iter().map(|(field, bytes)| (format!("{key} {field}"), bytes)));
                } else {
                    let bytes = redis::cmd("DUMP").arg(&key).query_async(&mut connection).await.unwrap();
                    dump.insert(key, bytes);
                }
            }
        }
        assert!(!dump.is_empty());
        dump
    }

    /// Whether nothing is left to do for a closed run: its campaign knows, and its audience is let go of.
    pub(crate) async fn is_retired(&self, id: &RunId) -> bool {
        let run = self.run(id).await;
        let campaign = self.store.campaign(&run.record.campaign).await.unwrap().unwrap();
        let active = self.store.active_runs().await.unwrap();
        let pins = format!("{PREFIX}{{aud:{}}}:pins", run.record.spec.audience.id);
        let mut connection = self.store.connection();
        let pinned: bool = redis::cmd("HEXISTS").arg(pins).arg(id.as_str()).query_async(&mut connection).await.unwrap();
        run.state == RunState::Closed && campaign.state == CampaignState::Done && !active.contains(id) && !pinned
    }
}
