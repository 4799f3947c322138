//! The demo, as `make demo` plays it, only shorter.

use std::fs;

use serde_json::Value;

use crate::dawncast::{Said, dawncast, run};

fn check(arguments: &[&str]) -> (Said, Value) {
    let folder = tempfile::tempdir().unwrap();
    let json = folder.path().join("report.json");
    let arguments = ["demo", "--json", json.to_str().unwrap()].into_iter().chain(arguments.iter().copied());
    let said = run(&mut dawncast(arguments));
    assert_eq!(said.code, 0, "{}\n{}", said.out, said.err);
    assert!(said.out.contains("PASS"), "{}", said.out);
    let report = serde_json::from_str(&fs::read_to_string(&json).unwrap()).unwrap();
    (said, report)
}

#[test]
fn e2e_a_broadcast_with_faults_meets_its_promise() {
    let (said, report) = check(&["--recipients", "300", "--window", "6s"]);
    assert_eq!(report["totals"]["submitted"], 300);
    assert_eq!((&report["state"], &report["sla"]["verdict"]), (&"closed".into(), &"pass".into()));
    assert!(said.err.contains("open · "), "no progress was shown:\n{}", said.err);
}

#[test]
fn e2e_a_broadcast_meets_its_promise_while_its_workers_are_killed() {
    let (_, report) = check(&["--recipients", "600", "--window", "12s", "--kill-workers"]);
    assert_eq!(report["totals"]["submitted"], 600);
}

#[test]
fn e2e_a_file_of_ones_own_is_sent_to_the_simulator() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("people.csv");
    fs::write(&file, "phone,city\n+919876543210,Pune\n+919876543211,Thane\nnobody,Goa\n").unwrap();
    let (said, report) = check(&["--csv", file.to_str().unwrap(), "--window", "2s", "--faults", "none"]);
    assert_eq!(report["totals"]["submitted"], 2);
    assert!(said.err.contains(&format!("{}:4: ", file.display())), "{}", said.err);
}

#[test]
fn e2e_a_broadcast_that_cannot_fit_is_refused_before_it_begins() {
    let said = run(&mut dawncast(["demo", "--recipients", "300", "--window", "1s", "--mps", "10"]));
    assert_eq!(said.code, 1, "{}", said.err);
    assert!(said.err.contains("/window/closes") && said.err.contains("300 recipients do not fit"), "{}", said.err);
}
