//! What was counted of numbers of late, each beside the others of its pool: what the quality monitor judges failing by.

use std::collections::{BTreeMap, HashMap};

use dawncast_core::{
    UnixMs,
    campaign::Priority,
    health::{Member, Rates, Reading},
    ids::{NumberId, PoolId},
};
use dawncast_store::records::Number;
use futures::future::try_join_all;

use crate::{Context, EngineError};

/// The rates of every number at `now`. *Two monitors look at once*: one of them may know of a second more, and of two numbers
/// take the other for the one that fails less.
pub(super) async fn of(
    ctx: &Context,
    numbers: &[Number],
    readings: &HashMap<NumberId, Reading>,
    now: UnixMs,
) -> Result<HashMap<NumberId, Rates>, EngineError> {
    let playbook = &ctx.settings.playbook;
    let counting = numbers.iter().map(|number| ctx.store.counts(&number.phone_number_id, playbook.rates.window(now)));
    let mut pools: BTreeMap<&PoolId, (Vec<&NumberId>, Vec<Member>)> = BTreeMap::new();
    for (number, counts) in numbers.iter().zip(try_join_all(counting).await?) {
        let id = &number.phone_number_id;
        let is_out = readings.get(id).is_some_and(|reading| reading.forbids(now));
        let serves = number.serves(Priority::Bulk, playbook) && !is_out;
        let (ids, members) = pools.entry(&number.pool).or_default();
        ids.push(id);
        members.push(Member { counts, serves });
    }
    let mut rates = HashMap::new();
    for (ids, members) in pools.values() {
        rates.extend(ids.iter().enumerate().map(|(place, id)| ((*id).clone(), Rates::of(members, place))));
    }
    Ok(rates)
}
