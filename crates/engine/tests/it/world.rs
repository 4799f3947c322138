//! A whole morning in one process: Redis, simulator, webhook, engine.

use std::time::Duration;

use axum::{Router, body::Bytes, http::StatusCode, routing::post};
use dawncast_cloud_api::{Client, ClientConfig, webhook};
use dawncast_cloud_sim::{SimConfig, Simulator, WABA_ID};
use dawncast_core::{
    campaign::CampaignSpec,
    ids::{AudienceId, RunId},
    report::Report,
};
use dawncast_engine::{Clock, Context, Receipts, Settings, class_of, scheduler, webhook_beat, worker};
use dawncast_store::{
    Store,
    records::{
        Audience, BeginImport, Campaign, CampaignState, ImportMode, NewAsset, Number, NumberRole, Recipient, Secret,
        mint,
    },
    run::{Run, RunRecord, RunState},
};
use dawncast_testkit::{TestRedis, until};
use tokio_util::sync::CancellationToken;

/// A test's patience.
pub(crate) const PATIENCE: Duration = Duration::from_secs(40);

/// See the module.
pub(crate) struct World {
    pub(crate) redis: TestRedis,
    pub(crate) sim: Simulator,
    pub(crate) store: Store,
    pub(crate) ctx: Context,
    pub(crate) clock: Clock,
    pub(crate) stop: CancellationToken,
}

/// A tiny picture.
const PNG: &[u8] = &[0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a];

impl World {
    /// Everything but scheduler and workers.
    pub(crate) async fn start(sim: SimConfig) -> Self {
        let redis = TestRedis::start().await;
        let store = redis.store("t:").await;
        let sim = Simulator::start(sim).await.unwrap();
        let config = ClientConfig { base_url: sim.base_url(), ..ClientConfig::default() };
        let ctx = Context {
            store: store.clone(),
            client: Client::new(config).unwrap(),
            deployment: "test".to_owned(),
            settings: Settings { close_after: Duration::from_secs(5), ..Settings::default() },
        };
        let clock = Clock::start(&store).await.unwrap();
        let world = Self { redis, sim, store, ctx, clock, stop: CancellationToken::new() };
        world.listen().await;
        world.add_numbers().await;
        world
    }

