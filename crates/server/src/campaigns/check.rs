//! Whether a campaign can do what it says: every fault at once, before anything is stored. Pure.

use dawncast_core::{
    UnixMs,
    admission::{self, Promised},
    campaign::{CampaignSpec, Choice, Load},
    fault::Faults,
    plan::{Forecast, Sender},
    quiet::{Clocks, Stretch, Until},
    quota::{Balance, Shortfall},
    render::Renderers,
    template::{CampaignLint, lint_for},
};
use dawncast_store::records::{AudienceVersion, Number};
use serde::Serialize;
use serde_json::Value;

use super::{
    capacity::{Capacity, Complaint, WindowLoad},
    facts::{Facts, NamedFile},
};

/// What a campaign without faults comes to.
#[derive(Debug, Serialize)]
pub(super) struct Outlook {
    /// Whether its audience fits its window.
    #[serde(flatten)]
    forecast: Forecast,
    /// The windows of recipients who live by their own clocks; of these, `forecast` tells of the fullest.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    windows: Vec<WindowLoad>,
    /// What of the window belongs to other runs.
    promised: Vec<Promised>,
    /// What Meta's messaging limit leaves, for each portfolio that has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    quotas: Vec<Balance>,
    /// What is worth knowing, though it stops nothing now.
    pub(super) warnings: Vec<String>,
}

/// Checks `spec` against the facts. `headroom` is the share of a number's throughput that is planned with.
pub(super) fn check(spec: &CampaignSpec, facts: &Facts, now: UnixMs, headroom: f64) -> Result<Outlook, Faults> {
    let mut faults = spec.check(now);
    check_clocks(spec, facts, now, &mut faults);
    // A window that is wrong or past holds nothing: the one fault is enough.
    let on_time = !faults
        .iter()
        .any(|fault| ["/schedule", "/window", "/canary"].iter().any(|part| fault.pointer.starts_with(part)));
    match Renderers::compile(&spec.message) {
        Ok(renderers) => check_audience(spec, facts, renderers.attributes(), &mut faults),
        Err(misfits) => {
            faults.append(misfits);
            check_audience(spec, facts, &[], &mut faults);
        }
    }
    check_pool(spec, facts, &mut faults);
    faults.append(lint_templates(facts).faults);
    facts.files.iter().for_each(|file| check_file(file, &mut faults));
    let capacity = Capacity::of(spec, facts, now, headroom);
    let mut warnings = warnings(spec, facts);
    if on_time && !facts.numbers.is_empty() {
        for Complaint { pointer, why, hopeless } in capacity.complaints {
            match (hopeless, spec.force) {
                (true, _) => faults.add(pointer, format!("{why}.")),
                (false, true) => warnings.push(format!("Forced, although {why}.")),
                (false, false) => faults.add(pointer, format!("{why}. `\"force\": true` takes it all the same.")),
            }
        }
    }
    if let Some(why) = admission::too_big(facts.meant, facts.memory.used, facts.memory.limit) {
        faults.add("/audience/id", format!("{why}."));
    }
    let shortfall = shortfall(facts);
    if let Some(short) = shortfall.as_ref().filter(|short| on_time && !spec.force && !keeps_promise(spec, short)) {
        let remedy = "Write to fewer, wait until Meta raises the limit, or send it all the same with `\"force\": true`";
        faults.add("/audience/id", format!("{short}. {remedy}."));
    }
    warnings.extend(shortfall.map(|short| format!("{short}; Meta may refuse the rest (131048).")));
    let reach = Stretch { from: capacity.opening.opens_at, until: capacity.opening.closes_at };
    let clocks = Clocks::new(&spec.window, spec.schedule.zone(), reach);
    let civil = facts.first.as_ref().filter(|_| spec.schedule.is_per_recipient()).map(|first| first.civil);
    if let Err(quiet) = clocks.each_own(civil, Until::Closes).of(None) {
        warnings.push(format!("Recipients without a `timezone` of their own are dropped: {quiet}."));
    }
    warnings.extend(audience_warnings(spec, facts, capacity.opening.opens_at.max(now)));
    let quotas = facts.quota.as_ref().map_or_else(Vec::new, |quota| quota.balances.clone());
    let Capacity { forecast, windows, promised, .. } = capacity;
    faults.into_result(Outlook { forecast, windows, promised, quotas, warnings })
}

/// What Meta's messaging limit lacks for this audience.
fn shortfall(facts: &Facts) -> Option<Shortfall> {
    facts.quota.as_ref()?.shortfall(facts.meant, &senders(facts))
}

/// Whether those that the limit lets through are as many as the campaign promises.
fn keeps_promise(spec: &CampaignSpec, short: &Shortfall) -> bool {
    short.attainable() >= spec.sla.objective
}

pub(super) fn senders(facts: &Facts) -> Vec<Sender> {
    let sender = |number: &Number| Sender { id: number.phone_number_id.clone(), mps: number.mps, quota: None };
    facts.numbers.iter().map(sender).collect()
}

