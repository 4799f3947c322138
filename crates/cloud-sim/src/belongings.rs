//! What belongs to a number besides how Meta regards it: its PIN, its registrations, its profile, whom it blocks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Map, Value};

use crate::wa_id::WaId;

/// The PIN that every number starts with.
const FIRST_PIN: &str = "123456";

/// Meta: registrations and deregistrations of a number in any 72 hours.
const REGISTRATIONS: usize = 10;
const REGISTRATION_SPAN: Duration = Duration::from_secs(72 * 3600);

/// Wrong PINs in a row, after which none is taken for an hour. Meta does not tell its own.
const GUESSES: u32 = 5;
const GUESSING_PAUSE: Duration = Duration::from_secs(3600);

/// The belongings of every number, by its place.
#[derive(Default)]
pub(crate) struct Belongings {
    all: Mutex<HashMap<usize, Owned>>,
    /// Whether any number ever blocked anybody: else sends ask no further.
    has_blocked: AtomicBool,
}

/// What belongs to one number.
pub(crate) struct Owned {
    pub(crate) pin: String,
    wrong_pins: u32,
    last_wrong_us: u64,
    registrations: Vec<u64>,
    /// A code was sent that was not entered yet.
    pub(crate) code_is_out: bool,
    pub(crate) profile: Map<String, Value>,
    /// Oldest first.
    pub(crate) blocked: Vec<WaId>,
}

impl Default for Owned {
    fn default() -> Self {
        Self {
            pin: FIRST_PIN.to_owned(),
            wrong_pins: 0,
            last_wrong_us: 0,
            registrations: Vec::new(),
            code_is_out: false,
            profile: Map::new(),
            blocked: Vec::new(),
        }
    }
}

impl Belongings {
    /// Runs `f` on what belongs to a number.
    pub(crate) fn of<R>(&self, number: usize, f: impl FnOnce(&mut Owned) -> R) -> R {
        f(self.all.lock().unwrap_or_else(PoisonError::into_inner).entry(number).or_default())
    }

    /// Blocks a user for a number, unless it blocks `most` already.
    pub(crate) fn block(&self, number: usize, user: WaId, most: usize) -> bool {
        self.has_blocked.store(true, Ordering::Relaxed);
        self.of(number, |owned| {
            let is_new = !owned.blocked.contains(&user);
            if is_new && owned.blocked.len() < most {
                owned.blocked.push(user);
            }
            !is_new || owned.blocked.last() == Some(&user)
        })
    }

    pub(crate) fn blocks(&self, number: usize, user: WaId) -> bool {
        if !self.has_blocked.load(Ordering::Relaxed) {
            return false;
        }
        let all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(&number).is_some_and(|owned| owned.blocked.contains(&user))
    }
}

impl Owned {
    /// Counts a registration or deregistration, unless there were too many: then the code of the refusal.
    pub(crate) fn count_registration(&mut self, now_us: u64) -> Result<(), u32> {
        self.registrations.retain(|at_us| since(*at_us, now_us) < REGISTRATION_SPAN);
        if self.registrations.len() >= REGISTRATIONS {
            return Err(133_016);
        }
        self.registrations.push(now_us);
        Ok(())
    }

    /// Checks the PIN; the code of the refusal if it is wrong, or was wrong too often.
    pub(crate) fn check_pin(&mut self, pin: &str, now_us: u64) -> Result<(), u32> {
        if self.wrong_pins >= GUESSES && since(self.last_wrong_us, now_us) < GUESSING_PAUSE {
            return Err(133_008);
        }
        if pin != self.pin {
            (self.wrong_pins, self.last_wrong_us) = (self.wrong_pins % GUESSES + 1, now_us);
            return Err(133_005);
        }
        self.wrong_pins = 0;
        Ok(())
    }
}

fn since(at_us: u64, now_us: u64) -> Duration {
    Duration::from_micros(now_us.saturating_sub(at_us))
}
