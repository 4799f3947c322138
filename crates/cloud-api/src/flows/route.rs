//! The endpoint as a route of axum.

use std::{future::Future, sync::Arc};

use axum::{
    body::Bytes,
    http::{HeaderMap, StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{MethodRouter, post},
};

use super::{FlowAnswer, FlowEndpoint, FlowRequest, FlowResponse};
use crate::webhook::SIGNATURE_HEADER;

impl FlowEndpoint {
    /// A route that answers POSTs as [`FlowEndpoint::answer`] does, at whatever path it is put.
    pub fn route<F, Fut, S>(self, handler: F) -> MethodRouter<S>
    where
        F: Fn(FlowRequest) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = FlowResponse> + Send + 'static,
        S: Clone + Send + Sync + 'static,
    {
        let endpoint = Arc::new(self);
        post(move |headers: HeaderMap, body: Bytes| {
            let (endpoint, handler) = (Arc::clone(&endpoint), handler.clone());
            async move {
                let signature = headers.get(SIGNATURE_HEADER).and_then(|value| value.to_str().ok());
                endpoint.answer(signature, &body, handler).await
            }
        })
    }
}

impl IntoResponse for FlowAnswer {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.status).expect("only statuses between 200 and 432 are made");
        (status, [(CONTENT_TYPE, Self::CONTENT_TYPE)], self.body).into_response()
    }
}
