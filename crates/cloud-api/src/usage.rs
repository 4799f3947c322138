//! How much of Meta's limits on calls is used: the headers of every answer of the management API.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use reqwest::header::HeaderMap;
use serde::Deserialize;

pub(crate) const APP: &str = "x-app-usage";
pub(crate) const BUSINESS: &str = "x-business-use-case-usage";

/// How much of the limits on calls is used, as last told (Meta: rate limits). Messages are limited apart from it and tell nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// Of the app.
    pub app: Option<CallUsage>,
    /// Of each account (or business), by its id. An active account may be called 5,000 times an hour, one without a registered
    /// number 200 times.
    pub accounts: BTreeMap<String, Vec<AccountUsage>>,
}

/// Shares of a limit in percent. At 100 calls are refused, with code 4 for the app and 80007 for an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct CallUsage {
    /// Of the calls of the last hour.
    #[serde(default)]
    pub call_count: u32,
    /// Of Meta's processor time.
    #[serde(default)]
    pub total_cputime: u32,
    /// Of Meta's time.
    #[serde(default)]
    pub total_time: u32,
}

/// The same of an account, for one kind of call.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct AccountUsage {
    /// Which kind, such as `whatsapp_business_management`.
    #[serde(default, rename = "type")]
    pub kind: String,
    /// How much is used.
    #[serde(flatten)]
    pub usage: CallUsage,
    /// Minutes until calls are taken again; 0 while they are.
    #[serde(default, rename = "estimated_time_to_regain_access")]
    pub minutes_to_regain_access: u32,
}

impl CallUsage {
    /// The greatest of the shares.
    #[must_use]
    pub fn percent(&self) -> u32 {
        self.call_count.max(self.total_cputime).max(self.total_time)
    }
}

impl Usage {
    /// What the headers of an answer tell; what cannot be read is left out.
    pub(crate) fn read(headers: &HeaderMap) -> Self {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let app = text(APP).and_then(|text| serde_json::from_str(text).ok());
        let accounts = text(BUSINESS).and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default();
        Self { app, accounts }
    }

    /// The greatest share of any limit, in percent.
    #[must_use]
    pub fn percent(&self) -> u32 {
        let accounts = self.accounts.values().flatten().map(|it| it.usage.percent());
        accounts.chain(self.app.map(|it| it.percent())).max().unwrap_or_default()
    }

    /// How long until every account is taken calls for again; `None` while all are.
    #[must_use]
    pub fn regain_access(&self) -> Option<Duration> {
        let minutes = self.accounts.values().flatten().map(|it| it.minutes_to_regain_access).max()?;
        (minutes > 0).then(|| Duration::from_secs(60 * u64::from(minutes)))
    }

    fn renew(&mut self, told: Self) {
        self.app = told.app.or(self.app);
        self.accounts.extend(told.accounts);
    }
}

/// Where clones of a client keep what they were last told.
#[derive(Clone, Default)]
pub(crate) struct Meter(Arc<Mutex<Usage>>);

impl Meter {
    pub(crate) fn tell(&self, told: Usage) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).renew(told);
    }

    pub(crate) fn usage(&self) -> Usage {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(app: &'static str, business: &'static str) -> Usage {
        let mut headers = HeaderMap::new();
        headers.insert(APP, app.parse().unwrap());
        headers.insert(BUSINESS, business.parse().unwrap());
        Usage::read(&headers)
    }

    const ACCOUNT: &str = r#"{"102290129340398":[{"type":"whatsapp_business_management","call_count":28,"total_cputime":3,
        "total_time":55,"estimated_time_to_regain_access":19}]}"#;

    #[test]
    fn both_headers_are_read() {
        let account = ACCOUNT.replace('\n', "").leak();
        let usage = read(r#"{"call_count":7,"total_cputime":1,"total_time":2}"#, account);
        assert_eq!(usage.app.unwrap().call_count, 7);
        let told = &usage.accounts["102290129340398"][0];
        assert_eq!((told.kind.as_str(), told.usage.call_count), ("whatsapp_business_management", 28));
        assert_eq!((usage.percent(), usage.regain_access()), (55, Some(Duration::from_secs(19 * 60))));
    }

    #[test]
    fn headers_of_another_form_tell_nothing() {
        for (app, business) in [("", ""), ("7", "[]"), (r#"{"call_count":"x"}"#, r#"{"1":7}"#)] {
            assert_eq!(read(app, business), Usage::default(), "{app} {business}");
        }
        assert_eq!((Usage::default().percent(), Usage::default().regain_access()), (0, None));
    }

    #[test]
    fn what_is_not_told_again_stays() {
        let meter = Meter::default();
        meter.tell(read(r#"{"call_count":7}"#, r#"{"1":[{"type":"a","call_count":5}]}"#));
        meter.tell(read("", r#"{"2":[{"type":"a","call_count":6}]}"#));
        assert_eq!((meter.usage().app.unwrap().call_count, meter.usage().accounts.len()), (7, 2));
    }
}
