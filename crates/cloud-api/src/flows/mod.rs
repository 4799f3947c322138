//! The data endpoint of a WhatsApp Flow: what Meta's servers post to it is decrypted and typed, and the answer encrypted (Meta:
//! implementing the endpoint for flows).
//!
//! [`FlowEndpoint::answer`] takes a POST as it came and gives the whole answer: it checks the signature, decrypts, answers pings
//! itself and asks a handler for the rest. With the feature `axum`, `FlowEndpoint::route` serves it. The public half of the key is
//! made known to Meta by [`Client::set_flow_key`](crate::Client::set_flow_key).
//!
//! The cipher is RSA-OAEP with SHA-256 for a fresh AES-128 key in each request, then AES-GCM with an IV of 16 bytes; the answer goes
//! under the same key with every bit of the IV flipped. A key is good for one answer, and dropped with it.

mod cipher;
mod endpoint;
mod exchange;
#[cfg(any(test, fuzzing))]
#[cfg_attr(not(test), allow(dead_code, reason = "fuzzing needs one key of them"))]
pub(crate) mod golden;
mod key;
mod registration;
#[cfg(feature = "axum")]
mod route;

pub use endpoint::{FlowAnswer, FlowEndpoint, FlowRefusal, ReplyKey};
pub use exchange::{FlowAction, FlowRequest, FlowResponse};
pub use key::{BadFlowKey, FlowKey};
pub use registration::{FlowKeyState, RegisteredFlowKey};
