//! What the engine writes into the log from more than one place: trouble that lasts, and deliveries that have failed.
//! Fields have one spelling everywhere: `run.id`, `page.id`, `delivery.id`, `number.id`. The spans of a page and of a chore
//! carry theirs, so lines within them need not.

use std::{
    fmt,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Instant,
};

use dawncast_cloud_api::ErrorEntry;
use dawncast_core::{
    delivery::{Applied, Outcome, Standing},
    ids::{DeliveryId, PageRef},
    trouble,
};
use dawncast_store::{
    StoreError,
    page::{AttemptFact, Transition},
};
use tracing::{debug, info, warn};

use crate::{EngineError, answer::own_code};

/// However many owners meet it, that Redis does not answer is one trouble.
const REDIS: &str = "Redis does not answer";

/// The troubles of a process: each is a line when it begins and a line when it is over.
#[derive(Default)]
pub(crate) struct Troubles(Mutex<trouble::Troubles>);

impl Troubles {
    fn lock(&self) -> MutexGuard<'_, trouble::Troubles> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something failed and is tried again: a warning when that is news, else a line for who debugs.
    pub(crate) fn met(&self, what: fmt::Arguments<'_>, error: impl Into<EngineError>) {
        let error = error.into();
        let is_news = match &error {
            EngineError::Store(StoreError::Unavailable(_)) => self.lock().met(REDIS, Instant::now()),
            // Without the error: its words may differ each time.
            _ => self.lock().met(&what.to_string(), Instant::now()),
        };
        match is_news {
            true => warn!("{what}: {error}"),
            false => debug!("{what}: {error}"),
        }
    }

    /// Tells what was not met for a while. Called every second or so.
    pub(crate) fn tell_over(&self) {
        let over = self.lock().over(Instant::now());
        over.iter().for_each(|over| info!("{over}"));
    }
}

/// What an error code means, in a person's words. The ledger's 0 says that Meta gave none.
pub(crate) fn meaning(code: u32) -> &'static str {
    if let Some(meaning) = own_code(code).and_then(|own| own.meaning) {
        return meaning;
    }
    let entry = if code == 0 { None } else { ErrorEntry::of(i64::from(code)) };
    entry.map_or("Meta has not said why", ErrorEntry::hint)
}

/// An attempt that something was recorded about, with the ids by which whoever asks for one recipient finds the line.
pub(crate) struct Recorded<'a> {
    pub(crate) page: &'a PageRef,
    pub(crate) told: &'a AttemptFact,
    /// The number that sent it; empty when that is not known.
    pub(crate) number: &'a str,
}

impl Recorded<'_> {
    /// Tells of a failure: to everybody when the delivery has failed with it, else to who debugs.
    pub(crate) fn tell_failure(&self, transition: &Transition) {
        let Self { page, told: AttemptFact { index, fact, .. }, number } = *self;
        let failed = matches!(fact.outcome, Outcome::Failed | Outcome::FailedRetryable);
        if !failed || transition.applied != Applied::Raised {
            return;
        }
        let delivery = DeliveryId { page: page.clone(), index: u16::from(*index) };
        let (attempt, code, means) = (fact.attempt, fact.code, meaning(fact.code));
        if transition.before != transition.after && transition.after == Standing::Failed {
            info!(
                run.id = %page.run, page.id = %page, delivery.id = %delivery, number.id = number, attempt, code,
                "delivery {delivery} has failed with code {code}: {means}"
            );
        } else {
            debug!(
                run.id = %page.run, page.id = %page, delivery.id = %delivery, number.id = number, attempt, code,
                "attempt {attempt} of delivery {delivery} has failed with code {code}: {means}"
            );
        }
    }
}
