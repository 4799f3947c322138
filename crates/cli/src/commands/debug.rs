//! `dawncast debug`: what is stored, in plain words. Reads Redis itself, with the configuration of `dawncast serve`.

use std::path::PathBuf;

use chrono::DateTime;
use clap::Subcommand;
use dawncast_core::{UnixMs, campaign::Choice, ids::PageRef, phone::Phone};
use dawncast_store::{
    Store, StoreConfig,
    page::{StoredPage, TailNote},
};
use serde_json::{Value, json};

use crate::{
    config::Config,
    failure::Failure,
    output::{self, Table, details},
};

/// Look into the storage itself.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Print a stored page: its header, its deliveries, its tail. Phone numbers are masked.
    Page {
        /// The page: run and place, with a dot between.
        page: PageRef,
        /// The configuration; dawncast.toml, if it is there, unless given.
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
        /// Print JSON, for machines.
        #[arg(long)]
        json: bool,
    },
}

pub(super) async fn run(args: Args) -> Result<(), Failure> {
    let Action::Page { page, config, json } = args.action;
    let config = Config::load(config.as_deref(), crate::serve::environment())?;
    let url = config.redis.url.ok_or_else(|| {
        Failure::new(
            "set redis.url (DAWNCAST_REDIS__URL); that of a private Redis is redis+unix:// and its data folder, \
                      as in redis+unix:///var/lib/dawncast/redis.sock",
        )
    })?;
    let store = Store::connect(&StoreConfig::new(url.expose(), config.redis.prefix)).await?;
    let Some(stored) = store.page(&page).await? else { return Err(missing(&store, &page).await?) };
    output::show(json, &machine(&stored), |_| people(&stored));
    Ok(())
}

/// Why Redis has no such page.
async fn missing(store: &Store, page: &PageRef) -> Result<Failure, Failure> {
    let archived = store.run(&page.run).await?.and_then(|run| run.archived);
    Ok(match archived {
        Some(at) => Failure::new(format!("page `{page}` was archived at {}: look into {}", time(at.at), at.url)),
        None => Failure::new(format!("there is no page `{page}`")),
    })
}

fn time(at: UnixMs) -> String {
    DateTime::from_timestamp_millis(at).map_or_else(|| at.to_string(), |at| at.format("%F %T%.3f UTC").to_string())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Masked, as phones are wherever nobody asked for them.
fn masked(digits: u64) -> String {
    Phone::from_digits(digits).map_or_else(|why| why.to_string(), |phone| phone.to_string())
}

fn outcomes(page: &StoredPage, index: usize) -> Vec<String> {
    page.ledger.records[index].outcomes.iter().map(|outcome| format!("{outcome:?}").to_lowercase()).collect()
}

fn message_of(choice: Choice) -> String {
    match choice.place() {
        0 => "the campaign's own".to_owned(),
        place => format!("its fallback {place}"),
    }
}

fn note(note: &TailNote) -> String {
    match note {
        TailNote::MessageId(id) => format!("message id {id}"),
        TailNote::Superseded { number, code, begun_at } => {
            format!("superseded: number {number}, code {code}, begun {}", time(*begun_at))
        }
        TailNote::LateFact { outcome, code, at } => format!("late: {outcome:?}, code {code}, at {}", time(*at)),
    }
}

fn people(page: &StoredPage) -> String {
    let header = &page.ledger.header;
    let head = details([
        ("Page", Some(page.page.to_string())),
        ("Finished", Some(if header.finished { "yes" } else { "no" }.to_owned())),
        ("Deliveries", Some(header.count.to_string())),
        ("Claimed", Some(format!("{} times, now by {}", header.epoch, hex(&header.nonce)))),
        ("Version", Some(header.version.to_string())),
        ("Attempts", Some(format!("at most {}", header.terms.max_attempts))),
        ("Counts", Some(format!("{:?} or better by {}", header.terms.counts, time(header.terms.deadline)))),
        ("Message", Some(message_of(header.message).to_owned())),
        ("Home", Some(format!("number {} of the run", header.home))),
        ("First due", Some(time(header.first_due))),
        ("Redis server", Some(header.server.to_string())),
        ("In doubt until", header.doubt.map(time)),
        ("Attributes", Some(page.recipients.names.join(", "))),
    ]);
    let mut table =
        Table::new(&["PLACE", "PHONE", "RECIPIENT", "TIER", "DUE", "STANDING", "ATTEMPTS", "NUMBER", "CODE"]);
    for (index, (row, record)) in page.recipients.rows.iter().zip(&page.ledger.records).enumerate() {
        table.row([
            index.to_string(),
            masked(row.phone),
            row.id.clone(),
            row.tier.clone(),
            time(row.due),
            record.standing(&header.terms).as_str().to_owned(),
            outcomes(page, index).join(", "),
            record.number.to_string(),
            record.code.to_string(),
        ]);
    }
    let tail = page.tail.iter().map(|it| format!("{}, attempt {}: {}", it.index, it.attempt, note(&it.note)));
    let tail: Vec<_> = tail.collect();
    format!("{head}\n\n{}\n\nTail\n{}", table.render("no deliveries"), tail.join("\n"))
}

fn machine(page: &StoredPage) -> Value {
    let header = &page.ledger.header;
    let deliveries = page.recipients.rows.iter().zip(&page.ledger.records).enumerate().map(|(index, (row, record))| {
        json!({
            "index": index, "phone": masked(row.phone), "recipient_id": row.id, "tier": row.tier, "due_ms": row.due,
            "standing": record.standing(&header.terms).as_str(), "outcomes": outcomes(page, index),
            "number": record.number, "code": record.code, "throttled": record.throttled,
            "first_begun_ms": record.first_begun, "last_begun_ms": record.last_begun,
            "sent_ms": record.sent_at, "delivered_ms": record.delivered_at, "read_ms": record.read_at,
        })
    });
    let tail = page.tail.iter().map(|it| json!({ "index": it.index, "attempt": it.attempt, "note": note(&it.note) }));
    json!({
        "page": page.page.to_string(), "finished": header.finished, "epoch": header.epoch, "nonce": hex(&header.nonce),
        "version": header.version, "message": header.message.code(), "home": header.home, "base_ms": header.base, "first_due_ms": header.first_due,
        "server": header.server.to_string(), "doubt_until_ms": header.doubt,
        "max_attempts": header.terms.max_attempts, "deadline_ms": header.terms.deadline,
        "deliveries": deliveries.collect::<Vec<_>>(), "tail": tail.collect::<Vec<_>>(),
    })
}
