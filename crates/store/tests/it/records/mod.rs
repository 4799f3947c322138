//! Administrative records against a real Redis.

mod api_keys;
mod assets;
mod audiences;
mod campaigns;
mod credentials;
mod idempotency;
mod imports;
mod numbers;
mod repeat;
mod suppressions;
mod withheld;

use dawncast_store::Store;
use dawncast_testkit::TestRedis;

async fn fresh() -> (TestRedis, Store) {
    let redis = TestRedis::start().await;
    let store = redis.store("t:").await;
    (redis, store)
}

fn id<T: std::str::FromStr<Err: std::fmt::Debug>>(text: &str) -> T {
    text.parse().unwrap()
}
