//! The sheet of a run: what every message of it needs, put together once per process and kept for a few seconds, so
//! that tokens and pauses changed by people reach the senders.

use std::{
    collections::HashMap,
    sync::Arc,
    time::{Duration, Instant},
};

use dawncast_cloud_api::Token;
use dawncast_core::{
    campaign::Choice,
    desk::Rules,
    ids::{NumberId, RunId},
    render::Renderers,
    template::lint_template,
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
    /// None when it was removed.
    pub(super) token: Option<Token>,
    /// Which of the campaign's messages it can send, by their place.
    fits: [bool; 2],
    pub(super) mps: u32,
    /// Its media ids by asset name and id.
    pub(super) media: HashMap<String, String>,
    /// Counts its deliveries.
    pub(super) moves: Moves,
    /// Counts its attempts.
    pub(super) sends: Sends,
}

impl SenderSheet {
    /// Whether it can send this one of the campaign's messages.
    pub(super) fn may_send(&self, choice: Choice) -> bool {
        self.token.is_some() && self.fits[choice as usize]
    }
}

/// See the module.
pub(super) struct Sheet {
    pub(super) run: Run,
    pub(super) rules: Rules,
    pub(super) renderers: Renderers,
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
            let (token, fits) = self.sendable(&run, &sender.number).await?;
            senders.push(SenderSheet {
                number: sender.number.clone(),
                token,
                fits,
                mps: sender.mps,
                media: chores::media_ids(&self.store, &assets, &sender.number).await?,
                moves: self.meters.moves(&run.record.spec.pool, &sender.number),
                sends: self.meters.sends(&sender.number),
            });
        }
        let renderers = chores::renderers(&run)?;
        let lateness = meters::lateness(&run.lane());
        Ok(Sheet { rules: rules(&run), renderers, senders, lateness, read_at: Instant::now(), run })
    }

    /// The token of a number, and which of the run's messages it may send: a stand-in needs the template approved on its
    /// own account. Accounts never read are given the benefit of the doubt.
    async fn sendable(&self, run: &Run, id: &NumberId) -> Result<(Option<Token>, [bool; 2]), EngineError> {
        let Some(number) = self.store.number(id).await? else { return Ok((None, [false; 2])) };
        let known = self.store.templates(&number.waba_id).await?;
        let mut fits = [true; 2];
        for (choice, template) in run.record.spec.message.templates() {
            let misfits = |known: &Vec<_>| !lint_template(known, choice, template).is_empty();
            fits[choice as usize] = !known.as_ref().is_some_and(misfits);
        }
        Ok((token(&number).ok(), fits))
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
