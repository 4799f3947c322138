//! What people are told, in words and in figures. Pure: a run, what was found, and the time. No recipient is ever named.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use dawncast_core::{
    UnixMs,
    ids::{CampaignId, PoolId, RunId},
    report::{Report, ReportWindow, SlaVerdict},
    window::Late,
};
use dawncast_store::run::{Check, Notice, Run, RunState};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// What happened to a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// It would be held, were it to go now.
    #[serde(rename = "run.checked")]
    Checked,
    /// It cannot go on until a person has mended something.
    #[serde(rename = "run.held")]
    Held,
    /// Its messages may go out.
    #[serde(rename = "run.opened")]
    Opened,
    /// It is over, and its verdict final.
    #[serde(rename = "run.closed")]
    Closed,
    /// Its deadline has passed, and nothing was sent.
    #[serde(rename = "run.missed")]
    Missed,
}

impl Kind {
    pub(crate) const ALL: [Self; 5] = [Self::Checked, Self::Held, Self::Opened, Self::Closed, Self::Missed];

    /// Its name, for receivers and labels.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Checked => "run.checked",
            Self::Held => "run.held",
            Self::Opened => "run.opened",
            Self::Closed => "run.closed",
            Self::Missed => "run.missed",
        }
    }
}

/// The body of a message.
#[derive(Serialize)]
struct Event<'a> {
    #[serde(rename = "type")]
    kind: Kind,
    /// When it happened, which may be long before it is told.
    timestamp: DateTime<Utc>,
    data: Data<'a>,
}

/// What is said of any run, and what only this kind of event says.
#[derive(Serialize)]
struct Data<'a> {
    run: &'a RunId,
    campaign: &'a CampaignId,
    name: &'a str,
    pool: &'a PoolId,
    timezone: String,
    window: ReportWindow,
    /// All of it in a sentence or two.
    summary: String,
    #[serde(flatten)]
    more: Value,
}

fn moment(at: UnixMs) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(at).unwrap_or_default()
}

fn zone(run: &Run) -> String {
    run.record.spec.schedule.zone().name().to_owned()
}

/// A moment as a clock in the campaign's zone shows it.
fn clock(run: &Run, at: UnixMs) -> String {
    let zone = zone(run);
    let local = moment(at).with_timezone(&zone.parse().unwrap_or(Tz::UTC));
    format!("{} {zone}", local.format("%H:%M:%S"))
}

fn notice(run: &Run, kind: Kind, name: &str, now: UnixMs, (summary, more): (String, Value)) -> Notice {
    let (record, opening) = (&run.record, run.record.opening);
    let window = ReportWindow {
        opens_at: moment(opening.opens_at),
        closes_at: moment(opening.closes_at),
        deadline_at: moment(opening.deadline_at),
    };
    let data = Data {
        run: &record.id,
        campaign: &record.campaign,
        name: &record.spec.name,
        pool: &record.spec.pool,
        timezone: zone(run),
        window,
        summary,
        more,
    };
    let event = Event { kind, timestamp: moment(now), data };
    let body = serde_json::to_string(&event).expect("an event is plain data");
    Notice { name: name.to_owned(), body }
}

/// A check has found that the run would be held. The same findings are told once.
pub(crate) fn checked(run: &Run, check: &Check, now: UnixMs) -> Notice {
    let (id, why) = (&run.record.id, check.holds.join("; "));
    let what_to_do = format!(
        "There is time to mend that: it goes out from {}. `dawncast run check {id}` looks again.",
        clock(run, run.record.opening.opens_at)
    );
    let summary = format!("Run {id} of “{}” would be held: {why}. {what_to_do}", run.record.spec.name);
    let more =
        json!({ "occasion": check.occasion, "holds": check.holds, "remarks": check.remarks, "what_to_do": what_to_do });
    notice(run, Kind::Checked, &format!("checked-{}", digest(&why)), now, (summary, more))
}

