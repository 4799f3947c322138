//! The message of every measurement, and who gets it: the same for both sides.

use std::collections::BTreeMap;

use anyhow::anyhow;
use chrono::{DateTime, Utc};
use dawncast_core::{
    campaign::{CampaignSpec, Priority},
    ids::AudienceId,
};
use dawncast_store::records::Recipient;
use serde_json::json;

/// The deployment's name, which rides in every message.
pub(crate) const DEPLOYMENT: &str = "bench";
/// The pool of all numbers.
pub(crate) const POOL: &str = "advisors";
/// The attributes that the message uses.
pub(crate) const ATTRIBUTES: [&str; 2] = ["first_name", "image"];
/// The simulator's secret for signing webhooks.
pub(crate) const APP_SECRET: &str = "sim_app_secret";
/// The simulator's access token.
pub(crate) const TOKEN: &str = "SIM_TOKEN";

/// A daily pack, a picture of the recipient's own and a name, to everyone in `audience` in a window of this length.
pub(crate) fn campaign(
    audience: &AudienceId,
    opens_at: DateTime<Utc>,
    window: &str,
    priority: Priority,
) -> anyhow::Result<CampaignSpec> {
    let spec = json!({
        "name": "bench", "pool": POOL, "priority": priority, "audience": { "id": audience },
        "message": {
            "type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY",
            "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "link": "{{ image }}" } }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] },
            ],
        },
        "schedule": { "type": "at", "at": opens_at.format("%Y-%m-%dT%H:%M:%S").to_string(), "timezone": "UTC" },
        "window": { "opens": "0s", "closes": format!("+{window}"), "deadline": "+2m" },
    });
    CampaignSpec::parse(spec.to_string().as_bytes()).map_err(|faults| anyhow!("the campaign is faulty: {faults}"))
}

/// The recipient at `place`.
pub(crate) fn recipient(place: u64) -> Recipient {
    Recipient {
        phone: 919_800_000_000 + place,
        id: Some(format!("adv-{place:06}")),
        tier: None,
        attributes: BTreeMap::from([
            ("first_name".to_owned(), format!("Asha {place}")),
            ("image".to_owned(), format!("https://media.example.com/packs/2026-11-23/adv-{place:06}.png")),
        ]),
        timezone: None,
        consent: None,
        user_id: None,
    }
}
