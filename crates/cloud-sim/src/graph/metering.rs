//! Which calls count for Meta's limits on the management API, and what answers tell of it.

use axum::http::HeaderValue;
use axum::response::Response;

use super::Path;
use super::error::GraphError;
use crate::calls::{ACTIVE, INACTIVE, Reached, Scope};
use crate::cloud::Cloud;

/// What a call counts for; none where it belongs to messages, media and uploads.
pub(super) fn scope(cloud: &Cloud, path: &Path<'_>) -> Option<Scope> {
    if path.is_of_messages(cloud) || path.id.starts_with("upload:") {
        return None;
    }
    let template = || path.id.parse().ok().and_then(|id| cloud.templates.by_id(id)).map(|template| template.waba);
    let number = || cloud.number(path.id).map(|number| number.waba);
    let account = cloud.waba(path.id).or_else(number).or_else(template);
    let is_registered = |waba| {
        let of_account = cloud.numbers.iter().filter(|number| number.waba == waba);
        of_account.into_iter().any(|number| cloud.standings.refuses(number.place) != Some(133_010))
    };
    let account_limit = if account.is_some_and(is_registered) { ACTIVE } else { INACTIVE };
    Some(Scope { account, account_limit, app_limit: ACTIVE * cloud.accounts() })
}

/// Counts a call, or refuses it.
pub(super) fn count(cloud: &Cloud, scope: Scope) -> Result<(), GraphError> {
    cloud.calls.count(scope, cloud.clock.now_us()).map_err(|reached| match reached {
        Reached::App => GraphError::of(4),
        Reached::Account => GraphError::of(80_007),
    })
}

/// Tells of the limits in an answer.
pub(super) fn tell(cloud: &Cloud, scope: Scope, response: &mut Response) {
    let (app, account) = cloud.calls.headers(scope, cloud.clock.now_us());
    let named = [("x-app-usage", Some(app)), ("x-business-use-case-usage", account)];
    for (name, text) in named.into_iter().filter_map(|(name, text)| Some((name, text?))) {
        response.headers_mut().insert(name, HeaderValue::try_from(text).expect("JSON of digits and letters"));
    }
}
