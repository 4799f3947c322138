//! To whom: an audience, the segment of it, and how fresh it must be.

use std::collections::BTreeMap;

use chrono::{DateTime, SecondsFormat};
use serde::Serialize;

use crate::{
    UnixMs,
    fault::read::{Fields, Node},
    ids::AudienceId,
    window::Span,
};

/// Most columns that a segment may look at.
const MAX_COLUMNS: usize = 20;
/// Most values that it may list for one column.
const MAX_VALUES: usize = 1_000;

/// The audience of a campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AudienceRef {
    /// Which audience.
    pub id: AudienceId,
    /// How old its rows may be when sending begins; older ones hold the run. `None`: as old as they are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub require_fresh: Option<Span>,
    /// Who of it; everybody unless given.
    #[serde(rename = "where", skip_serializing_if = "Segment::is_everybody")]
    pub segment: Segment,
}

impl AudienceRef {
    /// Everybody of an audience, as old as its rows are.
    pub fn whole(id: AudienceId) -> Self {
        Self { id, require_fresh: None, segment: Segment::default() }
    }
}

/// A part of an audience: per column the values of which a row must have one. A row must fit in every column.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Segment(BTreeMap<String, Vec<String>>);

impl Segment {
    /// Whether it leaves nobody out.
    pub fn is_everybody(&self) -> bool {
        self.0.is_empty()
    }

    /// The columns that it looks at.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Why a row is outside: the first column that does not fit. `value` gives the row's value of a column.
    pub fn misfit<'a>(&self, value: impl Fn(&str) -> Option<&'a str>) -> Option<&str> {
        let fits = |(column, values): &(&String, &Vec<String>)| {
            value(column).is_some_and(|value| values.iter().any(|listed| listed == value))
        };
        self.0.iter().find(|entry| !fits(entry)).map(|(column, _)| column.as_str())
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        let columns = node.entries(|values| {
            let listed = values.list(Node::words)?;
            match listed.len() {
                0 => values.fault("lists no value; list those that are meant, or leave the column out."),
                many if many > MAX_VALUES => values.fault(format!("lists {many} values; {MAX_VALUES} is the most.")),
                _ => Some(listed),
            }
        })?;
        if columns.len() > MAX_COLUMNS {
            return node.fault(format!("names {} columns; {MAX_COLUMNS} is the most.", columns.len()));
        }
        Some(Self(columns))
    }
}

impl AudienceRef {
    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields: &mut Fields<'_, '_>| {
            let id = fields.required("id", Node::parse);
            let require_fresh = fields.maybe("require_fresh", super::read_some_time);
            let segment = fields.or("where", Segment::default(), Segment::read);
            Some(Self { id: id?, require_fresh: require_fresh?, segment: segment? })
        })
    }

    /// Why rows that were `updated_at` then are too old to be sent from `sends_at` on; `None` when they are not. The
    /// words stay the same however late it gets: what holds a run is told once.
    pub fn stale(&self, updated_at: UnixMs, sends_at: UnixMs) -> Option<String> {
        let fresh = self.require_fresh?;
        let at = DateTime::from_timestamp_millis(updated_at)?.to_rfc3339_opts(SecondsFormat::Secs, true);
        (sends_at - updated_at > fresh.ms()).then(|| {
            format!("audience {} was last updated at {at}, longer than require_fresh {fresh} before sending", self.id)
        })
    }
}
