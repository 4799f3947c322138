//! `dawncast campaign preview`: what a campaign would do, with the send times as bars.

use std::path::Path;

use chrono_tz::Tz;
use serde_json::Value;

use super::{ZONE, zone_in};
use crate::{
    client::{Api, Remote},
    commands::read_text,
    failure::Failure,
    output::{Table, cell, details, field, percent, time_cell, zone_at},
};

/// The widest bar, in characters.
const WIDEST: u64 = 50;

/// What is previewed: a campaign that is stored, by its id, or one in a file.
pub(super) async fn show(remote: &Remote, api: &Api, what: &str, samples: Option<usize>) -> Result<(), Failure> {
    let query = [("samples", samples.map(|samples| samples.to_string()))];
    let (preview, zone) = if what.starts_with("cmp_") {
        let campaign = api.get(&["v1", "campaigns", what], &[]).await?;
        let preview = api.ask_with(&["v1", "campaigns", what, "preview"], &query, String::new()).await?;
        (preview, zone_at(&campaign, ZONE))
    } else {
        let file = Path::new(what);
        let body = read_text(file)?;
        let zone = zone_in(&body);
        let preview = api.ask_with(&["v1", "campaigns", "preview"], &query, body).await;
        (preview.map_err(|failure| failure.of(file))?, zone)
    };
    remote.show(&preview, |preview| people(preview, zone));
    Ok(())
}

fn people(preview: &Value, zone: Tz) -> String {
    let items = |pointer: &str| preview.pointer(pointer).and_then(Value::as_array).into_iter().flatten();
    let mut parts = vec![head(preview, zone)];
    parts.extend(items("/samples").map(|sample| phone(sample, zone)));
    parts.push(numbers(items("/numbers")));
    parts.push(histogram(preview, zone));
    parts.extend(field(preview, "/shortage").map(|shortage| format!("It does not fit: {shortage}")));
    parts.extend(items("/warnings").filter_map(Value::as_str).map(|warning| format!("warning: {warning}")));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}

fn head(preview: &Value, zone: Tz) -> String {
    let reasons = preview.pointer("/recipients/dropped_by_reason").and_then(Value::as_object).into_iter().flatten();
    let reasons: Vec<_> = reasons.map(|(reason, count)| format!("{count} {reason}")).collect();
    let edges = ["/window/opens_at", "/window/closes_at"].map(|edge| time_cell(preview, edge, zone));
    details([
        ("Window", Some(edges.join(" to "))),
        ("Rows", field(preview, "/recipients/rows")),
        ("Planned", field(preview, "/recipients/planned")),
        ("Messages", messages(preview)),
        ("Dropped", field(preview, "/recipients/dropped").filter(|_| !reasons.is_empty())),
        ("Reasons", Some(reasons.join(", ")).filter(|reasons| !reasons.is_empty())),
    ])
}

/// Who would get which message, where there are several.
fn messages(preview: &Value) -> Option<String> {
    let messages = preview["messages"].as_array().filter(|messages| messages.len() > 1)?;
    let told = messages.iter().map(|it| format!("{} {}", cell(it, "/recipients"), cell(it, "/message")));
    Some(format!("{}, as service windows are now", told.collect::<Vec<_>>().join(", ")))
}

/// One recipient's phone.
fn phone(sample: &Value, zone: Tz) -> String {
    let who = ["/id", "/tier"].into_iter().filter_map(|pointer| field(sample, pointer)).collect::<Vec<_>>().join(", ");
    let of = if sample["fallback"] == true { format!(" {}", cell(sample, "/message")) } else { String::new() };
    let due = field(sample, "/due_at").map(|_| format!(" at {}", time_cell(sample, "/due_at", zone)));
    let by = field(sample, "/phone_number_id").map(|number| format!(" from {number}"));
    let head = format!("{} ({who}){of}{}{}", cell(sample, "/phone"), due.unwrap_or_default(), by.unwrap_or_default());
    [head].into_iter().chain(shown(sample, "  │ ")).collect::<Vec<_>>().join("\n")
}