/// Whose clocks show the time of a campaign no more.
fn check_clocks(spec: &CampaignSpec, facts: &Facts, now: UnixMs, faults: &mut Faults) {
    let Some(first) = facts.first.as_ref().filter(|_| spec.schedule.is_per_recipient()) else { return };
    let loads = spec.loads(first, &facts.zones, UnixMs::MIN, facts.meant).into_iter();
    let past: Vec<Load> = loads.filter(|load| load.opening.closes_at <= now).collect();
    if let Some(farthest) = past.first() {
        let recipients: u64 = past.iter().map(|load| load.recipients).sum();
        let detail = format!(
            "{} has passed already for {recipients} recipients, in {}: schedule a later day, or leave them out.",
            first.civil,
            farthest.named(),
        );
        faults.add("/schedule", detail);
    }
}

fn check_audience(spec: &CampaignSpec, facts: &Facts, attributes: &[String], faults: &mut Faults) {
    let id = &spec.audience.id;
    let Some(audience) = &facts.audience else {
        return faults
            .add("/audience/id", format!("there is no audience `{id}`; create it and import its rows first."));
    };
    let Some(version) = facts.version.as_ref().filter(|version| version.rows > 0) else {
        return faults.add("/audience/id", format!("the audience `{}` has no rows; import some first.", audience.name));
    };
    let message = serde_json::to_value(&spec.message).expect("messages hold nothing that JSON lacks");
    for attribute in attributes.iter().filter(|attribute| !version.columns.contains(*attribute)) {
        let pointer = place_of(attribute, &message, "/message").unwrap_or_else(|| "/message".to_owned());
        let columns = columns(version);
        let detail = format!("the audience `{}` has no column `{attribute}`; it has {columns}.", audience.name);
        faults.add(pointer, detail);
    }
    for column in spec.audience.segment.columns().filter(|column| !version.columns.contains(*column)) {
        let pointer = format!("/audience/where/{}", column.replace('~', "~0").replace('/', "~1"));
        let columns = columns(version);
        faults.add(pointer, format!("the audience `{}` has no column `{column}`; it has {columns}.", audience.name));
    }
}

fn columns(version: &AudienceVersion) -> String {
    let shown: Vec<_> = version.columns.iter().take(50).map(|name| format!("`{name}`")).collect();
    match shown.len() {
        0 => "no attribute at all".to_owned(),
        n if n < version.columns.len() => format!("{} and {} more", shown.join(", "), version.columns.len() - n),
        _ => shown.join(", "),
    }
}

/// Where the message uses the attribute, as a JSON pointer.
fn place_of(attribute: &str, value: &Value, pointer: &str) -> Option<String> {
    match value {
        Value::String(text) if uses(text, attribute) => Some(pointer.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| place_of(attribute, item, &format!("{pointer}/{n}")))
        }
        Value::Object(fields) => {
            fields.iter().find_map(|(name, field)| place_of(attribute, field, &format!("{pointer}/{name}")))
        }
        _ => None,
    }
}

/// Whether `text` has `attribute` as a word of its own inside a tag.
fn uses(text: &str, attribute: &str) -> bool {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let in_tags = text.split('{').skip(1).filter_map(|tag| tag.split('}').next());
    in_tags.flat_map(|tag| tag.split(|c: char| !is_word(c))).any(|word| word == attribute)
}

fn check_pool(spec: &CampaignSpec, facts: &Facts, faults: &mut Faults) {
    if !facts.numbers.is_empty() {
        return;
    }
    let pools: Vec<_> = facts.pools.iter().map(|pool| format!("`{pool}`")).collect();
    let detail = match (facts.pools.contains(&spec.pool), pools.is_empty()) {
        (true, _) => format!("the pool `{}` has no active number, only standbys; make one active.", spec.pool),
        (false, true) => format!("there is no pool `{}`, nor any number; add a number to it.", spec.pool),
        (false, false) => {
            format!(
                "there is no pool `{}`; there are {}. Add a number to it or use another.",
                spec.pool,
                pools.join(", ")
            )
        }
    };
    faults.add("/pool", detail);
}

/// What is to be said of the campaign's templates, in every account that is known, each thing once.
fn lint_templates(facts: &Facts) -> CampaignLint {
    let mut all = CampaignLint::default();
    for (account, definitions) in &facts.templates {
        let Some(definitions) = definitions else { continue };
        let lint = lint_for(definitions, &facts.message, facts.lead_ms);
        for (found, told) in [(lint.faults, &mut all.faults), (lint.warnings, &mut all.warnings)] {
            for fault in found {
                let many = facts.templates.len() > 1;
                let detail = if many { format!("account {account}: {}", fault.detail) } else { fault.detail };
                if !told.iter().any(|it| it.pointer == fault.pointer && it.detail == detail) {
                    told.add(fault.pointer, detail);
                }
            }
        }
    }
    all
}

/// Meta: most bytes of a video that stands as a GIF (Marketing Messages API).
const MAX_GIF: u64 = 3_500_000;

