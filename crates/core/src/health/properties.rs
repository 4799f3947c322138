//! What holds whatever happens to a number, in whatever order.

use proptest::{prelude::*, test_runner::TestCaseError};

use super::*;

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;

#[derive(Debug, Clone)]
enum Input {
    Wait(i64),
    /// Meta says status, rating and whether it may send.
    Read(&'static str, &'static str, &'static str),
    Heard(u32),
    /// This was counted: messages, failed and opted out, of it and of the others; and whether there are others.
    Counted([u64; 3], [u64; 3], bool),
    Pin(Stage, Option<i64>),
    Unpin,
    Paused(bool),
    Speed(u32),
    Warmup(bool),
}

fn inputs() -> impl Strategy<Value = Input> {
    let wait = prop_oneof![3 => 0..2 * MINUTE, 2 => 0..3 * HOUR, 2 => 0..60 * HOUR];
    let stage = prop::sample::select(Stage::ALL);
    let status = prop::sample::select(vec!["CONNECTED", "CONNECTED", "BANNED", "RESTRICTED", "FLAGGED"]);
    let quality = prop::sample::select(vec!["GREEN", "GREEN", "GREEN", "YELLOW", "RED", "UNKNOWN"]);
    let can_send = prop::sample::select(vec!["AVAILABLE", "AVAILABLE", "LIMITED", "BLOCKED"]);
    let code = prop::sample::select(vec![131_048, 368, 131_031, 133_010, 131_026, 130_429]);
    prop_oneof![
        6 => wait.prop_map(Input::Wait),
        6 => (status, quality, can_send).prop_map(|(status, quality, can_send)| Input::Read(status, quality, can_send)),
        2 => code.prop_map(Input::Heard),
        3 => (counts(), counts(), any::<bool>()).prop_map(|(own, others, peers)| Input::Counted(own, others, peers)),
        1 => (stage, prop::option::of(1..100 * HOUR)).prop_map(|(stage, length)| Input::Pin(stage, length)),
        1 => Just(Input::Unpin),
        1 => any::<bool>().prop_map(Input::Paused),
        1 => (125..=1_000_u32).prop_map(Input::Speed),
        1 => any::<bool>().prop_map(Input::Warmup),
    ]
}

fn counts() -> impl Strategy<Value = [u64; 3]> {
    let part = || prop_oneof![3 => 0..10_u64, 1 => 0..120_u64];
    (0..120_u64, part(), part()).prop_map(|(messages, failed, opted_out)| [messages, failed, opted_out])
}

/// A number as all that is kept of it.
struct Kept {
    now: UnixMs,
    reading: Option<Reading>,
    heard: Vec<Heard>,
    rates: Rates,
    /// What it was paused for last.
    paused_for: Cause,
    condition: Condition,
    warmup: Option<Warmup>,
    paused: bool,
    speed_milli: u32,
}

impl Kept {
    fn new() -> Self {
        let (condition, now) = (Condition::default(), 1_795_393_770_000);
        let warmup = Some(Warmup::starting(now));
        let (rates, paused_for) = (Rates::default(), Cause::Nothing);
        Self {
            now,
            reading: None,
            heard: vec![],
            rates,
            paused_for,
            condition,
            warmup,
            paused: false,
            speed_milli: 1_000,
        }
    }

    fn take(&mut self, input: &Input) {
        let now = self.now;
        match *input {
            Input::Wait(by) => self.now += by,
            Input::Read(status, quality, can_send) => {
                let said = |word: &str| Some(word.to_owned());
                let (status, quality, can_send) = (said(status), said(quality), said(can_send));
                self.reading = Some(Reading { read_at: now, status, quality, can_send, ..Reading::default() });
            }
            Input::Heard(code) => self.heard.push(Heard { code, at: now }),
            Input::Counted(own, others, peers) => {
                let member = |[messages, failed, opted_out]: [u64; 3]| Member {
                    counts: Counts { messages, failed, opted_out },
                    serves: true,
                };
                let pool = [member(own), member(others)];
                self.rates = Rates::of(if peers { &pool } else { &pool[..1] }, 0);
            }
            Input::Pin(stage, length) => {
                let pin = Pin { stage, until: length.map(|length| now + length) };
                self.condition = self.condition.pinned_by(pin, now);
            }
            Input::Unpin => self.condition = self.condition.unpinned(now),
            Input::Paused(paused) => self.paused = paused,
            Input::Speed(milli) => self.speed_milli = milli,
            Input::Warmup(true) => self.warmup = self.warmup.or(Some(Warmup::starting(now))),
            Input::Warmup(false) => self.warmup = None,
        }
    }

