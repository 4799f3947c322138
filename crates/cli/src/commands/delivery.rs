//! `dawncast delivery show`: the whole story of one recipient in one run.

use chrono_tz::Tz;
use clap::Subcommand;
use serde_json::Value;

use crate::{
    client::Remote,
    failure::Failure,
    output::{cell, field, time_cell, zone_at},
};

/// Deliveries: one recipient in one run.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    remote: Remote,
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Tell its whole story.
    Show {
        /// Its id: run, page and place, with dots between.
        id: String,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let Action::Show { id } = args.action;
    let delivery = api.get(&["v1", "deliveries", &id], &[]).await?;
    let run = api.get(&["v1", "runs", delivery["run"].as_str().unwrap_or_default()], &[]).await?;
    let campaign = api.get(&["v1", "campaigns", run["campaign"].as_str().unwrap_or_default()], &[]).await?;
    let zone = zone_at(&campaign, "/spec/schedule/timezone");
    remote.show(&delivery, |delivery| tell(delivery, zone));
    Ok(())
}

fn tell(delivery: &Value, zone: Tz) -> String {
    let whom = match field(delivery, "/recipient_id") {
        Some(id) => format!("{} ({id})", cell(delivery, "/phone")),
        None => cell(delivery, "/phone"),
    };
    let tier = field(delivery, "/tier").map_or_else(String::new, |tier| format!(", tier {tier}"));
    let mut lines = vec![
        format!("{} to {whom}{tier} is {}.", cell(delivery, "/id"), cell(delivery, "/state")),
        format!("It was due at {}.", time_cell(delivery, "/due_at", zone)),
    ];
    let attempts = delivery["story"].as_array().map_or(&[][..], Vec::as_slice);
    if attempts.is_empty() {
        lines.push("Nothing was sent yet.".to_owned());
    }
    lines.extend(attempts.iter().map(|attempt| tell_attempt(attempt, zone)));
    for (pointer, words) in
        [("/sent_at", "WhatsApp sent it on"), ("/delivered_at", "It was on the phone"), ("/read_at", "It was read")]
    {
        if field(delivery, pointer).is_some() {
            lines.push(format!("{words} at {}.", time_cell(delivery, pointer, zone)));
        }
    }
    match delivery["known_duplicates"].as_u64() {
        None | Some(0) => {}
        Some(1) => lines.push("One message too many is known to have got through.".to_owned()),
        Some(more) => lines.push(format!("{more} messages too many are known to have got through.")),
    }
    lines.join("\n")
}

fn tell_attempt(attempt: &Value, zone: Tz) -> String {
    let code = field(attempt, "/code").map_or_else(String::new, |_| format!(" with code {}", attempt["code"]));
    let came_to = match attempt["outcome"].as_str().unwrap_or_default() {
        "begun" => "is on its way".to_owned(),
        "unsure" => "may have got through: no answer came".to_owned(),
        "failed_retryable" => format!("failed{code}, in a way that another may not"),
        "failed" => format!("failed{code} for good"),
        "none" => "was withdrawn before it left".to_owned(),
        other => format!("was {other}"),
    };
    let mut text = format!(
        "Attempt {} began at {} from {} and {came_to}.",
        cell(attempt, "/attempt"),
        time_cell(attempt, "/begun_at", zone),
        cell(attempt, "/phone_number_id"),
    );
    if field(attempt, "/late_at").is_some() {
        text.push_str(&format!(" That became known at {}.", time_cell(attempt, "/late_at", zone)));
    }
    if let Some(id) = field(attempt, "/message_id") {
        text.push_str(&format!(" Its message id is {id}."));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn messages_too_many_are_told() {
        let told = |duplicates: u64| tell(&json!({ "known_duplicates": duplicates }), Tz::UTC);
        assert!(!told(0).contains("too many"));
        assert!(told(1).ends_with("\nOne message too many is known to have got through."));
        assert!(told(2).ends_with("\n2 messages too many are known to have got through."));
    }

    #[test]
    fn a_story_is_told_in_the_order_it_happened() {
        let story = tell(
            &json!({ "id": "cmp_x-20261123T060000-Asia_Kolkata.0.7", "phone": "+919876543210", "recipient_id": "adv-7",
                "tier": "pro", "state": "read", "due_at": "2026-11-23T00:30:00.000Z", "read_at": "2026-11-23T00:31:00.000Z",
                "story": [
                    { "attempt": 1, "outcome": "unsure", "phone_number_id": "100", "begun_at": "2026-11-23T00:30:00.004Z",
                      "code": null, "message_id": null, "late_at": null },
                    { "attempt": 2, "outcome": "read", "phone_number_id": "100", "begun_at": "2026-11-23T00:30:31.000Z",
                      "code": null, "message_id": "wamid.A", "late_at": null } ] }),
            Tz::Asia__Kolkata,
        );
        assert_eq!(
            story,
            "cmp_x-20261123T060000-Asia_Kolkata.0.7 to +919876543210 (adv-7), tier pro is read.\n\
             It was due at 2026-11-23 06:00:00 IST.\n\
             Attempt 1 began at 2026-11-23 06:00:00 IST from 100 and may have got through: no answer came.\n\
             Attempt 2 began at 2026-11-23 06:00:31 IST from 100 and was read. Its message id is wamid.A.\n\
             It was read at 2026-11-23 06:01:00 IST."
        );
    }
}
