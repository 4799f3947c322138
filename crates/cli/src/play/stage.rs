//! Setting the scene through the public API, exactly as a user would.

use std::{fmt, path::Path, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use dawncast_cloud_sim::WABA_ID;
use dawncast_store::records::Secret;
use serde_json::{Value, json};

use super::{Script, ZONE, cast, ports::Addresses};
use crate::{
    client::Api,
    failure::Failure,
    output::{cell, local, thousands},
};

/// How far ahead the broadcast is scheduled: time enough for freeze, plan and preflight.
const AHEAD: TimeDelta = TimeDelta::seconds(6);
const POOL: &str = "advisors";
/// The simulator's numbers count up from here.
const FIRST_NUMBER: u64 = 100_000_000_000_001;
/// The columns that are no attributes of their own.
const KNOWN_COLUMNS: [&str; 6] = ["phone", "id", "tier", "timezone", "consent", "user_id"];

/// The deployment, as its users see it.
pub(crate) struct Stage {
    pub(crate) api: Api,
    /// The simulator's own calls.
    pub(crate) sim: Api,
}

/// A broadcast that is scheduled.
pub(crate) struct Scene {
    pub(crate) run: String,
    pub(crate) recipients: u64,
    pub(crate) opens_at: DateTime<Utc>,
    pub(crate) closes_at: DateTime<Utc>,
    pub(crate) deadline_at: DateTime<Utc>,
    numbers: u16,
}

impl fmt::Display for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (recipients, at) = (thousands(self.recipients), local(self.opens_at, ZONE));
        write!(f, "{recipients} recipients hear from {} numbers at {at}: run {}", self.numbers, self.run)
    }
}

/// Who is written to, and what.
struct Cast {
    csv: Vec<u8>,
    message: Value,
}

impl Stage {
    /// The deployment at these addresses.
    pub(crate) fn new(addresses: &Addresses) -> Result<Self, Failure> {
        let key = Secret::new(addresses.key.clone());
        let api = Api::new(&format!("http://{}", addresses.api), Some(key))?;
        Ok(Self { api, sim: Api::new(&format!("http://{}", addresses.sim), None)? })
    }

    /// Adds numbers, pictures and an audience, and schedules the campaign.
    pub(crate) async fn set(&self, script: &Script) -> Result<Scene, Failure> {
        self.add_numbers(script).await?;
        let cast = match &script.csv {
            Some(path) => from_file(path)?,
            None => self.made_up(script).await?,
        };
        let (audience, recipients) = self.import(script, cast.csv).await?;
        // A whole second, and far enough ahead.
        let opens_at =
            DateTime::from_timestamp((Utc::now() + AHEAD).timestamp() + 1, 0).expect("the near future is in range");
        let campaign = campaign(script, &audience, cast.message, opens_at);
        let created = self.api.create(&["v1", "campaigns"], campaign.to_string(), None).await?;
        let run = cell(&created, "/next_run");
        let closes_at = opens_at + script.window;
        let deadline_at = closes_at + script.slack;
        Ok(Scene { run, recipients, opens_at, closes_at, deadline_at, numbers: script.numbers })
    }

    async fn add_numbers(&self, script: &Script) -> Result<(), Failure> {
        for place in 0..u64::from(script.numbers) {
            let number = json!({
                "phone_number_id": (FIRST_NUMBER + place).to_string(), "waba_id": WABA_ID, "pool": POOL, "mps": script.mps,
                "display_phone_number": format!("+91 80000 {:05}", place + 1), "access_token": "SIM_TOKEN",
            });
            self.api.create(&["v1", "numbers"], number.to_string(), None).await?;
        }
        Ok(())
    }

