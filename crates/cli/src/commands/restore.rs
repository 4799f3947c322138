//! `dawncast restore`: a Redis that was restored from an older copy, and a person's word to go on.

use chrono_tz::Tz;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::Remote,
    failure::Failure,
    output::{Table, cell, details, time_cell, utc_cell, zone_at},
};

/// What to look at before one acknowledges.
const REMEDY: &str = "\
Nothing is sent until a person acknowledges this. First look at what people did since the snapshot, for it is forgotten:
pause, cancel or stop again what was paused, cancelled or stopped (`dawncast run cancel ID`), and check numbers and pools.
Then `dawncast restore acknowledge`: what was due up to then is not sent again but named as unconfirmed, what is due
later goes out, and runs that were not yet frozen in the snapshot are cancelled.";

/// See whether Redis holds a restored snapshot, and which runs are in doubt.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Go on: what may have gone out since the snapshot is not sent again.
    Acknowledge,
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    match args.action {
        None => remote.show(&api.get(&["v1", "restore"], &[]).await?, status),
        Some(Action::Acknowledge) => remote.show(&api.post(&["v1", "restore", "acknowledge"]).await?, acknowledged),
    }
    Ok(())
}

fn is_snapshot(answer: &Value) -> bool {
    answer.get("snapshot_at").is_some()
}

fn status(answer: &Value) -> String {
    if !is_snapshot(answer) {
        return "Redis holds no restored snapshot: nothing waits for you.".to_owned();
    }
    format!("{}\n\n{}\n\n{REMEDY}", snapshot(answer), runs(answer))
}

fn acknowledged(answer: &Value) -> String {
    if !is_snapshot(answer) {
        return "There was nothing to acknowledge.".to_owned();
    }
    let until = utc_cell(answer, "/doubt_until");
    format!(
        "Acknowledged: what was due until {until} is not sent again, what is due later goes out.\n\n{}",
        runs(answer)
    )
}

fn snapshot(answer: &Value) -> String {
    details([
        ("Restored", Some(format!("noticed at {}", utc_cell(answer, "/since")))),
        ("Snapshot of", Some(utc_cell(answer, "/snapshot_at"))),
        ("Last seen alive", Some(utc_cell(answer, "/last_seen_at"))),
        ("In doubt until", Some(utc_cell(answer, "/doubt_until"))),
    ])
}

fn runs(answer: &Value) -> String {
    let mut table = Table::new(&["RUN", "NAME", "STATE", "OPENS", "DEADLINE", "DELIVERIES IN DOUBT", "BECOME"]);
    for run in answer["runs"].as_array().into_iter().flatten() {
        let zone: Tz = zone_at(run, "/timezone");
        let [id, name, state, doubt, fate] =
            ["/run", "/name", "/state", "/deliveries_in_doubt", "/on_acknowledge"].map(|field| cell(run, field));
        let [opens, deadline] = ["/opens_at", "/deadline_at"].map(|field| time_cell(run, field, zone));
        table.row([id, name, state, opens, deadline, doubt, fate]);
    }
    table.render("No run is in doubt.")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn answer(restored: bool) -> Value {
        json!({
            "restored": restored, "since": "2026-11-23T00:45:00.000Z", "snapshot_at": "2026-11-23T00:31:00.000Z",
            "last_seen_at": "2026-11-23T00:40:00.000Z", "doubt_until": "2026-11-23T00:40:03.000Z",
            "runs": [{ "run": "run_1", "campaign": "cmp_1", "name": "morning", "state": "open", "timezone": "Asia/Kolkata",
                       "opens_at": "2026-11-23T00:30:00.000Z", "closes_at": "2026-11-23T00:35:00.000Z",
                       "deadline_at": "2026-11-23T00:35:30.000Z", "deliveries_in_doubt": 1665,
                       "on_acknowledge": "unconfirmed" }],
        })
    }

    #[test]
    fn a_restored_snapshot_is_told_with_its_runs_and_the_remedy() {
        let told = status(&answer(true));
        for part in ["2026-11-23 00:31:00 UTC", "2026-11-23 06:00:00 IST", "1,665", "morning", "restore acknowledge"] {
            assert!(told.contains(part), "{part} is not in\n{told}");
        }
        assert!(acknowledged(&answer(false)).contains("until 2026-11-23 00:40:03 UTC is not sent again"));
    }

    #[test]
    fn where_nothing_waits_that_is_said() {
        let nothing = json!({ "restored": false });
        assert!(
            status(&nothing).contains("nothing waits") && acknowledged(&nothing).contains("nothing to acknowledge")
        );
    }
}
