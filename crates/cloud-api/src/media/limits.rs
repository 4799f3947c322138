//! What WhatsApp takes, and how large (Meta: supported media types). Units are binary, as Meta counts them.

const KB: usize = 1 << 10;
const MB: usize = 1 << 20;

const AUDIO: (&str, usize) = ("an audio file", 16 * MB);
const IMAGE: (&str, usize) = ("an image", 5 * MB);
const VIDEO: (&str, usize) = ("a video", 16 * MB);
const DOCUMENT: (&str, usize) = ("a document", 100 * MB);
const STICKER: (&str, usize) = ("a sticker", 100 * KB);
const ANIMATED_STICKER: (&str, usize) = ("an animated sticker", 500 * KB);

/// What a MIME type is to WhatsApp, and the most bytes of it; parameters such as `codecs` aside.
fn kind(mime: &str, bytes: &[u8]) -> Option<(&'static str, usize)> {
    let essence = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match essence.as_str() {
        "audio/aac" | "audio/amr" | "audio/mpeg" | "audio/mp4" | "audio/ogg" => Some(AUDIO),
        "image/jpeg" | "image/png" => Some(IMAGE),
        "image/webp" if is_animated(bytes) => Some(ANIMATED_STICKER),
        "image/webp" => Some(STICKER),
        // Meta writes `3gp`; the registered name is `3gpp`.
        "video/mp4" | "video/3gp" | "video/3gpp" => Some(VIDEO),
        "text/plain"
        | "application/pdf"
        | "application/msword"
        | "application/vnd.ms-excel"
        | "application/vnd.ms-powerpoint"
        | "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
        | "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
        | "application/vnd.openxmlformats-officedocument.presentationml.presentation" => Some(DOCUMENT),
        _ => None,
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
    let (what, most) = kind(mime, bytes).ok_or_else(|| {
        format!(
            "WhatsApp does not take `{mime}`: give JPEG, PNG, WebP, MP4, 3GP, AAC, AMR, MPEG or Ogg audio, PDF, plain text, \
             Word, Excel or PowerPoint"
        )
    })?;
    match bytes.len() {
        0 => Err("the file is empty".to_owned()),
        length if length > most => Err(format!("{what} holds {length} bytes, and WhatsApp takes {most} at most")),
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
