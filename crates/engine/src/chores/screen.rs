//! Who may be written to at all. Freeze asks: consent, the suppression list, pauses, frequency caps. These change, so that
//! what they came to is pinned with the run, and plan reads it there.

use std::collections::HashMap;

use dawncast_core::{
    consent::{Asked, Cap, ConsentRule, Scope},
    phone::Phone,
    report::DropReason,
};
use dawncast_store::{
    Contact,
    records::{AudienceVersion, Recipient as Row},
    run::{DroppedRow, Frozen, Run},
};

use super::{Chores, select::Selection};
use crate::EngineError;

/// Why a row is not written to, and in which words.
pub(super) type Refusal = (DropReason, String);

/// See the module.
pub(super) enum Screen {
    /// Asks the lists as they stand.
    Asks {
        /// What would be sent.
        scope: Scope,
        /// Some row of the audience says something by its `consent`.
        told: bool,
        /// How often one person may be written to.
        cap: Option<Cap>,
    },
    /// Knows what freeze found, by row.
    Knows(HashMap<u64, Refusal>),
}

/// Whether freeze's lists, and not the row itself, keep a row out.
fn is_screened(row: &DroppedRow) -> bool {
    matches!(row.reason, DropReason::Suppressed | DropReason::Capped | DropReason::Compliance)
}

impl Selection {
    /// What plan has to be told.
    pub(super) fn screened(&self) -> Vec<DroppedRow> {
        self.dropped.iter().filter(|row| is_screened(row)).cloned().collect()
    }
}

impl Chores {
    /// For freeze.
    pub(super) async fn asking_screen(&self, run: &Run, version: &AudienceVersion) -> Result<Screen, EngineError> {
        let scope = Scope::of(&run.record.spec.message);
        let policy = &self.ctx.settings.policy;
        let told = policy.consent.of(scope) == ConsentRule::WhereTold && self.tells_consent(run, version).await?;
        Ok(Screen::Asks { scope, told, cap: policy.caps.get(&scope).copied() })
    }

    /// For plan.
    pub(super) async fn known_screen(&self, run: &Run, frozen: &Frozen) -> Result<Screen, EngineError> {
        if frozen.screened == 0 {
            return Ok(Screen::Knows(HashMap::new()));
        }
        let rows = self.ctx.store.screened(&run.record.id, &frozen.plan_token, frozen.screened).await?;
        let known = rows.into_iter().filter_map(|row| Some((row.row?, (row.reason, row.detail))));
        Ok(Screen::Knows(known.collect()))
    }

    /// Whether any row of the audience says something by its `consent`.
    async fn tells_consent(&self, run: &Run, version: &AudienceVersion) -> Result<bool, EngineError> {
        let mut rows = self.ctx.store.rows(&run.record.spec.audience.id, version);
        while let Some(chunk) = rows.next().await? {
            if chunk.iter().any(|row| row.consent.is_some()) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Why each of `rows` is not written to; the first is number `first` of the audience.
    pub(super) async fn look(
        &self,
        screen: &Screen,
        rows: &[Row],
        first: u64,
    ) -> Result<Vec<Option<Refusal>>, EngineError> {
        let (scope, told) = match screen {
            Screen::Knows(known) => {
                let numbers = first..first + rows.len() as u64;
                return Ok(numbers.map(|row| known.get(&row).cloned()).collect());
            }
            Screen::Asks { scope, told, .. } => (*scope, *told),
        };
        let phones: Vec<Option<Phone>> = rows.iter().map(|row| Phone::from_digits(row.phone).ok()).collect();
        let asked: Vec<Phone> = phones.iter().flatten().copied().collect();
        let mut listed = self.ctx.store.suppressions(&asked).await?.into_iter();
        let policy = &self.ctx.settings.policy;
        let refusal = |(row, phone): (&Row, Option<Phone>)| {
            let (phone, suppression) = (phone?, listed.next().flatten());
            let consent = row.consent.as_deref();
            policy.refuses(&Asked { scope, phone, consent, told, suppression: suppression.as_ref() })
        };
        Ok(rows.iter().zip(phones).map(refusal).collect())
    }

    /// Counts those that were chosen from number `from` on against the frequency cap, and drops whom it keeps out. Last of
    /// all, so that nobody is counted who gets nothing.
    pub(super) async fn cap(
        &self,
        screen: &Screen,
        run: &Run,
        selection: &mut Selection,
        from: usize,
    ) -> Result<(), EngineError> {
        let Screen::Asks { scope, cap: Some(cap), .. } = screen else { return Ok(()) };
        let person = |phone: u64| Phone::from_digits(phone).map_or(phone, Phone::person);
        let persons: Vec<u64> = selection.chosen[from..].iter().map(|row| person(row.phone)).collect();
        let contact = Contact { scope: *scope, run: &run.record.id, at: run.record.instant, cap: *cap };
        let may = self.ctx.store.count_contacts(&contact, &persons, self.clock.now()).await?;
        selection.drop_where(from, &may, DropReason::Capped, &format!("{scope} is capped at {cap} for one person"));
        Ok(())
    }
}