    /// Made-up recipients: each gets a picture for its tier.
    async fn made_up(&self, script: &Script) -> Result<Cast, Failure> {
        for (tier, _, colour) in cast::TIERS {
            let name = format!("pack_{tier}");
            self.api.upload(&["v1", "assets"], &[("name", &name)], "image/png", cast::picture(colour)).await?;
        }
        let message = json!({
            "type": "template", "name": "daily_pack_v1", "language": "en_IN", "category": "UTILITY",
            "components": [
                { "type": "header", "parameters": [{ "type": "image", "image": { "asset": "{{ image }}" } }] },
                { "type": "body", "parameters": [{ "type": "text", "text": "{{ first_name }}" }] },
            ],
        });
        Ok(Cast { csv: cast::recipients(script.recipients, script.seed).into_bytes(), message })
    }

    /// Brings the rows in: the audience's id, and how many there are.
    async fn import(&self, script: &Script, csv: Vec<u8>) -> Result<(String, u64), Failure> {
        let created = self.api.create(&["v1", "audiences"], json!({ "name": script.name }).to_string(), None).await?;
        let id = cell(&created, "/id");
        let path = ["v1", "audiences", &id, "imports"];
        let import = self.api.upload(&path, &[("mode", "replace")], "text/csv", csv).await?;
        let name = script.csv.as_deref().map_or_else(|| "recipients".to_owned(), |file| file.display().to_string());
        crate::commands::tell_rejects(&self.api, &import, &name).await?;
        if import["state"] != "done" {
            return Err(Failure::new(format!("{name}: {}", cell(&import, "/error"))));
        }
        Ok((id, import["accepted"].as_u64().unwrap_or_default()))
    }
}

/// The user's own recipients: a text with whatever the file knows of them.
fn from_file(path: &Path) -> Result<Cast, Failure> {
    let failed = |why: &dyn fmt::Display| Failure::new(format!("{}: {why}", path.display()));
    let csv = std::fs::read(path).map_err(|why| failed(&why))?;
    let mut reader = csv::Reader::from_reader(csv.as_slice());
    let columns: Vec<String> =
        reader.headers().map_err(|why| failed(&why))?.iter().map(|it| it.trim().to_owned()).collect();
    let text = variable(&columns).map_or_else(|| "there".to_owned(), |column| format!("{{{{ {column} }}}}"));
    let message = json!({
        "type": "template", "name": "daily_text_v1", "language": "en_IN", "category": "UTILITY",
        "components": [{ "type": "body", "parameters": [{ "type": "text", "text": text }] }],
    });
    Ok(Cast { csv, message })
}

/// The column that fills the template: `first_name`, else the first attribute, else `id`.
fn variable(columns: &[String]) -> Option<&str> {
    let named = |name: &str| columns.iter().find(|column| *column == name);
    let attribute = || columns.iter().find(|column| !KNOWN_COLUMNS.contains(&column.as_str()));
    named("first_name").or_else(attribute).or_else(|| named("id")).map(String::as_str)
}

fn campaign(script: &Script, audience: &str, message: Value, opens_at: DateTime<Utc>) -> Value {
    let after = |length: Duration| format!("+{}", humantime::format_duration(length)).replace(' ', "");
    json!({
        "name": script.name, "pool": POOL, "message": message, "audience": { "id": audience },
        "schedule": {
            "type": "at", "timezone": ZONE.name(),
            "at": opens_at.with_timezone(&ZONE).format("%Y-%m-%dT%H:%M:%S").to_string(),
        },
        "window": { "opens": "+0s", "closes": after(script.window), "deadline": after(script.window + script.slack) },
        "unconfirmed": { "then": script.unconfirmed, "grace": humantime::format_duration(script.grace).to_string() },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_takes_the_first_name_or_what_there_is() {
        let check = |columns: &[&str], expected| {
            let columns: Vec<_> = columns.iter().map(|column| (*column).to_owned()).collect();
            assert_eq!(variable(&columns), expected);
        };
        check(&["phone", "city", "first_name"], Some("first_name"));
        check(&["phone", "tier", "city", "plan"], Some("city"));
        check(&["phone", "id"], Some("id"));
        check(&["phone"], None);
    }
}
