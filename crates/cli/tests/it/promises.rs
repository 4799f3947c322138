//! `docs/promises.md` names a test for each of its claims: none may be renamed away from under it.

use std::{
    fs,
    path::{Path, PathBuf},
};

/// Fewer underscores are a setting or a state.
const UNDERSCORES: usize = 4;

fn sources(folder: &Path, found: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(path).unwrap());
        }
    }
}

#[test]
fn every_test_that_a_promise_names_exists() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let page = fs::read_to_string(root.join("docs/promises.md")).unwrap();
    let is_name = |word: &&str| {
        let plain = word.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
        plain && word.matches('_').count() >= UNDERSCORES
    };
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).filter(is_name).collect();
    assert!(named.len() > 20, "the page is read otherwise than it is written: {named:?}");
    let mut code = String::new();
    sources(&root.join("crates"), &mut code);
    let gone: Vec<_> = named.into_iter().filter(|name| !code.contains(&format!("fn {name}("))).collect();
    assert_eq!(gone, Vec::<&str>::new(), "tests that the promises rest on are gone");
}
