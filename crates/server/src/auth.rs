//! Who calls, and whether they may: bearer keys with scopes.

use axum::{
    extract::{Request, State},
    http::{HeaderMap, header},
    middleware::Next,
    response::{IntoResponse, Response},
};
use dawncast_store::records::Scope;
use subtle::ConstantTimeEq;

use crate::{
    problem::{Kind, Problem},
    state::ApiState,
};

/// Who calls: the id of the key, or `bootstrap`.
#[derive(Debug, Clone)]
pub(crate) struct Caller(pub(crate) String);

/// What a group of calls needs: any one of these scopes. `admin` may do everything.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Needs(pub(crate) &'static [Scope]);

impl Needs {
    /// Reading; those who may write campaigns or numbers may also see them.
    pub(crate) const READ: Self = Self(&[Scope::CampaignsRead, Scope::CampaignsWrite, Scope::NumbersWrite]);
    /// Writing campaigns, audiences, assets and runs.
    pub(crate) const WRITE: Self = Self(&[Scope::CampaignsWrite]);
    /// Writing numbers and pools; stopping everything.
    pub(crate) const NUMBERS: Self = Self(&[Scope::NumbersWrite]);
    /// Writing keys.
    pub(crate) const ADMIN: Self = Self(&[]);

    fn met_by(self, scopes: &[Scope]) -> bool {
        scopes.contains(&Scope::Admin) || self.0.iter().any(|scope| scopes.contains(scope))
    }

    fn in_words(self) -> String {
        let names = self.0.iter().chain([&Scope::Admin]).map(|scope| format!("`{}`", scope.as_str()));
        names.collect::<Vec<_>>().join(" or ")
    }
}

/// Lets a request through when its key may do what the group of calls needs.
pub(crate) async fn require(
    State((state, needs)): State<(ApiState, Needs)>,
    mut request: Request,
    next: Next,
) -> Response {
    match admit(&state, needs, request.headers()).await {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(state: &ApiState, needs: Needs, headers: &HeaderMap) -> Result<Caller, Problem> {
    let secret = bearer(headers)?;
    let bootstrap = state.bootstrap_key.as_ref().map(|key| key.expose().as_bytes());
    if bootstrap.is_some_and(|key| !key.is_empty() && key.ct_eq(secret.as_bytes()).into()) {
        return Ok(Caller("bootstrap".to_owned()));
    }
    let key = state.store.verify_key(secret).await?;
    let key = key.ok_or_else(|| Problem::new(Kind::Unauthorized, "This API key is not known here, or was revoked."))?;
    if needs.met_by(&key.scopes) {
        return Ok(Caller(key.id.to_string()));
    }
    let detail = format!("The API key `{}` lacks a scope that this call needs: {}.", key.id, needs.in_words());
    Err(Problem::new(Kind::Forbidden, detail))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Problem> {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let (scheme, secret) = given.and_then(|given| given.split_once(' ')).unwrap_or_default();
    if scheme.eq_ignore_ascii_case("bearer") && !secret.trim().is_empty() {
        return Ok(secret.trim());
    }
    Err(Problem::new(Kind::Unauthorized, "Send an API key: `Authorization: Bearer …`."))
}