fn digest(why: &str) -> String {
    Sha256::digest(why.as_bytes()).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

/// The run cannot go on. Another reason is another event; the same one is told once.
pub(crate) fn held(run: &Run, why: &str, now: UnixMs) -> Notice {
    let id = &run.record.id;
    let step = match run.state {
        RunState::Scheduled => "freeze",
        RunState::Frozen => "plan",
        RunState::Planned => "preflight",
        _ => "open",
    };
    let until = clock(run, run.record.opening.deadline_at);
    let what_to_do = format!(
        "Do what `why` asks for. The run is tried again every two seconds and goes on by itself; its deadline is {until}. \
         `dawncast run show {id}` says where it stands, `dawncast run cancel {id}` gives it up."
    );
    let summary = format!("Run {id} of “{}” is held before its {step}: {why}. {what_to_do}", run.record.spec.name);
    let more = json!({ "step": step, "why": why, "what_to_do": what_to_do });
    notice(run, Kind::Held, &format!("held-{}", digest(why)), now, (summary, more))
}

/// The run's canary has failed: it is paused, and the rest does not go out.
pub(crate) fn canary_failed(run: &Run, why: &str, now: UnixMs) -> Notice {
    let id = &run.record.id;
    let what_to_do = format!(
        "`dawncast run report {id}` shows the codes. `dawncast run resume {id}` sends the rest all the same, until the \
         deadline at {}; `dawncast run cancel {id}` ends the run.",
        clock(run, run.record.opening.deadline_at)
    );
    let summary = format!("Run {id} of “{}” is paused: {why}. {what_to_do}", run.record.spec.name);
    let more = json!({ "step": "canary", "why": why, "what_to_do": what_to_do });
    notice(run, Kind::Held, "held-canary", now, (summary, more))
}

/// The run's messages may go out.
pub(crate) fn opened(run: &Run, now: UnixMs) -> Notice {
    let frozen = run.frozen.as_ref();
    let deliveries = frozen.map_or(0, |frozen| frozen.deliveries());
    let dropped: u64 = frozen.map_or(0, |frozen| frozen.dropped.values().sum());
    let numbers = frozen.map_or(0, |frozen| frozen.senders.iter().filter(|sender| !sender.standby).count());
    let opening = run.record.opening;
    let mut summary = format!(
        "Run {} of “{}” is open: {deliveries} messages go out from {} to {}, on {numbers} of the pool's numbers; the deadline is {}.",
        run.record.id,
        run.record.spec.name,
        clock(run, frozen.map_or(opening.opens_at, |frozen| frozen.opens_at)),
        clock(run, opening.closes_at),
        clock(run, opening.deadline_at),
    );
    if !run.remarks.is_empty() {
        summary.push_str(&format!(" Know that: {}.", run.remarks.join("; ")));
    }
    let more = json!({ "deliveries": deliveries, "dropped": dropped, "numbers": numbers, "remarks": run.remarks });
    notice(run, Kind::Opened, "opened", now, (summary, more))
}

/// The run is over: its verdict, its totals, its SLA.
pub(crate) fn closed(run: &Run, report: &Report, now: UnixMs) -> Notice {
    let more = json!({
        "verdict": report.sla.verdict,
        "sla": report.sla,
        "totals": report.totals,
        "attempts": report.attempts,
        "resends": report.resends,
        "known_duplicates": report.known_duplicates,
        "lateness_ms": report.lateness_ms,
        "dropped_by_reason": report.dropped_by_reason,
        "failures": report.failures,
    });
    notice(run, Kind::Closed, "closed", now, (closed_in_words(run, report), more))
}

fn closed_in_words(run: &Run, report: &Report) -> String {
    let (sla, totals) = (&report.sla, &report.totals);
    let kept = match sla.verdict {
        SlaVerdict::Pass => "the promise was kept",
        SlaVerdict::Fail => "the promise was broken",
        SlaVerdict::Cancelled => "it was cancelled",
        SlaVerdict::Pending => "the verdict is open",
    };
    let states = totals.by_state().into_iter().filter(|(_, count)| *count > 0);
    let states: Vec<String> = states.map(|(state, count)| format!("{count} {state}")).collect();
    let states = if states.is_empty() { "nobody was counted".to_owned() } else { states.join(", ") };
    format!(
        "Run {} of “{}” is closed: {}, {kept}. {} of {} messages were {} by {} ({:.2} %; promised {} %). Of {} \
         submitted: {states}.",
        run.record.id,
        run.record.spec.name,
        sla.verdict,
        sla.within_deadline,
        sla.eligible,
        sla.counts,
        clock(run, run.record.opening.deadline_at),
        100.0 * sla.attained,
        // As it was written: 0.99 times 100 is not 99 to a machine.
        (1e6 * sla.objective).round() / 1e4,
        totals.submitted,
    )
}

/// The run's deadline has passed, and nothing was sent.
pub(crate) fn missed(run: &Run, now: UnixMs) -> Notice {
    let (id, late) = (&run.record.id, run.record.spec.window.late);
    let why = why_missed(run);
    let what_to_do = match late {
        Late::Expire => format!(
            "Nothing of this run goes out any more. Submit the campaign again with a time to come if people should still \
             have it; `dawncast run report {id}` says where everyone stands."
        ),
        Late::Send => {
            format!("It still goes out, late, as soon as that is mended; `dawncast run cancel {id}` prevents it.")
        }
    };
    let deadline = clock(run, run.record.opening.deadline_at);
    let summary = format!(
        "Run {id} of “{}” has missed its schedule: nothing was sent by {deadline}. {why}. {what_to_do}",
        run.record.spec.name
    );
    notice(run, Kind::Missed, "missed", now, (summary, json!({ "why": why, "what_to_do": what_to_do })))
}

fn why_missed(run: &Run) -> String {
    if let Some(why) = &run.waits_for {
        return format!("It was held: {why}");
    }
    if !run.holds.is_empty() {
        let holds: Vec<&str> = run.holds.iter().map(|hold| hold.as_str()).collect();
        return format!("A person had it held: {}", holds.join(", "));
    }
    if run.state < RunState::Open {
        return "No scheduler was running in time".to_owned();
    }
    "It was open, and no worker began a message: see that workers run and that the pool's numbers can send".to_owned()
}

#[cfg(test)]
#[path = "event_tests.rs"]
mod tests;
