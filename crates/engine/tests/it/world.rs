//! A whole morning in one process: Redis, simulator, webhook, and an engine whose parts can be killed.

use std::{path::Path, time::Duration};

use dawncast_cloud_api::{Client, ClientConfig};
use dawncast_cloud_sim::{FaultOrder, Receipts as SimReceipts, SimConfig, Simulator, Span};
use dawncast_core::{
    campaign::CampaignSpec,
    ids::{AudienceId, RunId},
    report::{Report, Totals},
};
use dawncast_engine::{Clock, Context, Settings, Vigil, explain, scheduler, webhook_beat, worker};
use dawncast_store::{
    Keyring, Store,
    archive::{Archive, ArchiveConfig, S3Config},
    records::{
        Audience, BeginImport, Campaign, ImportMode, NewAsset, Number, NumberRole, NumberWritten, Recipient, Secret,
        TokenChange, mint,
    },
    run::{DeliveryRow, Run, RunRecord, RunState, totals},
};
use dawncast_testkit::{TestRedis, until};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::{postbox::Postbox, process::Process};

/// A test's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// The phone of the first recipient; the others count up from it.
pub(crate) const FIRST_PHONE: u64 = 919_800_000_000;
/// The ids of the simulator's numbers.
pub(crate) const NUMBERS: [&str; 3] = ["100000000000001", "100000000000002", "100000000000003"];

/// See the module.
pub(crate) struct World {
    pub(crate) redis: TestRedis,
    pub(crate) sim: Simulator,
    pub(crate) store: Store,
    pub(crate) ctx: Context,
    pub(crate) clock: Clock,
    pub(crate) postbox: Postbox,
    /// What processes remember of the database.
    pub(crate) notes: TempDir,
    /// Where runs are archived, if anywhere.
    archive: Option<Archive>,
    /// What processes open credentials with.
    pub(crate) keyring: Keyring,
    /// Ends the webhook's beat.
    pub(crate) beat: CancellationToken,
    _end: DropGuard,
}

/// A tiny picture.
const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

impl World {
    /// Everything but scheduler and workers.
    pub(crate) async fn start(sim: SimConfig) -> Self {
        Self::start_on(TestRedis::start().await, sim).await
    }

    /// The same on a Redis that is set up otherwise.
    pub(crate) async fn start_on(redis: TestRedis, sim: SimConfig) -> Self {
        log();
        let store = redis.store("t:").await;
        let sim = Simulator::start(sim).await.unwrap();
        let ctx = Context {
            store: store.clone(),
            client: client(&sim.base_url()),
            deployment: "test".to_owned(),
            vigil: Vigil::start(&store, None).await.unwrap(),
            settings: Settings { close_after: Duration::from_secs(5), ..Settings::default() },
        };
        let clock = Clock::start(&store).await.unwrap();
        let postbox = Postbox::open(&ctx, &clock).await;
        sim.set_webhook(Some(postbox.url())).unwrap();
        let beat = CancellationToken::new();
        tokio::spawn(webhook_beat(ctx.clone(), clock.clone(), beat.clone()));
        let notes = tempfile::tempdir().unwrap();
        let world = Self {
            redis,
            sim,
            store,
            ctx,
            clock,
            postbox,
            notes,
            archive: None,
            keyring: dawncast_testkit::keyring(),
            _end: beat.clone().drop_guard(),
            beat,
        };
        world.add_numbers().await;
        world
    }

    /// Archives runs in `folder`, so long after their close.
    pub(crate) fn archive(&mut self, folder: &Path, after: Duration) {
        let url = format!("file://{}", folder.display());
        let archive = Archive::open(&ArchiveConfig { url, s3: S3Config::default() }).unwrap();
        self.store = self.store.clone().with_archive(archive.clone());
        self.ctx.settings.archive_after = Some(after);
        self.archive = Some(archive);
    }

