//! The sheet of a run: what every message of it needs, put together once per process and kept for a few seconds, so
//! that what people change of numbers reaches the senders. Tokens are opened here, not for each message; a new one reaches
//! the senders within a second.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use dawncast_cloud_api::Token;
use dawncast_core::{
    campaign::Choice,
    desk::Rules,
    ids::{NumberId, RunId, WabaId},
    render::Renderers,
    template::fits,
    window::Late,
};
use dawncast_store::{
    records::{Asset, Number},
    run::Run,
};
use metrics::Histogram;
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::{
    Context, EngineError, chores,
    clock::sleep_or_stop,
    meters::{self, Meters, Moves, Sends},
    templates::usable_token,
};

/// A sheet is put together anew after this.
const FRESH_FOR: Duration = Duration::from_secs(5);
/// It is looked this often whether a credential has changed.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Old sheets are thrown away when there are more.
const KEPT: usize = 64;

/// Which of the campaign's messages can be sent from an account, by their places. What is found out meanwhile holds until the
/// sheet is put together anew, by what is stored then.
type Fits = Arc<[AtomicBool; Choice::MOST]>;

/// A number as the sender of one of a run's messages: its place is what [`Frozen::sender_at`](dawncast_store::run::Frozen::sender_at) reads.
#[derive(Clone)]
pub(super) struct SenderSheet {
    pub(super) number: NumberId,
    pub(super) waba: WabaId,
    /// None when it was removed, or has none that can be used.
    pub(super) token: Option<Token>,
    /// Another message than the page's own.
    instead: Option<Choice>,
    fits: Fits,
    pub(super) mps: u32,
    /// Its media ids by asset name and id.
    pub(super) media: Arc<HashMap<String, String>>,
    /// Counts its deliveries.
    pub(super) moves: Moves,
    /// Counts its attempts.
    pub(super) sends: Sends,
}

impl SenderSheet {
    /// What it sends of a page that carries `own`.
    pub(super) fn message(&self, own: Choice) -> Choice {
        self.instead.unwrap_or(own)
    }

    /// Whether it can send for a page that carries `own`.
    pub(super) fn may_send(&self, own: Choice) -> bool {
        let falls_back = self.instead.is_none_or(|instead| instead > own);
        let fits = || self.fits[self.message(own).place()].load(Ordering::Relaxed);
        self.token.is_some() && falls_back && fits()
    }

    /// The message cannot be sent from its account, by none of the account's numbers.
    pub(super) fn bar(&self, message: Choice) {
        self.fits[message.place()].store(false, Ordering::Relaxed);
    }
}

/// See the module.
pub(super) struct Sheet {
    pub(super) run: Run,
    pub(super) rules: Rules,
    pub(super) renderers: Renderers,
    /// By place in the run's table.
    pub(super) senders: Vec<SenderSheet>,
    /// How many numbers there are; each stands in the table once for each message.
    pub(super) numbers: usize,
    /// How late first attempts go out.
    pub(super) lateness: Histogram,
    read_at: Instant,
    /// The credentials that its tokens are of.
    revision: u64,
}

/// The sheets of a process.
pub(crate) struct Sheets {
    ctx: Context,
    meters: Meters,
    known: Mutex<HashMap<RunId, Arc<Sheet>>>,
    /// How often credentials had changed when it was last looked.
    revision: AtomicU64,
}

impl Sheets {
    pub(super) fn new(ctx: Context, meters: Meters) -> Self {
        Self { ctx, meters, known: Mutex::default(), revision: AtomicU64::default() }
    }

    /// Looks again and again whether credentials have changed, until the worker stops.
    pub(super) async fn follow_credentials(&self, stop: &CancellationToken) {
        loop {
            match self.ctx.store.credentials_revision().await {
                Ok(revision) => self.revision.store(revision, Ordering::Relaxed),
                Err(error) => {
                    self.ctx.trouble(format_args!("it cannot be seen now whether tokens have changed"), error)
                }
            }
            if sleep_or_stop(LOOK_EVERY, stop).await {
                return;
            }
        }
    }

    /// Whether a sheet need not be read again yet.
    pub(super) fn is_fresh(&self, sheet: &Sheet) -> bool {
        sheet.read_at.elapsed() < FRESH_FOR && sheet.revision == self.revision.load(Ordering::Relaxed)
    }

