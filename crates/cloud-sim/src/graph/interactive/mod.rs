//! Interactive messages: buttons, lists, links, products, flows. What is missing is refused with code 100, what Meta does not take with
//! 131009.

mod flow;

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::error::{GraphError, check_chars};
use super::file::File;
use super::products::{self, ProductSection};
use crate::cloud::{Cloud, Number};

/// Meta: longest header text and footer, in characters.
const EDGE_CHARS: usize = 60;
/// Meta: most rows of a list, over all sections, and most sections.
const ROWS: usize = 10;

const TYPES: &str = "BUTTON, CATALOG_MESSAGE, CTA_URL, FLOW, LIST, LOCATION_REQUEST_MESSAGE, PRODUCT, PRODUCT_LIST";

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
    sections: Option<Value>,
    name: Option<String>,
    parameters: Option<Parameters>,
    catalog_id: Option<String>,
    product_retailer_id: Option<String>,
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
struct Parameters {
    display_text: Option<String>,
    url: Option<String>,
    thumbnail_product_retailer_id: Option<String>,
    flow_message_version: Option<String>,
    flow_id: Option<String>,
    flow_name: Option<String>,
    flow_cta: Option<String>,
    mode: Option<String>,
    flow_action: Option<String>,
    flow_action_payload: Option<FlowPayload>,
}

#[derive(Deserialize)]
struct FlowPayload {
    screen: Option<String>,
    data: Option<Map<String, Value>>,
}

fn required(field: &str) -> GraphError {
    GraphError::required(&format!("interactive{field}"))
}

fn distinct<'a>(all: impl Iterator<Item = Option<&'a String>>, what: &str) -> Result<(), GraphError> {
    let mut seen = HashSet::new();
    match all.flatten().all(|text| seen.insert(text.as_str())) {
        true => Ok(()),
        false => Err(GraphError::invalid(format!("Duplicated {what}"))),
    }
}

/// Checks the whole message.
pub(crate) fn check(request: Option<&InteractiveRequest>, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
    let request = request.ok_or_else(|| GraphError::required("interactive"))?;
    let kind = request.r#type.as_deref().ok_or_else(|| required("['type']"))?;
    let action = request.action.as_ref().ok_or_else(|| required("['action']"))?;
    let body_chars = match kind {
        "list" => 4096,
        _ if TYPES.split(", ").any(|known| known.to_ascii_lowercase() == kind) => 1024,
        _ => return Err(GraphError::not_one_of("interactive['type']", TYPES)),
    };
    match &request.header {
        Some(header) => header.check(kind, cloud, number)?,
        None if kind == "product_list" => return Err(required("['header']")),
        None => {}
    }
    match &request.body {
        Some(body) => check_chars(body.text.as_deref(), "Body text", body_chars)?,
        None if kind == "product" => {}
        None => return Err(required("['body']")),
    }
    if let Some(footer) = &request.footer {
        check_chars(footer.text.as_deref(), "Footer text", EDGE_CHARS)?;
    }
    match kind {
        "button" => action.buttons(),
        "list" => action.list(),
        "cta_url" => action.link(),
        "product" => action.product(),
        "product_list" => action.products(),
        "catalog_message" => action.catalog(),
        "flow" => action.flow(),
        _ => action.named("send_location", "SEND_LOCATION").map(drop),
    }
}