    async fn add_numbers(&self) {
        for id in self.sim.numbers() {
            let number = Number {
                phone_number_id: id.parse().unwrap(),
                waba_id: self.sim.account(&id).unwrap().parse().unwrap(),
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

    /// A scheduler in a process of its own.
    pub(crate) fn scheduler(&self) -> Process {
        self.process(self.redis.url(), |ctx, stop| async move { scheduler(ctx, stop).await.unwrap() })
    }

    /// A worker in a process of its own.
    pub(crate) fn worker(&self) -> Process {
        self.worker_at(self.redis.url())
    }

    /// A worker that reaches Redis in a way of its own.
    pub(crate) fn worker_at(&self, redis: String) -> Process {
        self.process(redis, |ctx, stop| async move { worker(ctx, stop).await.unwrap() })
    }

    fn process<F: Future<Output = ()> + Send + 'static>(
        &self,
        redis: String,
        part: impl FnOnce(Context, CancellationToken) -> F + Send + 'static,
    ) -> Process {
        let (api, deployment, settings) = (self.sim.base_url(), self.ctx.deployment.clone(), self.ctx.settings.clone());
        let (notes, archive, keyring) = (self.notes.path().to_owned(), self.archive.clone(), self.keyring.clone());
        // Its own connections as well: a connection lives in the runtime that made it.
        Process::start(async move |stop| {
            let config = dawncast_store::StoreConfig::new(redis, "t:");
            let mut store = Store::connect(&config).await.unwrap().with_keyring(keyring);
            if let Some(archive) = archive {
                store = store.with_archive(archive);
            }
            let vigil = Vigil::start(&store, Some(&notes)).await.unwrap();
            part(Context { store, client: client(&api), deployment, vigil, settings }, stop).await;
        })
    }

    /// An audience of `count` people, everyone with a first name and an image.
    pub(crate) async fn audience(&self, count: u64) -> AudienceId {
        self.audience_of((0..count).map(person)).await
    }

    pub(crate) async fn audience_of(&self, people: impl IntoIterator<Item = Recipient>) -> AudienceId {
        let id: AudienceId = format!("aud_{}", mint()).parse().unwrap();
        let audience = Audience { id: id.clone(), name: "people".to_owned(), created_at: 0 };
        assert!(self.store.add_audience(&audience).await.unwrap());
        self.import(&id, people).await;
        id
    }

    /// Replaces the people of an audience.
    pub(crate) async fn import(&self, audience: &AudienceId, people: impl IntoIterator<Item = Recipient>) {
        let import = format!("imp_{}", mint()).parse().unwrap();
        let begun = self.store.begin_import(audience, &import, ImportMode::Replace, self.clock.now()).await.unwrap();
        let BeginImport::Started(mut writer) = begun else { panic!("the import begins") };
        for (line, row) in (1..).zip(people) {
            writer.push(line, row).await.unwrap();
        }
        writer.finish(["first_name", "image"].map(str::to_owned).into(), || self.clock.now()).await.unwrap();
    }

    /// The picture that [`pictures`] send.
    pub(crate) async fn asset(&self) -> dawncast_core::ids::AssetId {
        let id = format!("ast_{}", mint()).parse().unwrap();
        let new = NewAsset { id: &id, name: "pack", mime: "image/png", bytes: PNG };
        self.store.add_asset(new, self.clock.now()).await.unwrap();
        id
    }

    /// Submits a campaign that opens now; `patch` changes its JSON.
    pub(crate) async fn submit(&self, audience: &AudienceId, patch: Value) -> RunId {
        self.submitted(audience, patch, 0).await
    }

    /// The same, submitted `ago` milliseconds ago: while the engine was down.
    pub(crate) async fn submitted(&self, audience: &AudienceId, patch: Value, ago: i64) -> RunId {
        let mut spec = json!({
            "name": "morning", "pool": "advisors", "audience": { "id": audience },
            "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
                         "components": [ { "type": "body", "parameters": [ { "type": "text", "text": "{{ first_name }}" } ] } ] },
            "schedule": { "type": "now" },
            "window": { "opens": "0s", "closes": "+3s", "deadline": "+30s" },
            "unconfirmed": { "then": "resend", "grace": "3s" },
        });
        for (key, value) in patch.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let spec = CampaignSpec::parse(spec.to_string().as_bytes()).unwrap();
        let id = format!("cmp_{}", mint()).parse().unwrap();
        let created_at = self.clock.now() - ago;
        let zones = self.store.zones_of(&spec).await.unwrap();
        let campaign = Campaign::new(id, spec, created_at, &zones).unwrap();
        let run = RunRecord::of(&campaign, &zones);
        assert!(self.store.add_campaign(&campaign).await.unwrap());
        assert!(self.store.create_run(&run).await.unwrap());
        run.id
    }

    /// Orders faults, as `POST /_sim/faults` takes them.
    pub(crate) fn faults(&self, faults: Value) {
        let order: FaultOrder = serde_json::from_value(json!({ "faults": faults })).unwrap();
        self.sim.set_faults(order).unwrap();
    }

    pub(crate) async fn run(&self, id: &RunId) -> Run {
        self.store.run(id).await.unwrap().unwrap()
    }

    pub(crate) async fn report(&self, id: &RunId) -> Report {
        self.store.report(&self.run(id).await, self.clock.now(), explain).await.unwrap()
    }

    pub(crate) async fn totals(&self, id: &RunId) -> Totals {
        let tallies = self.store.run_tallies(id).await.unwrap();
        totals(&self.run(id).await, &tallies, self.clock.now())
    }

    /// Every delivery of a run.
    pub(crate) async fn rows(&self, id: &RunId) -> Vec<DeliveryRow> {
        let (run, mut rows) = (self.run(id).await, Vec::new());
        for page in 0..run.pages {
            rows.extend(self.store.deliveries(&run, page, self.clock.now()).await.unwrap().unwrap());
        }
        rows
    }

    /// The delivery of recipient `n`.
    pub(crate) async fn row(&self, id: &RunId, n: u64) -> DeliveryRow {
        self.rows(id).await.into_iter().find(|row| row.recipient.phone == FIRST_PHONE + n).unwrap()
    }

    /// Waits until the run's totals are as `wanted`.
    pub(crate) async fn until(&self, id: &RunId, what: &str, wanted: impl Fn(&Totals) -> bool) -> Totals {
        until(what, PATIENCE, async || Some(self.totals(id).await).filter(&wanted)).await
    }

    /// Waits until the run has come to `state`.
    pub(crate) async fn reaches(&self, id: &RunId, state: RunState) -> Run {
        let what = format!("the run is {}", state.as_str());
        until(&what, PATIENCE, async || Some(self.run(id).await).filter(|run| run.state >= state)).await
    }

    /// Waits until every page of the run is finished.
    pub(crate) async fn finished(&self, id: &RunId) {
        let refs: Vec<_> = self.reaches(id, RunState::Open).await.page_refs().collect();
        let finished = async || {
            let headers = self.store.headers(&refs).await.unwrap();
            headers.iter().all(|(_, header)| header.finished).then_some(())
        };
        until("every page is finished", PATIENCE, finished).await;
    }

    /// Waits until so many messages are accepted.
    pub(crate) async fn until_accepted(&self, count: u64) {
        let what = format!("{count} messages are accepted");
        until(&what, PATIENCE, async || (self.sim.ledger().totals.accepted >= count).then_some(())).await;
    }

    /// Waits until `ms` have passed, by the clock that the engine goes by.
    pub(crate) async fn passes(&self, ms: i64) {
        let end = self.clock.now() + ms;
        until("the time has passed", PATIENCE, async || (self.clock.now() >= end).then_some(())).await;
    }

    /// Waits until the run is closed, then audits it.
    pub(crate) async fn closed(&self, id: &RunId) -> Report {
        self.reaches(id, RunState::Closed).await;
        self.audit(id).await
    }

    /// How often a message for recipient `n` was accepted.
    pub(crate) fn accepted(&self, n: u64) -> u64 {
        self.sim.ledger().recipients.get(&(FIRST_PHONE + n).to_string()).map_or(0, |known| known.accepted)
    }
}

fn client(api: &str) -> Client {
    Client::new(ClientConfig { base_url: api.to_owned(), ..ClientConfig::default() }).unwrap()
}

/// `RUST_LOG=dawncast_engine=debug` shows what the engine says.
fn log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env().unwrap_or_else(|_| "off".into());
    // Under `cargo test` another test has done so.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_test_writer().try_init();
}

