//! Rates: counts what each number sends, what of it fails and who wants no more, for the monitor. Gathered in the process and
//! told once a second for each number, never once per message. A process that ends forgets its last second, and what Redis
//! does not take is forgotten too: messages and failures alike, so that their share stays what it was.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use dawncast_core::{
    UnixMs,
    health::{Counts, minute},
    ids::NumberId,
};
use tokio::time::sleep;

use crate::{Context, EngineError};

const TELL_EVERY: Duration = Duration::from_secs(1);

/// By number and minute.
type Counted = HashMap<NumberId, BTreeMap<i64, Counts>>;

/// What was counted and not yet told. Clones share it, and its teller, which ends with the last.
#[derive(Clone)]
pub(crate) struct Rates(Arc<Mutex<Counted>>);

fn lock(counted: &Mutex<Counted>) -> MutexGuard<'_, Counted> {
    counted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Rates {
    pub(crate) fn new(ctx: Context) -> Self {
        let counted = Arc::default();
        tokio::spawn(tell(ctx, Arc::downgrade(&counted)));
        Self(counted)
    }

    /// Counts something that happened to a number at `at`.
    pub(crate) fn add(&self, number: &NumberId, at: UnixMs, counts: Counts) {
        if counts == Counts::default() {
            return;
        }
        let mut counted = lock(&self.0);
        // No copy of the id for each message.
        let minutes = match counted.get_mut(number) {
            Some(minutes) => minutes,
            None => counted.entry(number.clone()).or_default(),
        };
        let sum = minutes.entry(minute(at)).or_default();
        *sum = sum.plus(counts);
    }
}

async fn tell(ctx: Context, counted: Weak<Mutex<Counted>>) {
    loop {
        sleep(TELL_EVERY).await;
        let Some(counted) = counted.upgrade() else { return };
        let gathered = mem::take(&mut *lock(&counted));
        if let Err(error) = write(&ctx, &gathered).await {
            ctx.trouble(format_args!("what was counted of numbers cannot be written and is forgotten"), error);
        }
    }
}

async fn write(ctx: &Context, counted: &Counted) -> Result<(), EngineError> {
    for (number, minutes) in counted {
        // Another system's number, or one that was removed.
        if ctx.store.number(number).await?.is_some() {
            ctx.store.add_counts(number, minutes).await?;
        }
    }
    Ok(())
}
