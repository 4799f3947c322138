//! What the API says of itself, held against what it takes and answers.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{LazyLock, Mutex},
};

use jsonschema::Validator;
use reqwest::{Method, Request, StatusCode};
use serde_json::{Value, json};

/// The document, strict: fields that it does not name are faults. As published it allows them, so that clients of today
/// read the answers of tomorrow.
static STRICT: LazyLock<Value> = LazyLock::new(|| {
    let mut document = dawncast_server::openapi().clone();
    let open = members_of_all_of(&document);
    for (name, schema) in document["components"]["schemas"].as_object_mut().unwrap() {
        if !open.contains(&format!("#/components/schemas/{name}")) {
            close(schema);
        }
    }
    close(&mut document["paths"]);
    document
});

/// The schemas that others are made of: closed, they would refuse the fields of the others.
fn members_of_all_of(value: &Value) -> BTreeSet<String> {
    match value {
        Value::Object(fields) => {
            let members = fields.get("allOf").and_then(Value::as_array).into_iter().flatten();
            let members = members.filter_map(|member| member["$ref"].as_str().map(str::to_owned));
            members.chain(fields.values().flat_map(members_of_all_of)).collect()
        }
        Value::Array(items) => items.iter().flat_map(members_of_all_of).collect(),
        _ => BTreeSet::new(),
    }
}

fn close(value: &mut Value) {
    match value {
        Value::Object(fields) if fields.contains_key("allOf") => {
            fields.insert("unevaluatedProperties".into(), json!(false));
        }
        Value::Object(fields) => {
            if fields.get("properties").is_some_and(Value::is_object) && fields.get("type") == Some(&json!("object")) {
                fields.entry("additionalProperties").or_insert(json!(false));
            }
            fields.values_mut().for_each(close);
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

/// A schema by its place in the document, compiled once.
fn faults(place: &str, instance: &Value) -> Vec<String> {
    static COMPILED: LazyLock<Mutex<HashMap<String, &'static Validator>>> = LazyLock::new(Mutex::default);
    let validator = *COMPILED.lock().unwrap().entry(place.to_owned()).or_insert_with(|| {
        let schema = STRICT.pointer(place).unwrap_or_else(|| panic!("the document has no {place}"));
        let whole = json!({ "allOf": [schema], "components": STRICT["components"] });
        Box::leak(Box::new(jsonschema::draft202012::new(&whole).unwrap()))
    });
    validator.iter_errors(instance).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// `instance` is as the schema of this name says.
pub(crate) fn fits(schema: &str, instance: &Value) {
    let faults = faults(&format!("/components/schemas/{schema}"), instance);
    assert!(faults.is_empty(), "{schema}: {faults:#?}\n{instance:#}");
}

/// A call, as far as the document is about it.
pub(crate) struct Call {
    method: Method,
    path: String,
    body: Option<Value>,
}

impl Call {
    pub(crate) fn of(request: &Request) -> Self {
        let body = request.body().and_then(|body| serde_json::from_slice(body.as_bytes()?).ok());
        Self { method: request.method().clone(), path: request.url().path().to_owned(), body }
    }

    /// The place of the operation in the document; of two paths that fit, the one with fewer variables.
    fn place(&self) -> Option<String> {
        let paths = STRICT["paths"].as_object().unwrap().keys().filter(|path| fits_path(path, &self.path));
        let path = paths.min_by_key(|path| path.matches('{').count())?;
        let place = format!("/paths/{}/{}", path.replace('/', "~1"), self.method.as_str().to_lowercase());
        STRICT.pointer(&place).map(|_| place)
    }

    /// The answer is one that the document names, and its body as the document says; so is the body that was sent, when it
    /// was taken.
    pub(crate) fn is_described(&self, status: StatusCode, mime: &str, answer: &Value) {
        let Some(place) = self.place() else {
            assert!(!self.path.starts_with("/v1/") || [404, 405].contains(&status.as_u16()), "{}", self.path);
            return;
        };
        if let (Some(body), true) = (&self.body, status.is_success()) {
            self.body_fits(&format!("{place}/requestBody/content/application~1json/schema"), body);
        }
        let response = |name: &str| format!("{place}/responses/{name}");
        let named = response(status.as_str());
        if STRICT.pointer(&named).is_none() {
            assert!(status.is_client_error() || status.is_server_error(), "{place} does not name {status}");
            return fits("Problem", answer);
        }
        if status != StatusCode::NO_CONTENT && mime == "application/json" {
            self.body_fits(&format!("{named}/content/application~1json/schema"), answer);
        }
    }

    fn body_fits(&self, place: &str, body: &Value) {
        if STRICT.pointer(place).is_none() {
            return;
        }
        let faults = faults(place, body);
        assert!(faults.is_empty(), "{} {}, {place}: {faults:#?}\n{body:#}", self.method, self.path);
    }
}

fn fits_path(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len() && template.iter().zip(path).all(|(one, other)| one.starts_with('{') || *one == other)
}

#[test]
fn what_is_not_described_is_noticed() {
    let call = Call { method: Method::GET, path: "/v1/pools".into(), body: None };
    let page = |pool: Value| json!({ "items": [pool], "next_cursor": null });
    let place = format!("{}/responses/200/content/application~1json/schema", call.place().unwrap());
    let good = json!({ "id": "a", "numbers": ["1"], "paused": false });
    assert_eq!(faults(&place, &page(good)), Vec::<String>::new());
    for bad in [
        json!({ "id": "a", "numbers": ["1"] }),
        json!({ "id": "a", "numbers": [1], "paused": false }),
        json!({ "id": "a", "numbers": ["1"], "paused": false, "more": 1 }),
    ] {
        assert_ne!(faults(&place, &page(bad.clone())), Vec::<String>::new(), "{bad}");
    }
    let validate = Call { method: Method::POST, path: "/v1/campaigns/validate".into(), body: None };
    assert!(validate.place().unwrap().contains("~1validate/post"));
}
