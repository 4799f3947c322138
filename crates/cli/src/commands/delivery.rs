//! `dawncast delivery show`: the whole story of one recipient in one run.

mod story;

use clap::Subcommand;
use serde_json::{Value, json};

use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::zone_at,
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
    let Action::Show { id, run, phone, recipient_id } = args.action;
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
