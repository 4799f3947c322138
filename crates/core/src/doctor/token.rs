//! An access token: does it live, for how long, and may it do what sending and looking need.

use super::{
    Check, Finding,
    words::{length, moment},
};
use crate::UnixMs;

/// People are told of a token's end so long before.
const SOON_MS: i64 = 14 * 24 * 60 * 60 * 1_000;

/// The scopes that are needed, and for what (Meta: permissions).
const SCOPES: [(&str, &str); 2] = [
    ("whatsapp_business_messaging", "nothing can be sent and no file uploaded"),
    ("whatsapp_business_management", "numbers, templates and subscriptions cannot be read"),
];

const ANOTHER: &str = "make a system-user token that does not expire, then `dawncast number set ID --token-file FILE`";

/// What Meta says of a token.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TokenState {
    /// Why calls with it are refused, in Meta's words; none when they are taken.
    pub refused: Option<String>,
    /// Why Meta cannot even be asked with it: there is none, or it does not open.
    pub unusable: Option<String>,
    /// When it ends; none for never.
    pub ends_at: Option<UnixMs>,
    /// When its access to data ends unless a person renews it; none for never (Meta: debug_token).
    pub data_ends_at: Option<UnixMs>,
    /// The app that it was made for.
    pub app: Option<String>,
    /// What it may do.
    pub scopes: Vec<String>,
    /// To which accounts it may do that; a scope that is not here is for all.
    pub scoped: Vec<Scoped>,
}

/// One scope, and the accounts that it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scoped {
    /// The scope.
    pub scope: String,
    /// The accounts; none named is all.
    pub accounts: Vec<String>,
}

/// Until when a token is needed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Needed {
    /// A run is looked at, with this deadline: a token that ends before is none for it.
    ForRun(UnixMs),
    /// All is looked at; the latest deadline of the runs ahead, if there is one.
    Ahead(Option<UnixMs>),
}

/// Judges the token of the number `subject`, which belongs to the account `waba`. One finding for each thing that is wrong,
/// or one that says that nothing is.
pub fn token(subject: &str, state: &TokenState, waba: &str, needed: Needed, now: UnixMs) -> Vec<Finding> {
    if let Some(why) = dead(state, now) {
        return vec![Finding::fail(Check::Token, subject, why, ANOTHER)];
    }
    let mut found: Vec<Finding> = ending(subject, state, needed, now).into_iter().collect();
    found.extend(data_ending(subject, state, now));
    found.extend(SCOPES.into_iter().filter_map(|(scope, without)| lacking(subject, state, waba, scope, without)));
    if found.is_empty() {
        let end = state.ends_at.map_or("never expires".to_owned(), |at| format!("expires at {}", moment(at)));
        let evidence = format!("the token is valid, {end}, and has both scopes for account {waba}");
        found.push(Finding::ok(Check::Token, subject, evidence));
    }
    found
}

/// Why calls with it are refused, if they are.
fn dead(state: &TokenState, now: UnixMs) -> Option<String> {
    if let Some(why) = &state.unusable {
        return Some(why.clone());
    }
    match (&state.refused, state.ends_at) {
        (_, Some(at)) if at <= now => {
            Some(format!("the token has expired at {}, {} ago", moment(at), length(now - at)))
        }
        (Some(why), _) => Some(format!("Meta does not take the token ({why})")),
        _ => None,
    }
}

fn ending(subject: &str, state: &TokenState, needed: Needed, now: UnixMs) -> Option<Finding> {
    let ends_at = state.ends_at?;
    let end = format!("the token expires at {}, in {}", moment(ends_at), length(ends_at - now));
    match needed {
        Needed::ForRun(deadline) if ends_at < deadline => {
            let evidence = format!("{end}, and this run may send until {}", moment(deadline));
            Some(Finding::fail(Check::Token, subject, evidence, ANOTHER))
        }
        Needed::Ahead(Some(deadline)) if ends_at < deadline => {
            let evidence = format!("{end}, before a scheduled run is over ({})", moment(deadline));
            Some(Finding::warn(Check::Token, subject, evidence, ANOTHER))
        }
        _ if ends_at - now <= SOON_MS => Some(Finding::warn(Check::Token, subject, end, ANOTHER)),
        _ => None,
    }
}

/// Calls may go on or not when it has ended: a warning in good time, and nothing that holds a run.
fn data_ending(subject: &str, state: &TokenState, now: UnixMs) -> Option<Finding> {
    let ends_at = state.data_ends_at.filter(|at| at - now <= SOON_MS)?;
    let evidence = match ends_at <= now {
        true => format!("the token's access to data has ended at {}", moment(ends_at)),
        false => format!("the token's access to data ends at {}, in {}", moment(ends_at), length(ends_at - now)),
    };
    Some(Finding::warn(Check::Token, subject, evidence, ANOTHER))
}

