//! Trouble that lasts: news when it begins and when it is over, and no news in between, lest a minute without Redis
//! fills the log. Pure: the caller brings the time, and says what is news.

use std::{
    collections::HashMap,
    fmt,
    time::{Duration, Instant},
};

/// Trouble that was not met for this long is over. Longer than anything is waited for before it is tried again.
const QUIET: Duration = Duration::from_secs(10);
/// More kinds of trouble at once are one: by then nobody reads them one by one.
const KINDS: usize = 256;
const MUCH: &str = "much at once";

/// What is wrong just now, by its words.
#[derive(Debug, Default)]
pub struct Troubles {
    spells: HashMap<String, Spell>,
}

#[derive(Debug)]
struct Spell {
    began: Instant,
    last: Instant,
    times: u64,
}

/// Trouble that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Over {
    /// What it was.
    pub what: String,
    /// How often it was met.
    pub times: u64,
    /// From the first time to the last.
    pub lasted: Duration,
}

impl fmt::Display for Over {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { what, times, lasted } = self;
        write!(f, "no trouble any more: {what} ({times} times within {} s)", lasted.as_secs())
    }
}

impl Troubles {
    /// Notes that `what` was met. True when that is news.
    pub fn met(&mut self, what: &str, now: Instant) -> bool {
        let what = if self.spells.len() < KINDS || self.spells.contains_key(what) { what } else { MUCH };
        if let Some(spell) = self.spells.get_mut(what) {
            spell.times += 1;
            spell.last = now;
            return false;
        }
        self.spells.insert(what.to_owned(), Spell { began: now, last: now, times: 1 });
        true
    }

    /// What was not met for a while. What was met once is forgotten without a word: it was over when it was said.
    pub fn over(&mut self, now: Instant) -> Vec<Over> {
        let is_over = |spell: &Spell| now.saturating_duration_since(spell.last) >= QUIET;
        let over = self.spells.extract_if(|_, spell| is_over(spell));
        let over = over.filter(|(_, spell)| spell.times > 1);
        over.map(|(what, spell)| Over { what, times: spell.times, lasted: spell.last - spell.began }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_of_the_same_trouble_is_said_when_it_begins_and_when_it_is_over() {
        let (mut troubles, start) = (Troubles::default(), Instant::now());
        let at = |ms| start + Duration::from_millis(ms);
        let mut said = 0;
        for ms in (0..60_000).step_by(50) {
            said += usize::from(troubles.met("Redis", at(ms)));
            assert_eq!(troubles.over(at(ms)), []);
        }
        assert_eq!(said, 1);
        let over = troubles.over(at(59_950) + QUIET);
        assert_eq!(over, [Over { what: "Redis".into(), times: 1_200, lasted: Duration::from_millis(59_950) }]);
        assert_eq!(over[0].to_string(), "no trouble any more: Redis (1200 times within 59 s)");
        assert!(troubles.met("Redis", at(90_000)), "it is news again");
    }

    #[test]
    fn each_kind_of_trouble_is_said_and_what_was_met_once_ends_without_a_word() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        assert!(troubles.met("a", now) && troubles.met("b", now));
        assert_eq!(troubles.over(now + QUIET), []);
        assert!(troubles.met("a", now + QUIET));
    }

    #[test]
    fn too_many_kinds_at_once_are_one() {
        let (mut troubles, now) = (Troubles::default(), Instant::now());
        let said = (0..10 * KINDS).filter(|n| troubles.met(&n.to_string(), now)).count();
        assert_eq!(said, KINDS + 1);
        assert!(!troubles.met("0", now));
    }
}