    /// The sheet of a run; none when the run is unknown.
    pub(super) async fn get(&self, id: &RunId) -> Result<Option<Arc<Sheet>>, EngineError> {
        // Held across the reading, so that one owner reads for all.
        let mut known = self.known.lock().await;
        if let Some(sheet) = known.get(id).filter(|sheet| self.is_fresh(sheet)) {
            return Ok(Some(Arc::clone(sheet)));
        }
        let Some(run) = self.ctx.store.run(id).await? else { return Ok(None) };
        let sheet = Arc::new(self.read(run).await?);
        if known.len() >= KEPT {
            known.clear();
        }
        known.insert(id.clone(), Arc::clone(&sheet));
        Ok(Some(sheet))
    }

    async fn read(&self, run: Run) -> Result<Sheet, EngineError> {
        // Before the tokens are: *one that changes meanwhile* makes the sheet old at once.
        let revision = self.revision.load(Ordering::Relaxed);
        let assets = self.assets().await?;
        let (mut senders, mut accounts) = (Vec::new(), HashMap::new());
        let numbers = run.frozen.as_ref().map_or(&[][..], |frozen| &frozen.senders);
        for sender in numbers {
            let number = self.ctx.store.number(&sender.number).await?;
            let token = match &number {
                Some(number) => self.token(number).await?,
                None => None,
            };
            let fits = match accounts.get(&sender.waba) {
                Some(fits) => Arc::clone(fits),
                None => self.fits(&run, &sender.waba).await?,
            };
            accounts.insert(sender.waba.clone(), Arc::clone(&fits));
            senders.push(SenderSheet {
                number: sender.number.clone(),
                waba: sender.waba.clone(),
                token,
                instead: None,
                fits,
                mps: sender.mps,
                media: Arc::new(chores::media_ids(&self.ctx.store, &assets, &sender.number).await?),
                moves: self.meters.moves(&run.record.spec.pool, &sender.number),
                sends: self.meters.sends(&sender.number),
            });
        }
        let numbers = senders.len();
        let messages = run.frozen.as_ref().map_or(1, |frozen| frozen.messages(run.record.spec.message.count()));
        for choice in Choice::all().skip(1).take(messages - 1) {
            let instead = |place| SenderSheet { instead: Some(choice), ..SenderSheet::clone(&senders[place]) };
            let falling_back: Vec<_> = (0..numbers).map(instead).collect();
            senders.extend(falling_back);
        }
        let renderers = chores::renderers(&run)?;
        let lateness = meters::lateness(&run.lane());
        Ok(Sheet { rules: rules(&run), renderers, senders, numbers, lateness, read_at: Instant::now(), revision, run })
    }

    /// Which of the run's messages an account can send: a stand-in needs the template approved on its own account. Accounts
    /// never read are given the benefit of the doubt.
    async fn fits(&self, run: &Run, waba: &WabaId) -> Result<Fits, EngineError> {
        let known = self.ctx.store.templates(waba).await?;
        let (may_send, mut all) = (Fits::default(), [true; Choice::MOST]);
        let told = known.map(|known| fits(&known, &run.record.spec.message)).unwrap_or_default();
        told.iter().for_each(|(choice, fit)| all[choice.place()] = fit.is_sendable());
        may_send.iter().zip(all).for_each(|(it, fits)| it.store(fits, Ordering::Relaxed));
        Ok(may_send)
    }

    /// A number without a usable token sends nothing, and others stand in for it.
    async fn token(&self, number: &Number) -> Result<Option<Token>, EngineError> {
        let token = usable_token(&self.ctx.store, number).await?;
        let untold = |why| {
            let id = &number.phone_number_id;
            self.ctx.trouble(format_args!("number {id} cannot send, others stand in"), EngineError::Unfit(why));
        };
        Ok(token.map_err(untold).ok())
    }

    async fn assets(&self) -> Result<Vec<Asset>, EngineError> {
        let (mut assets, mut cursor) = (Vec::new(), None);
        loop {
            let page = self.ctx.store.assets_page(500, cursor.as_deref()).await?;
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
