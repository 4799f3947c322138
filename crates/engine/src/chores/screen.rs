//! Who may be written to at all. Freeze asks: consent, the suppression list, pauses, what Meta withholds, frequency caps, and for free-form
//! messages which number has an open service window. These change, so that what they came to is pinned with the run, and
//! plan reads it there.

use std::collections::{BTreeMap, HashMap};

use dawncast_core::{
    UnixMs,
    campaign::{Choice, Message},
    consent::{Asked, Cap, ConsentRule, Scope},
    ids::NumberId,
    phone::Phone,
    report::DropReason,
};
use dawncast_store::{
    Contact,
    records::{AudienceVersion, Recipient as Row},
    run::{DroppedRow, Frozen, Run, Sender},
};

use super::{Chores, select::Selection};
use crate::EngineError;

/// Why a free-form message does not go out to a row.
const NO_WINDOW: &str = "no service window is open: the recipient has not written to a number of the run for a day";

/// Why a row is not written to, and in which words.
pub(super) type Refusal = (DropReason, String);

/// The place of no number: any may send.
pub(super) const ANY: u8 = u8::MAX;

/// What a screen says of a row: the place of the number that may send to it, or [`ANY`]; or why none may.
pub(super) type Looked = Result<u8, Refusal>;

/// Which of a campaign's messages a phone gets that has this place.
pub(super) fn choice(message: &Message, number: u8, phone: u64) -> Choice {
    message.choice(number != ANY, Phone::person_of(phone))
}

/// Where free-form messages may go out.
pub(super) struct Windows {
    /// The run's active numbers, with their places.
    numbers: Vec<(u8, NumberId)>,
    /// A window has to be open until then.
    until: UnixMs,
}

/// See the module.
pub(super) enum Screen {
    /// Asks the lists as they stand.
    Asks {
        /// What would be sent, by the message that it is.
        scopes: BTreeMap<Choice, Scope>,
        /// Some row of the audience says something by its `consent`.
        told: bool,
        /// How often one person may be written to.
        caps: BTreeMap<Scope, Cap>,
        /// Where it may go out, if it is free-form.
        windows: Option<Windows>,
        /// When the first of them would hear.
        opens_at: UnixMs,
    },
    /// Knows what freeze found, by row: who is kept out, and which number is fixed.
    Knows(HashMap<u64, Refusal>, Vec<u8>),
}

impl Screen {
    /// The same for one who only looks: to ask the frequency cap is to count.
    pub(super) fn without_cap(self) -> Self {
        match self {
            Self::Asks { scopes, told, windows, opens_at, .. } => {
                Self::Asks { scopes, told, caps: BTreeMap::new(), windows, opens_at }
            }
            knows => knows,
        }
    }
}

/// Whether a row is kept out by what freeze alone can tell: its lists and, since which message a row gets follows from them,
/// that this message could not be rendered for it.
fn is_screened(row: &DroppedRow) -> bool {
    let lists = matches!(row.reason, DropReason::Suppressed | DropReason::Capped | DropReason::Compliance);
    let withheld = matches!(row.reason, DropReason::Withheld | DropReason::Undeliverable);
    lists || withheld || matches!(row.reason, DropReason::MissingAttribute | DropReason::MissingAsset)
}

impl Selection {
    /// What plan has to be told.
    pub(super) fn screened(&self) -> Vec<DroppedRow> {
        self.dropped.iter().filter(|row| is_screened(row)).cloned().collect()
    }

    /// The same of the numbers that are fixed: a place for each row of the audience.
    pub(super) fn fixed_numbers(&self) -> Vec<u8> {
        let mut numbers = vec![ANY; self.chosen.len() + self.dropped.len()];
        self.chosen_rows().for_each(|(row, number)| numbers[row as usize - 1] = number);
        numbers
    }

    /// Of those chosen from number `from` on, the places of those who get this one of the campaign's messages.
    pub(super) fn places_of(&self, message: &Message, wanted: Choice, from: usize) -> Vec<usize> {
        let places = from..self.chosen.len();
        places.filter(|place| self.choice_of(message, *place as u32) == wanted).collect()
    }
}

/// A run's free-form messages go out from active numbers only: a standby is home to nobody.
fn windows(run: &Run, senders: &[Sender]) -> Windows {
    let active = senders.iter().take(usize::from(ANY)).enumerate().filter(|(_, sender)| !sender.standby);
    let numbers = active.map(|(place, sender)| (place as u8, sender.number.clone())).collect();
    Windows { numbers, until: run.record.opening.deadline_at }
}

