//! What one run needs: its templates on every account, its assets on every number, its links, and what it waits for.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Display,
};

use dawncast_core::{
    UnixMs,
    campaign::{MediaSource, Message},
    doctor::{self, Check, Finding, Link, Outcome, Upload},
    render::resolved,
    template,
};
use dawncast_store::{
    Store,
    records::Number,
    run::{Run, RunState},
};

use super::asked::Asked;
use crate::{EngineError, chores::USABLE_FOR_MS};

/// Whether a text differs by recipient.
fn varies(text: &str) -> bool {
    text.contains("{{") || text.contains("{%")
}

/// Files that are the same for every recipient: their sources hold no attribute.
fn fixed(message: &Message) -> impl Iterator<Item = (&'static str, &MediaSource)> {
    let files = message.all().flat_map(|(_, content)| content.files());
    files.map(|(kind, _, media)| (kind, &media.source)).filter(move |(_, source)| match source {
        MediaSource::Asset(text) | MediaSource::Link(text) | MediaSource::Id(text) => !varies(text),
    })
}

/// The numbers that a run goes out from: those that freeze pinned, or those that it would pin now.
pub(crate) async fn numbers(store: &Store, run: &Run) -> Result<Vec<Number>, EngineError> {
    let Some(frozen) = &run.frozen else { return Ok(store.pool_numbers(&run.record.spec.pool).await?) };
    let mut numbers = Vec::new();
    for sender in &frozen.senders {
        numbers.extend(store.number(&sender.number).await?);
    }
    Ok(numbers)
}

/// The findings on the links of a message that are the same for everybody.
pub(crate) async fn links(asked: &Asked, message: &Message, now: UnixMs) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut found = Vec::new();
    for (kind, source) in fixed(message) {
        let MediaSource::Link(url) = source else { continue };
        if seen.insert(url) {
            found.push(asked.judge_link(&Link { url: url.clone(), kind }, now).await);
        }
    }
    found
}

/// Of this many rows the links are asked for where they differ by recipient.
const SAMPLES: usize = 5;

/// The findings on links that differ by recipient, of some rows of the run's audience. One that nobody can have keeps its own
/// recipient from the message and nobody else: it holds nothing.
pub(crate) async fn sampled_links(
    asked: &Asked,
    store: &Store,
    run: &Run,
    now: UnixMs,
) -> Result<Vec<Finding>, EngineError> {
    let message = &run.record.spec.message;
    let varying: Vec<_> = varying_links(message).collect();
    if varying.is_empty() {
        return Ok(Vec::new());
    }
    let Some((_, mut rows)) = store.read_audience(&run.record.spec.audience.id).await? else { return Ok(Vec::new()) };
    let some = rows.next().await?.unwrap_or_default();
    let mut found = Vec::new();
    for row in some.iter().step_by((some.len() / SAMPLES).max(1)).take(SAMPLES) {
        for (kind, text) in &varying {
            // A row without the attribute is dropped at freeze, and counted there.
            let Ok(url) = resolved(text, row) else { continue };
            let finding = asked.judge_link(&Link { url, kind }, now).await;
            found.push(Finding { outcome: finding.outcome.min(Outcome::Warn), ..finding });
        }
    }
    Ok(found)
}

/// The links of a message that differ by recipient, each with the kind of file it leads to.
fn varying_links(message: &Message) -> impl Iterator<Item = (&'static str, &str)> {
    let files = message.all().flat_map(|(_, content)| content.files());
    files.filter_map(|(kind, _, media)| match &media.source {
        MediaSource::Link(text) if varies(text) => Some((kind, text.as_str())),
        _ => None,
    })
}

/// The findings on the assets that a message names, on the numbers of its run.
pub(crate) async fn assets(
    store: &Store,
    run: &Run,
    numbers: &[Number],
    now: UnixMs,
) -> Result<Vec<Finding>, EngineError> {
    let names: BTreeSet<&str> = fixed(&run.record.spec.message)
        .filter_map(|(_, source)| match source {
            MediaSource::Asset(name) => Some(name.as_str()),
            _ => None,
        })
        .collect();
    let mut found = Vec::new();
    for name in names {
        let upload = upload(store, name, numbers, now).await?;
        found.push(doctor::uploads(&upload, run.state >= RunState::Planned));
    }
    Ok(found)
}

