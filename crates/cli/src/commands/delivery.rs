//! `dawncast delivery`: the whole story of one recipient in one run, and what one phone got across runs.

mod story;

use chrono_tz::Tz;
use clap::Subcommand;
use serde_json::{Value, json};

use super::listing::{self, Paging};
use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::{cell, time_cell, zone_at},
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
    /// List what one phone got across all runs, the latest run first.
    List {
        /// The phone.
        #[arg(long)]
        phone: String,
        #[command(flatten)]
        paging: Paging,
    },
    /// Tell its whole story: by its id, or by its run and the recipient, who may have been dropped.
    Show {
        /// Its id: run, page and place, with dots between.
        #[arg(required_unless_present = "run", conflicts_with = "run")]
        id: Option<String>,
        /// The run, instead of an id.
        #[arg(long, requires = "whom")]
        run: Option<String>,
        /// The recipient's phone.
        #[arg(long, group = "whom", requires = "run")]
        phone: Option<String>,
        /// The recipient's own id.
        #[arg(long, group = "whom", requires = "run")]
        recipient_id: Option<String>,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let (remote, api) = (&args.remote, args.remote.api()?);
    let (id, run, phone, recipient_id) = match args.action {
        Action::List { phone, paging } => return list(remote, &api, phone, &paging).await,
        Action::Show { id, run, phone, recipient_id } => (id, run, phone, recipient_id),
    };
    let (found, run) = match (id, run) {
        (Some(id), _) => {
            let delivery = api.get(&["v1", "deliveries", &id], &[]).await?;
            let run = delivery["run"].as_str().unwrap_or_default().to_owned();
            (delivery, run)
        }
        (None, run) => {
            let run = run.expect("one of both is required");
            let whom = [("phone", phone), ("recipient_id", recipient_id)];
            (json!({ "items": of_recipient(&api, &run, &whom).await? }), run)
        }
    };
    let run = api.get(&["v1", "runs", &run], &[]).await?;
    let campaign = api.get(&["v1", "campaigns", run["campaign"].as_str().unwrap_or_default()], &[]).await?;
    let zone = zone_at(&campaign, "/spec/schedule/timezone");
    remote.show(&found, |found| {
        let stories = found["items"].as_array().map_or(std::slice::from_ref(found), Vec::as_slice);
        stories.iter().map(|delivery| story::tell(delivery, zone)).collect::<Vec<_>>().join("\n\n")
    });
    Ok(())
}

async fn list(remote: &Remote, api: &Api, phone: String, paging: &Paging) -> Result<(), Failure> {
    let mut query = vec![("phone", Some(phone))];
    query.extend(paging.query());
    let table =
        (["RUN", "OPENS", "ID", "STATE", "REASON", "CODE", "SENT", "DELIVERED", "READ"], "There are none here.");
    let cells = |it: &Value| {
        let [run, id, state, reason] = ["/run", "/id", "/state", "/reason"].map(|field| cell(it, field));
        let code = it["code"].as_u64().map_or_else(String::new, |code| code.to_string());
        // The list spans campaigns, so its times have one zone.
        let times = ["/opens_at", "/sent_at", "/delivered_at", "/read_at"].map(|at| time_cell(it, at, Tz::UTC));
        let [opens, sent, delivered, read] = times;
        [run, opens, id, state, reason, code, sent, delivered, read]
    };
    let page = api.get(&["v1", "deliveries"], &query).await?;
    remote.show(&page, |page| listing::table(page, &table, cells) + &waits(page));
    listing::say_more(remote, &page);
    Ok(())
}

/// What Meta withholds from the phone at present, a line each.
fn waits(page: &Value) -> String {
    let waits = page["waits"].as_array().into_iter().flatten();
    waits.map(|wait| format!("\nWaits ({}): {}.", cell(wait, "/scope"), cell(wait, "/why"))).collect()
}

/// The deliveries of a recipient with their stories, and the rows that were dropped.
async fn of_recipient(api: &Api, run: &str, whom: &[(&str, Option<String>)]) -> Result<Vec<Value>, Failure> {
    let listed = api.get(&["v1", "runs", run, "deliveries"], whom).await?;
    let mut found = Vec::new();
    for item in listed["items"].as_array().into_iter().flatten() {
        found.push(match item["id"].as_str() {
            Some(id) => api.get(&["v1", "deliveries", id], &[]).await?,
            None => item.clone(),
        });
    }
    if found.is_empty() {
        let detail =
            format!("run {run} knows no such recipient, neither sent to nor dropped: see who its audience holds");
        return Err(Failure::new(detail));
    }
    Ok(found)
}
