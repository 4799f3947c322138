//! Numbers: the WhatsApp phone numbers that send.

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    health::{Condition, Leave, Playbook},
    ids::{NumberId, PoolId, WabaId},
};
use serde::{Deserialize, Serialize};

use super::{Page, Secret, shelf::Shelf};
use crate::{Store, StoreError};

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
    /// The token that may send from it.
    pub access_token: Secret,
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
    /// When it was added.
    pub created_at: UnixMs,
}

impl Number {
    /// Whether it may be home to recipients of a run of this priority: nobody has it paused, and its condition admits them.
    pub fn serves(&self, priority: Priority, playbook: &Playbook) -> bool {
        let Leave { serves, .. } = self.condition.leave(playbook);
        !self.paused && serves.is_some_and(|least| priority >= least)
    }
}

impl Store {
    fn numbers_shelf(&self) -> Shelf<'_> {
        Shelf::of(self, "numbers")
    }

    /// Adds a number; false when its id is there already.
    pub async fn add_number(&self, number: &Number) -> Result<bool, StoreError> {
        self.numbers_shelf().insert(number.phone_number_id.as_str(), number.created_at, number).await
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
            self.pause_credit(id, number.paused).await?;
        }
        Ok(number)
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

    /// Lets a number's credit go by its condition: when this has returned, nothing is granted that the condition does not
    /// admit. Written again and again, it is the same.
    pub async fn apply_condition(&self, number: &Number, playbook: &Playbook) -> Result<(), StoreError> {
        self.set_leave(&number.phone_number_id, &number.condition.leave(playbook)).await
    }

    /// Removes a number; false when it was not there.
    pub async fn remove_number(&self, id: &NumberId) -> Result<bool, StoreError> {
        match self.number(id).await? {
            Some(number) => {
                self.forget_reading(id).await?;
                self.forget_conditions(id).await?;
                self.numbers_shelf().remove(id.as_str(), number.created_at).await
            }
            None => Ok(false),
        }
    }
}
