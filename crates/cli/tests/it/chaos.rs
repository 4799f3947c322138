//! The chaos run, as `make chaos` plays it, only shorter.

use std::fs;

use serde_json::Value;

use crate::dawncast::{dawncast, run};

/// A run of twelve seconds in which Redis dies, and two workers, the webhook and the scheduler.
const SEED: &str = "1";

#[test]
fn e2e_nobody_is_lost_and_nobody_hears_twice_whatever_dies() {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("chaos.json");
    let short = ["chaos", "--seed", SEED, "--minutes", "0.24", "--recipients", "1000", "--workers", "3"];
    let said = run(&mut dawncast(short.into_iter().chain(["--json", json.to_str().unwrap()])));
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("HELD"), "{}", said.out);
    let found: Value = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    assert_eq!(
        (&found["held"], &found["lost"], &found["doubles"]["unexplained"]),
        (&true.into(), &0.into(), &0.into())
    );
    for dead in ["worker_kills", "webhook_kills", "scheduler_kills", "redis_kills"] {
        assert!(found["plan"][dead].as_u64() > Some(0), "{dead}: {}", found["plan"]);
    }
    let states: u64 = found["states"].as_object().unwrap().values().filter_map(Value::as_u64).sum();
    assert_eq!(states, 1_000);
}
