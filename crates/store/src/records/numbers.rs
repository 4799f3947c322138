//! Numbers: the WhatsApp phone numbers that send.

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    cap::{Caps, Span},
    health::{Condition, Leave, Playbook, Warmup},
    ids::{NumberId, PoolId, WabaId},
};
use serde::{Deserialize, Serialize};

use super::{
    Page, Secret, TokenChange, from_json,
    shelf::{Shelf, member},
    to_json,
};
use crate::{
    Store, StoreError,
    script::{Script, script},
};

/// What their shelf is called.
const NUMBERS: &str = "numbers";

static PUT_NUMBER: Script = script!("put_number.lua");

/// What a number is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum NumberRole {
    /// Gets deliveries when a run is planned.
    Active,
    /// Sends only when an active number of its pool cannot.
    Standby,
}

/// One phone number of a WhatsApp Business account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Number {
    /// Meta's id of the number; digits.
    pub phone_number_id: NumberId,
    /// The account that the number belongs to; its templates are the ones that the number can send.
    pub waba_id: WabaId,
    /// The number as recipients see it.
    pub display_phone_number: String,
    /// Its token as earlier versions kept it; what is written now has it [elsewhere](super::Credentials), sealed.
    #[serde(default, rename = "access_token", skip_serializing_if = "Option::is_none")]
    pub plain_token: Option<Secret>,
    /// The numbers that may stand in for each other.
    pub pool: PoolId,
    /// Messages per second that Meta allows this number (Meta: throughput; 80 unless upgraded).
    pub mps: u32,
    /// Active or standby.
    pub role: NumberRole,
    /// A paused number is granted no credit.
    pub paused: bool,
    /// How far the monitor lets it be used.
    #[serde(default)]
    pub condition: Condition,
    /// How many messages people let it send.
    #[serde(default)]
    pub caps: Caps,
    /// Where it stands in its warm-up; none when that is over, or was never begun.
    #[serde(default)]
    pub warmup: Option<Warmup>,
    /// When it was added.
    pub created_at: UnixMs,
}

impl Number {
    /// Whether it may be home to recipients of a run of this priority: nobody has it paused, and its condition admits them.
    pub fn serves(&self, priority: Priority, playbook: &Playbook) -> bool {
        let Leave { serves, .. } = self.condition.leave(playbook);
        !self.paused && serves.is_some_and(|least| priority >= least)
    }

    /// How many messages it may send: as people say, or its warm-up, whichever is less.
    pub fn caps(&self, playbook: &Playbook) -> Caps {
        let warmup = self.warmup.and_then(|warmup| warmup.cap(&playbook.warmup));
        let per_day = self.caps.per_day.into_iter().chain(warmup).min();
        Caps { per_day, ..self.caps }
    }
}

/// What came of writing a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NumberWritten {
    /// It stands there as it is now.
    Written(Box<Number>),
    /// Another one has its id.
    Taken,
    /// There is no such number.
    Missing,
    /// It was to send with its account's token, and that has none.
    NoToken,
}

