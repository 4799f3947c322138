//! What every part of the engine is given.

use std::{fmt, time::Duration};

use dawncast_cloud_api::Client;
use dawncast_core::{consent::Policy, health::Playbook};
use dawncast_store::{Store, StoreError};

use crate::{Notify, Vigil};

/// The engine's settings. Times are chosen for a campaign of minutes; a demo shortens them.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// The share of a number's throughput that is used. Meta: plan with about 90 % of the level.
    pub headroom: f64,
    /// How long a page is leased; renewed four times within it.
    pub lease: Duration,
    /// How many pages a worker process owns at once.
    pub pages: usize,
    /// How many POSTs a worker process has on the wire at once: rate × round trip.
    pub in_flight: usize,
    /// How long before its window a run that waits for freeze is checked, while people are awake.
    pub check_leads: Vec<Duration>,
    /// From how long before its window on it is told that a run's template is not approved.
    pub template_lead: Duration,
    /// How long before its window a run is frozen.
    pub freeze_lead: Duration,
    /// How long before its window a run is checked.
    pub preflight_lead: Duration,
    /// How long before its window a run's pages are put into their lane.
    pub open_lead: Duration,
    /// How long after the deadline receipts are waited for before a run is closed.
    pub close_after: Duration,
    /// How often Meta is asked about each number.
    pub numbers_every: Duration,
    /// Whom to tell of runs; nobody when none.
    pub notify: Option<Notify>,
    /// How long after its close a run is archived; none without an archive.
    pub archive_after: Option<Duration>,
    /// Who may be written to, and how often.
    pub policy: Policy,
    /// What follows on signs against a number.
    pub playbook: Playbook,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            headroom: 0.9,
            lease: Duration::from_secs(4),
            pages: 64,
            in_flight: 512,
            check_leads: vec![Duration::from_secs(12 * 3600), Duration::from_secs(3600)],
            template_lead: Duration::from_secs(5 * 24 * 3600),
            freeze_lead: Duration::from_secs(15 * 60),
            preflight_lead: Duration::from_secs(60),
            open_lead: Duration::from_secs(10),
            close_after: Duration::from_secs(15 * 60),
            numbers_every: Duration::from_secs(60),
            notify: None,
            archive_after: None,
            policy: Policy::default(),
            playbook: Playbook::default(),
        }
    }
}

/// What every part of the engine works with.
#[derive(Clone)]
pub struct Context {
    /// Redis.
    pub store: Store,
    /// The Cloud API.
    pub client: Client,
    /// This deployment's name: tells its receipts from those of others behind the same webhook.
    pub deployment: String,
    /// Watches for a Redis that was restored from an older copy. One for the process.
    pub vigil: Vigil,
    /// How to run.
    pub settings: Settings,
}

impl Context {
    /// Something failed and is tried again: told when it is news.
    pub(crate) fn trouble(&self, what: fmt::Arguments<'_>, error: impl Into<EngineError>) {
        self.vigil.troubles().met(what, error);
    }
}

/// Why a part of the engine cannot start or go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// Redis.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is stored cannot be carried out: a person has to look.
    #[error("{0}")]
    Unfit(String),
    /// The Cloud API could not be asked.
    #[error(transparent)]
    CloudApi(#[from] dawncast_cloud_api::CallError),
}
