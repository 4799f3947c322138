//! What WhatsApp takes, and how large (Meta: supported media types). Units are binary, as Meta counts them.

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

/// What WhatsApp takes a file for, and the most bytes of it (Meta: supported media types).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MediaKind {
    /// In words, such as `an image`.
    pub name: &'static str,
    /// The most bytes of it.
    pub most_bytes: usize,
}

const AUDIO: MediaKind = MediaKind { name: "an audio file", most_bytes: 16 * MB };
const IMAGE: MediaKind = MediaKind { name: "an image", most_bytes: 5 * MB };
const VIDEO: MediaKind = MediaKind { name: "a video", most_bytes: 16 * MB };
const DOCUMENT: MediaKind = MediaKind { name: "a document", most_bytes: 100 * MB };
const STICKER: MediaKind = MediaKind { name: "a sticker", most_bytes: 100 * KB };
const ANIMATED_STICKER: MediaKind = MediaKind { name: "an animated sticker", most_bytes: 500 * KB };

/// Each type that WhatsApp takes. Meta writes `3gp`; the registered name is `3gpp`.
const TYPES: [(&str, MediaKind); 19] = [
    ("image/jpeg", IMAGE),
    ("image/png", IMAGE),
    ("image/webp", STICKER),
    ("video/mp4", VIDEO),
    ("video/3gp", VIDEO),
    ("video/3gpp", VIDEO),
    ("audio/aac", AUDIO),
    ("audio/amr", AUDIO),
    ("audio/mpeg", AUDIO),
    ("audio/mp4", AUDIO),
    ("audio/ogg", AUDIO),
    ("application/pdf", DOCUMENT),
    ("text/plain", DOCUMENT),
    ("application/msword", DOCUMENT),
    ("application/vnd.ms-excel", DOCUMENT),
    ("application/vnd.ms-powerpoint", DOCUMENT),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", DOCUMENT),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", DOCUMENT),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", DOCUMENT),
];

impl MediaKind {
    /// What WhatsApp takes these bytes for, and their MIME type without its parameters (`codecs`) and in small letters; none of
    /// a type that it does not take. A sticker is animated where its bytes say so.
    pub fn of(mime: &str, bytes: &[u8]) -> Option<(&'static str, Self)> {
        let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let (mime, kind) = TYPES.into_iter().find(|(mime, _)| *mime == essence)?;
        let is_animated = kind == STICKER && is_animated(bytes);
        Some((mime, if is_animated { ANIMATED_STICKER } else { kind }))
    }

    /// The MIME types that WhatsApp takes.
    pub fn mimes() -> impl Iterator<Item = &'static str> {
        TYPES.into_iter().map(|(mime, _)| mime)
    }
}

/// Whether a WebP file says of itself that it is animated: the second bit of the flags of an extended header.
fn is_animated(bytes: &[u8]) -> bool {
    bytes.get(8..16) == Some(b"WEBPVP8X") && bytes.get(20).is_some_and(|flags| flags & 0b10 != 0)
}

/// Whether the file may be uploaded; if not, in words that name the limit.
pub(super) fn check(mime: &str, bytes: &[u8]) -> Result<(), String> {
    let is_mime = mime.split_once('/').is_some_and(|(kind, rest)| !kind.is_empty() && !rest.is_empty());
    if !is_mime {
        return Err(format!("`{mime}` is not a MIME type such as image/jpeg"));
    }
    let (_, MediaKind { name, most_bytes }) = MediaKind::of(mime, bytes).ok_or_else(|| {
        format!(
            "WhatsApp does not take `{mime}`: give JPEG, PNG, WebP, MP4, 3GP, AAC, AMR, MPEG or Ogg audio, PDF, plain text, \
             Word, Excel or PowerPoint"
        )
    })?;
    match bytes.len() {
        0 => Err("the file is empty".to_owned()),
        length if length > most_bytes => {
            Err(format!("{name} holds {length} bytes, and WhatsApp takes {most_bytes} at most"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The largest file of this type is taken, and one byte more is not.
    fn check_limit(mime: &str, head: &[u8], most: usize) {
        let mut bytes = head.to_vec();
        bytes.resize(most, 0);
        assert_eq!(check(mime, &bytes), Ok(()), "{mime}");
        bytes.push(0);
        let refused = check(mime, &bytes).unwrap_err();
        assert!(refused.contains(&format!("takes {most} at most")), "{refused}");
    }

    #[test]
    fn each_type_has_its_own_limit() {
        check_limit("image/jpeg", b"", 5 * MB);
        check_limit("IMAGE/PNG", b"", 5 * MB);
        check_limit("video/mp4", b"", 16 * MB);
        check_limit("video/3gpp", b"", 16 * MB);
        check_limit("audio/ogg; codecs=opus", b"", 16 * MB);
        check_limit("image/webp", b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\x10", 100 * KB);
        check_limit("image/webp", b"RIFF\0\0\0\0WEBPVP8X\0\0\0\0\x12", 500 * KB);
    }

    #[test]
    fn a_document_may_hold_a_hundred_megabytes() {
        check_limit("application/pdf", b"", 100 * MB);
    }

    #[test]
    fn what_whatsapp_does_not_take_is_refused_in_words() {
        for (mime, bytes, words) in [
            ("jpeg", &b"x"[..], "`jpeg` is not a MIME type such as image/jpeg"),
            ("image/gif", b"x", "does not take `image/gif`"),
            ("audio/wav", b"x", "does not take `audio/wav`"),
            ("image/png", b"", "the file is empty"),
        ] {
            let refused = check(mime, bytes).unwrap_err();
            assert!(refused.contains(words), "{refused}");
        }
    }
}