impl Header {
    fn check(&self, kind: &str, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
        let given = self.r#type.as_deref().ok_or_else(|| required("['header']['type']"))?;
        if matches!(kind, "product" | "catalog_message" | "location_request_message") {
            return Err(GraphError::invalid(format!("Header is not supported for {kind} messages")));
        }
        let file = match given {
            "text" => return check_chars(self.text.as_deref(), "Header text", EDGE_CHARS),
            _ if matches!(kind, "list" | "product_list") => {
                return Err(GraphError::invalid(format!(
                    "Header type is not supported for {kind} messages. Supported: text"
                )));
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
            return Err(GraphError::invalid("Invalid buttons count. Min allowed buttons: 1, Max allowed buttons: 3"));
        }
        if buttons.iter().any(|button| button.r#type.as_deref() != Some("reply")) {
            return Err(GraphError::not_one_of("interactive['action']['buttons'][0]['type']", "REPLY"));
        }
        let replies = buttons.iter().map(|button| button.reply.as_ref());
        let replies: Option<Vec<_>> = replies.collect();
        let replies = replies.ok_or_else(|| required("['action']['buttons'][0]['reply']"))?;
        for reply in &replies {
            check_chars(reply.id.as_deref(), "Button id", 256)?;
            check_chars(reply.title.as_deref(), "Button title", 20)?;
        }
        distinct(replies.iter().map(|reply| reply.id.as_ref()), "button id")?;
        distinct(replies.iter().map(|reply| reply.title.as_ref()), "button title")
    }

    fn list(&self) -> Result<(), GraphError> {
        check_chars(self.button.as_deref(), "Button label", 20)?;
        let sections: Option<Vec<Section>> = self.sections()?;
        let sections = sections.ok_or_else(|| required("['action']['sections']"))?;
        if !(1..=ROWS).contains(&sections.len()) {
            return Err(GraphError::invalid(format!(
                "Invalid sections count. Min allowed sections: 1, Max allowed sections: {ROWS}"
            )));
        }
        let rows: Vec<&Item> = sections.iter().flat_map(|section| section.rows.iter().flatten()).collect();
        if sections.iter().any(|section| section.rows.as_ref().is_none_or(Vec::is_empty)) {
            return Err(GraphError::invalid("Invalid rows count. Min allowed rows: 1"));
        }
        if rows.len() > ROWS {
            return Err(GraphError::invalid(format!("Total row count exceed max allowed count: {ROWS}")));
        }
        let titled = sections.len() > 1;
        for section in sections.iter().filter(|section| titled || section.title.is_some()) {
            check_chars(section.title.as_deref(), "Section title", 24)?;
        }
        for row in &rows {
            check_chars(row.id.as_deref(), "Row id", 200)?;
            check_chars(row.title.as_deref(), "Row title", 24)?;
            if row.description.is_some() {
                check_chars(row.description.as_deref(), "Row description", 72)?;
            }
        }
        distinct(rows.iter().map(|row| row.id.as_ref()), "row id")
    }

    /// Sections are of rows or of products.
    fn sections<T: serde::de::DeserializeOwned>(&self) -> Result<Option<Vec<T>>, GraphError> {
        let sections = self.sections.as_ref().map(Vec::deserialize).transpose();
        sections.map_err(|reason| GraphError::parameter(format_args!("Invalid parameter: {reason}")))
    }

    /// What stands with the name that the action has to have.
    fn named(&self, name: &str, shown: &str) -> Result<Option<&Parameters>, GraphError> {
        match self.name.as_deref() == Some(name) {
            true => Ok(self.parameters.as_ref()),
            false => Err(GraphError::not_one_of("interactive['action']['name']", shown)),
        }
    }

    fn catalog_id(&self) -> Result<(), GraphError> {
        match self.catalog_id.as_deref().is_none_or(str::is_empty) {
            true => Err(required("['action']['catalog_id']")),
            false => Ok(()),
        }
    }

    fn product(&self) -> Result<(), GraphError> {
        self.catalog_id()?;
        match self.product_retailer_id.as_deref().is_none_or(str::is_empty) {
            true => Err(required("['action']['product_retailer_id']")),
            false => Ok(()),
        }
    }

    fn products(&self) -> Result<(), GraphError> {
        self.catalog_id()?;
        let sections: Option<Vec<ProductSection>> = self.sections()?;
        products::check(sections.as_ref(), "interactive['action']")
    }

    /// The picture may be left out, but not left empty.
    fn catalog(&self) -> Result<(), GraphError> {
        let parameters = self.named("catalog_message", "CATALOG_MESSAGE")?;
        let thumbnail = parameters.and_then(|it| it.thumbnail_product_retailer_id.as_ref());
        match thumbnail.is_some_and(String::is_empty) {
            true => Err(GraphError::invalid("thumbnail_product_retailer_id cannot be empty")),
            false => Ok(()),
        }
    }

    fn link(&self) -> Result<(), GraphError> {
        let parameters = self.named("cta_url", "CTA_URL")?.ok_or_else(|| required("['action']['parameters']"))?;
        check_chars(parameters.display_text.as_deref(), "Button label", 20)?;
        match parameters.url.as_deref() {
            Some(url) if url.starts_with("https://") || url.starts_with("http://") => Ok(()),
            Some(_) => Err(GraphError::invalid("Button url is not a valid URI")),
            None => Err(required("['action']['parameters']['url']")),
        }
    }
}