/// What a phone shows of a message, or of one of its cards, each line after `edge`.
fn shown(it: &Value, edge: &str) -> Vec<String> {
    let tagged = |value: &Value| match value {
        Value::String(kind) => Some(format!("[{kind}]")),
        Value::Object(fields) => fields.iter().next().map(|(kind, value)| match (kind.as_str(), value.as_str()) {
            ("text", Some(text)) => text.to_owned(),
            (kind, Some(value)) => format!("[{kind}: {value}]"),
            (kind, None) => format!("[{kind}{}]", parts_of(value)),
        }),
        _ => None,
    };
    let buttons = it["buttons"].as_array().into_iter().flatten().filter_map(tagged);
    let quotes = field(it, "/quotes").map(|id| format!("[answers: {id}]"));
    let ends = field(it, "/offer_ends_at").map(|at| format!("[offer until: {at}]"));
    let lines = quotes.into_iter().chain(tagged(&it["header"])).chain(field(it, "/body"));
    let lines = lines.chain(field(it, "/footer")).chain(ends).chain(buttons);
    let lines = lines.flat_map(|text| text.lines().map(|line| format!("{edge}{line}")).collect::<Vec<_>>());
    let cards = it["cards"].as_array().into_iter().flatten().enumerate();
    let cards = cards.flat_map(|(n, card)| {
        let head = format!("{edge}card {}", n + 1);
        [head].into_iter().chain(shown(card, &format!("{edge}  "))).collect::<Vec<_>>()
    });
    lines.chain(cards).collect()
}

/// What a button says that says more than one thing.
fn parts_of(value: &Value) -> String {
    // Rows are a part of what opens them; products are all that there is.
    let rows = value.get("rows").unwrap_or(value).as_array().into_iter().flatten().filter_map(Value::as_str);
    let parts = ["label", "url"].into_iter().filter_map(|name| value[name].as_str()).chain(rows);
    parts.enumerate().map(|(n, part)| format!("{} {part}", if n == 0 { ":" } else { "," })).collect()
}

fn numbers<'a>(numbers: impl Iterator<Item = &'a Value>) -> String {
    let mut table = Table::new(&["NUMBER", "RECIPIENTS", "SHARE"]);
    for number in numbers {
        let share = percent(number["share"].as_f64().unwrap_or_default());
        table.row([cell(number, "/phone_number_id"), cell(number, "/recipients"), share]);
    }
    table.render("")
}