async fn upload(store: &Store, name: &str, numbers: &[Number], now: UnixMs) -> Result<Upload, EngineError> {
    let asset = store.asset(name).await?;
    let mut lacking = Vec::new();
    for number in numbers {
        let id = match &asset {
            Some(asset) => store.media_id(&asset.id, &number.phone_number_id).await?,
            None => None,
        };
        if id.is_none_or(|id| now - id.uploaded_at >= USABLE_FOR_MS) {
            lacking.push(number.phone_number_id.to_string());
        }
    }
    Ok(Upload { asset: name.to_owned(), stored: asset.is_some(), lacking, numbers: numbers.len() })
}

/// The findings on the templates of a run: one for each account that its numbers belong to, by what the monitor read last.
pub(super) async fn templates(
    store: &Store,
    run: &Run,
    numbers: &[Number],
    now: UnixMs,
) -> Result<Vec<Finding>, EngineError> {
    let message = &run.record.spec.message;
    let names: Vec<_> = message.templates().map(|(_, it)| format!("{} ({})", it.name, it.language)).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let (names, mut accounts) = (names.join(", "), BTreeMap::new());
    numbers.iter().for_each(|number| *accounts.entry(&number.waba_id).or_insert(0) += 1);
    let mut found = Vec::new();
    for (waba, count) in accounts {
        let subject = format!("{waba}");
        let Some(known) = store.templates(waba).await? else {
            let remedy = "see that a process with the role monitor runs, and that its token can read the account";
            let evidence = format!("the templates of account {waba} were not read yet");
            found.push(Finding::warn(Check::Template, subject, evidence, remedy));
            continue;
        };
        let lint = template::lint_for(&known, message, run.record.opening.opens_at - now);
        let remedy = "approve or mend it there in WhatsApp Manager, or mend the campaign";
        let evidence = |told: &dyn Display| format!("account {waba}, of {count} numbers: {told}");
        found.push(match (lint.faults.is_empty(), lint.warnings.is_empty()) {
            (false, _) => Finding::fail(Check::Template, subject, evidence(&lint.faults), remedy),
            (true, false) => Finding::warn(Check::Template, subject, evidence(&lint.warnings), remedy),
            (true, true) => {
                Finding::ok(Check::Template, subject, format!("{names} fits what account {waba} has approved"))
            }
        });
    }
    Ok(found)
}

/// What a run itself says: whether it waits for a person, and what its last check found.
pub(super) fn itself(run: &Run) -> Vec<Finding> {
    let (id, name) = (run.record.id.to_string(), &run.record.spec.name);
    if let Some(why) = &run.waits_for {
        return vec![Finding::fail(
            Check::Run,
            id,
            format!("{name} is held: {why}"),
            "mend that: it is tried again by itself",
        )];
    }
    if let Some(hold) = run.holds.first() {
        let evidence = format!("{name} is {}, but begins nothing: {}", run.state.as_str(), hold.as_str());
        return vec![Finding::warn(Check::Run, id, evidence, "see docs/runbooks/run-held.md")];
    }
    let missed = run.checks.last().filter(|check| !check.would_go && run.state == RunState::Scheduled);
    if let Some(check) = missed {
        let evidence = format!("{name} would be held, by its check {}: {}", check.occasion, check.holds.join("; "));
        return vec![Finding::warn(Check::Run, id, evidence, "mend that, then `dawncast run check ID`")];
    }
    let remarks =
        if run.remarks.is_empty() { String::new() } else { format!(", degraded: {}", run.remarks.join("; ")) };
    vec![Finding::ok(Check::Run, id, format!("{name} is {}{remarks}", run.state.as_str()))]
}
