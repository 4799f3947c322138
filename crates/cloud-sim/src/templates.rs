//! The account's message templates.

use serde_json::{Value, json};

/// The category of templates that promote.
pub(crate) const MARKETING: &str = "MARKETING";

/// An approved template with positional parameters.
pub(crate) struct Template {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) language: &'static str,
    pub(crate) category: &'static str,
    /// Whether the header is an image, which must then come with every send.
    pub(crate) image_header: bool,
    pub(crate) body: &'static str,
    /// How many variables the body has.
    pub(crate) variables: usize,
}

const OFFER_BODY: &str = "{{1}}, this week: three lessons for the price of two.";
const DAILY_BODY: &str = "Good morning {{1}}, here is your pack for today.";

impl Template {
    /// The templates that every simulator starts with.
    pub(crate) fn approved() -> Vec<Self> {
        let template = |n: u32, name, language, image_header, body: &'static str| Self {
            id: (400_000_000_000_000 + u64::from(n)).to_string(),
            name,
            language,
            category: "UTILITY",
            image_header,
            body,
            variables: body.matches("{{").count(),
        };
        vec![
            template(
                1,
                "hello_world",
                "en_US",
                false,
                "Welcome and congratulations! This message tells that it works.",
            ),
            template(2, "daily_pack_v1", "en_IN", true, DAILY_BODY),
            template(3, "daily_pack_v2", "en_IN", true, DAILY_BODY),
            template(4, "daily_text_v1", "en_IN", false, DAILY_BODY),
            Self { category: MARKETING, ..template(5, "weekly_offer_v1", "en_IN", false, OFFER_BODY) },
        ]
    }

    /// The template as the management API shows it, with every field.
    pub(crate) fn node(&self) -> Value {
        let mut components = Vec::new();
        if self.image_header {
            let example = json!({ "header_handle": ["https://example.com/header.jpg"] });
            components.push(json!({ "type": "HEADER", "format": "IMAGE", "example": example }));
        }
        let mut body = json!({ "type": "BODY", "text": self.body });
        if self.variables > 0 {
            body["example"] = json!({ "body_text": [vec!["Asha"; self.variables]] });
        }
        components.push(body);
        json!({
            "id": self.id, "name": self.name, "language": self.language, "category": self.category,
            "status": "APPROVED", "parameter_format": "POSITIONAL", "components": components,
            "quality_score": { "score": "GREEN" }, "rejected_reason": "NONE",
        })
    }
}
