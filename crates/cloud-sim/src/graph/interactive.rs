//! Interactive messages: reply buttons, lists, links. What is missing is refused with code 100, what Meta does not take with
//! 131009.

use std::collections::HashSet;

use serde::Deserialize;

use super::error::GraphError;
use super::file::File;
use crate::cloud::{Cloud, Number};

/// Meta: longest header text and footer, in characters.
const EDGE_CHARS: usize = 60;
/// Meta: most rows of a list, over all sections, and most sections.
const ROWS: usize = 10;

#[derive(Deserialize)]
pub(crate) struct InteractiveRequest {
    r#type: Option<String>,
    header: Option<Header>,
    body: Option<Text>,
    footer: Option<Text>,
    action: Option<Action>,
}

#[derive(Deserialize)]
struct Text {
    text: Option<String>,
}

#[derive(Deserialize)]
struct Header {
    r#type: Option<String>,
    text: Option<String>,
    image: Option<File>,
    video: Option<File>,
    document: Option<File>,
}

#[derive(Deserialize)]
struct Action {
    buttons: Option<Vec<Button>>,
    button: Option<String>,
    sections: Option<Vec<Section>>,
    name: Option<String>,
    parameters: Option<LinkParameters>,
}

#[derive(Deserialize)]
struct Button {
    r#type: Option<String>,
    reply: Option<Item>,
}

#[derive(Deserialize)]
struct Section {
    title: Option<String>,
    rows: Option<Vec<Item>>,
}

/// A reply button, or a row of a list.
#[derive(Deserialize)]
struct Item {
    id: Option<String>,
    title: Option<String>,
    description: Option<String>,
}

#[derive(Deserialize)]
struct LinkParameters {
    display_text: Option<String>,
    url: Option<String>,
}

fn invalid(details: impl Into<String>) -> GraphError {
    GraphError::detailed(131_009, details)
}

fn required(field: &str) -> GraphError {
    GraphError::required(&format!("interactive{field}"))
}

/// A text that has to be there and may have so many characters.
fn text(given: Option<&String>, what: &str, most: usize) -> Result<(), GraphError> {
    let chars = given.map_or(0, |text| text.chars().count());
    if (1..=most).contains(&chars) {
        return Ok(());
    }
    Err(invalid(format!("{what} length invalid. Min length: 1, Max length: {most}")))
}

fn distinct<'a>(all: impl Iterator<Item = Option<&'a String>>, what: &str) -> Result<(), GraphError> {
    let mut seen = HashSet::new();
    match all.flatten().all(|text| seen.insert(text.as_str())) {
        true => Ok(()),
        false => Err(invalid(format!("Duplicated {what}"))),
    }
}

/// Checks the whole message.
pub(crate) fn check(request: Option<&InteractiveRequest>, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
    let request = request.ok_or_else(|| GraphError::required("interactive"))?;
    let kind = request.r#type.as_deref().ok_or_else(|| required("['type']"))?;
    let action = request.action.as_ref().ok_or_else(|| required("['action']"))?;
    let body_chars = match kind {
        "button" | "cta_url" => 1024,
        "list" => 4096,
        _ => return Err(GraphError::not_one_of("interactive['type']", "BUTTON, CTA_URL, LIST")),
    };
    if let Some(header) = &request.header {
        header.check(kind, cloud, number)?;
    }
    let body = request.body.as_ref().ok_or_else(|| required("['body']"))?;
    text(body.text.as_ref(), "Body text", body_chars)?;
    if let Some(footer) = &request.footer {
        text(footer.text.as_ref(), "Footer text", EDGE_CHARS)?;
    }
    match kind {
        "button" => action.buttons(),
        "list" => action.list(),
        _ => action.link(),
    }
}

impl Header {
    fn check(&self, kind: &str, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
        let given = self.r#type.as_deref().ok_or_else(|| required("['header']['type']"))?;
        let file = match given {
            "text" => return text(self.text.as_ref(), "Header text", EDGE_CHARS),
            _ if kind == "list" => {
                return Err(invalid("Header type is not supported for list messages. Supported: text"));
            }
            "image" => &self.image,
            "video" => &self.video,
            "document" => &self.document,
            _ => return Err(GraphError::not_one_of("interactive['header']['type']", "DOCUMENT, IMAGE, TEXT, VIDEO")),
        };
        file.as_ref().ok_or_else(|| required(&format!("['header']['{given}']")))?.check(given, cloud, number)
    }
}

impl Action {
    fn buttons(&self) -> Result<(), GraphError> {
        let buttons = self.buttons.as_ref().ok_or_else(|| required("['action']['buttons']"))?;
        if !(1..=3).contains(&buttons.len()) {
            return Err(invalid("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
        }
        if buttons.iter().any(|button| button.r#type.as_deref() != Some("reply")) {
            return Err(GraphError::not_one_of("interactive['action']['buttons'][0]['type']", "REPLY"));
        }
        let replies = buttons.iter().map(|button| button.reply.as_ref());
        let replies: Option<Vec<_>> = replies.collect();
        let replies = replies.ok_or_else(|| required("['action']['buttons'][0]['reply']"))?;
        for reply in &replies {
            text(reply.id.as_ref(), "Button id", 256)?;
            text(reply.title.as_ref(), "Button title", 20)?;
        }
        distinct(replies.iter().map(|reply| reply.id.as_ref()), "button id")?;
        distinct(replies.iter().map(|reply| reply.title.as_ref()), "button title")
    }

    fn list(&self) -> Result<(), GraphError> {
        text(self.button.as_ref(), "Button label", 20)?;
        let sections = self.sections.as_ref().ok_or_else(|| required("['action']['sections']"))?;
        if !(1..=ROWS).contains(&sections.len()) {
            return Err(invalid(format!(
                "Invalid sections count. Min allowed sections: 1, Max allowed sections: {ROWS}"
            )));
        }
        let rows: Vec<&Item> = sections.iter().flat_map(|section| section.rows.iter().flatten()).collect();
        if sections.iter().any(|section| section.rows.as_ref().is_none_or(Vec::is_empty)) {
            return Err(invalid("Invalid rows count. Min allowed rows: 1"));
        }
        if rows.len() > ROWS {
            return Err(invalid(format!("Total row count exceed max allowed count: {ROWS}")));
        }
        let titled = sections.len() > 1;
        for section in sections.iter().filter(|section| titled || section.title.is_some()) {
            text(section.title.as_ref(), "Section title", 24)?;
        }
        for row in &rows {
            text(row.id.as_ref(), "Row id", 200)?;
            text(row.title.as_ref(), "Row title", 24)?;
            if row.description.is_some() {
                text(row.description.as_ref(), "Row description", 72)?;
            }
        }
        distinct(rows.iter().map(|row| row.id.as_ref()), "row id")
    }

    fn link(&self) -> Result<(), GraphError> {
        if self.name.as_deref() != Some("cta_url") {
            return Err(GraphError::not_one_of("interactive['action']['name']", "CTA_URL"));
        }
        let parameters = self.parameters.as_ref().ok_or_else(|| required("['action']['parameters']"))?;
        text(parameters.display_text.as_ref(), "Button label", 20)?;
        match parameters.url.as_deref() {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
            Some(_) => Err(invalid("Button url is not a valid URI")),
            None => Err(required("['action']['parameters']['url']")),
        }
    }
}
