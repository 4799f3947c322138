//! Interactive messages: a text with buttons, a list or a link. How many of what Meta takes is seen to here; how long texts
//! may be, once they are filled in.

use std::collections::BTreeSet;

use serde::Serialize;

use super::media::{Media, Takes};
use crate::fault::read::Node;

/// Meta: most reply buttons.
const MAX_BUTTONS: usize = 3;
/// Meta: most sections of a list.
const MAX_SECTIONS: usize = 10;
/// Meta: most rows of a list, over all sections.
const MAX_ROWS: usize = 10;

/// A text with something to tap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Interactive {
    /// What can be tapped.
    #[serde(flatten)]
    pub action: Action,
    /// Above the text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
    /// The text.
    pub body: Words,
    /// Below it, in small letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub footer: Option<Words>,
}

/// A part that is a text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Words {
    /// The text.
    pub text: String,
}

/// What stands above the text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Header {
    /// A line.
    Text {
        /// It.
        text: String,
    },
    /// A picture.
    Image {
        /// The file.
        image: Media,
    },
    /// A video.
    Video {
        /// The file.
        video: Media,
    },
    /// A document.
    Document {
        /// The file.
        document: Media,
    },
}

/// What can be tapped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "type", content = "action", rename_all = "snake_case")]
pub enum Action {
    /// One of up to three buttons, which answers.
    Button {
        /// The buttons, in order.
        buttons: Vec<ReplyButton>,
    },
    /// A button that opens a list, a row of which answers.
    List {
        /// What the button says.
        button: String,
        /// The list.
        sections: Vec<ListSection>,
    },
    /// A button that opens a link.
    CtaUrl {
        /// Meta's name for it.
        name: &'static str,
        /// The button.
        parameters: LinkButton,
    },
}

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

/// A button that opens a link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LinkButton {
    /// What it says.
    pub display_text: String,
    /// What it opens.
    pub url: String,
}

impl Interactive {
    /// The file above the text, as [`super::Content::files`] tells of it.
    pub(super) fn file(&self) -> Option<(&'static str, String, &Media)> {
        let (kind, file) = match self.header.as_ref()? {
            Header::Text { .. } => return None,
            Header::Image { image } => ("image", image),
            Header::Video { video } => ("video", video),
            Header::Document { document } => ("document", document),
        };
        Some((kind, format!("/interactive/header/{kind}"), file))
    }

    pub(super) fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind("type", &["button", "list", "cta_url"])?;
            let header = fields.maybe("header", |node| Header::read(node, kind));
            let body = fields.required("body", Words::read);
            let footer = fields.maybe("footer", Words::read);
            let action = fields.required("action", |node| Action::read(node, kind));
            Some(Self { action: action?, header: header?, body: body?, footer: footer? })
        })
    }
}

impl Words {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| Some(Self { text: fields.required("text", Node::words)? }))
    }
}

impl Header {
    /// A list has a text above it, or nothing.
    fn read(node: &Node<'_>, kind: &str) -> Option<Self> {
        let allowed: &[&str] = if kind == "list" { &["text"] } else { &["text", "image", "video", "document"] };
        let file = |node: &Node<'_>| Media::read(node, Takes::SOURCE);
        node.object(|fields| match fields.kind("type", allowed)? {
            "image" => Some(Self::Image { image: fields.required("image", file)? }),
            "video" => Some(Self::Video { video: fields.required("video", file)? }),
            "document" => Some(Self::Document { document: fields.required("document", file)? }),
            _ => Some(Self::Text { text: fields.required("text", Node::words)? }),
        })
    }
}

impl Action {
    fn read(node: &Node<'_>, kind: &str) -> Option<Self> {
        node.object(|fields| match kind {
            "button" => Some(Self::Button { buttons: fields.required("buttons", read_buttons)? }),
            "list" => {
                let button = fields.required("button", Node::words);
                let sections = fields.required("sections", read_sections);
                Some(Self::List { button: button?, sections: sections? })
            }
            _ => {
                let name = fields.kind("name", &["cta_url"]);
                let parameters = fields.required("parameters", LinkButton::read);
                Some(Self::CtaUrl { name: name?, parameters: parameters? })
            }
        })
    }
}

fn read_buttons(node: &Node<'_>) -> Option<Vec<ReplyButton>> {
    let buttons = node.list(ReplyButton::read)?;
    if !(1..=MAX_BUTTONS).contains(&buttons.len()) {
        return node.fault(format!("holds {} buttons; give 1 to {MAX_BUTTONS}.", buttons.len()));
    }
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

fn read_sections(node: &Node<'_>) -> Option<Vec<ListSection>> {
    let sections = node.list(ListSection::read)?;
    if !(1..=MAX_SECTIONS).contains(&sections.len()) {
        return node.fault(format!("holds {} sections; give 1 to {MAX_SECTIONS}.", sections.len()));
    }
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
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let kind = fields.kind("type", &["reply"]);
            let reply = fields.required("reply", Reply::read);
            Some(Self { r#type: kind?, reply: reply? })
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

impl LinkButton {
    fn read(node: &Node<'_>) -> Option<Self> {
        node.object(|fields| {
            let display_text = fields.required("display_text", Node::words);
            let url = fields.required("url", Node::words);
            Some(Self { display_text: display_text?, url: url? })
        })
    }
}
