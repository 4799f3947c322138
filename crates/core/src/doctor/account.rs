//! Receipts: whether Meta sends webhooks of an account to anybody, and whether they come.

use super::{
    Check, Finding,
    words::{length, moment},
};
use crate::{UnixMs, retry::ReceiptPath};

/// A receipt this young shows that webhooks come.
const FRESH_MS: i64 = 5_000;

/// An app that an account tells of what happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscriber {
    /// Its id, if Meta told.
    pub id: Option<String>,
    /// Its name, if Meta told.
    pub name: Option<String>,
    /// Where this account's webhooks go instead of to the app's own address.
    pub sent_to: Option<String>,
}

/// Judges who hears of the account `waba`. `app` is the app that the account's token was made for.
pub fn subscription(waba: &str, subscribers: &[Subscriber], app: Option<&str>) -> Finding {
    let remedy =
        format!("subscribe the app: POST /{waba}/subscribed_apps with its token (docs/going-live.md, Webhook)");
    if subscribers.is_empty() {
        let evidence =
            format!("account {waba} has no subscribed app: no webhook comes of it, so no receipt and no reply");
        return Finding::fail(Check::Webhook, waba, evidence, remedy);
    }
    let name = |it: &Subscriber| match (&it.name, &it.id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (one, other) => one.as_ref().or(other.as_ref()).cloned().unwrap_or_else(|| "an app".to_owned()),
    };
    let names: Vec<_> = subscribers.iter().map(name).collect();
    let evidence = format!("account {waba} tells {}", names.join(", "));
    match app.filter(|app| subscribers.iter().all(|it| it.id.as_deref().is_some_and(|id| id != *app))) {
        Some(app) => {
            let evidence = format!("{evidence}, and not app {app}, for which its token was made");
            let remedy = format!("unless another app hands its webhooks on: {remedy}");
            Finding::warn(Check::Webhook, waba, evidence, remedy)
        }
        None => {
            let elsewhere = subscribers.iter().find_map(|it| it.sent_to.as_deref());
            let place = elsewhere.map(|url| format!(", at an address of its own: {url}")).unwrap_or_default();
            Finding::ok(Check::Webhook, waba, format!("{evidence}{place}"))
        }
    }
}

/// Judges whether a webhook is up to take receipts. That none has come lately says nothing by itself: nothing may have been
/// sent.
pub fn receipts(path: ReceiptPath, now: UnixMs) -> Finding {
    let last = path.last_receipt.map_or("no receipt has ever come".to_owned(), |at| {
        format!("the last receipt came {} ago, at {}", length(now - at), moment(at))
    });
    let is_up = now - path.up_since > 0 || path.last_receipt.is_some_and(|at| now - at < FRESH_MS);
    if is_up {
        return Finding::ok(Check::Webhook, "", format!("a webhook is up since {}; {last}", moment(path.up_since)));
    }
    Finding::fail(
        Check::Webhook,
        "",
        format!("no webhook is up: receipts will not come in ({last})"),
        "start one: `dawncast serve --role webhook`",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    const NOW: UnixMs = 1_795_393_770_000;

    fn app(id: Option<&str>) -> Subscriber {
        Subscriber { id: id.map(str::to_owned), name: Some("Dawn".into()), sent_to: None }
    }

    #[test]
    fn an_account_that_tells_nobody_fails_and_one_that_tells_another_app_is_told_of() {
        let none = subscription("200", &[], Some("7"));
        assert_eq!(none.outcome, Outcome::Fail);
        assert!(none.in_words().contains("POST /200/subscribed_apps"), "{none:?}");
        assert_eq!(subscription("200", &[app(Some("7"))], Some("7")).evidence, "account 200 tells Dawn (7)");
        assert_eq!(subscription("200", &[app(Some("8")), app(Some("7"))], Some("7")).outcome, Outcome::Ok);
        let other = subscription("200", &[app(Some("8"))], Some("7"));
        assert!(other.outcome == Outcome::Warn && other.evidence.contains("not app 7"), "{other:?}");
        // What Meta does not tell is nothing against it.
        assert_eq!(subscription("200", &[app(None)], Some("7")).outcome, Outcome::Ok);
        assert_eq!(subscription("200", &[app(Some("8"))], None).outcome, Outcome::Ok);
        let away = Subscriber { sent_to: Some("https://h".into()), ..app(Some("7")) };
        assert!(subscription("200", &[away], Some("7")).evidence.ends_with("https://h"));
    }

    #[test]
    fn a_webhook_that_beats_is_up_and_silence_alone_is_no_fault() {
        let path = |up_since: UnixMs, last_receipt| ReceiptPath { last_receipt, up_since, down_ms: 0 };
        assert_eq!(receipts(path(NOW - 1, None), NOW).outcome, Outcome::Ok);
        assert_eq!(receipts(path(NOW, Some(NOW - FRESH_MS + 1)), NOW).outcome, Outcome::Ok);
        let down = receipts(path(NOW, Some(NOW - 120_000)), NOW);
        assert!(down.outcome == Outcome::Fail && down.evidence.contains("2 minutes ago"), "{down:?}");
    }
}
