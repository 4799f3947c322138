//! JSON merge patches (RFC 7396).

use serde_json::{Map, Value};

/// `target` with what `patch` gives: fields of objects one by one, `null` takes a field away, all else is replaced.
pub(crate) fn merged(target: Value, patch: Value) -> Value {
    let Value::Object(patch) = patch else { return patch };
    let mut fields = if let Value::Object(fields) = target { fields } else { Map::new() };
    for (name, given) in patch {
        let before = fields.remove(&name).unwrap_or_default();
        if !given.is_null() {
            fields.insert(name, merged(before, given));
        }
    }
    Value::Object(fields)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_patch_changes_what_it_names() {
        for (target, patch, expected) in [
            (
                json!({ "a": 1, "b": { "c": 2, "d": 3 } }),
                json!({ "b": { "c": 4 } }),
                json!({ "a": 1, "b": { "c": 4, "d": 3 } }),
            ),
            (json!({ "a": 1, "b": 2 }), json!({ "a": null }), json!({ "b": 2 })),
            (json!({ "a": [1, 2] }), json!({ "a": [3] }), json!({ "a": [3] })),
            (json!({ "a": "b" }), json!({ "a": { "c": { "d": null } } }), json!({ "a": { "c": {} } })),
            (json!({ "a": 1 }), json!([1]), json!([1])),
            (json!({ "a": 1 }), json!({}), json!({ "a": 1 })),
        ] {
            assert_eq!(merged(target, patch.clone()), expected, "{patch}");
        }
    }
}
