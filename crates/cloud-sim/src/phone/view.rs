//! What is shown: numbers, templates, the list of conversations, and one of them.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::{Value, json};

use crate::bubble::{self, Bubble};
use crate::catalogue;
use crate::cloud::{Cloud, Number, waba_id};
use crate::conversations::{Conversation, Entry, Pair, Sent, Written};
use crate::wa_id::WaId;

pub(super) async fn numbers(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    let number = |number: &Number| {
        let standing = cloud.standings.of(number.place);
        let (accepted, refused) = number.tally.counts();
        json!({
            "id": number.id, "display_phone_number": number.display, "account": waba_id(number.waba),
            "status": standing.status, "quality_rating": standing.quality_rating,
            "messaging_limit": standing.messaging_limit, "mps": standing.mps.unwrap_or(cloud.mps),
            "accepted": accepted, "refused": refused,
        })
    };
    Json(json!({ "numbers": cloud.numbers.iter().map(number).collect::<Vec<_>>() }))
}

pub(super) async fn templates(State(cloud): State<Arc<Cloud>>) -> Json<Value> {
    let all = cloud.templates.all();
    let template = all.iter().map(|template| {
        json!({
            "id": template.id.to_string(), "account": waba_id(template.waba), "name": template.name,
            "language": template.language, "category": template.category, "status": template.status,
            "quality_score": template.quality, "preview": bubble::preview(template),
        })
    });
    Json(json!({ "templates": template.collect::<Vec<_>>() }))
}

/// The conversations listed, the latest first, and how many there are in all.
pub(super) fn list(cloud: &Cloud, latest: &[(Pair, Entry)], all: usize) -> Value {
    let one = |((user, place), last): &(Pair, Entry)| {
        json!({
            "phone": user.digits(), "number": cloud.numbers[*place].id,
            "last": { "from": from(last), "at_ms": last.at_us() / 1000, "text": summary(last) },
        })
    };
    json!({ "conversations": latest.iter().map(one).collect::<Vec<_>>(), "total": all })
}

pub(super) fn conversation(cloud: &Cloud, number: &Number, user: WaId) -> Value {
    let now_us = cloud.clock.now_us();
    let kept = cloud.conversations.of((user, number.place)).unwrap_or_default();
    let met = |blocked, stopped: bool, closes_us: Option<u64>| {
        let closes_us = closes_us.filter(|closes_us| now_us < *closes_us);
        (blocked, stopped, closes_us.map(|closes_us| closes_us / 1000))
    };
    let contact = cloud.users.look(user, |it| {
        let contact = it.met(number.place)?;
        Some(met(contact.blocked, contact.stopped_marketing, contact.window_closes_us()))
    });
    let (blocked, stopped, closes_ms) = contact.flatten().unwrap_or_default();
    json!({
        "number": number.id, "display_phone_number": number.display, "phone": user.digits(), "user_id": user.user_id(),
        "now_ms": now_us / 1000, "blocked": blocked, "stopped_marketing": stopped, "window_closes_ms": closes_ms,
        "typing": kept.is_typing(now_us), "messages": messages(&kept, now_us),
    })
}

/// Those that are shown, in order of time; reactions are shown on what they were put on.
fn messages(kept: &Conversation, now_us: u64) -> Vec<Value> {
    let mut entries: Vec<&Entry> = kept.messages.iter().collect();
    entries.sort_by_key(|entry| entry.at_us());
    let mut reactions: HashMap<String, Vec<(&str, String)>> = HashMap::new();
    for (entry, content) in entries.iter().filter_map(|entry| Some((entry, reaction(entry)?))) {
        let Some(target) = content["message_id"].as_str() else { continue };
        let on_it = reactions.entry(target.to_owned()).or_default();
        on_it.retain(|(by, _)| *by != from(entry));
        let emoji = content["emoji"].as_str().filter(|emoji| !emoji.is_empty());
        on_it.extend(emoji.map(|emoji| (from(entry), emoji.to_owned())));
    }
    let shown = entries.iter().filter(|entry| reaction(entry).is_none());
    shown.map(|entry| message(entry, &entries, reactions.get(entry.id()), now_us)).collect()
}

