//! Following a run until it is closed: a bar on a terminal, else a line for each change.

use std::{io::IsTerminal, time::Duration};

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use dawncast_core::report::{ReportWindow, Totals};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use crate::{
    client::Api,
    failure::Failure,
    output::{say, thousands},
    report,
};

const INTERVAL: Duration = Duration::from_millis(500);

/// A server that restarts is waited for this long.
const PATIENCE: Duration = Duration::from_secs(15);

/// How progress is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Show {
    /// To people: a bar, or lines where there is no terminal; on standard error.
    People,
    /// To machines: the run as a line of JSON at each change; on standard output.
    Machines,
}

/// A run, as far as it is shown.
#[derive(Debug, Deserialize)]
struct Run {
    state: String,
    holds: Vec<String>,
    waits_for: Option<String>,
    totals: Totals,
    window: ReportWindow,
}

/// Follows the run, then prints its report.
pub(crate) async fn and_report(api: &Api, run: &str, zone: Tz, json: bool) -> Result<(), Failure> {
    let show = if json { Show::Machines } else { Show::People };
    let report = follow(api, run, show).await?;
    if !json {
        say(report::text(&report, zone)?);
    }
    Ok(())
}

/// Follows the run until it is closed and resolves to its report.
pub(crate) async fn follow(api: &Api, run: &str, show: Show) -> Result<Value, Failure> {
    let mut view = View::new(show);
    let mut answered = Instant::now();
    loop {
        match api.get(&["v1", "runs", run], &[]).await {
            Ok(found) => {
                answered = Instant::now();
                let told = Run::deserialize(&found);
                let told = told.map_err(|why| Failure::new(format!("the run {run} cannot be read: {why}")))?;
                view.update(&told, &found);
                if told.state == "closed" {
                    return api.get(&["v1", "runs", run, "report"], &[]).await;
                }
            }
            Err(refused @ Failure::Refused(_)) => return Err(refused),
            Err(silent) if answered.elapsed() > PATIENCE => return Err(silent),
            Err(_) => {}
        }
        sleep(INTERVAL).await;
    }
}

struct View {
    show: Show,
    bar: ProgressBar,
    shown: Option<String>,
}

impl View {
    fn new(show: Show) -> Self {
        let terminal = show == Show::People && std::io::stderr().is_terminal();
        let bar = if terminal { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("{bar:30} {pos}/{len}  {msg}");
        bar.set_style(style.expect("the template is well-formed"));
        Self { show, bar, shown: None }
    }

    fn update(&mut self, run: &Run, found: &Value) {
        let totals = &run.totals;
        self.bar.set_length(totals.submitted);
        self.bar.set_position(settled(totals));
        self.bar.set_message(format!("{}{}", line(run), clock(run.window, Utc::now())));
        let line = match self.show {
            Show::People => line(run),
            Show::Machines => found.to_string(),
        };
        if self.shown.as_ref() == Some(&line) {
            return;
        }
        match self.show {
            Show::Machines => say(&line),
            Show::People if self.bar.is_hidden() => eprintln!("{line}"),
            Show::People => {}
        }
        self.shown = Some(line);
    }
}

impl Drop for View {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Recipients of whom something is known: all but those who wait.
fn settled(totals: &Totals) -> u64 {
    totals.sum() - totals.planned - totals.sending
}

fn line(run: &Run) -> String {
    let mut parts = vec![run.state.clone()];
    parts.extend(run.holds.iter().map(|hold| format!("held: {hold}")));
    parts.extend(run.waits_for.iter().map(|what| format!("waits for {what}")));
    let states = report::states(&run.totals).into_iter().filter(|(_, count)| *count > 0);
    parts.extend(states.map(|(state, count)| format!("{} {state}", thousands(count))));
    parts.join(" · ")
}

/// What the clock says: only where a line can be drawn over.
fn clock(window: ReportWindow, now: DateTime<Utc>) -> String {
    let seconds = |at: DateTime<Utc>| (at - now).num_seconds();
    if now < window.opens_at {
        return format!(" · opens in {} s", seconds(window.opens_at));
    }
    if now < window.deadline_at { format!(" · deadline in {} s", seconds(window.deadline_at)) } else { String::new() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn run(change: impl FnOnce(&mut Value)) -> Run {
        let report = crate::samples::report();
        let mut run = json!({
            "state": "open", "holds": [], "waits_for": null, "totals": report["totals"], "window": report["window"],
        });
        change(&mut run);
        serde_json::from_value(run).unwrap()
    }

    #[test]
    fn a_line_tells_the_state_and_every_count_that_is_not_zero() {
        let run = run(|_| ());
        assert_eq!(line(&run), "open · 790 read · 1,200 delivered · 3 sent · 3 failed · 4 dropped");
        assert_eq!(settled(&run.totals), 2000);
    }

    #[test]
    fn a_line_tells_why_nothing_goes_on() {
        let run = run(|run| {
            run["holds"] = json!(["paused"]);
            run["waits_for"] = json!("a template");
        });
        assert!(line(&run).starts_with("open · held: paused · waits for a template · 790 read"), "{}", line(&run));
    }

    #[test]
    fn the_clock_counts_down_to_what_comes_next() {
        let window = run(|_| ()).window;
        let after = |seconds| clock(window, window.opens_at + chrono::TimeDelta::seconds(seconds));
        assert_eq!([-3, 5, 25].map(after), [" · opens in 3 s", " · deadline in 20 s", ""]);
    }
}
