//! The limits of interactive messages.

use super::products::{check_sections, section_title};
use super::{Action, Interactive, InteractiveHeader, ListSection, ReplyButton};
use crate::message::check::Checks;

/// Meta: longest header text and footer, in characters.
const EDGE_CHARS: usize = 60;
/// Meta: longest body, in characters; that of a list may be longer.
const BODY_CHARS: usize = 1024;
const LIST_BODY_CHARS: usize = 4096;
/// Meta: most reply buttons, and the longest id and title of one.
pub(super) const BUTTONS: usize = 3;
const BUTTON_ID_CHARS: usize = 256;
/// Meta: longest label of any button, in characters.
const LABEL_CHARS: usize = 20;
/// Meta: most sections of a list, and most rows over all of them.
pub(super) const ROWS: usize = 10;
const ROW_ID_CHARS: usize = 200;
/// Meta: longest title of a row or a section, and longest description, in characters.
const TITLE_CHARS: usize = 24;
const DESCRIPTION_CHARS: usize = 72;

impl Interactive {
    pub(in crate::message) fn check(&self, checks: &mut Checks) {
        checks.within("header", |checks| self.check_header(checks));
        let most = if matches!(self.action, Action::List { .. }) { LIST_BODY_CHARS } else { BODY_CHARS };
        match &self.body {
            Some(body) => checks.chars("body.text", &body.text, 1..=most),
            None if matches!(self.action, Action::Product { .. }) => {}
            None => checks.chars("body.text", "", 1..=most),
        }
        checks.optional("footer.text", self.footer.as_ref().map(|footer| footer.text.as_str()), EDGE_CHARS);
        checks.within("action", |checks| self.action.check(checks));
    }

    fn check_header(&self, checks: &mut Checks) {
        use Action::{CatalogMessage, List, LocationRequest, Product, ProductList};
        use InteractiveHeader::Text;
        match (&self.action, &self.header) {
            (ProductList { .. }, None) => checks.chars("text", "", 1..=EDGE_CHARS),
            (_, None) => {}
            (LocationRequest | Product { .. } | CatalogMessage(_), Some(_)) => {
                checks.refuse("", "none with this action", "one");
            }
            (_, Some(Text(text))) => checks.chars("text", text, 1..=EDGE_CHARS),
            (List { .. } | ProductList { .. }, Some(_)) => checks.refuse("type", "text with a list", "a file"),
            (_, Some(header)) => header.check_file(checks),
        }
    }
}

impl InteractiveHeader {
    fn check_file(&self, checks: &mut Checks) {
        let (kind, source) = match self {
            Self::Text(_) => return,
            Self::Image(source) => ("image", source),
            Self::Video(source) => ("video", source),
            Self::Document(source) => ("document", source),
        };
        checks.within(kind, |checks| source.check(checks));
    }
}

impl Action {
    fn check(&self, checks: &mut Checks) {
        match self {
            Self::Button { buttons } => check_buttons(checks, buttons),
            Self::List { button, sections } => {
                checks.chars("button", button, 1..=LABEL_CHARS);
                check_rows(checks, sections);
            }
            Self::CtaUrl(link) => checks.within("parameters", |checks| {
                checks.chars("display_text", &link.display_text, 1..=LABEL_CHARS);
                checks.link("url", &link.url);
            }),
            Self::LocationRequest => {}
            Self::Product { catalog_id, product_retailer_id } => {
                checks.filled("catalog_id", catalog_id);
                checks.filled("product_retailer_id", product_retailer_id);
            }
            Self::ProductList { catalog_id, sections } => {
                checks.filled("catalog_id", catalog_id);
                check_sections(checks, sections);
            }
            Self::CatalogMessage(catalog) => {
                let id = catalog.thumbnail_product_retailer_id.as_deref();
                checks.filled_if_given("parameters.thumbnail_product_retailer_id", id);
            }
            Self::Flow(flow) => checks.within("parameters", |checks| flow.check(checks)),
        }
    }
}

fn check_buttons(checks: &mut Checks, buttons: &[ReplyButton]) {
    checks.count("buttons", buttons.len(), 1..=BUTTONS, "button");
    checks.each("buttons", buttons, |checks, button| {
        checks.chars("reply.id", &button.id, 1..=BUTTON_ID_CHARS);
        checks.chars("reply.title", &button.title, 1..=LABEL_CHARS);
    });
    let numbered = || buttons.iter().enumerate();
    checks.distinct(numbered().map(|(nth, button)| (format!("buttons[{nth}].reply.id"), button.id.as_str())));
    checks.distinct(numbered().map(|(nth, button)| (format!("buttons[{nth}].reply.title"), button.title.as_str())));
}

fn check_rows(checks: &mut Checks, sections: &[ListSection]) {
    checks.count("sections", sections.len(), 1..=ROWS, "section");
    checks.count("sections", sections.iter().map(|section| section.rows.len()).sum(), 1..=ROWS, "row");
    checks.each("sections", sections, |checks, section| {
        section_title(checks, section.title.as_deref(), sections.len(), TITLE_CHARS);
        checks.some("rows", section.rows.len(), "row");
        checks.each("rows", &section.rows, |checks, row| {
            checks.chars("id", &row.id, 1..=ROW_ID_CHARS);
            checks.chars("title", &row.title, 1..=TITLE_CHARS);
            checks.optional("description", row.description.as_deref(), DESCRIPTION_CHARS);
        });
    });
    let ids = sections.iter().enumerate().flat_map(|(section, it)| {
        it.rows.iter().enumerate().map(move |(row, it)| (format!("sections[{section}].rows[{row}].id"), it.id.as_str()))
    });
    checks.distinct(ids);
}
