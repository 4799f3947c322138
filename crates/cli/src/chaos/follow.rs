//! Follows the run while all is shaken: at every look the counts have to add up.

use std::{collections::BTreeMap, net::SocketAddr, time::Duration};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep, timeout};

use super::havoc::since;
use crate::{
    client::{Api, http_client},
    failure::Failure,
    output::{say, thousands},
    play::{Scene, Stage},
};

const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Progress is told so often.
const TELL_EVERY: Duration = Duration::from_secs(5);
/// An answer that takes longer is not waited for: whoever should give it may be frozen.
const ANSWER_WITHIN: Duration = Duration::from_secs(3);
/// The gauge that says the same from storage.
const GAUGE: &str = "dawncast_conservation_imbalance";

/// What looking on has shown.
#[derive(Debug, Default, Serialize)]
pub(super) struct Watched {
    /// Looks at the run that were answered.
    pub(super) polls: u64,
    /// Looks at the metrics that showed the gauge.
    pub(super) scrapes: u64,
    /// Whatever did not add up, in words.
    pub(super) imbalances: Vec<String>,
    /// Whether the run was closed in time.
    pub(super) closed: bool,
}

/// A run, as far as it is looked at.
#[derive(Debug, Deserialize)]
struct Run {
    state: String,
    totals: BTreeMap<String, u64>,
}

/// Looks on until the run is closed, or until `end`.
pub(super) async fn follow(
    stage: &Stage,
    scene: &Scene,
    monitor: SocketAddr,
    end: DateTime<Utc>,
) -> Result<Watched, Failure> {
    let http = http_client(false)?;
    let metrics = format!("http://{monitor}/metrics");
    let (mut watched, mut told) = (Watched::default(), None::<(Instant, String)>);
    while Utc::now() < end {
        if let Ok(Ok(text)) = timeout(ANSWER_WITHIN, read(&http, &metrics)).await {
            watched.scrape(&text, &since(scene.opens_at));
        }
        if let Ok(Some(run)) = timeout(ANSWER_WITHIN, look(&stage.api, &scene.run)).await {
            watched.poll(&run, &since(scene.opens_at));
            let fresh = told.as_ref().is_some_and(|(at, state)| at.elapsed() < TELL_EVERY && *state == run.state);
            if !fresh {
                say(format!("{} {}", since(scene.opens_at), run.line()));
                told = Some((Instant::now(), run.state.clone()));
            }
            if watched.closed {
                break;
            }
        }
        sleep(LOOK_EVERY).await;
    }
    Ok(watched)
}

async fn read(http: &reqwest::Client, url: &str) -> reqwest::Result<String> {
    http.get(url).send().await?.error_for_status()?.text().await
}

/// Whoever does not answer, or refuses because storage is away, is asked again.
async fn look(api: &Api, run: &str) -> Option<Run> {
    Run::deserialize(api.get(&["v1", "runs", run], &[]).await.ok()?).ok()
}

impl Watched {
    fn poll(&mut self, run: &Run, when: &str) {
        self.polls += 1;
        self.closed = run.state == "closed";
        let (submitted, sum) = (run.submitted(), run.sum());
        if submitted != sum {
            self.imbalances.push(format!("{when} {submitted} were submitted, and the states of the run sum to {sum}"));
        }
    }

    fn scrape(&mut self, metrics: &str, when: &str) {
        let samples = metrics.lines().filter_map(|line| line.strip_prefix(GAUGE)?.rsplit_once(' '));
        for (_, value) in samples {
            self.scrapes += 1;
            if value.parse() != Ok(0.0) {
                self.imbalances.push(format!("{when} {GAUGE} is {value}"));
            }
        }
    }
}

impl Run {
    fn submitted(&self) -> u64 {
        self.totals.get("submitted").copied().unwrap_or_default()
    }

    fn sum(&self) -> u64 {
        self.totals.iter().filter(|(state, _)| *state != "submitted").map(|(_, count)| count).sum()
    }

    fn line(&self) -> String {
        let states = self.totals.iter().filter(|(state, count)| *state != "submitted" && **count > 0);
        let states = states.map(|(state, count)| format!(" · {} {state}", thousands(*count)));
        format!("{}{}", self.state, states.collect::<String>())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(totals: serde_json::Value) -> Run {
        serde_json::from_value(json!({ "state": "open", "totals": totals })).unwrap()
    }

    #[test]
    fn a_run_whose_states_do_not_sum_up_is_noted() {
        let mut watched = Watched::default();
        watched.poll(&run(json!({ "submitted": 3, "sent": 2, "planned": 1 })), "1 s");
        assert_eq!((watched.polls, watched.imbalances.len(), watched.closed), (1, 0, false));
        watched.poll(&run(json!({ "submitted": 3, "sent": 2, "planned": 2 })), "2 s");
        assert!(watched.imbalances[0].contains("sum to 4"), "{watched:?}");
    }

    #[test]
    fn a_gauge_that_is_not_zero_is_noted() {
        let mut watched = Watched::default();
        let metrics = |value| format!("# TYPE {GAUGE} gauge\n{GAUGE}{{run=\"r\"}} {value}\nother 5\n");
        watched.scrape(&metrics("0"), "1 s");
        assert_eq!((watched.scrapes, watched.imbalances.len()), (1, 0));
        for odd in ["1", "-1", "NaN", "what"] {
            watched.scrape(&metrics(odd), "2 s");
        }
        assert_eq!((watched.scrapes, watched.imbalances.len()), (5, 4));
    }
}
