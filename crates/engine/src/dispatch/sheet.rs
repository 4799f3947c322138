//! The sheet of a run: what every message of it needs, put together once per process and kept for a few seconds, so
//! that tokens and pauses changed by people reach the senders.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use dawncast_cloud_api::Token;
use dawncast_core::{
    desk::Rules,
    ids::{NumberId, RunId},
    render::Renderer,
    template::lint_known,
    window::Late,
};
use dawncast_store::{Store, records::Asset, run::Run};
use metrics::Histogram;
use tokio::sync::Mutex;

use crate::{
    EngineError, chores,
    meters::{self, Meters, Moves, Sends},
    templates::token,
};

/// A sheet is put together anew after this.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// Old sheets are thrown away when there are more.
const KEPT: usize = 64;

/// A number that may send a run's messages.
pub(super) struct SenderSheet {
    pub(super) number: NumberId,
    /// None when it was removed or cannot send this message.
    pub(super) token: Option<Token>,
    pub(super) mps: u32,
    /// Its media ids by asset name and id.
    pub(super) media: HashMap<String, String>,
    /// Counts its deliveries.
    pub(super) moves: Moves,
    /// Counts its attempts.
    pub(super) sends: Sends,
}

/// See the module.
pub(super) struct Sheet {
    pub(super) run: Run,
    pub(super) rules: Rules,
    pub(super) renderer: Renderer,
    /// By place in the run's table.
    pub(super) senders: Vec<SenderSheet>,
    /// How late first attempts go out.
    pub(super) lateness: Histogram,
    read_at: Instant,
}

impl Sheet {
    /// Whether it need not be read again yet.
    pub(super) fn is_fresh(&self) -> bool {
        self.read_at.elapsed() < FRESH_FOR
    }
}

/// The sheets of a process.
pub(crate) struct Sheets {
    store: Store,
    meters: Meters,
    known: Mutex<HashMap<RunId, Arc<Sheet>>>,
}

impl Sheets {
    pub(super) fn new(store: Store, meters: Meters) -> Self {
        Self { store, meters, known: Mutex::default() }
    }

    /// The sheet of a run; none when the run is unknown.
    pub(super) async fn get(&self, id: &RunId) -> Result<Option<Arc<Sheet>>, EngineError> {
        // Held across the reading, so that one owner reads for all.
        let mut known = self.known.lock().await;
        if let Some(sheet) = known.get(id).filter(|sheet| sheet.is_fresh()) {
            return Ok(Some(Arc::clone(sheet)));
        }
        let Some(run) = self.store.run(id).await? else { return Ok(None) };
        let sheet = Arc::new(self.read(run).await?);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(id.clone(), Arc::clone(&sheet));
        Ok(Some(sheet))
    }

    async fn read(&self, run: Run) -> Result<Sheet, EngineError> {
        let assets = self.assets().await?;
        let mut senders = Vec::new();
        for sender in run.frozen.iter().flat_map(|frozen| &frozen.senders) {
            senders.push(SenderSheet {
                number: sender.number.clone(),
                token: self.sendable(&run, &sender.number).await?,
                mps: sender.mps,
                media: chores::media_ids(&self.store, &assets, &sender.number).await?,
                moves: self.meters.moves(&run.record.spec.pool, &sender.number),
                sends: self.meters.sends(&sender.number),
            });
        }
        let renderer = chores::renderer(&run)?;
        let lateness = meters::lateness(&run.lane());
        Ok(Sheet { rules: rules(&run), renderer, senders, lateness, read_at: Instant::now(), run })
    }

    /// The token of a number, if it may send this run's message: a stand-in needs the template approved on its own
    /// account. Accounts never read are given the benefit of the doubt.
    async fn sendable(&self, run: &Run, id: &NumberId) -> Result<Option<Token>, EngineError> {
        let Some(number) = self.store.number(id).await? else { return Ok(None) };
        let known = self.store.templates(&number.waba_id).await?;
        let fits = known.is_none_or(|known| lint_known(&known, &run.record.spec.message).is_empty());
        Ok(if fits { token(&number).ok() } else { None })
    }

    async fn assets(&self) -> Result<Vec<Asset>, EngineError> {
        let (mut assets, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.store.assets_page(500, cursor.as_deref()).await?;
            assets.extend(page.items);
            cursor = page.next_cursor;
            if cursor.is_none() {
                return Ok(assets);
            }
        }
    }
}

fn rules(run: &Run) -> Rules {
    let spec = &run.record.spec;
    Rules {
        terms: run.terms(),
        retry: spec.retry.policy(),
        unconfirmed: spec.unconfirmed.then,
        grace_ms: spec.unconfirmed.grace.ms(),
        late: spec.window.late == Late::Send,
    }
}