fn check_file(file: &NamedFile, faults: &mut Faults) {
    let NamedFile { pointer, kind, name, asset } = file;
    match asset {
        None => faults.add(pointer.as_str(), format!("there is no asset `{name}`; upload it first.")),
        Some(asset) if !fits(kind, &asset.mime) => {
            faults.add(pointer.as_str(), format!("the asset `{name}` is {}; {}.", asset.mime, taken(kind)));
        }
        Some(asset) if *kind == "gif" && asset.size > MAX_GIF => {
            let detail =
                format!("the asset `{name}` has {} bytes; as a `gif` WhatsApp takes {MAX_GIF} at most.", asset.size);
            faults.add(pointer.as_str(), detail);
        }
        Some(_) => {}
    }
}

/// Images, videos and sounds are what they say, but for stickers; everything else goes as a document.
fn fits(kind: &str, mime: &str) -> bool {
    match mime.split('/').next().unwrap_or_default() {
        "image" if mime == "image/webp" => kind == "sticker",
        "video" if kind == "gif" => mime == "video/mp4",
        media @ ("image" | "video" | "audio") => media == kind,
        _ => kind == "document",
    }
}

fn taken(kind: &str) -> &'static str {
    match kind {
        "image" => "this takes images, JPEG or PNG",
        "video" => "this takes videos",
        "gif" => "this takes silent videos, which are video/mp4",
        "audio" => "this takes sounds",
        "sticker" => "this takes stickers, which are image/webp",
        _ => "this takes documents",
    }
}

/// What is worth knowing of a campaign and what there is for it.
pub(super) fn warnings(spec: &CampaignSpec, facts: &Facts) -> Vec<String> {
    let mut warnings = Vec::new();
    for account in facts.templates.iter().filter(|(_, known)| known.is_none()).map(|(account, _)| account) {
        warnings.push(format!(
            "The templates of account {account} are not known yet, so the message was not checked against them; \
             preflight will check it."
        ));
    }
    warnings.extend(lint_templates(facts).warnings.iter().map(|warning| warning.detail.clone()));
    if facts.pool_paused {
        warnings.push(format!("The pool `{}` is paused: nothing goes out until it is resumed.", spec.pool));
    }
    let paused: Vec<_> = facts.numbers.iter().filter(|n| n.paused).map(|n| n.phone_number_id.as_str()).collect();
    if !paused.is_empty() {
        let paused = paused.join(", ");
        warnings.push(format!("Paused, yet counted on by this forecast: {paused}."));
    }
    if !facts.kept_back.is_empty() {
        let ids: Vec<_> = facts.kept_back.iter().map(|id| id.as_str()).collect();
        let told = "Kept back by the quality monitor for now, yet counted on by this forecast";
        warnings.push(format!("{told}: {}.", ids.join(", ")));
    }
    warnings.extend(window_warning(spec));
    warnings
}

/// What becomes of those to whom no free-form message may go.
fn window_warning(spec: &CampaignSpec) -> Option<String> {
    let rest = match spec.message.of(Choice::FALLBACK) {
        Some(content) => format!("the others get the {}.", content.name()),
        None => "the others are dropped.".to_owned(),
    };
    let rule = "WhatsApp takes free-form messages only within 24 hours of the recipient's last message";
    spec.message.is_free_form().then(|| format!("{rule}; {rest}"))
}

/// What the rows that there are now would come to.
fn audience_warnings(spec: &CampaignSpec, facts: &Facts, sends_at: UnixMs) -> Vec<String> {
    let Some(version) = &facts.version else { return Vec::new() };
    let mut warnings = Vec::new();
    if facts.meant == 0 && version.rows > 0 {
        warnings.push(format!("None of the {} rows is in the segment; nobody would get this.", version.rows));
    }
    let stale = spec.audience.stale(version.updated_at, sends_at);
    warnings.extend(stale.map(|why| format!("The {why}: import before the run freezes, or it will be held.")));
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attribute_is_found_where_it_is_used() {
        let message = serde_json::json!({ "components": [
            { "parameters": [{ "text": "first_name" }] },
            { "parameters": [{ "text": "{{ a }} and {{ first_name | upper }}" }] },
        ] });
        let place = place_of("first_name", &message, "/message");
        assert_eq!(place.as_deref(), Some("/message/components/1/parameters/0/text"));
        assert_eq!(place_of("name", &message, "/message"), None);
    }

    #[test]
    fn a_file_fits_where_whatsapp_would_take_it() {
        for (kind, mime, expected) in [
            ("image", "image/png", true),
            ("image", "video/mp4", false),
            ("document", "application/pdf", true),
            ("document", "text/plain", true),
            ("document", "image/png", false),
            ("video", "application/pdf", false),
            ("image", "image/webp", false),
            ("sticker", "image/webp", true),
            ("sticker", "image/png", false),
            ("audio", "audio/ogg", true),
            ("document", "audio/ogg", false),
            ("gif", "video/mp4", true),
            ("gif", "video/3gpp", false),
        ] {
            assert_eq!(fits(kind, mime), expected, "{kind} {mime}");
        }
    }
}
