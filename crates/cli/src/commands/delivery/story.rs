//! A delivery's story in a person's words.

use chrono_tz::Tz;
use serde_json::Value;

use crate::output::{cell, field, time_cell};

/// All that is known of a delivery, or of a row that was dropped, in the order in which it happened.
pub(super) fn tell(delivery: &Value, zone: Tz) -> String {
    let whom = match field(delivery, "/recipient_id") {
        Some(id) => format!("{} ({id})", cell(delivery, "/phone")),
        None => cell(delivery, "/phone"),
    };
    if field(delivery, "/id").is_none() {
        return tell_dropped(delivery, &whom);
    }
    let tier = field(delivery, "/tier").map_or_else(String::new, |tier| format!(", tier {tier}"));
    let mut lines = vec![
        format!("{} to {whom}{tier} is {}.", cell(delivery, "/id"), cell(delivery, "/state")),
        format!(
            "It was planned for {} from number {}, {}.",
            time_cell(delivery, "/due_at", zone),
            cell(delivery, "/home_number"),
            chosen_by(delivery)
        ),
    ];
    if delivery["fallback"] == true {
        let message = cell(delivery, "/message");
        lines.push(format!("It gets the {message}, because no service window was open when the run was frozen."));
    }
    let attempts = delivery["story"].as_array().map_or(&[][..], Vec::as_slice);
    if attempts.is_empty() {
        lines.push("Nothing was sent.".to_owned());
    }
    lines.extend(attempts.iter().map(|attempt| tell_attempt(attempt, zone)));
    lines.extend(receipts(delivery, zone));
    lines.extend(duplicates(delivery));
    lines.extend(ended(delivery, zone));
    lines.extend(awaited(&delivery["awaits"], zone));
    lines.join("\n")
}

/// Why it is that number.
fn chosen_by(delivery: &Value) -> &'static str {
    match field(delivery, "/message") {
        Some(message) if !message.starts_with("template ") => "which its recipient has written to",
        _ => "its home: the hash of its phone has chosen it",
    }
}

fn tell_dropped(delivery: &Value, whom: &str) -> String {
    let row = field(delivery, "/audience_row")
        .map_or_else(String::new, |row| format!("\nIt is row {row} of the audience that the run has pinned."));
    format!("{whom} was dropped before anything was planned: {}.{row}", cell(delivery, "/reason"))
}

/// A span of time as people say it.
fn span(ms: i64) -> String {
    if ms.abs() < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", ms as f64 / 1_000.0) }
}

fn tell_attempt(attempt: &Value, zone: Tz) -> String {
    let stand_in = if attempt["stand_in"] == true { ", a stand-in for its home" } else { "" };
    let after = attempt["after_ms"].as_i64().map(span);
    let why = match (attempt["because"].as_str().unwrap_or_default(), after) {
        ("due", Some(after)) => format!(", {after} after it was due"),
        ("retry", Some(after)) => format!(", {after} after the one before, which had failed"),
        ("resend", Some(after)) => {
            format!(", {after} after the one before, whose receipt was waited for in vain")
        }
        _ => String::new(),
    };
    let mut text = format!(
        "Attempt {} began at {} from {}{stand_in}{why}. {}",
        cell(attempt, "/attempt"),
        time_cell(attempt, "/begun_at", zone),
        cell(attempt, "/phone_number_id"),
        answer(attempt),
    );
    if field(attempt, "/late_at").is_some() {
        let late = time_cell(attempt, "/late_at", zone);
        text.push_str(&format!(" A receipt of {late} told of that, after the next attempt had begun."));
    }
    if let Some(id) = field(attempt, "/message_id") {
        text.push_str(&format!(" Its message id is {id}."));
    }
    text
}