fn lacking(subject: &str, state: &TokenState, waba: &str, scope: &str, without: &str) -> Option<Finding> {
    if !state.scopes.iter().any(|it| it == scope) {
        let evidence = format!("the token lacks the scope {scope}: {without}");
        let remedy = format!("make a system-user token with {scope}, then `dawncast number set ID --token-file FILE`");
        return Some(Finding::fail(Check::Token, subject, evidence, remedy));
    }
    let scoped = state.scoped.iter().find(|it| it.scope == scope && !it.accounts.is_empty())?;
    if scoped.accounts.iter().any(|account| account == waba) {
        return None;
    }
    let evidence = format!("the token's {scope} is for account {}, not for {waba}", scoped.accounts.join(", "));
    let remedy = format!("assign account {waba} to the system user in Meta's business settings, then make a new token");
    Some(Finding::fail(Check::Token, subject, evidence, remedy))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::{Outcome, worst};

    const NOW: UnixMs = 1_795_393_770_000;
    const HOUR: i64 = 3_600_000;

    fn whole() -> TokenState {
        let scoped = |scope: &str| Scoped { scope: scope.into(), accounts: vec!["200".into(), "201".into()] };
        TokenState {
            unusable: None,
            scopes: SCOPES.map(|(scope, _)| scope.to_owned()).into(),
            scoped: SCOPES.map(|(scope, _)| scoped(scope)).into(),
            ..TokenState::default()
        }
    }

    fn check(state: &TokenState, needed: Needed, expected: Outcome, words: &str) {
        let found = token("1", state, "200", needed, NOW);
        let told: Vec<_> = found.iter().map(Finding::in_words).collect();
        assert_eq!(worst(&found), expected, "{told:?}");
        assert!(told.iter().any(|it| it.contains(words)), "`{words}` is not in {told:?}");
    }

    #[test]
    fn a_whole_token_is_well() {
        check(&whole(), Needed::Ahead(None), Outcome::Ok, "never expires");
        let unscoped = TokenState { scoped: Vec::new(), ..whole() };
        check(&unscoped, Needed::ForRun(NOW), Outcome::Ok, "both scopes for account 200");
    }

    #[test]
    fn a_token_that_is_over_or_refused_fails_whatever_else() {
        let over = TokenState { ends_at: Some(NOW - 2 * HOUR), scopes: Vec::new(), ..whole() };
        check(&over, Needed::Ahead(None), Outcome::Fail, "expired at 2026-11-22 22:29 UTC, 2 hours ago");
        let unusable = TokenState { unusable: Some("there is none".into()), ..TokenState::default() };
        check(&unusable, Needed::Ahead(None), Outcome::Fail, "there is none");
        let refused = TokenState { refused: Some("taken back".into()), ..whole() };
        check(&refused, Needed::Ahead(None), Outcome::Fail, "Meta does not take the token (taken back)");
    }

    #[test]
    fn the_end_of_access_to_data_is_told_two_weeks_ahead_and_holds_nothing() {
        let ending = |ms: i64| TokenState { data_ends_at: Some(NOW + ms), ..whole() };
        check(&ending(SOON_MS + 1), Needed::ForRun(NOW), Outcome::Ok, "both scopes");
        check(&ending(SOON_MS), Needed::ForRun(NOW), Outcome::Warn, "access to data ends at");
        check(&ending(-HOUR), Needed::ForRun(NOW), Outcome::Warn, "access to data has ended at");
    }

    #[test]
    fn an_end_is_told_two_weeks_ahead_and_fails_a_run_that_lasts_longer() {
        let ending = |ms: i64| TokenState { ends_at: Some(NOW + ms), ..whole() };
        check(&ending(SOON_MS + 1), Needed::Ahead(None), Outcome::Ok, "expires at");
        check(&ending(SOON_MS), Needed::Ahead(None), Outcome::Warn, "in 14 days");
        check(&ending(SOON_MS + 1), Needed::Ahead(Some(NOW + 2 * SOON_MS)), Outcome::Warn, "before a scheduled run");
        check(&ending(HOUR), Needed::ForRun(NOW + HOUR), Outcome::Warn, "in 1 hour");
        check(&ending(HOUR), Needed::ForRun(NOW + HOUR + 1), Outcome::Fail, "may send until");
    }

    #[test]
    fn scopes_that_are_missing_or_for_others_fail() {
        for (scope, without) in SCOPES {
            let mut state = whole();
            state.scopes.retain(|it| it != scope);
            check(&state, Needed::Ahead(None), Outcome::Fail, without);
        }
        let mut others = whole();
        others.scoped[0].accounts = vec!["999".into()];
        check(&others, Needed::Ahead(None), Outcome::Fail, "is for account 999, not for 200");
        others.scoped[0].accounts.clear();
        check(&others, Needed::Ahead(None), Outcome::Ok, "both scopes");
    }
}
