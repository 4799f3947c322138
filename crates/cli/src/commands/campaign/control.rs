//! What is done to a campaign beside pausing it: edits, tests, another run, another campaign.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::{ZONE, forecast, people};
use crate::{
    client::{Api, Remote},
    commands::read_text,
    failure::Failure,
    output::{Table, cell, details, field, time_cell, zone_at},
};

/// A merge patch of the campaign, made from what it says now.
pub(super) async fn edit(remote: &Remote, api: &Api, id: &str, file: &Path) -> Result<(), Failure> {
    let (patch, path) = (read_text(file)?, ["v1", "campaigns", id]);
    let (_, tag) = api.get_tagged(&path).await?;
    let edited = api.patch_if(&path, patch, &tag).await.map_err(|failure| failure.of(file))?;
    remote.show(&edited, |edited| {
        let from = cell(edited, "/applies_from");
        format!("{}\n{}\nThe edit is in the runs from {from} on.", people(edited), forecast(&edited["forecast"]))
    });
    Ok(())
}

/// Whom a test goes to, and what it is rendered with.
#[derive(Debug, clap::Args)]
pub(crate) struct Test {
    /// The campaign, `cmp_…`.
    id: String,
    /// A phone; give it again for more, up to 20.
    #[arg(long, required = true, value_name = "PHONE")]
    to: Vec<String>,
    /// The phone or the id of one in the audience whose attributes are taken.
    #[arg(long, value_name = "PHONE_OR_ID")]
    recipient: Option<String>,
    /// An attribute, as NAME=VALUE; give it again for more.
    #[arg(long, value_name = "NAME=VALUE", value_parser = attribute, conflicts_with = "recipient")]
    attribute: Vec<(String, String)>,
}

fn attribute(given: &str) -> Result<(String, String), String> {
    let (name, value) = given.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Sends a test; fails when some phone did not get it.
pub(super) async fn test(remote: &Remote, api: &Api, wanted: Test) -> Result<(), Failure> {
    let Test { id, to, recipient, attribute } = wanted;
    let mut body = json!({ "to": to, "recipient": recipient });
    if recipient.is_none() {
        body["attributes"] = json!(attribute.into_iter().collect::<BTreeMap<_, _>>());
    }
    let tested = api.create(&["v1", "campaigns", &id, "test"], body.to_string(), None).await?;
    remote.show(&tested, outcome);
    let results = tested["results"].as_array().map(Vec::as_slice).unwrap_or_default();
    let got = ["accepted", "sent", "delivered", "read"];
    let missed = results.iter().filter(|line| !got.contains(&cell(line, "/state").as_str())).count();
    if missed == 0 {
        return Ok(());
    }
    let run = cell(&tested, "/run");
    let why = field(&tested, "/waits_for").map(|what| format!(" It waits: {what}")).unwrap_or_default();
    Err(Failure::new(format!("{missed} of {} phones did not get it.{why} See dawncast run show {run}", results.len())))
}

fn outcome(tested: &Value) -> String {
    let mut table = Table::new(&["PHONE", "STATE", "MESSAGE", "CODE", "DETAIL"]);
    for line in tested["results"].as_array().into_iter().flatten() {
        let [phone, state, message, detail] = ["/phone", "/state", "/message_id", "/detail"].map(|it| cell(line, it));
        let code = line["code"].as_u64().map_or_else(String::new, |code| code.to_string());
        table.row([phone, state, message, code, detail]);
    }
    table.render("Nothing was sent.")
}

/// Another run of what it says, at once.
pub(super) async fn run_now(remote: &Remote, api: &Api, id: &str, key: Option<&str>) -> Result<(), Failure> {
    let run = api.create(&["v1", "campaigns", id, "run-now"], String::new(), key).await?;
    remote.show(&run, |run| {
        let id = cell(run, "/id");
        format!("Run {id} is started. Follow it: dawncast run watch {id}\n{}", forecast(&run["forecast"]))
    });
    Ok(())
}

/// A new campaign that says the same, but for what `file` patches.
pub(super) async fn duplicate(
    remote: &Remote,
    api: &Api,
    id: &str,
    file: Option<&Path>,
    key: Option<&str>,
) -> Result<(), Failure> {
    let patch = file.map(read_text).transpose()?.unwrap_or_default();
    let created = api.create(&["v1", "campaigns", id, "duplicate"], patch, key).await;
    let created = created.map_err(|failure| if let Some(file) = file { failure.of(file) } else { failure })?;
    let zone = zone_at(&api.get(&["v1", "campaigns", &cell(&created, "/id")], &[]).await?, ZONE);
    remote.show(&created, |created| {
        let run = details([
            ("Campaign", field(created, "/id")),
            ("Run", field(created, "/next_run")),
            ("Goes out", Some(time_cell(created, "/next_run_at", zone))),
        ]);
        format!("{run}\n{}", forecast(&created["forecast"]))
    });
    Ok(())
}