/// Recipient `n`.
pub(crate) fn person(n: u64) -> Recipient {
    let attributes = [("first_name", format!("Asha {n}")), ("image", "pack".to_owned())];
    Recipient {
        phone: FIRST_PHONE + n,
        id: Some(format!("r{n}")),
        tier: Some(if n.is_multiple_of(10) { "pro" } else { "standard" }.to_owned()),
        attributes: attributes.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
        timezone: None,
        consent: None,
        user_id: None,
    }
}

/// The phone of recipient `n`.
pub(crate) fn phone(n: u64) -> String {
    (FIRST_PHONE + n).to_string()
}

/// A window that opens at once.
pub(crate) fn window(closes: &str, deadline: &str) -> Value {
    json!({ "opens": "0s", "closes": closes, "deadline": deadline })
}

/// A message with a picture.
pub(crate) fn pictures() -> Value {
    let image = json!({ "type": "image", "image": { "asset": "{{ image }}" } });
    let text = json!({ "type": "text", "text": "{{ first_name }}" });
    json!({ "type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY",
            "components": [ { "type": "header", "parameters": [image] }, { "type": "body", "parameters": [text] } ] })
}

/// A simulator without faults whose receipts come soon.
pub(crate) fn calm() -> SimConfig {
    let soon = Span::millis(20, 150);
    let retry_cap = Duration::from_millis(400);
    let receipts = SimReceipts { sent: soon, delivered: soon, read: soon, retry_cap, ..SimReceipts::default() };
    SimConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        latency: Duration::from_millis(20),
        receipts,
        ..SimConfig::default()
    }
}
