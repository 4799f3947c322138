//! A number: what Meta says of it, its configured rate, and what is left of its portfolio's limit.

use super::{
    Check, Finding,
    words::{length, moment},
};
use crate::{
    UnixMs,
    health::{Health, READING_GOOD_FOR_MS, Reading},
    plan::thousands,
    quota::{DailyLimit, Portfolio},
};

/// Messages a second that a level allows (Meta: throughput).
const LEVELS: [(&str, u32); 3] = [("NOT_APPLICABLE", 20), ("STANDARD", 80), ("HIGH", 1_000)];

/// A portfolio of which less than this share is left is told of.
const SCARCE: f64 = 0.1;

/// A number as it is configured, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Numbered<'a> {
    /// Its id.
    pub id: &'a str,
    /// What it is able to do now.
    pub health: Health,
    /// Why it is not fully used, if the monitor keeps it back.
    pub kept_back: Option<&'a str>,
    /// What Meta said of it last.
    pub reading: Option<&'a Reading>,
}

/// Judges status, quality and health of a number.
pub fn number(it: Numbered<'_>, now: UnixMs) -> Finding {
    let Some(reading) = it.reading else {
        let remedy = "see that a process with the role monitor runs, and that its token can read the number";
        return Finding::warn(Check::Number, it.id, "Meta was not asked about it yet", remedy);
    };
    let said = |text: &Option<String>| text.as_deref().unwrap_or("not given").to_owned();
    let age = now - reading.read_at;
    let evidence = format!(
        "{}: status {}, quality {}, may send: {} (read {} ago)",
        it.health,
        said(&reading.status),
        said(&reading.quality),
        said(&reading.can_send),
        length(age),
    );
    match it.health {
        Health::Banned | Health::Disabled => {
            let remedy = "WhatsApp Manager says why and how to appeal; until then its pool's other numbers stand in";
            Finding::fail(Check::Number, it.id, evidence, remedy)
        }
        _ if age > READING_GOOD_FOR_MS => {
            let evidence = format!("{evidence}; that is too old to go by (read at {})", moment(reading.read_at));
            let remedy = "see that a process with the role monitor runs, and that its token can read the number";
            Finding::warn(Check::Number, it.id, evidence, remedy)
        }
        Health::Paused | Health::Cooldown => {
            let why = it.kept_back.map_or_else(|| "a person has paused it".to_owned(), str::to_owned);
            let remedy = format!(
                "`dawncast number history {}` says why; `dawncast number resume {}` or `pin` overrules",
                it.id, it.id
            );
            Finding::warn(Check::Number, it.id, format!("{evidence}; {why}"), remedy)
        }
        _ if matches!(reading.quality.as_deref(), Some("YELLOW" | "RED")) => {
            let remedy = "recipients block or report it: send less, and only to who expects it, until it is GREEN";
            Finding::warn(Check::Number, it.id, evidence, remedy)
        }
        _ => Finding::ok(Check::Number, it.id, evidence),
    }
}

/// Judges a number's configured rate, in messages a second, against its throughput level. `None` while the level is not
/// known.
pub fn capacity(id: &str, mps: u32, level: Option<&str>) -> Option<Finding> {
    let level = level?;
    let (_, allowed) = LEVELS.into_iter().find(|(name, _)| *name == level)?;
    if mps <= allowed {
        let evidence = format!("set to {mps} messages a second, and its level {level} allows {allowed}");
        return Some(Finding::ok(Check::Capacity, id, evidence));
    }
    let evidence =
        format!("set to {mps} messages a second, but its level {level} allows {allowed}, the rest is refused (130429)");
    Some(Finding::warn(Check::Capacity, id, evidence, format!("`dawncast number set {id} --mps {allowed}`")))
}

