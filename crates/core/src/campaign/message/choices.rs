//! What an interactive message gives to choose from: buttons, the rows of a list, and options, which are one spelling for both.

use std::collections::BTreeSet;

use serde::Serialize;

use super::{in_number, interactive::Action};
use crate::fault::read::{Fields, Node};

/// Meta: most reply buttons.
const MAX_BUTTONS: usize = 3;
/// Meta: most sections of a list.
const MAX_SECTIONS: usize = 10;
/// Meta: most rows of a list, over all sections.
const MAX_ROWS: usize = 10;

/// A button that answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReplyButton {
    /// The only kind that there is.
    pub r#type: &'static str,
    /// What it says.
    pub reply: Reply,
}

/// What a button says, and answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reply {
    /// What comes back when it is tapped.
    pub id: String,
    /// What it says.
    pub title: String,
}

/// A part of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListSection {
    /// What stands above it; needed where there are several.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its rows, in order.
    pub rows: Vec<ListRow>,
}

/// A row of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListRow {
    /// What comes back when it is tapped.
    pub id: String,
    /// What it says.
    pub title: String,
    /// What it says in small letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

pub(super) fn read_buttons(node: &Node<'_>) -> Option<Vec<ReplyButton>> {
    let buttons = node.list(ReplyButton::read)?;
    in_number(node, buttons.len(), 1..=MAX_BUTTONS, "buttons")?;
    refuse_twice(node, "id", buttons.iter().map(|button| button.reply.id.as_str()))?;
    refuse_twice(node, "title", buttons.iter().map(|button| button.reply.title.as_str()))?;
    Some(buttons)
}

/// Two that are the same could not be told apart by what they answer, or by whom they are shown to.
fn refuse_twice<'a>(node: &Node<'_>, what: &str, mut all: impl Iterator<Item = &'a str>) -> Option<()> {
    let mut seen = BTreeSet::new();
    match all.find(|text| !seen.insert(*text)) {
        None => Some(()),
        Some(text) => node.fault(format!("holds the {what} `{text}` twice; give each one of its own.")),
    }
}

pub(super) fn read_sections(node: &Node<'_>) -> Option<Vec<ListSection>> {
    let sections = node.list(ListSection::read)?;
    in_number(node, sections.len(), 1..=MAX_SECTIONS, "sections")?;
    let rows: usize = sections.iter().map(|section| section.rows.len()).sum();
    if rows > MAX_ROWS {
        return node.fault(format!("holds {rows} rows in all; give at most {MAX_ROWS}."));
    }
    if sections.len() > 1 && sections.iter().any(|section| section.title.is_none()) {
        return node.fault("holds several sections, one of them without a `title`; give each one.");
    }
    refuse_twice(node, "row id", sections.iter().flat_map(|section| &section.rows).map(|row| row.id.as_str()))?;
    Some(sections)
}

impl ReplyButton {
    fn new(reply: Reply) -> Self {
        Self { r#type: "reply", reply }
    }

    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind("type", &["reply"]);
            let reply = fields.required("reply", Reply::read);
            kind.and(reply).map(Self::new)
        })
    }
}

impl Reply {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (id, title) = (fields.required("id", Node::words), fields.required("title", Node::words));
            Some(Self { id: id?, title: title? })
        })
    }
}

impl ListSection {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let title = fields.maybe("title", Node::words);
            let rows = fields.required("rows", |node| match node.list(ListRow::read)? {
                rows if rows.is_empty() => node.fault("is empty; give at least one row."),
                rows => Some(rows),
            });
            Some(Self { title: title?, rows: rows? })
        })
    }
}

impl ListRow {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let (id, title) = (fields.required("id", Node::words), fields.required("title", Node::words));
            let description = fields.maybe("description", Node::words);
            Some(Self { id: id?, title: title?, description: description? })
        })
    }
}

/// The action of `options`: buttons or a list, as the campaign is kept and shown from then on.
pub(super) fn read_options(fields: &mut Fields<'_, '_>) -> Option<Action> {
    let button = fields.maybe("button", Node::words);
    let options = fields.required("options", read_each_option)?;
    if options.len() <= MAX_BUTTONS {
        let buttons = options.into_iter().map(|ListRow { id, title, .. }| ReplyButton::new(Reply { id, title }));
        return button.map(|_| Action::Button { buttons: buttons.collect() });
    }
    match button? {
        Some(button) => Some(Action::List { button, sections: vec![ListSection { title: None, rows: options }] }),
        None => fields.fault_at(
            "button",
            format!("is missing; more than {MAX_BUTTONS} options are a list, and this says what opens it."),
        ),
    }
}

fn read_each_option(node: &Node<'_>) -> Option<Vec<ListRow>> {
    let options = node.list(ListRow::read)?;
    in_number(node, options.len(), 1..=MAX_ROWS, "options")?;
    refuse_twice(node, "id", options.iter().map(|option| option.id.as_str()))?;
    if options.len() <= MAX_BUTTONS {
        refuse_twice(node, "title", options.iter().map(|option| option.title.as_str()))?;
        if options.iter().any(|option| option.description.is_some()) {
            return node.fault(format!(
                "holds a `description`, which buttons have no room for; leave it out, or give more than {MAX_BUTTONS} options."
            ));
        }
    }
    Some(options)
}
