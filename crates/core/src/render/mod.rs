//! From a message and a recipient to the bytes that are POSTed to the Cloud API.
//!
//! Everything that is the same for all recipients is turned into literal JSON once, so that rendering one message
//! is copying text and filling slots.

mod messages;
mod rule;
mod skeleton;
mod text;

use std::{borrow::Cow, io::Write};

use crate::{
    campaign::{Content, Context},
    fault::Faults,
    phone::Phone,
};

use rule::Rule;
use skeleton::{Segment, Skeleton};
use text::Text;

pub use messages::Renderers;

/// A recipient's attributes by name.
pub trait Attributes {
    /// The attribute's value, if the recipient has it.
    fn get(&self, name: &str) -> Option<&str>;
}

impl<N: AsRef<str>, V: AsRef<str>> Attributes for [(N, V)] {
    fn get(&self, name: &str) -> Option<&str> {
        self.iter().find(|(known, _)| known.as_ref() == name).map(|(_, value)| value.as_ref())
    }
}

/// Why a message cannot be rendered for a recipient. Never holds an attribute's value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// The recipient lacks an attribute that the message uses.
    #[error("attribute `{0}` is missing: add a column `{0}` to the audience or a default to the message")]
    MissingAttribute(String),
    /// A file that the message needs is not on the number.
    #[error("asset `{0}` is not on this number: upload it")]
    MissingAsset(String),
    /// A value that Meta would refuse.
    #[error("{place}: {why}")]
    BadParameter {
        /// JSON pointer into the campaign.
        place: String,
        /// What is wrong and what to do.
        why: String,
    },
}

/// A message ready to be rendered for any number of recipients.
#[derive(Debug)]
pub struct Renderer {
    segments: Vec<Segment>,
    attributes: Vec<String>,
    by_marketing_messages: bool,
}

impl Renderer {
    /// Prepares a message that stands at `place`, a JSON pointer, in its campaign.
    ///
    /// # Errors
    /// A fault for each text that is not a valid template, and for each fixed one that Meta would refuse.
    pub fn compile(message: &Content, place: &str) -> Result<Self, Faults> {
        Self::compile_answering(message, None, place)
    }

    /// The same of a message that answers and quotes another.
    ///
    /// # Errors
    /// As [`Renderer::compile`].
    pub fn compile_answering(message: &Content, context: Option<&Context>, place: &str) -> Result<Self, Faults> {
        let segments = Skeleton::of(message, context, place)?;
        let mut attributes: Vec<_> =
            segments.iter().filter_map(Segment::text).flat_map(Text::names).map(str::to_owned).collect();
        attributes.sort_unstable();
        attributes.dedup();
        let by_marketing_messages = message.template().is_some_and(|template| template.marketing_messages.is_some());
        Ok(Self { segments, attributes, by_marketing_messages })
    }

    /// Whether the message goes out by the Marketing Messages API.
    pub fn by_marketing_messages(&self) -> bool {
        self.by_marketing_messages
    }

    /// The attributes that the message uses, sorted.
    pub fn attributes(&self) -> &[String] {
        &self.attributes
    }

    /// The names or ids of the assets that the message needs for one recipient.
    ///
    /// # Errors
    /// When an attribute that names an asset is missing or empty.
    pub fn assets<'a, A: Attributes + ?Sized>(&'a self, attributes: &'a A) -> Result<Vec<Cow<'a, str>>, RenderError> {
        let assets = self.segments.iter().filter_map(|segment| match segment {
            Segment::Asset { name, place } => Some(resolve(name, Rule::Given, place, attributes)),
            _ => None,
        });
        assets.collect()
    }

    /// Whether [`Renderer::assets`] depends on the recipient.
    pub fn assets_vary(&self) -> bool {
        self.segments.iter().any(|segment| matches!(segment, Segment::Asset { name, .. } if name.constant().is_none()))
    }

    /// Appends the body of the request that sends the message `to` one recipient.
    ///
    /// `media` gives the sending number's media id of an asset; `callback` comes back with every receipt (Meta: at
    /// most 512 characters). On an error `out` is left as it was.
    ///
    /// # Errors
    /// When the recipient lacks an attribute, the number lacks an asset, or Meta would refuse a value.
    pub fn render<A: Attributes + ?Sized>(
        &self,
        attributes: &A,
        media: &dyn Fn(&str) -> Option<String>,
        to: Phone,
        callback: &str,
        out: &mut Vec<u8>,
    ) -> Result<(), RenderError> {
        let start = out.len();
        for segment in &self.segments {
            let value = match segment {
                Segment::Literal(json) => {
                    out.extend_from_slice(json);
                    continue;
                }
                Segment::To => {
                    write!(out, "\"+{}\"", to.digits()).expect("memory takes what is written");
                    continue;
                }
                Segment::Callback => Ok(Cow::Borrowed(callback)),
                Segment::Value { text, rule, place } => resolve(text, *rule, place, attributes),
                Segment::Number { text, rule, place } => match resolve(text, *rule, place, attributes) {
                    Ok(number) => {
                        write!(out, "{}", rule::whole(&number).unwrap_or_default())
                            .expect("memory takes what is written");
                        continue;
                    }
                    failed => failed,
                },
                Segment::Asset { name, place } => resolve(name, Rule::Given, place, attributes).and_then(|name| {
                    media(&name).map(Cow::Owned).ok_or_else(|| RenderError::MissingAsset(name.into_owned()))
                }),
            };
            write_json(&value.inspect_err(|_| out.truncate(start))?, out);
        }
        Ok(())
    }
}

/// A text of a message as one recipient gets it.
///
/// # Errors
/// When the recipient lacks an attribute, or the text is no template.
pub fn resolved<A: Attributes + ?Sized>(text: &str, attributes: &A) -> Result<String, RenderError> {
    let bad = |why: &dyn std::fmt::Display| RenderError::BadParameter { place: String::new(), why: why.to_string() };
    let text = Text::compile(text).map_err(|why| bad(&why))?;
    resolve(&text, Rule::Given, "", attributes).map(Cow::into_owned)
}

fn resolve<'a, A: Attributes + ?Sized>(
    text: &'a Text,
    rule: Rule,
    place: &str,
    attributes: &'a A,
) -> Result<Cow<'a, str>, RenderError> {
    let bad = |why: String| RenderError::BadParameter { place: place.to_owned(), why };
    let value = text.resolve(attributes).map_err(|failure| match failure {
        text::Failure::Missing(name) => RenderError::MissingAttribute(name),
        text::Failure::Failed(why) => bad(why),
    })?;
    rule.check(&value).map_err(|why| bad(why.to_string()))?;
    Ok(value)
}

/// Appends `text` as a JSON string.
fn write_json(text: &str, out: &mut Vec<u8>) {
    serde_json::to_writer(out, text).expect("memory takes what is written");
}

#[cfg(test)]
mod kinds_tests;
#[cfg(test)]
mod tests;