fn message(entry: &Entry, all: &[&Entry], reactions: Option<&Vec<(&str, String)>>, now_us: u64) -> Value {
    let mut shown = json!({
        "id": entry.id(), "from": from(entry), "at_ms": entry.at_us() / 1000, "bubble": Bubble::of(entry),
    });
    match entry {
        Entry::Sent(sent) => course(&mut shown, sent, now_us),
        Entry::Written(written) => heard(&mut shown, written),
    }
    if let Some(quoted) = quoted(entry) {
        let target = all.iter().find(|it| it.id() == quoted);
        shown["quotes"] = match target {
            Some(target) => json!({ "id": quoted, "from": from(target), "text": summary(target) }),
            None => json!({ "id": quoted }),
        };
    }
    let reaction = |(by, emoji): &(&str, String)| json!({ "from": by, "emoji": emoji });
    if let Some(reactions) = reactions.filter(|reactions| !reactions.is_empty()) {
        shown["reactions"] = reactions.iter().map(reaction).collect();
    }
    shown
}

/// What has become of a number's message until now.
fn course(shown: &mut Value, sent: &Sent, now_us: u64) {
    let request = bubble::request(sent).unwrap_or_default();
    shown["type"] = json!(bubble::kind(&request));
    if let Some(template) = &sent.template {
        shown["template"] = json!({ "name": template.name, "language": template.language });
    }
    let course = &sent.course;
    let steps = [("sent", course.sent_us), ("delivered", course.delivered_us), ("read", course.read_us)];
    shown["status"] = json!("accepted");
    shown["times"] = json!({ "accepted": sent.message.at_us / 1000 });
    let happened = steps.into_iter().filter_map(|(status, at_us)| Some((status, at_us?)));
    for (status, at_us) in happened.filter(|(_, at_us)| *at_us <= now_us) {
        shown["status"] = json!(status);
        shown["times"][status] = json!(at_us / 1000);
    }
    if let Some((code, at_us)) = course.failed.filter(|(_, at_us)| *at_us <= now_us) {
        shown["status"] = json!("failed");
        shown["times"]["failed"] = json!(at_us / 1000);
        shown["error"] = json!({ "code": code, "title": catalogue::entry(code).title });
    }
}

/// What the number has done with a user's message.
fn heard(shown: &mut Value, written: &Written) {
    shown["type"] = json!(written.said.kind);
    shown["status"] = json!(if written.read_us.is_some() { "read" } else { "delivered" });
    shown["times"] = json!({ "delivered": written.at_us / 1000 });
    if let Some(read_us) = written.read_us {
        shown["times"]["read"] = json!(read_us / 1000);
    }
}

fn from(entry: &Entry) -> &'static str {
    match entry {
        Entry::Sent(_) => "number",
        Entry::Written(_) => "user",
    }
}

/// What a reaction is and on what, if it is one. One that failed is on nothing.
fn reaction(entry: &Entry) -> Option<Value> {
    match entry {
        Entry::Written(written) => (written.said.kind == "reaction").then(|| written.said.content.clone()),
        Entry::Sent(sent) if sent.message.is_reaction => {
            let request = bubble::request(sent).filter(|_| sent.message.failure.is_none());
            Some(request.map_or(Value::Null, |request| request["reaction"].clone()))
        }
        Entry::Sent(_) => None,
    }
}

/// The id of the message that is answered.
fn quoted(entry: &Entry) -> Option<String> {
    match entry {
        Entry::Written(written) => written.said.quotes.clone(),
        Entry::Sent(sent) => bubble::request(sent)?["context"]["message_id"].as_str().map(str::to_owned),
    }
}

fn summary(entry: &Entry) -> String {
    match reaction(entry) {
        Some(content) => content["emoji"].as_str().unwrap_or_default().to_owned(),
        None => Bubble::of(entry).summary(),
    }
}
