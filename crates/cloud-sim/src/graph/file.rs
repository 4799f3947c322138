//! A file in a message: one that was uploaded to the number, or an address.

use serde::Deserialize;

use super::error::{GraphError, too_long};
use crate::cloud::{Cloud, Number};

/// Meta: longest caption, in characters.
const CAPTION_CHARS: usize = 1024;

#[derive(Deserialize)]
pub(crate) struct File {
    id: Option<String>,
    link: Option<String>,
    caption: Option<String>,
    filename: Option<String>,
    voice: Option<bool>,
}

impl File {
    /// Whether the number may send it as this kind of message, or in a part of this name.
    pub(crate) fn check(&self, kind: &str, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
        match (&self.id, &self.link) {
            (Some(id), None) if cloud.media.is_usable(id, number.place, cloud.clock.now_us()) => Ok(()),
            (Some(_), None) => Err(GraphError::parameter(format_args!(
                "Param {kind}['id'] is not a valid whatsapp business account media attachment ID"
            ))),
            (None, Some(link)) if link.starts_with("http://") || link.starts_with("https://") => Ok(()),
            (None, Some(_)) => Err(GraphError::parameter(format_args!("Param {kind}['link'] is not a valid URI."))),
            _ => {
                Err(GraphError::parameter(format_args!("Exactly one of {kind}['id'] and {kind}['link'] is required.")))
            }
        }
    }

    /// The same of a file that is the message, with what may be shown with it.
    pub(crate) fn check_message(&self, kind: &str, cloud: &Cloud, number: &Number) -> Result<(), GraphError> {
        let unexpected =
            |field: &str| GraphError::parameter(format_args!("Unexpected key \"{field}\" on param \"{kind}\"."));
        match self {
            Self { caption: Some(_), .. } if ["audio", "sticker"].contains(&kind) => Err(unexpected("caption")),
            Self { filename: Some(_), .. } if kind != "document" => Err(unexpected("filename")),
            Self { voice: Some(_), .. } if kind != "audio" => Err(unexpected("voice")),
            Self { caption: Some(caption), .. } if caption.chars().count() > CAPTION_CHARS => {
                Err(too_long(&format!("{kind}['caption']"), CAPTION_CHARS))
            }
            _ => self.check(kind, cloud, number),
        }
    }
}
