//! Notify: people are told what became of their runs, by signed messages to one address. What is told is written with the
//! run's own steps, as notices; here they are delivered, at least once each and under the same id however often.
//!
//! It runs beside the chores and never holds them up: a receiver that is slow or gone costs nothing but its own wait.
//! Any number of schedulers may run. One that dies between telling and noting that it did is followed by another after
//! the claim has ended, and the receiver knows the repeat by its id.

mod event;
mod receiver;

use std::time::Duration;

use chrono::{DateTime, Utc};
use dawncast_core::UnixMs;
use dawncast_store::run::{NoticeRef, Telling};
use futures::future::join_all;
use metrics::counter;
use reqwest::header::CONTENT_TYPE;
use serde::Deserialize;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

pub(crate) use self::event::{Kind, canary_failed, checked, closed, held, missed, opened};
pub use self::receiver::{BadNotify, Notify};
use crate::{Clock, Context, EngineError, clock::every, metrics::NOTIFICATIONS};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Messages under way at once.
const AT_ONCE: usize = 16;
/// A claim outlasts the request that it is for by this.
const CLAIM_BEYOND: Duration = Duration::from_secs(2);
/// A notice that is not written yet is looked for again after this.
const EXPECTED_AGAIN_MS: i64 = 1_000;
/// Pauses between tries: from one second, as long again as has been tried already, up to an hour.
const PAUSE_MS: (i64, i64) = (1_000, 3_600_000);
/// After this a notice is given up.
const GIVE_UP_MS: i64 = 24 * 3_600_000;

/// What became of a try, as the metric has it.
pub(crate) const OUTCOMES: [&str; 3] = ["delivered", "failed", "given_up"];

/// What is read of a body that was written earlier.
#[derive(Deserialize)]
struct Head {
    #[serde(rename = "type")]
    kind: Kind,
    timestamp: DateTime<Utc>,
}

/// How long to wait after a try that failed at `age` of the notice. `dice` is drawn from 0 to 1: pauses are up to a tenth
/// longer, so that notices that failed together come apart.
fn pause(age: i64, dice: f64) -> i64 {
    let pause = age.clamp(PAUSE_MS.0, PAUSE_MS.1);
    pause + (pause as f64 * dice / 10.0) as i64
}

/// Delivers notices.
pub(crate) struct Notifier<'a> {
    ctx: &'a Context,
    clock: &'a Clock,
    notify: Notify,
    http: reqwest::Client,
}

impl<'a> Notifier<'a> {
    /// None when nobody wants to be told.
    pub(crate) fn new(ctx: &'a Context, clock: &'a Clock) -> Result<Option<Self>, EngineError> {
        let Some(notify) = ctx.settings.notify.clone() else { return Ok(None) };
        // TLS comes from the provider that the context's client has installed for the process.
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("dawncast/", env!("CARGO_PKG_VERSION")))
            .http1_only()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .timeout(notify.timeout);
        if notify.url().scheme() == "http" {
            // Plain HTTP needs no roots, and there may be none.
            builder = builder.tls_certs_only([]);
        }
        let unfit = |why| {
            EngineError::Unfit(format!("notify.url: cannot set up HTTPS ({why}); are ca-certificates installed?"))
        };
        let http = builder.build().map_err(unfit)?;
        notify.concerns().iter().for_each(|concern| warn!("{concern}"));
        Ok(Some(Self { ctx, clock, notify, http }))
    }

    async fn once(&self) -> Result<(), EngineError> {
        let now = self.clock.now();
        let until = now + (self.notify.timeout + CLAIM_BEYOND).as_millis() as i64;
        let due = self.ctx.store.claim_notices(now, until, AT_ONCE).await?;
        let delivered = join_all(due.iter().map(|at| self.deliver(at, now))).await;
        delivered.into_iter().collect()
    }

    async fn deliver(&self, at: &NoticeRef, now: UnixMs) -> Result<(), EngineError> {
        let store = &self.ctx.store;
        match store.telling(at).await? {
            Telling::Waiting(body) => self.tell(at, &body).await,
            Telling::Expected => Ok(store.postpone_notice(at, now + EXPECTED_AGAIN_MS).await?),
            Telling::Over => Ok(store.unlist_notice(at).await?),
        }
    }

    /// One try. What follows from it is written last: whoever dies before tells again.
    async fn tell(&self, at: &NoticeRef, body: &str) -> Result<(), EngineError> {
        let store = &self.ctx.store;
        let head: Head = serde_json::from_str(body)
            .map_err(|why| EngineError::Unfit(format!("the notice {at} cannot be read: {why}")))?;
        let (kind, host) = (head.kind.as_str(), self.notify.host());
        let count = |outcome| counter!(NOTIFICATIONS, "type" => kind, "outcome" => outcome).increment(1);
        let Err(why) = self.post(at, body).await else {
            store.end_notice(at).await?;
            count("delivered");
            info!(run.id = %at.run, "{host} was told {kind} of run {}", at.run);
            return Ok(());
        };
        count("failed");
        let now = self.clock.now();
        let age = now - head.timestamp.timestamp_millis();
        if age >= GIVE_UP_MS {
            store.end_notice(at).await?;
            count("given_up");
            warn!(run.id = %at.run, "{host} is not told {kind} of run {} any more, after a day of trying: {why}", at.run);
            return Ok(());
        }
        let pause = pause(age, rand::random());
        store.postpone_notice(at, now + pause).await?;
        let again = format_args!("{host} was not told {kind} of run {}, again in {} s", at.run, pause / 1_000);
        warn!(run.id = %at.run, "{again}: {why}");
        Ok(())
    }

    /// Sends a message as Standard Webhooks has it. An error says why it does not count as told.
    async fn post(&self, at: &NoticeRef, body: &str) -> Result<(), String> {
        let id = format!("{}-{}", at.run, at.name);
        let timestamp = self.clock.now() / 1_000;
        let request = self
            .http
            .post(self.notify.url().clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", timestamp)
            .header("webhook-signature", self.notify.signature(&id, timestamp, body))
            .body(body.to_owned());
        let answer = request.send().await.map_err(innermost)?;
        let status = answer.status();
        if status.is_success() { Ok(()) } else { Err(format!("it answered {status}")) }
    }
}

/// Delivers what is due until `stop`; then what is on the wire is waited for.
pub(crate) async fn run(notifier: Option<&Notifier<'_>>, stop: &CancellationToken) {
    let Some(notifier) = notifier else { return };
    let duty = || async {
        if let Err(error) = notifier.once().await {
            notifier.ctx.trouble(format_args!("people cannot be told of their runs now"), error);
        }
    };
    every(LOOK_EVERY, stop, duty).await;
}

/// What is at the bottom of a failed request. Never its address, whose path may be a secret.
fn innermost(error: reqwest::Error) -> String {
    let error = error.without_url();
    let mut cause: &dyn std::error::Error = &error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_with_what_has_been_tried_and_end_at_an_hour() {
        let (mut age, mut tries) = (0, 1);
        while age < GIVE_UP_MS {
            let wait = pause(age, 0.0);
            assert!((1_000..=3_600_000).contains(&wait) && (age < 1_000 || wait <= age), "{wait} at {age}");
            age += wait;
            tries += 1;
        }
        assert_eq!(tries, 37, "in a day");
        assert_eq!(pause(60_000, 1.0), 66_000);
    }
}