fn histogram(preview: &Value, zone: Tz) -> String {
    let buckets: Vec<_> =
        preview.pointer("/histogram/buckets").and_then(Value::as_array).into_iter().flatten().collect();
    let messages = |bucket: &Value| bucket["messages"].as_u64().unwrap_or_default();
    let most = buckets.iter().map(|bucket| messages(bucket)).max().unwrap_or_default().max(1);
    let bar = |bucket: &&Value| {
        let count = messages(bucket);
        // Whoever is there is seen.
        let width = (count * WIDEST).div_ceil(most) as usize;
        let line =
            format!("{}  {:>7}  {}", time_cell(bucket, "/from", zone), cell(bucket, "/messages"), "█".repeat(width));
        line.trim_end().to_owned()
    };
    let bars: Vec<_> = buckets.iter().map(bar).collect();
    if bars.is_empty() {
        return String::new();
    }
    let seconds = preview.pointer("/histogram/bucket_seconds").and_then(Value::as_f64).unwrap_or_default();
    format!("Messages each {seconds} s, times drawn with seed {}:\n{}", cell(preview, "/seed"), bars.join("\n"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_preview_shows_phones_shares_and_bars() {
        let preview = json!({
            "window": {"opens_at": "2026-11-23T00:29:30.000Z", "closes_at": "2026-11-23T00:29:50.000Z"}, "seed": 1,
            "recipients": {"rows": 1203, "planned": 1200, "dropped": 3, "dropped_by_reason": {"compliance": 2, "duplicate": 1}},
            "samples": [{"phone": "+91•••21", "id": "a1", "tier": null, "due_at": "2026-11-23T00:29:31.000Z",
                "phone_number_id": "101", "header": {"image": "pack.png"}, "body": "Hi Asha,\nread on", "footer": null, "buttons": [{"url": "https://x"}, "other"]}],
            "numbers": [{"phone_number_id": "101", "recipients": 1200, "share": 1.0}],
            "histogram": {"bucket_seconds": 10.0, "buckets": [
                {"from": "2026-11-23T00:29:30.000Z", "messages": 1190}, {"from": "2026-11-23T00:29:40.000Z", "messages": 10}]},
            "shortage": null, "warnings": ["Mind the gap."],
        });
        let bar = "█".repeat(50);
        let expected = format!(
            "Window   2026-11-23 05:59:30 IST to 2026-11-23 05:59:50 IST\nRows     1,203\nPlanned  1,200\nDropped  3\n\
             Reasons  2 compliance, 1 duplicate\n\n\
             +91•••21 (a1) at 2026-11-23 05:59:31 IST from 101\n  │ [image: pack.png]\n  │ Hi Asha,\n  │ read on\n  \
             │ [url: https://x]\n  │ [other]\n\n\
             NUMBER  RECIPIENTS  SHARE\n   101       1,200  100 %\n\n\
             Messages each 10 s, times drawn with seed 1:\n2026-11-23 05:59:30 IST    1,190  {bar}\n\
             2026-11-23 05:59:40 IST       10  █\n\nwarning: Mind the gap."
        );
        assert_eq!(people(&preview, Tz::Asia__Kolkata), expected);
    }

    #[test]
    fn a_preview_of_two_messages_says_who_gets_which_and_shows_both() {
        let list = json!({"list": {"label": "Menu", "rows": ["Soup", "Salad"]}});
        let sample = |message: &str, fallback: bool, buttons: Value| {
            json!({"phone": "+91•••21", "id": "a1", "tier": null, "message": message, "fallback": fallback, "due_at": null,
                   "phone_number_id": null, "header": null, "body": "Hi", "footer": "Till noon", "buttons": buttons})
        };
        let messages = json!([{"message": "interactive", "fallback": false, "recipients": 1200},
                              {"message": "template daily_pack_v1", "fallback": true, "recipients": 3}]);
        let samples = [sample("interactive", false, json!([list])), sample("template daily_pack_v1", true, json!([]))];
        let told = people(&json!({"messages": messages, "samples": samples}), Tz::UTC);
        assert!(told.contains("1,200 interactive, 3 template daily_pack_v1, as service windows are now"), "{told}");
        assert!(told.contains("+91•••21 (a1)\n  │ Hi\n  │ Till noon\n  │ [list: Menu, Soup, Salad]"), "{told}");
        assert!(told.contains("+91•••21 (a1) template daily_pack_v1\n  │ Hi"), "{told}");
    }

    #[test]
    fn cards_stand_below_their_message_and_what_is_opened_is_named() {
        let card = |image: &str| json!({"header": {"image": image}, "body": "Take it", "footer": null, "buttons": [{"products": ["a", "b"]}]});
        let sample = json!({"header": {"location": "1, 2"}, "body": "Look", "footer": null, "buttons": ["catalog", {"flow": null}],
                            "offer_ends_at": "2029-11-21T13:20:00.000Z", "quotes": "wamid.1", "cards": [card("x"), card("y")]});
        let expected = "| [answers: wamid.1]\n| [location: 1, 2]\n| Look\n| [offer until: 2029-11-21T13:20:00.000Z]\n| [catalog]\n| [flow]\n\
                        | card 1\n|   [image: x]\n|   Take it\n|   [products: a, b]\n| card 2\n|   [image: y]\n|   Take it\n|   [products: a, b]";
        assert_eq!(shown(&sample, "| ").join("\n"), expected);
    }
}
