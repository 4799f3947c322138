//! What the audit goes by: the simulator's ledger and the list of deliveries, each in its public form, read by code of
//! its own.

use std::{collections::BTreeMap, fmt::Display, fs, path::Path};

use chrono::{DateTime, Utc};
use serde::Deserialize;

use crate::{
    failure::Failure,
    play::{Scene, Stage},
};

/// What the simulator accepted, by WhatsApp id.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Ledger {
    pub(super) recipients: BTreeMap<String, Recipient>,
}

/// The messages accepted for one recipient.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Recipient {
    pub(super) attempts: Vec<Message>,
}

/// One accepted message.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Message {
    pub(super) callback_data: String,
    pub(super) at_ms: i64,
    /// The code of the `failed` receipt that follows.
    #[serde(default)]
    pub(super) failed: Option<u32>,
}

/// What the callback data of a message say: `d1:deployment:run.page.index:attempt:epoch`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Origin {
    pub(super) page: u32,
    pub(super) index: u32,
    pub(super) attempt: u32,
    pub(super) epoch: u32,
}

impl Message {
    /// Where it came from; none when its callback data are not ours.
    pub(super) fn origin(&self) -> Option<Origin> {
        let [_, _, delivery, attempt, epoch] = *self.callback_data.split(':').collect::<Vec<_>>() else { return None };
        let (page, index) = place(delivery)?;
        Some(Origin { page, index, attempt: attempt.parse().ok()?, epoch: epoch.parse().ok()? })
    }
}

/// Page and index of a delivery's id, `run.page.index`.
fn place(delivery: &str) -> Option<(u32, u32)> {
    let mut parts = delivery.rsplitn(3, '.');
    let (index, page) = (parts.next()?, parts.next()?);
    Some((page.parse().ok()?, index.parse().ok()?))
}

/// A row of the list of deliveries, as far as it matters here.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Row {
    /// Absent when the row was dropped.
    pub(super) id: Option<String>,
    pub(super) phone: String,
    pub(super) state: String,
    pub(super) due_at: Option<DateTime<Utc>>,
    pub(super) attempts: u32,
}

impl Row {
    /// The WhatsApp id of the recipient.
    pub(super) fn digits(&self) -> &str {
        self.phone.trim_start_matches('+')
    }

    /// Page and index.
    pub(super) fn place(&self) -> Option<(u32, u32)> {
        place(self.id.as_deref()?)
    }
}

/// Both.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    pub(super) ledger: Ledger,
    pub(super) rows: Vec<Row>,
}

impl Evidence {
    /// Asks simulator and engine for it, and leaves it in `folder` as it came.
    pub(super) async fn gather(stage: &Stage, scene: &Scene, folder: &Path) -> Result<Self, Failure> {
        let list = stage.api.get_csv(&["v1", "runs", &scene.run, "deliveries"], &[]).await?;
        let list = list.bytes().await.map_err(|why| unreadable(&why))?;
        let ledger = stage.sim.get(&["_sim", "ledger"], &[]).await?;
        fs::write(folder.join("deliveries.csv"), &list).map_err(|why| unreadable(&why))?;
        fs::write(folder.join("ledger.json"), ledger.to_string()).map_err(|why| unreadable(&why))?;
        let ledger = serde_json::from_value(ledger).map_err(|why| unreadable(&why))?;
        Ok(Self { ledger, rows: rows(&list)? })
    }
}

fn rows(csv: &[u8]) -> Result<Vec<Row>, Failure> {
    let rows: Result<_, _> = csv::Reader::from_reader(csv).deserialize().collect();
    rows.map_err(|why| unreadable(&why))
}

fn unreadable(why: &dyn Display) -> Failure {
    Failure::new(format!("the audit cannot be made: {why}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn callback_data_tell_where_a_message_came_from() {
        let origin =
            |callback_data: &str| Message { callback_data: callback_data.to_owned(), at_ms: 0, failed: None }.origin();
        let ours = origin("d1:dawncast:cmp_a-20261123T060000-Asia_Kolkata.12.255:2:7");
        assert_eq!(ours, Some(Origin { page: 12, index: 255, attempt: 2, epoch: 7 }));
        for others in ["", "order-5", "d1:x:run.1:1:1", "d1:x:run.1.2:one:1", "d1:x:run.1.2:1:1:1"] {
            assert_eq!(origin(others), None, "{others}");
        }
    }

    #[test]
    fn a_list_is_read_by_its_columns() {
        let csv = "id,phone,recipient_id,tier,state,reason,phone_number_id,due_at,attempts,begun_at,sent_at,delivered_at,\
                   read_at,code\nrun.3.7,+911,a,,sent,,1,2026-11-23T00:30:00.000Z,2,,,,,\n,+912,b,,dropped,duplicate,,,0,,,,,\n";
        let rows = rows(csv.as_bytes()).unwrap();
        assert_eq!((rows[0].digits(), rows[0].place(), rows[0].attempts), ("911", Some((3, 7)), 2));
        assert_eq!(rows[0].due_at.unwrap().timestamp(), 1_795_393_800);
        assert_eq!((rows[1].state.as_str(), rows[1].place(), rows[1].due_at), ("dropped", None, None));
    }
}