/// Judges what is left of a portfolio's messaging limit.
pub fn limit(portfolio: &Portfolio) -> Finding {
    let (id, reached) = (portfolio.id.as_str(), thousands(portfolio.reached));
    let users = match portfolio.limit {
        None => {
            let evidence = "Meta has not told its messaging limit yet, so nothing is held against it";
            let remedy = "see that a process with the role monitor runs, and that a token can read one of its numbers";
            return Finding::warn(Check::Limit, id, evidence, remedy);
        }
        Some(DailyLimit::Unlimited) => {
            return Finding::ok(Check::Limit, id, format!("unlimited; {reached} users reached in 24 h"));
        }
        Some(DailyLimit::Users(users)) => users,
    };
    let left = users.saturating_sub(portfolio.reached);
    let evidence = format!("{} of {} users in 24 h are left ({reached} reached)", thousands(left), thousands(users));
    let remedy = "more numbers do not help: wait until the day's users are counted out, or write to fewer";
    match left {
        0 => Finding::fail(Check::Limit, id, evidence, remedy),
        _ if (left as f64) < users as f64 * SCARCE => Finding::warn(Check::Limit, id, evidence, remedy),
        _ => Finding::ok(Check::Limit, id, evidence),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    const NOW: UnixMs = 1_795_393_770_000;

    fn reading(quality: &str) -> Reading {
        let text = |text: &str| Some(text.to_owned());
        Reading { read_at: NOW - 5_000, status: text("CONNECTED"), quality: text(quality), ..Reading::default() }
    }

    fn judged(health: Health, reading: Option<&Reading>, now: UnixMs) -> Finding {
        number(Numbered { id: "1", health, kept_back: None, reading }, now)
    }

    #[test]
    fn a_number_is_judged_by_its_health_and_what_meta_says() {
        let (green, red) = (reading("GREEN"), reading("RED"));
        for (health, reading, expected) in [
            (Health::Active, Some(&green), Outcome::Ok),
            (Health::Standby, Some(&green), Outcome::Ok),
            (Health::Active, Some(&red), Outcome::Warn),
            (Health::Paused, Some(&green), Outcome::Warn),
            (Health::Cooldown, Some(&green), Outcome::Warn),
            (Health::Banned, Some(&green), Outcome::Fail),
            (Health::Disabled, Some(&red), Outcome::Fail),
            (Health::Active, None, Outcome::Warn),
        ] {
            assert_eq!(judged(health, reading, NOW).outcome, expected, "{health} {reading:?}");
        }
        let old = judged(Health::Active, Some(&green), NOW + READING_GOOD_FOR_MS);
        assert!(old.outcome == Outcome::Warn && old.evidence.contains("too old"), "{old:?}");
        let seen = judged(Health::Active, Some(&green), NOW).evidence;
        assert_eq!(seen, "active: status CONNECTED, quality GREEN, may send: not given (read 5 seconds ago)");
    }

    #[test]
    fn a_rate_beyond_its_level_is_told_with_the_one_that_fits() {
        for (level, mps, expected) in [
            ("STANDARD", 80, Outcome::Ok),
            ("STANDARD", 81, Outcome::Warn),
            ("HIGH", 1_000, Outcome::Ok),
            ("HIGH", 1_001, Outcome::Warn),
            ("NOT_APPLICABLE", 80, Outcome::Warn),
        ] {
            assert_eq!(capacity("1", mps, Some(level)).expect("a level").outcome, expected, "{level} {mps}");
        }
        let over = capacity("1", 100, Some("STANDARD")).expect("a level");
        assert_eq!(over.remedy.as_deref(), Some("`dawncast number set 1 --mps 80`"));
        assert_eq!((capacity("1", 500, None), capacity("1", 500, Some("ULTRA"))), (None, None));
    }

    #[test]
    fn a_limit_is_judged_by_what_is_left() {
        let portfolio = |limit, reached| Portfolio { id: "300".into(), limit, reached, numbers: Default::default() };
        for (limit, reached, expected) in [
            (None, 0, Outcome::Warn),
            (Some(DailyLimit::Unlimited), 1_000_000, Outcome::Ok),
            (Some(DailyLimit::Users(1_000)), 900, Outcome::Ok),
            (Some(DailyLimit::Users(1_000)), 901, Outcome::Warn),
            (Some(DailyLimit::Users(1_000)), 1_200, Outcome::Fail),
        ] {
            assert_eq!(super::limit(&portfolio(limit, reached)).outcome, expected, "{limit:?} {reached}");
        }
    }
}
