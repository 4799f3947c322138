//! The skeletons of texts and of interactive messages.

use super::{Rule, Skeleton, json};
use crate::campaign::{Action, Header, Interactive, ListRow, ListSection, ReplyButton, TextBody, Words};

/// Meta: a free-form text, and the text above a list, has at most 4096 characters.
const MAX_TEXT: usize = 4096;
/// Meta: the text above buttons or a link has at most 1024 characters.
const MAX_BODY: usize = 1024;
/// Meta: what stands above and below it has at most 60 characters.
const MAX_EDGE: usize = 60;
/// Meta: a button says at most 20 characters.
const MAX_BUTTON: usize = 20;
/// Meta: a button answers at most 256 characters.
const MAX_BUTTON_ID: usize = 256;
/// Meta: the titles of sections and rows have at most 24 characters.
const MAX_TITLE: usize = 24;
/// Meta: a row answers at most 200 characters.
const MAX_ROW_ID: usize = 200;
/// Meta: a row says at most 72 characters in small letters.
const MAX_DESCRIPTION: usize = 72;

impl Skeleton {
    pub(super) fn free_text(&mut self, text: &TextBody, place: &str) {
        self.raw("{");
        self.field("body", &text.body, Rule::AtMost(MAX_TEXT), place);
        self.raw(if text.preview_url { r#","preview_url":true}"# } else { r#","preview_url":false}"# });
    }

    pub(super) fn interactive(&mut self, message: &Interactive, place: &str) {
        let kind = message.action.kind();
        let body = if matches!(message.action, Action::List { .. }) { MAX_TEXT } else { MAX_BODY };
        self.raw(&format!(r#"{{"type":"{kind}","#));
        if let Some(header) = &message.header {
            self.raw(r#""header":"#);
            self.header(header, &format!("{place}/header"));
            self.raw(",");
        }
        if let Some(words) = &message.body {
            self.words("body", words, body, place);
            self.raw(",");
        }
        if let Some(footer) = &message.footer {
            self.words("footer", footer, MAX_EDGE, place);
            self.raw(",");
        }
        self.raw(r#""action":"#);
        self.action(&message.action, &format!("{place}/action"));
        self.raw("}");
    }

    fn words(&mut self, name: &str, words: &Words, limit: usize, place: &str) {
        self.raw(&format!(r#""{name}":{{"#));
        self.field("text", &words.text, Rule::AtMost(limit), &format!("{place}/{name}"));
        self.raw("}");
    }

    fn header(&mut self, header: &Header, place: &str) {
        match header {
            Header::Text { text } => {
                self.raw(r#"{"type":"text","#);
                self.field("text", text, Rule::AtMost(MAX_EDGE), place);
            }
            Header::Image { image } => self.file_of("image", image, place),
            Header::Video { video } => self.file_of("video", video, place),
            Header::Document { document } => self.file_of("document", document, place),
        }
        self.raw("}");
    }

    fn action(&mut self, action: &Action, place: &str) {
        match action {
            Action::Button { buttons } => {
                self.raw("{");
                self.list_of("buttons", buttons, place, Self::button);
            }
            Action::List { button, sections } => {
                self.raw("{");
                self.field("button", button, Rule::AtMost(MAX_BUTTON), place);
                self.raw(",");
                self.list_of("sections", sections, place, Self::section);
            }
            Action::CtaUrl { name, parameters } => {
                self.raw(&format!(r#"{{"name":"{name}","parameters":{{"#));
                let place = &format!("{place}/parameters");
                self.field("display_text", &parameters.display_text, Rule::AtMost(MAX_BUTTON), place);
                self.raw(",");
                self.field("url", &parameters.url, Rule::Link, place);
                self.raw("}");
            }
            // Meta takes the others just as they are written.
            other => {
                let whole = serde_json::to_value(other).expect("messages hold nothing that JSON lacks");
                return self.json(&whole["action"], place, json::of_action);
            }
        }
        self.raw("}");
    }

    /// A field that is a list, each item written by `write`.
    pub(super) fn list_of<T>(&mut self, name: &str, items: &[T], place: &str, write: impl Fn(&mut Self, &T, &str)) {
        self.raw(&format!(r#""{name}":["#));
        for (n, item) in items.iter().enumerate() {
            self.raw(if n == 0 { "" } else { "," });
            write(self, item, &format!("{place}/{name}/{n}"));
        }
        self.raw("]");
    }

    fn button(&mut self, button: &ReplyButton, place: &str) {
        let place = &format!("{place}/reply");
        self.raw(r#"{"type":"reply","reply":{"#);
        self.field("id", &button.reply.id, Rule::AtMost(MAX_BUTTON_ID), place);
        self.raw(",");
        self.field("title", &button.reply.title, Rule::AtMost(MAX_BUTTON), place);
        self.raw("}}");
    }

    fn section(&mut self, section: &ListSection, place: &str) {
        self.raw("{");
        if let Some(title) = &section.title {
            self.field("title", title, Rule::AtMost(MAX_TITLE), place);
            self.raw(",");
        }
        self.list_of("rows", &section.rows, place, Self::row);
        self.raw("}");
    }

    fn row(&mut self, row: &ListRow, place: &str) {
        self.raw("{");
        self.field("id", &row.id, Rule::AtMost(MAX_ROW_ID), place);
        self.raw(",");
        self.field("title", &row.title, Rule::AtMost(MAX_TITLE), place);
        self.more("description", row.description.as_ref(), Rule::AtMost(MAX_DESCRIPTION), place);
        self.raw("}");
    }
}
