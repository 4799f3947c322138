//! Meta's limits on calls of the management API: so many in any hour for each account, and for the app.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use serde_json::json;

use crate::cloud::waba_id;

const HOUR_US: u64 = 3_600_000_000;

/// Meta: calls an hour of an account with a registered number, and without one.
pub(crate) const ACTIVE: usize = 5_000;
pub(crate) const INACTIVE: usize = 200;

/// The calls of the last hour, by the place of the account; `None` is the app, which counts all of them.
#[derive(Default)]
pub(crate) struct Calls(Mutex<HashMap<Option<usize>, VecDeque<u64>>>);

/// A limit that is reached.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Reached {
    App,
    Account,
}

/// What one call counts for: the app always, and perhaps an account.
#[derive(Clone, Copy)]
pub(crate) struct Scope {
    pub(crate) account: Option<usize>,
    pub(crate) account_limit: usize,
    pub(crate) app_limit: usize,
}

impl Calls {
    /// Counts a call, unless a limit is reached.
    pub(crate) fn count(&self, scope: Scope, now_us: u64) -> Result<(), Reached> {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if recent(calls.entry(None).or_default(), now_us) >= scope.app_limit {
            return Err(Reached::App);
        }
        if scope.account.is_some() {
            let account = calls.entry(scope.account).or_default();
            if recent(account, now_us) >= scope.account_limit {
                return Err(Reached::Account);
            }
            account.push_back(now_us);
        }
        calls.entry(None).or_default().push_back(now_us);
        Ok(())
    }

    /// Orders that so many calls of an account, or of the app alone, were made just now.
    pub(crate) fn order(&self, account: Option<usize>, calls: usize, now_us: u64) {
        let made = std::iter::repeat_n(now_us, calls).collect();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(account, made);
    }

    /// The headers `x-app-usage` and `x-business-use-case-usage`; the second where an account was called.
    pub(crate) fn headers(&self, scope: Scope, now_us: u64) -> (String, Option<String>) {
        let mut calls = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let app = calls.entry(None).or_default();
        let used = percent(recent(app, now_us), scope.app_limit);
        let app = json!({ "call_count": used, "total_cputime": used / 4, "total_time": used / 4 }).to_string();
        let account = scope.account.map(|account| {
            let made = calls.entry(Some(account)).or_default();
            let used = percent(recent(made, now_us), scope.account_limit);
            let minutes = if used < 100 { 0 } else { minutes_left(made, now_us) };
            let usage = json!([{
                "type": "whatsapp_business_management", "call_count": used, "total_cputime": used / 4,
                "total_time": used / 4, "estimated_time_to_regain_access": minutes,
            }]);
            json!({ waba_id(account): usage }).to_string()
        });
        (app, account)
    }
}

/// Forgets what is older than an hour, and counts the rest.
fn recent(calls: &mut VecDeque<u64>, now_us: u64) -> usize {
    while calls.front().is_some_and(|at_us| now_us.saturating_sub(*at_us) >= HOUR_US) {
        calls.pop_front();
    }
    calls.len()
}

fn percent(calls: usize, limit: usize) -> usize {
    (100 * calls / limit).min(100)
}

/// Until the oldest call is an hour old, begun minutes included.
fn minutes_left(calls: &VecDeque<u64>, now_us: u64) -> u64 {
    let left = calls.front().map_or(0, |at_us| (at_us + HOUR_US).saturating_sub(now_us));
    left.div_ceil(60_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCOPE: Scope = Scope { account: Some(0), account_limit: 2, app_limit: 3 };

    #[test]
    fn an_account_and_the_app_have_limits_of_their_own_for_an_hour() {
        let calls = Calls::default();
        let other = Scope { account: Some(1), ..SCOPE };
        assert_eq!([calls.count(SCOPE, 0), calls.count(SCOPE, 0)], [Ok(()), Ok(())]);
        assert_eq!(calls.count(SCOPE, 1), Err(Reached::Account));
        assert_eq!(calls.count(other, 2), Ok(()), "a call that was refused does not count");
        assert_eq!(calls.count(other, 3), Err(Reached::App));
        assert_eq!(calls.count(SCOPE, HOUR_US), Ok(()));
    }

    #[test]
    fn the_headers_say_when_calls_are_taken_again() {
        let calls = Calls::default();
        calls.count(SCOPE, 0).unwrap();
        let (app, account) = calls.headers(SCOPE, 0);
        assert!(app.contains(r#""call_count":33"#) && account.unwrap().contains(r#""call_count":50"#));
        calls.count(SCOPE, 0).unwrap();
        let account = calls.headers(SCOPE, 61_000_000).1.unwrap();
        assert!(account.contains(r#""estimated_time_to_regain_access":59"#), "{account}");
        assert!(account.starts_with(r#"{"200000000000001":[{"#), "{account}");
    }
}
