//! The suppression list as an owner knows it. Begin answers which state of the list the run was told last, in the same step
//! as it writes the intents: when that is another than the owner has looked at, it looks again before it POSTs any of them.
//! So nothing is POSTed that was begun after a change of the list was answered, and a list that rests costs nothing.
//! With the list it looks at what Meta withholds, of which runs are not told: it is for the runs that follow.

use std::collections::HashMap;

use dawncast_core::{consent::Scope, phone::Phone, verdict::Verdict};
use dawncast_store::{StoreError, page::Begun};

use super::owner::PageOwner;

/// Whom of a page not to write to.
#[derive(Debug, Default)]
pub(super) struct Silence {
    /// The state of the list that was looked at; none before the first look.
    list: Option<u64>,
    /// Each with what becomes of its attempt.
    indexes: HashMap<u16, Verdict>,
}

impl Silence {
    /// What becomes of an attempt that may not go out; none when it may.
    pub(super) fn of(&self, index: u16) -> Option<Verdict> {
        self.indexes.get(&index).copied()
    }
}

/// What came of a look at the list; none when the last one still holds.
pub(super) type Look = Option<Result<Silence, StoreError>>;

impl PageOwner {
    /// Looks at the list if begin's answer tells of another state of it.
    pub(super) async fn listen(&self, begun: &Result<Begun, StoreError>) -> Look {
        let Ok(Begun::Granted { list, .. }) = begun else { return None };
        if self.silence.list == Some(*list) {
            return None;
        }
        Some(self.silenced().await.map(|indexes| Silence { list: Some(*list), indexes }))
    }

    async fn silenced(&self) -> Result<HashMap<u16, Verdict>, StoreError> {
        let scope = Scope::of(self.sheet.run.record.spec.message.sent_as(self.message));
        let phones = self
            .recipients
            .rows
            .iter()
            .zip(0..)
            .filter_map(|(row, index)| Some((index, Phone::from_digits(row.phone).ok()?)));
        let (indexes, phones): (Vec<u16>, Vec<Phone>) = phones.unzip();
        let (store, now) = (&self.shared.ctx.store, self.now());
        let (listed, withheld) = tokio::try_join!(store.suppressions(&phones), store.withheld(&phones))?;
        let silenced = indexes.into_iter().zip(listed).zip(withheld).filter_map(|((index, listed), withheld)| {
            let suppressed = listed.is_some_and(|known| known.entry(scope).is_some()).then_some(Verdict::Suppressed);
            let waits = withheld.is_some_and(|known| known.refuses(scope, now).is_some()).then_some(Verdict::Withheld);
            Some((index, suppressed.or(waits)?))
        });
        Ok(silenced.collect())
    }

    /// Takes what came of the look. False when the list could not be read: then nobody knows whom not to write to.
    pub(super) fn heed(&mut self, look: Look) -> bool {
        match look {
            None => true,
            Some(Ok(silence)) => {
                self.silence = silence;
                true
            }
            Some(Err(error)) => {
                let what = format_args!("the suppression list cannot be read for page {}", self.owner.page);
                self.shared.ctx.trouble(what, error);
                self.pause();
                false
            }
        }
    }
}
