//! Uploaded media: which number each belongs to, and how long it lives.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

const FIRST_MEDIA_ID: u64 = 300_000_000_000_001;

/// Meta: uploaded media are usable for 30 days.
const LIFE: Duration = Duration::from_secs(30 * 24 * 3600);

const MB: usize = 1 << 20;

/// All uploaded media. The bytes themselves are not kept.
#[derive(Default)]
pub(crate) struct Library {
    uploaded: AtomicU64,
    media: RwLock<HashMap<String, Medium>>,
}

struct Medium {
    number: usize,
    uploaded_us: u64,
}

impl Library {
    /// Files a medium under its number and gives its id.
    pub(crate) fn add(&self, number: usize, now_us: u64) -> String {
        let id = (FIRST_MEDIA_ID + self.uploaded.fetch_add(1, Ordering::Relaxed)).to_string();
        let medium = Medium { number, uploaded_us: now_us };
        self.media.write().unwrap_or_else(PoisonError::into_inner).insert(id.clone(), medium);
        id
    }

    /// Whether `number` may send the medium now.
    pub(crate) fn is_usable(&self, id: &str, number: usize, now_us: u64) -> bool {
        let media = self.media.read().unwrap_or_else(PoisonError::into_inner);
        let alive = |medium: &Medium| Duration::from_micros(now_us.saturating_sub(medium.uploaded_us)) < LIFE;
        media.get(id).is_some_and(|medium| medium.number == number && alive(medium))
    }
}

/// Meta's supported media types, each with its greatest size in bytes.
const TYPES: [(&str, usize); 18] = [
    ("audio/aac", 16 * MB),
    ("audio/amr", 16 * MB),
    ("audio/mpeg", 16 * MB),
    ("audio/mp4", 16 * MB),
    ("audio/ogg", 16 * MB),
    ("image/jpeg", 5 * MB),
    ("image/png", 5 * MB),
    ("image/webp", MB / 2),
    ("video/mp4", 16 * MB),
    ("video/3gp", 16 * MB),
    ("text/plain", 100 * MB),
    ("application/pdf", 100 * MB),
    ("application/msword", 100 * MB),
    ("application/vnd.ms-excel", 100 * MB),
    ("application/vnd.ms-powerpoint", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", 100 * MB),
    ("application/vnd.openxmlformats-officedocument.presentationml.presentation", 100 * MB),
];

/// The greatest size in bytes of a MIME type (parameters such as `codecs` aside), if it is supported.
pub(crate) fn greatest_size(mime: &str) -> Option<usize> {
    let essence = mime.split(';').next().unwrap_or_default().trim();
    TYPES.iter().find(|(name, _)| name.eq_ignore_ascii_case(essence)).map(|(_, size)| *size)
}

/// Every supported MIME type.
pub(crate) fn supported() -> String {
    TYPES.map(|(name, _)| name).join(", ")
}
