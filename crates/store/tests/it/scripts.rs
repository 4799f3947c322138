//! The scripts as the source tree has them: by path, and by the hash under which Redis knows them.

use std::{collections::BTreeMap, fs, path::Path};

use redis::Script;

fn source() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))
}

fn collect(folder: &Path, found: &mut BTreeMap<String, String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "lua") {
            let name = path.strip_prefix(source()).unwrap().to_str().unwrap().to_owned();
            found.insert(name, fs::read_to_string(&path).unwrap());
        }
    }
}

/// Every `.lua` file under `src`, and its text. First those that are put before others, then the scripts themselves.
fn files() -> (BTreeMap<String, String>, BTreeMap<String, String>) {
    let mut found = BTreeMap::new();
    collect(source(), &mut found);
    let macros = fs::read_to_string(source().join("script.rs")).unwrap();
    let is_put_before = |path: &String| macros.contains(&format!("\"{}\"", path.rsplit('/').next().unwrap()));
    found.into_iter().partition(|(path, _)| is_put_before(path))
}

/// The paths of all scripts, under `src`.
pub(crate) fn paths() -> Vec<String> {
    files().1.into_keys().collect()
}

/// All forms in which the script at `path` may be sent to Redis: with each flag and each choice of files before it.
pub(crate) fn forms(path: &str) -> Vec<Script> {
    let (before, scripts) = files();
    let script = scripts.get(path).unwrap_or_else(|| panic!("there is no script {path}"));
    let mut heads = vec![String::new()];
    for text in before.values() {
        let longer: Vec<_> = heads.iter().map(|head| format!("{head}{text}")).collect();
        heads.extend(longer);
    }
    let forms =
        |head: &String| ["", "#!lua flags=allow-oom\n"].map(|flags| Script::new(&format!("{flags}{head}{script}")));
    heads.iter().flat_map(forms).collect()
}

/// In each test file a case names its script, and fails unless it was that script's reply that was lost.
#[test]
fn every_script_has_a_case_in_which_its_reply_is_lost() {
    let cases = [include_str!("run_repeat.rs"), include_str!("records/repeat.rs"), include_str!("restore_repeat.rs")];
    let untried = |path: &String| !cases.iter().any(|cases| cases.contains(&format!("\"{path}\"")));
    let missing: Vec<_> = paths().into_iter().filter(untried).collect();
    assert_eq!(missing, [""; 0], "call each with `check` or `twice` in one of these files");
}