impl Store {
    fn numbers_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, NUMBERS)
    }

    /// Adds a number, with a token or with its account's.
    pub async fn add_number(&self, number: &Number, token: &TokenChange) -> Result<NumberWritten, StoreError> {
        let add = |there: Option<Number>| match there {
            Some(there) if there != *number => Err(NumberWritten::Taken),
            _ => Ok(number.clone()),
        };
        self.write_number(&number.phone_number_id, add, token, number.created_at).await
    }

    /// Writes a number together with its token; `edit` may run several times.
    async fn write_number(
        &self,
        id: &NumberId,
        edit: impl Fn(Option<Number>) -> Result<Number, NumberWritten>,
        token: &TokenChange,
        now: UnixMs,
    ) -> Result<NumberWritten, StoreError> {
        let (records, order) = self.keys().shelf(NUMBERS);
        loop {
            let stored = self.numbers_shelf().raw(id.as_str()).await?;
            let there = stored.as_deref().map(|json| from_json(&records, json)).transpose()?;
            let mut number = match edit(there) {
                Ok(number) => number,
                Err(refused) => return Ok(refused),
            };
            if *token != TokenChange::Keep {
                number.plain_token = None;
            }
            let credentials = self.credentials_of(&number).await?;
            let Some(swaps) = credentials.swaps(&number, token, now)? else { return Ok(NumberWritten::NoToken) };
            let mut call = PUT_NUMBER.key(&records);
            call.key(&order).key(self.keys().credentials()).key(self.keys().credentials_revision());
            call.arg(id.as_str()).arg(stored.unwrap_or_default()).arg(to_json(&number));
            call.arg(member(number.created_at, id.as_str()));
            for swap in swaps {
                call.arg(swap.place).arg(swap.old).arg(swap.new);
            }
            // *The number, or its account's token, was changed since it was read*: read again.
            if call.invoke_async(&mut self.connection()).await? {
                return Ok(NumberWritten::Written(Box::new(number)));
            }
        }
    }

    /// Moves each token that an earlier version has stored as it is to where it is sealed; that of the oldest number becomes
    /// its account's. How many were moved, by this call or at the same time by another's.
    pub async fn seal_plain_tokens(&self, now: UnixMs) -> Result<usize, StoreError> {
        let mut count = 0;
        for Number { phone_number_id, plain_token, .. } in self.numbers().await?.into_iter().rev() {
            let Some(token) = plain_token else { continue };
            // *Another process has moved it since*: a token that was given after that stays.
            let still = |there: Option<Number>| {
                let plain = |number: &Number| number.plain_token.as_ref() == Some(&token);
                there.filter(plain).ok_or(NumberWritten::Missing)
            };
            let give = TokenChange::Give(token.clone());
            let written = self.write_number(&phone_number_id, still, &give, now).await?;
            count += usize::from(matches!(written, NumberWritten::Written(_)));
        }
        Ok(count)
    }

    /// One number.
    pub async fn number(&self, id: &NumberId) -> Result<Option<Number>, StoreError> {
        self.numbers_shelf().get(id.as_str()).await
    }

    /// Every number, newest first.
    pub async fn numbers(&self) -> Result<Vec<Number>, StoreError> {
        self.numbers_shelf().all().await
    }

    /// The numbers of one pool, newest first, whatever their role and state.
    pub async fn pool_numbers(&self, pool: &PoolId) -> Result<Vec<Number>, StoreError> {
        let mut numbers = self.numbers().await?;
        numbers.retain(|number| number.pool == *pool);
        Ok(numbers)
    }

    /// A page of numbers, newest first.
    pub async fn numbers_page(&self, limit: usize, cursor: Option<&str>) -> Result<Page<Number>, StoreError> {
        self.numbers_shelf().page(limit, cursor).await
    }

    /// Changes a number; `change` may run several times. `None` when there is no such number. A paused number's
    /// credit is paused with it: when this has returned, it grants nothing.
    pub async fn change_number(
        &self,
        id: &NumberId,
        change: impl Fn(&mut Number),
    ) -> Result<Option<Number>, StoreError> {
        let number = self.numbers_shelf().change(id.as_str(), change).await?;
        if let Some(number) = &number {
            self.follow_pause(number).await?;
        }
        Ok(number)
    }

    /// Lets a number's credit go by whether it is paused. *One person pauses it while another resumes it*: whoever comes to
    /// its credit last goes by the record, and not by what was read before.
    async fn follow_pause(&self, number: &Number) -> Result<(), StoreError> {
        let (id, mut paused) = (&number.phone_number_id, number.paused);
        loop {
            self.pause_credit(id, paused).await?;
            match self.number(id).await? {
                Some(now) if now.paused != paused => paused = now.paused,
                _ => return Ok(()),
            }
        }
    }

    /// The same, and its token with it.
    pub async fn change_number_and_token(
        &self,
        id: &NumberId,
        change: impl Fn(&mut Number),
        token: &TokenChange,
        now: UnixMs,
    ) -> Result<NumberWritten, StoreError> {
        let edit = |there: Option<Number>| {
            let mut number = there.ok_or(NumberWritten::Missing)?;
            change(&mut number);
            Ok(number)
        };
        let written = self.write_number(id, edit, token, now).await?;
        if let NumberWritten::Written(number) = &written {
            self.follow_pause(number).await?;
            if *token != TokenChange::Keep {
                self.end_rest(id, now).await?;
            }
        }
        Ok(written)
    }

    /// Changes a number's condition; `change` may run several times. What it was before, and the number as it is then;
    /// `None` when there is no such number.
    pub async fn change_condition(
        &self,
        id: &NumberId,
        change: impl Fn(&Condition) -> Condition,
    ) -> Result<Option<(Condition, Number)>, StoreError> {
        let step = |number: &mut Number| {
            let next = change(&number.condition);
            std::mem::replace(&mut number.condition, next)
        };
        let changed = self.numbers_shelf().change_telling(id.as_str(), step).await?;
        Ok(changed.map(|(number, before)| (before, number)))
    }

    /// Changes what the monitor watches of a number, its condition and its warm-up; `change` may run several times. The
    /// number before and after; `None` when there is no such number.
    pub async fn change_watched(
        &self,
        id: &NumberId,
        change: impl Fn(&Number) -> (Condition, Option<Warmup>),
    ) -> Result<Option<(Number, Number)>, StoreError> {
        let step = |number: &mut Number| {
            let before = number.clone();
            (number.condition, number.warmup) = change(&before);
            before
        };
        let changed = self.numbers_shelf().change_telling(id.as_str(), step).await?;
        Ok(changed.map(|(number, before)| (before, number)))
    }

    /// Lets a number's credit go by its condition and its caps: when this has returned, nothing is granted that they do not
    /// admit. Written again and again, it is the same. *The number is changed meanwhile*: what was read before is not the
    /// last word.
    pub async fn apply_condition(&self, number: &Number, playbook: &Playbook) -> Result<(), StoreError> {
        let mut number = number.clone();
        loop {
            let leave = number.condition.leave(playbook);
            self.set_leave(&number.phone_number_id, &leave, number.caps(playbook)).await?;
            match self.number(&number.phone_number_id).await? {
                Some(now) if now != number => number = now,
                _ => return Ok(()),
            }
        }
    }

    /// How many messages its caps leave to a number from `at` to `until`; `None` when it has none. By what it was granted
    /// until now: what other runs have still to send counts not.
    pub async fn cap_left(
        &self,
        number: &Number,
        playbook: &Playbook,
        at: UnixMs,
        until: UnixMs,
    ) -> Result<Option<u64>, StoreError> {
        let caps = number.caps(playbook);
        let mut least = None;
        for (span, cap) in [(Span::Hour, caps.per_hour), (Span::Day, caps.per_day)] {
            let Some(cap) = cap else { continue };
            let left = self.sent(&number.phone_number_id, span).await?.room(cap, at * 1_000).left;
            let anew = u64::from(cap) * span.times_within(until - at);
            least = Some(least.unwrap_or(u64::MAX).min(left + anew));
        }
        Ok(least)
    }

    /// Removes a number; false when it was not there.
    pub async fn remove_number(&self, id: &NumberId) -> Result<bool, StoreError> {
        match self.number(id).await? {
            Some(number) => {
                self.forget_reading(id).await?;
                self.forget_conditions(id).await?;
                // While its record stands, nobody adds the number again, with a token that this would take.
                self.forget_token(id).await?;
                self.numbers_shelf().remove(id.as_str(), number.created_at).await
            }
            None => Ok(false),
        }
    }
}