impl Chores {
    /// For freeze.
    pub(super) async fn asking_screen(
        &self,
        run: &Run,
        version: &AudienceVersion,
        senders: &[Sender],
    ) -> Result<Screen, EngineError> {
        let (message, policy) = (&run.record.spec.message, &self.ctx.settings.policy);
        let scopes: BTreeMap<_, _> = message.all().map(|(choice, content)| (choice, Scope::of(content))).collect();
        let depends = scopes.values().any(|scope| policy.consent.of(*scope) == ConsentRule::WhereTold);
        let told = depends && self.tells_consent(run, version).await?;
        let windows = message.is_free_form().then(|| windows(run, senders));
        let opens_at = run.record.opening.opens_at.max(self.clock.now());
        Ok(Screen::Asks { scopes, told, caps: policy.caps.clone(), windows, opens_at })
    }

    /// For plan.
    pub(super) async fn known_screen(&self, run: &Run, frozen: &Frozen) -> Result<Screen, EngineError> {
        let (store, id, token) = (&self.ctx.store, &run.record.id, &frozen.plan_token);
        let rows = match frozen.screened {
            0 => Vec::new(),
            count => store.screened(id, token, count).await?,
        };
        let known = rows.into_iter().filter_map(|row| Some((row.row?, (row.reason, row.detail))));
        let numbers = if frozen.fixed { store.fixed_numbers(id, token).await? } else { Vec::new() };
        Ok(Screen::Knows(known.collect(), numbers))
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

    /// What is to be said of each of `rows`; the first is number `first` of the audience.
    pub(super) async fn look(&self, screen: &Screen, rows: &[Row], first: u64) -> Result<Vec<Looked>, EngineError> {
        let (scopes, told, windows, at) = match screen {
            Screen::Knows(known, numbers) => {
                let number = |row: u64| numbers.get(row as usize - 1).copied().unwrap_or(ANY);
                let looked = |row: u64| known.get(&row).map_or_else(|| Ok(number(row)), |refusal| Err(refusal.clone()));
                return Ok((first..first + rows.len() as u64).map(looked).collect());
            }
            Screen::Asks { scopes, told, windows, opens_at, .. } => (scopes, *told, windows, *opens_at),
        };
        let phones: Vec<Option<Phone>> = rows.iter().map(|row| Phone::from_digits(row.phone).ok()).collect();
        let asked: Vec<Phone> = phones.iter().flatten().copied().collect();
        let store = &self.ctx.store;
        let (listed, withheld) = tokio::try_join!(store.suppressions(&asked), store.withheld(&asked))?;
        let (mut listed, mut withheld) = (listed.into_iter(), withheld.into_iter());
        let mut open = match windows {
            Some(windows) => {
                let persons: Vec<u64> = asked.iter().map(|phone| phone.person()).collect();
                self.ctx.store.open_windows(&windows.numbers, &persons, windows.until).await?
            }
            None => vec![Some(ANY); asked.len()],
        }
        .into_iter();
        let (own, fallback) = (scopes[&Choice::OWN], scopes.get(&Choice::FALLBACK).copied());
        let policy = &self.ctx.settings.policy;
        let looked = |(row, phone): (&Row, Option<Phone>)| {
            // What is no phone is found out to be none elsewhere.
            let Some(phone) = phone else { return Ok(ANY) };
            let (suppression, number) = (listed.next().flatten(), open.next().flatten());
            let withheld = withheld.next().flatten();
            // Of what would go to this row: whoever may be sent no free-form message gets no template in its place.
            let scope = fallback.filter(|_| number.is_none()).unwrap_or(own);
            let consent = row.consent.as_deref();
            let (suppression, withheld) = (suppression.as_ref(), withheld.as_ref());
            match policy.refuses(&Asked { scope, phone, consent, told, suppression, withheld, at }) {
                Some(refusal) => Err(refusal),
                None if fallback.is_some() => Ok(number.unwrap_or(ANY)),
                None => number.ok_or_else(|| (DropReason::Compliance, NO_WINDOW.to_owned())),
            }
        };
        Ok(rows.iter().zip(phones).map(looked).collect())
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
        let Screen::Asks { scopes, caps, .. } = screen else { return Ok(()) };
        for (choice, scope) in scopes {
            let Some(cap) = caps.get(scope).copied() else { continue };
            let places = selection.places_of(&run.record.spec.message, *choice, from);
            let persons: Vec<u64> =
                places.iter().map(|place| Phone::person_of(selection.chosen[*place].phone)).collect();
            let contact = Contact { scope: *scope, run: &run.record.id, at: run.record.instant, cap };
            let counted = self.ctx.store.count_contacts(&contact, &persons, self.clock.now()).await?;
            let mut may = vec![true; selection.chosen.len() - from];
            places.iter().zip(counted).for_each(|(place, counted)| may[place - from] = counted);
            selection.drop_where(from, &may, DropReason::Capped, &format!("{scope} is capped at {cap} for one person"));
        }
        Ok(())
    }
}