    /// The webhook, as the server has it: signature, then the ledger, then the 200.
    async fn listen(&self) {
        let receipts = Receipts::new(self.ctx.clone(), self.clock.clone());
        let handler = move |headers: axum::http::HeaderMap, body: Bytes| {
            let receipts = receipts.clone();
            async move {
                let secret = webhook::AppSecret::new("sim_app_secret").unwrap();
                let header = headers.get(webhook::SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
                webhook::verify_signature(&[secret], header, &body).unwrap();
                match receipts.apply(webhook::parse(&body).unwrap().statuses).await {
                    Ok(()) => StatusCode::OK,
                    Err(_) => StatusCode::SERVICE_UNAVAILABLE,
                }
            }
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/webhook", listener.local_addr().unwrap());
        let router = Router::new().route("/webhook", post(handler));
        tokio::spawn(async move { axum::serve(listener, router).await });
        self.sim.set_webhook(Some(&url)).unwrap();
        tokio::spawn(webhook_beat(self.ctx.clone(), self.stop.clone()));
    }

    async fn add_numbers(&self) {
        for id in self.sim.numbers() {
            let number = Number {
                phone_number_id: id.parse().unwrap(),
                waba_id: WABA_ID.parse().unwrap(),
                display_phone_number: "15550000001".to_owned(),
                access_token: Secret::new("SIM_TOKEN"),
                pool: "advisors".parse().unwrap(),
                mps: 80,
                role: NumberRole::Active,
                paused: false,
                created_at: 0,
            };
            assert!(self.store.add_number(&number).await.unwrap());
        }
    }

    pub(crate) fn start_scheduler(&self) -> CancellationToken {
        let stop = self.stop.child_token();
        tokio::spawn(scheduler(self.ctx.clone(), stop.clone()));
        stop
    }

    pub(crate) fn start_worker(&self) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let stop = self.stop.child_token();
        let (ctx, token) = (self.ctx.clone(), stop.clone());
        (stop, tokio::spawn(async move { worker(ctx, token).await.unwrap() }))
    }

    /// An audience of `count` people, everyone with a first name and an image.
    pub(crate) async fn audience(&self, count: u64) -> AudienceId {
        let id: AudienceId = format!("aud_{}", mint()).parse().unwrap();
        let audience = Audience { id: id.clone(), name: "people".to_owned(), created_at: 0 };
        assert!(self.store.add_audience(&audience).await.unwrap());
        let import = format!("imp_{}", mint()).parse().unwrap();
        let begun = self.store.begin_import(&id, &import, ImportMode::Replace, self.clock.now()).await.unwrap();
        let BeginImport::Started(mut writer) = begun else { panic!("the import begins") };
        for n in 0..count {
            let row = Recipient {
                phone: 919_800_000_000 + n,
                id: Some(format!("r{n}")),
                tier: Some(if n % 10 == 0 { "pro" } else { "standard" }.to_owned()),
                attributes: [("first_name", format!("Asha {n}")), ("image", "pack".to_owned())]
                    .into_iter()
                    .map(|(name, value)| (name.to_owned(), value))
                    .collect(),
                timezone: None,
                consent: None,
                user_id: None,
            };
            writer.push(row).await.unwrap();
        }
        writer.finish(["first_name", "image"].map(str::to_owned).into(), || self.clock.now()).await.unwrap();
        id
    }

    pub(crate) async fn asset(&self) {
        let id = format!("ast_{}", mint()).parse().unwrap();
        let new = NewAsset { id: &id, name: "pack", mime: "image/png", bytes: PNG };
        self.store.add_asset(new, self.clock.now()).await.unwrap();
    }

    /// Submits a campaign that opens `lead_ms` from now; `patch` changes its JSON.
    pub(crate) async fn submit(&self, audience: &AudienceId, patch: serde_json::Value) -> RunId {
        let mut spec = serde_json::json!({
            "name": "first light", "pool": "advisors", "audience": { "id": audience },
            "message": { "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
                         "components": [ { "type": "body", "parameters": [ { "type": "text", "text": "{{ first_name }}" } ] } ] },
            "schedule": { "type": "now" },
            "window": { "opens": "0s", "closes": "+5s", "deadline": "+20s" },
            "unconfirmed": { "then": "resend", "grace": "3s" },
        });
        for (key, value) in patch.as_object().unwrap() {
            spec[key] = value.clone();
        }
        let spec = CampaignSpec::parse(spec.to_string().as_bytes()).unwrap();
        let id = format!("cmp_{}", mint()).parse().unwrap();
        let mut campaign = Campaign {
            id,
            spec,
            state: CampaignState::Active,
            created_at: self.clock.now(),
            run: "x".parse().unwrap(),
        };
        let run = RunRecord::of(&campaign);
        campaign.run = run.id.clone();
        assert!(self.store.add_campaign(&campaign).await.unwrap());
        assert!(self.store.create_run(&run).await.unwrap());
        run.id
    }

    pub(crate) async fn run(&self, id: &RunId) -> Run {
        self.store.run(id).await.unwrap().unwrap()
    }

    pub(crate) async fn report(&self, id: &RunId) -> Report {
        self.store.report(&self.run(id).await, self.clock.now(), class_of).await.unwrap()
    }

    /// Waits until the run is closed, then for its report.
    pub(crate) async fn closed(&self, id: &RunId) -> Report {
        let closed = async || (self.run(id).await.state == RunState::Closed).then_some(());
        until("the run is closed", PATIENCE, closed).await;
        self.report(id).await
    }

    /// How often the simulator accepted a message for each recipient that it knows.
    pub(crate) fn accepted(&self) -> Vec<u64> {
        self.sim.ledger().recipients.values().map(|recipient| recipient.accepted).collect()
    }
}

impl Drop for World {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// A simulator without faults.
pub(crate) fn calm() -> SimConfig {
    SimConfig { latency: Duration::from_millis(20), ..SimConfig::default() }
}
