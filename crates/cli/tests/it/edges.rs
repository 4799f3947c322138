//! The architecture's crate edges, read from the manifests: what the table does not allow is forbidden.

use std::{
    path::{Path, PathBuf},
    process::Command,
};

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Each crate, what it is built on, and what its tests may use besides.
const ALLOWED: &[(&str, &[&str], &[&str])] = &[
    ("core", &[], &[]),
    ("cloud-api", &[], &["cloud-sim"]),
    ("store", &["core"], &["testkit"]),
    ("cloud-sim", &["cloud-api"], &["testkit"]),
    ("engine", &["core", "store", "cloud-api"], &["testkit", "cloud-sim"]),
    ("server", &["core", "store", "cloud-api"], &["testkit", "cloud-sim"]),
    ("cli", &["core", "store", "cloud-api", "cloud-sim", "engine", "server"], &["testkit"]),
    ("testkit", &["core", "store", "cloud-sim"], &[]),
    ("loadtest", &["core", "store", "cloud-api", "cloud-sim", "engine", "server", "testkit"], &[]),
];

/// An edge between two crates of the workspace, their common prefix left out.
#[derive(Debug)]
struct Edge {
    from: String,
    to: String,
    kind: DependencyKind,
}

impl Edge {
    fn new(from: &str, to: &str, kind: DependencyKind) -> Option<Self> {
        let short = |name: &str| name.strip_prefix("dawncast-").map(str::to_owned);
        Some(Self { from: short(from)?, to: short(to)?, kind })
    }

    fn is_allowed(&self) -> bool {
        ALLOWED.iter().find(|(from, ..)| *from == self.from).is_some_and(|(_, built_on, tested_with)| {
            let to = self.to.as_str();
            built_on.contains(&to) || (self.kind == DependencyKind::Development && tested_with.contains(&to))
        })
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn metadata() -> Metadata {
    MetadataCommand::new().manifest_path(root().join("Cargo.toml")).no_deps().exec().unwrap()
}

#[test]
fn crates_know_only_whom_the_architecture_lets_them_know() {
    let metadata = metadata();
    let edges: Vec<_> = metadata
        .packages
        .iter()
        .flat_map(|from| from.dependencies.iter().filter_map(|to| Edge::new(&from.name, &to.name, to.kind)))
        .collect();
    assert!(edges.len() > 10, "the manifests were not read: {edges:?}");
    let forbidden: Vec<_> = edges.iter().filter(|edge| !edge.is_allowed()).collect();
    assert!(forbidden.is_empty(), "docs/ARCHITECTURE.md, Crates, has no such edge: {forbidden:#?}");
}

#[test]
fn a_forbidden_edge_is_noticed() {
    for (from, to, kind) in [
        ("dawncast-engine", "dawncast-server", DependencyKind::Normal),
        ("dawncast-core", "dawncast-cloud-api", DependencyKind::Development),
        ("dawncast-engine", "dawncast-cloud-sim", DependencyKind::Normal),
        ("dawncast-store", "dawncast-testkit", DependencyKind::Build),
        ("dawncast-newcomer", "dawncast-core", DependencyKind::Normal),
    ] {
        assert!(!Edge::new(from, to, kind).unwrap().is_allowed(), "{from} to {to}");
    }
}

#[test]
fn every_crate_is_in_the_table() {
    for package in metadata().packages {
        let known = ALLOWED.iter().any(|(name, ..)| package.name.strip_prefix("dawncast-") == Some(name));
        assert!(known, "{} is not in the table of this test", package.name);
    }
}

/// What the binary is built on, by edges of these kinds; `edges` as `cargo tree --edges` takes them.
fn tree(edges: &str) -> String {
    let arguments = ["tree", "--offline", "--package", "dawncast-cli", "--prefix", "none", "--edges", edges];
    let output = Command::new(env!("CARGO")).args(arguments).current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_points_where_tests_kill_are_in_no_build_that_is_shipped() {
    let has_points = |tree: &str| tree.lines().any(|line| line.starts_with("fail v"));
    assert!(has_points(&tree("normal,build,dev")), "tests have none either");
    assert!(!has_points(&tree("normal,build")));
}

/// Two versions would mean two sets of types: the store's connections would not fit the chore queue.
#[test]
fn there_is_one_version_of_redis() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    assert_eq!(lock.lines().filter(|line| *line == r#"name = "redis""#).count(), 1);
}