    fn fresh(&self) -> Option<&Reading> {
        self.reading.as_ref().filter(|reading| self.now - reading.read_at <= READING_GOOD_FOR_MS)
    }

    fn health(&self) -> Health {
        let (paused, stage, speed_milli) = (self.paused, self.condition.stage, self.speed_milli);
        let (reading, warming) = (self.reading.as_ref(), self.warmup.is_some());
        health(Signs { paused, standby: false, stage, warming, speed_milli, reading }, self.now)
    }

    /// One look of the monitor.
    fn look(&mut self, playbook: &Playbook) -> Result<(), TestCaseError> {
        let signs = ConditionSigns { reading: self.fresh(), heard: &self.heard, rates: self.rates };
        let condition = self.condition.step(&signs, self.now, playbook);
        let step = |warmup: Warmup| warmup.stepped(&condition, self.fresh(), self.now, &playbook.warmup);
        let warmup = self.warmup.and_then(step);
        self.holds_its_time(&condition, playbook)?;
        self.is_struck_with_reason(&condition)?;
        if condition.stage == Stage::Paused {
            self.paused_for = condition.cause;
        }
        self.grows_only_while_green(&condition, warmup, playbook)?;
        (self.condition, self.warmup) = (condition, warmup);
        Ok(())
    }

    /// Nothing gets better before its time, unless a person has said so.
    fn holds_its_time(&self, next: &Condition, playbook: &Playbook) -> Result<(), TestCaseError> {
        let is_persons = self.condition.cause == Cause::Person || next.cause == Cause::Person;
        if next.stage < self.condition.stage && !is_persons {
            let follows_failing = self.condition.cause == Cause::Recovering && self.paused_for == Cause::Failing;
            let least = match self.condition.stage {
                Stage::Paused => playbook.refused_ms,
                _ if self.condition.cause == Cause::Failing || follows_failing => playbook.rates.failing_ms,
                _ => playbook.cooldown_ms,
            };
            prop_assert!(self.now - self.condition.since >= least, "{} after {}", next, self.condition);
        }
        Ok(())
    }

    /// What is reckoned from counts holds no number back of which too little is known, and pauses none that has nobody to be
    /// compared with.
    fn is_struck_with_reason(&self, next: &Condition) -> Result<(), TestCaseError> {
        let is_reckoned = matches!(next.cause, Cause::Failing | Cause::OptOuts);
        if is_reckoned && next.stage > self.condition.stage {
            prop_assert!(self.rates.is_judged(50), "{} of {:?}", next, self.rates);
            prop_assert!(next.cause == Cause::Failing || next.stage == Stage::Cooldown);
            prop_assert!(next.stage < Stage::Paused || self.rates.is_compared(50), "{} of {:?}", next, self.rates);
        }
        Ok(())
    }

    fn grows_only_while_green(
        &self,
        condition: &Condition,
        next: Option<Warmup>,
        playbook: &Playbook,
    ) -> Result<(), TestCaseError> {
        let cap = |warmup: Option<Warmup>| warmup.and_then(|it| it.cap(&playbook.warmup)).unwrap_or(u32::MAX);
        if cap(next) > cap(self.warmup) {
            let quality = self.fresh().and_then(|reading| reading.quality.as_deref());
            prop_assert_eq!((quality, condition.stage), (Some("GREEN"), Stage::Fit));
            prop_assert!(self.now - self.warmup.expect("it had a cap").since >= WARMUP_STEP_MS);
        }
        Ok(())
    }
}

proptest! {
    #[test]
    fn whatever_happens_a_banned_number_sends_nothing_and_nothing_gets_better_before_its_time(
        inputs in prop::collection::vec(inputs(), 1..120)
    ) {
        let (mut kept, playbook) = (Kept::new(), Playbook::default());
        for input in &inputs {
            kept.take(input);
            kept.look(&playbook)?;
            let may_send = !matches!(kept.health(), Health::Paused | Health::Banned | Health::Disabled);
            let is_banned = kept.fresh().is_some_and(|reading| reading.status.as_deref() == Some("BANNED"));
            prop_assert!(!(is_banned && may_send), "{:?} sends", kept.health());
            prop_assert!(!(kept.paused && may_send));
            if kept.condition.stage == Stage::Paused {
                prop_assert_eq!(kept.condition.leave(&playbook), Leave { serves: None, pace_milli: 0 });
                prop_assert!(!may_send);
            }
        }
    }
}
