//! Random histories played on one Redis, by a seed that is printed.

use std::fmt::Debug;

use proptest::{
    strategy::Strategy,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};

use crate::run_scene::Scene;

/// Plays `cases` histories one after the other, each in the scene as the last one left it, and shows the shortest that
/// goes wrong.
pub(crate) fn play<H: Debug>(
    cases: u32,
    histories: impl Strategy<Value = H>,
    play: impl AsyncFn(&Scene, H) -> Result<(), TestCaseError>,
) {
    let seed = match Config::default().rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => rand::random(),
    };
    println!("PROPTEST_RNG_SEED={seed} plays this again");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let scene = runtime.block_on(Scene::set());
    let config = Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..Config::default() };
    let played = TestRunner::new(config).run(&histories, |history| runtime.block_on(play(&scene, history)));
    played.unwrap_or_else(|error| panic!("PROPTEST_RNG_SEED={seed}: {error}"));
}
