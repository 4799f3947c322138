//! Files that messages carry: addresses that Meta fetches, and assets on the numbers that send them.

use super::{Check, Finding, words::megabytes};

/// The largest file of each kind in bytes (Meta: supported media types); stickers by their animated form.
const LARGEST: [(&str, u64); 6] = [
    ("image", 5_000_000),
    ("gif", 3_500_000),
    ("video", 16_000_000),
    ("audio", 16_000_000),
    ("document", 100_000_000),
    ("sticker", 500_000),
];

/// An address that stands in a campaign as it is, the same for every recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The address.
    pub url: String,
    /// `image`, `video`, `audio`, `document`, `sticker`.
    pub kind: &'static str,
}

/// What came of asking for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LinkAnswer {
    /// An answer.
    Status {
        /// The HTTP status, redirects followed.
        status: u16,
        /// The type that it names.
        mime: Option<String>,
        /// The length that it names, in bytes.
        bytes: Option<u64>,
    },
    /// None, for this reason.
    Silence(String),
}

/// Judges a link. It fails only where a server has said that there is no such file for anybody, or names one that Meta
/// would not take: one that does not answer this machine may well answer Meta, which does the fetching.
pub fn link(link: &Link, answer: &LinkAnswer) -> Finding {
    let url = link.url.as_str();
    match answer {
        LinkAnswer::Silence(why) => {
            let evidence = format!("{url} cannot be reached from here ({why})");
            Finding::warn(
                Check::Links,
                url,
                evidence,
                "see that Meta can fetch it: open it from outside of your network",
            )
        }
        LinkAnswer::Status { status: 200..=299, mime, bytes } => fetched(link, mime.as_deref(), *bytes),
        LinkAnswer::Status { status, .. } if may_be_otherwise_for_meta(*status) => {
            let evidence = format!("{url} answers HTTP {status} from here");
            Finding::warn(Check::Links, url, evidence, "see that it answers 200 to anybody: Meta shows no credentials")
        }
        LinkAnswer::Status { status, .. } => {
            let evidence = format!("{url} answers HTTP {status}: every message with it would fail (131053)");
            Finding::fail(Check::Links, url, evidence, "put the file there, or use an asset")
        }
    }
}

/// Statuses that a server may give us and not Meta, or only now.
fn may_be_otherwise_for_meta(status: u16) -> bool {
    matches!(status, 401 | 403 | 405 | 408 | 429 | 500..)
}

fn fetched(link: &Link, mime: Option<&str>, bytes: Option<u64>) -> Finding {
    let (url, kind) = (link.url.as_str(), link.kind);
    let size = bytes.map(|bytes| format!(", {}", megabytes(bytes))).unwrap_or_default();
    let evidence = format!("{url} answers with {}{size}", mime.unwrap_or("a file of no named type"));
    let largest = LARGEST.iter().find(|(name, _)| *name == kind).map(|(_, largest)| *largest);
    match (largest, bytes) {
        (Some(largest), Some(bytes)) if bytes > largest => {
            let evidence = format!("{evidence}, and Meta takes {} as {kind} at most", megabytes(largest));
            Finding::fail(Check::Links, url, evidence, "make the file smaller")
        }
        _ if mime.is_some_and(|mime| mime.starts_with("text/html")) => {
            let evidence = format!("{evidence}, which is a page and no {kind}");
            Finding::warn(Check::Links, url, evidence, "give the address of the file itself")
        }
        _ => Finding::ok(Check::Links, url, evidence),
    }
}

/// An asset, and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Upload {
    /// Its name, as the campaign has it.
    pub asset: String,
    /// Whether it is stored at all.
    pub stored: bool,
    /// The run's numbers that do not have it under an id that Meta still knows.
    pub lacking: Vec<String>,
    /// How many numbers the run has.
    pub numbers: usize,
}

/// Judges an asset. Until plan has gone through the numbers (`planned`) it need not be on them.
pub fn uploads(upload: &Upload, planned: bool) -> Finding {
    let Upload { asset, stored, lacking, numbers } = upload;
    if !stored {
        let evidence = format!("there is no asset `{asset}`");
        return Finding::fail(Check::Assets, asset, evidence, "upload it: `dawncast asset add FILE`");
    }
    let on = numbers - lacking.len();
    match (planned, lacking.is_empty()) {
        (true, false) => {
            let evidence = format!("asset {asset} is on {on} of {numbers} numbers, not on {}", lacking.join(", "));
            let remedy =
                "those numbers are passed over for messages with it; cancel the run and submit it again to upload anew";
            Finding::warn(Check::Assets, asset, evidence, remedy)
        }
        (false, false) => {
            let evidence =
                format!("asset {asset} is stored, and on {on} of {numbers} numbers: plan uploads it to the others");
            Finding::ok(Check::Assets, asset, evidence)
        }
        (_, true) => Finding::ok(Check::Assets, asset, format!("asset {asset} is on all {numbers} numbers")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Outcome;

    fn answered(status: u16, mime: &str, bytes: u64) -> Finding {
        let it = Link { url: "https://cdn.example.com/a.png".into(), kind: "image" };
        link(&it, &LinkAnswer::Status { status, mime: Some(mime.into()), bytes: Some(bytes) })
    }

    #[test]
    fn a_link_fails_where_nobody_can_get_the_file_and_is_doubted_where_we_cannot() {
        for (status, expected) in [
            (200, Outcome::Ok),
            (206, Outcome::Ok),
            (404, Outcome::Fail),
            (410, Outcome::Fail),
            (400, Outcome::Fail),
            (403, Outcome::Warn),
            (429, Outcome::Warn),
            (503, Outcome::Warn),
        ] {
            assert_eq!(answered(status, "image/png", 1_000).outcome, expected, "{status}");
        }
        let it = Link { url: "https://nowhere.example.com/a.png".into(), kind: "image" };
        let silent = link(&it, &LinkAnswer::Silence("connect: refused".into()));
        assert!(silent.outcome == Outcome::Warn && silent.evidence.contains("refused"), "{silent:?}");
    }

    #[test]
    fn a_file_that_meta_would_not_take_is_named_with_its_size_or_type() {
        let large = answered(200, "image/png", 5_000_001);
        assert!(large.outcome == Outcome::Fail && large.evidence.contains("5.0 MB as image"), "{large:?}");
        assert_eq!(answered(200, "image/png", 5_000_000).outcome, Outcome::Ok);
        assert_eq!(answered(200, "text/html; charset=utf-8", 10).outcome, Outcome::Warn);
    }

    #[test]
    fn an_asset_has_to_be_there_and_after_plan_on_every_number() {
        let upload = |stored, lacking: &[&str]| Upload {
            asset: "pack".into(),
            stored,
            lacking: lacking.iter().map(|id| (*id).to_owned()).collect(),
            numbers: 3,
        };
        assert_eq!(uploads(&upload(false, &[]), false).outcome, Outcome::Fail);
        assert_eq!(uploads(&upload(true, &["1"]), false).outcome, Outcome::Ok);
        assert_eq!(uploads(&upload(true, &["1"]), true).outcome, Outcome::Warn);
        assert_eq!(uploads(&upload(true, &[]), true).evidence, "asset pack is on all 3 numbers");
    }
}
