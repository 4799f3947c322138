//! What Meta withholds from a phone at present, as answers tell it.

use dawncast_core::{
    consent::{Scope, Withheld},
    phone::Phone,
};
use serde::Serialize;

use crate::{problem::Problem, state::ApiState, time::rfc3339};

/// One wait.
#[derive(Serialize)]
pub(crate) struct Wait {
    /// Of which messages.
    pub(crate) scope: Scope,
    /// Not before.
    until: String,
    /// Why, in words.
    why: String,
}

/// What a phone waits for now.
pub(crate) async fn waits(state: &ApiState, phone: Phone) -> Result<Vec<Wait>, Problem> {
    let withheld: Option<Withheld> = state.store.withheld(&[phone]).await?.pop().flatten();
    let told = |(scope, until, why)| Wait { scope, until: rfc3339(until), why };
    Ok(withheld.iter().flat_map(|withheld| withheld.waits(state.now())).map(told).collect())
}