/// What came of an attempt.
fn answer(attempt: &Value) -> String {
    let code = attempt["code"].as_u64();
    let refused = |how: &str| {
        let means = field(attempt, "/meaning").unwrap_or_else(|| "Meta's documentation does not list it.".to_owned());
        format!("It was refused {how}with code {}: {means}", code.unwrap_or_default())
    };
    match (attempt["outcome"].as_str().unwrap_or_default(), code) {
        ("begun", _) => "Its answer is awaited.".to_owned(),
        ("unsure", _) => "No answer came that tells: it may have got through.".to_owned(),
        ("accepted", _) => "The Cloud API accepted it.".to_owned(),
        ("sent", _) => "WhatsApp sent it on.".to_owned(),
        ("delivered", _) => "It is on the phone.".to_owned(),
        ("read", _) => "It was read.".to_owned(),
        ("failed_retryable", Some(_)) => refused(""),
        ("failed_retryable", None) => "It never left: it was taken back in time, or found no connection.".to_owned(),
        ("failed", Some(_)) => refused("for good "),
        ("failed", None) => {
            "It failed for good without a code: the message could not be rendered, or Meta gave none.".to_owned()
        }
        _ => "Nothing is known of it.".to_owned(),
    }
}

fn receipts(delivery: &Value, zone: Tz) -> Option<String> {
    let told = [("/sent_at", "sent on"), ("/delivered_at", "on the phone"), ("/read_at", "read")];
    let told = told.iter().filter(|(pointer, _)| field(delivery, pointer).is_some());
    let told: Vec<_> =
        told.map(|(pointer, words)| format!("{words} at {}", time_cell(delivery, pointer, zone))).collect();
    (!told.is_empty()).then(|| format!("Receipts: {}.", told.join(", ")))
}

fn duplicates(delivery: &Value) -> Option<String> {
    match delivery["known_duplicates"].as_u64()? {
        0 => None,
        1 => Some("One message too many is known to have got through.".to_owned()),
        more => Some(format!("{more} messages too many are known to have got through.")),
    }
}

fn ended(delivery: &Value, zone: Tz) -> Option<String> {
    let at = time_cell(delivery, "/ended/at", zone);
    let untried = delivery["story"].as_array().is_none_or(Vec::is_empty);
    Some(match (field(delivery, "/ended/why")?.as_str(), untried) {
        ("refused", _) => "Nothing more is sent: every other attempt would fail as well.".to_owned(),
        ("attempts_used_up", _) => {
            "Nothing more is sent: the attempts that the campaign allows are used up.".to_owned()
        }
        ("never_left", _) => {
            format!("Its deadline, {at}, overtook it: whatever was begun never left, nothing was sent.")
        }
        ("deadline", true) => format!("Its deadline, {at}, passed before an attempt was made."),
        ("deadline", false) => format!("Its deadline, {at}, passed before another attempt was made."),
        ("cancelled", _) => format!("The run was cancelled at {at}, before it was served."),
        _ => format!("The run was closed at {at}, before it was served."),
    })
}

fn awaited(awaits: &Value, zone: Tz) -> Option<String> {
    let until = time_cell(awaits, "/until", zone);
    let text = match (field(awaits, "/what")?.as_str(), awaits["then"].as_str()) {
        ("due_time", _) => "It waits for its time.".to_owned(),
        ("turn", _) => "It is due and waits for its turn: for credit of a number, or a place on the wire.".to_owned(),
        ("next_attempt", _) => "It waits for another attempt.".to_owned(),
        ("answer", _) => "The answer to its request is awaited.".to_owned(),
        (_, Some("resend")) => format!("A receipt is awaited until {until} at the earliest; then it is sent again."),
        (_, Some("give_up")) => {
            format!("A receipt is awaited until {until} at the earliest; then it is left so, lest it comes twice.")
        }
        (_, Some(_)) => "A receipt is awaited; nothing is sent again.".to_owned(),
        _ => "A receipt is awaited.".to_owned(),
    };
    let held = field(awaits, "/held_by").map_or_else(String::new, |by| format!(" Nothing begins meanwhile: {by}."));
    Some(format!("{text}{held}"))
}

#[cfg(test)]
#[path = "story_tests.rs"]
mod tests;
