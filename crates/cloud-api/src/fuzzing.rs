//! What may be said of each decoder whatever it is given: run by the fuzz targets in `fuzz/` on bytes that they grow, and by property
//! tests on some. Not in an ordinary build.

use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderValue};
use serde::de::DeserializeOwned;

use crate::{
    App, BusinessProfile, Class, CreatedTemplate, MediaInfo, MessageHistory, NumberInfo, SendOutcome, SubscribedApp,
    TemplateComparison, TemplateDay, TemplateInfo, TokenInfo, Unpaused, Usage,
    client::Answer,
    paging::Page,
    template::Metric,
    usage,
    webhook::{AppSecret, SignatureError, parse, parse_loosely, sign, verify_signature},
};

/// The body of a webhook is read, or refused with the place of its fault; its signature is good for it and for nothing else.
///
/// # Panics
/// When that does not hold.
pub fn webhook(body: &[u8]) {
    assert_eq!(
        parse(body),
        parse_loosely(&String::from_utf8_lossy(body)),
        "the fast way tells what the careful one tells"
    );
    let secret = AppSecret::new("secret").expect("it is not empty");
    let header = sign(&secret, body);
    assert_eq!(verify_signature(std::slice::from_ref(&secret), Some(&header), body), Ok(()));
    let longer = [body, b" "].concat();
    assert_eq!(verify_signature(&[secret], Some(&header), &longer), Err(SignatureError::Mismatch));
}

/// A header that says it is a signature is refused unless it is that of the body.
///
/// # Panics
/// When a signature is taken that was not made with the secret.
pub fn signature(header: &str) {
    let secret = AppSecret::new("secret").expect("it is not empty");
    let genuine = verify_signature(std::slice::from_ref(&secret), Some(header), b"body").is_ok();
    let made = sign(&secret, b"body");
    // Hexadecimal digits may be of either case.
    let is_it = |header: &str| header.starts_with("sha256=") && header.eq_ignore_ascii_case(&made);
    assert_eq!(genuine, is_it(header.trim()), "{header}");
}

/// The answer to a send: the first two bytes are its HTTP status, the rest its body. What is accepted has an id, and what may be
/// repeated at once is said by Meta, or by the edge with one of three statuses.
///
/// # Panics
/// When that does not hold.
pub fn answer(data: &[u8]) {
    let Some((status, body)) = data.split_first_chunk() else { return };
    let status = 100 + u16::from_le_bytes(*status) % 500;
    let headers = HeaderMap::new();
    let body = Bytes::copy_from_slice(body);
    match SendOutcome::read(Answer { status, retry_after: None, headers, body }) {
        SendOutcome::Accepted { wamid, .. } => assert!(status == 200 && !wamid.is_empty()),
        SendOutcome::Refused(error) => {
            assert!(status >= 400 && error.http_status == status);
            let told = error.code.is_some() || matches!(status, 401 | 403 | 429);
            assert!(told || error.class() == Class::Ambiguous, "{error:?}");
        }
        SendOutcome::NotSent(cause) => panic!("an answer has come: {cause}"),
        SendOutcome::Unknown(_) => {}
    }
}

/// The answers of management calls, and the headers that tell of their limits: read or refused.
pub fn management(body: &[u8]) {
    fn read<T: DeserializeOwned>(body: &[u8]) {
        drop(serde_json::from_slice::<T>(body));
    }
    for read in [
        read::<App>,
        read::<BusinessProfile>,
        read::<CreatedTemplate>,
        read::<MediaInfo>,
        read::<Page<MessageHistory>>,
        read::<NumberInfo>,
        read::<SubscribedApp>,
        read::<TemplateDay>,
        read::<TemplateInfo>,
        read::<Page<TemplateInfo>>,
        read::<TokenInfo>,
        read::<Unpaused>,
    ] {
        read(body);
    }
    drop(serde_json::from_slice::<Vec<Metric>>(body).map(TemplateComparison::from));
    if let Ok(value) = HeaderValue::from_bytes(body) {
        let headers = [usage::APP, usage::BUSINESS].map(|name| (name, value.clone()));
        let headers = headers.into_iter().map(|(name, value)| (name.parse().expect("a name"), value)).collect();
        let usage = Usage::read(&headers);
        assert!(usage.regain_access().is_none() || usage != Usage::default());
        let _ = usage.percent();
    }
}

/// What is posted to the endpoint of a flow: as it comes, and decrypted.
///
/// # Panics
/// When a good signature is refused.
#[cfg(feature = "flows")]
pub fn flow(body: &[u8]) {
    use std::sync::LazyLock;

    use crate::flows::{FlowEndpoint, FlowKey, FlowRefusal, FlowRequest, golden};

    static ENDPOINT: LazyLock<FlowEndpoint> = LazyLock::new(|| {
        let secret = AppSecret::new("secret").expect("it is not empty");
        FlowEndpoint::new(FlowKey::from_pem(golden::PKCS8, None).expect("a key"), vec![secret])
    });
    let signature = sign(&AppSecret::new("secret").expect("it is not empty"), body);
    let opened = ENDPOINT.open(Some(&signature), body);
    assert!(!matches!(opened, Err(FlowRefusal::Signature(_))), "it is signed");
    drop(FlowRequest::parse(body));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_are_more_than_a_decoder_can_take(bytes in prop::collection::vec(any::<u8>(), 0..200), text: String) {
            for bytes in [&bytes, text.as_bytes()] {
                super::webhook(bytes);
                super::answer(bytes);
                super::management(bytes);
                #[cfg(feature = "flows")]
                super::flow(bytes);
            }
            super::signature(&text);
        }
    }
}
