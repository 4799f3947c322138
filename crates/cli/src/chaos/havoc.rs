//! Deals the blows of a plan, and writes down when each fell.

use std::{
    sync::{Mutex, PoisonError},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use futures::future::try_join_all;
use serde::Serialize;
use tokio::time::sleep;

use super::{
    crew::Crew,
    link::Link,
    plan::{Blow, Member, Plan, Stroke},
};
use crate::{failure::Failure, output::say};

/// A blow as it fell. Times in Unix milliseconds.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Dealt {
    #[serde(flatten)]
    pub(super) blow: Blow,
    pub(super) from_ms: i64,
    /// When another process was started, Redis answered again, the way was open again.
    pub(super) until_ms: i64,
}

/// What was dealt, in the order in which it ended.
#[derive(Debug, Default)]
pub(super) struct Chronicle(Mutex<Vec<Dealt>>);

impl Chronicle {
    fn note(&self, dealt: Dealt) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(dealt);
    }

    /// All that was dealt, in the order in which it fell.
    pub(super) fn read(&self) -> Vec<Dealt> {
        let mut dealt = self.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
        dealt.sort_by_key(|dealt| dealt.from_ms);
        dealt
    }
}

/// Deals everything in its time.
pub(super) async fn wreak(
    crew: &Crew,
    plan: &Plan,
    opens_at: DateTime<Utc>,
    chronicle: &Chronicle,
) -> Result<(), Failure> {
    let strokes = plan.strokes.iter().map(|stroke| async {
        let at = opens_at + TimeDelta::milliseconds(stroke.at_ms as i64);
        sleep((at - Utc::now()).to_std().unwrap_or_default()).await;
        say(format!("{} {}, for {} ms", since(opens_at), stroke.blow, stroke.lasts_ms));
        let from_ms = deal(crew, stroke).await?;
        chronicle.note(Dealt { blow: stroke.blow, from_ms, until_ms: now_ms() });
        Ok(())
    });
    try_join_all(strokes).await.map(drop)
}

/// How long the window has been open, as lines of progress begin.
pub(super) fn since(opens_at: DateTime<Utc>) -> String {
    format!("{:>6.1} s ", (Utc::now() - opens_at).num_milliseconds() as f64 / 1_000.0)
}

pub(super) fn now_ms() -> i64 {
    Utc::now().timestamp_millis()
}

/// Deals a blow and undoes it. Resolves to when it fell: two on the same process come one after the other.
async fn deal(crew: &Crew, stroke: &Stroke) -> Result<i64, Failure> {
    let (length, from_ms) = (Duration::from_millis(stroke.lasts_ms), now_ms());
    match stroke.blow {
        Blow::Kill { member } => return crew.post(member).kill(length).await,
        Blow::Freeze { worker } => return Ok(crew.post(Member::Worker(worker)).freeze(length).await),
        Blow::KillRedis => return crew.redis.kill(length).await,
        Blow::CutRedis { member } => cut(&ways_to_redis(crew, member), length).await,
        Blow::CutCloud { worker } => cut(&[&crew.post(Member::Worker(worker)).cloud], length).await,
        Blow::CutWebhook => cut(&[&crew.webhook], length).await,
        Blow::DelayRedis { delay_ms } => {
            let (ways, delay) = (ways_to_redis(crew, None), Duration::from_millis(delay_ms));
            ways.iter().for_each(|way| way.lengthen(delay));
            sleep(length).await;
            ways.iter().for_each(|way| way.shorten(delay));
        }
    }
    Ok(from_ms)
}

/// The way of one member, or those of all.
fn ways_to_redis(crew: &Crew, of: Option<Member>) -> Vec<&Link> {
    crew.members.iter().filter(|post| of.is_none_or(|member| post.member == member)).map(|post| &post.redis).collect()
}

async fn cut(ways: &[&Link], length: Duration) {
    ways.iter().for_each(|way| way.cut());
    sleep(length).await;
    ways.iter().for_each(|way| way.mend());
}
