use dawncast_core::consent::{Change, Entry, Scope, Source, Told};
use dawncast_store::records::WithheldChange;
use reqwest::Method;
use serde_json::{Value, json};

use crate::rig::{Api, NOW, answer, faults};

const ASHA: &str = "+919812345671";

async fn import(api: &Api, mime: &str, file: &str) -> (reqwest::StatusCode, Value) {
    let request = api.request(Method::POST, "/v1/suppressions/import").header("content-type", mime);
    answer(request.body(file.to_owned())).await
}

async fn lift(api: &Api, path: &str) -> u16 {
    api.request(Method::DELETE, path).send().await.unwrap().status().as_u16()
}

#[tokio::test]
async fn a_phone_is_put_on_the_list_shown_and_taken_off() {
    let api = Api::start().await;
    let (status, added) = api.post("/v1/suppressions", &json!({ "phone": "91 98123 45671" })).await;
    let expected = json!({ "phone": ASHA, "scope": "all", "source": "api", "since": "2026-11-20T12:00:00.000Z" });
    assert_eq!((status.as_u16(), &added), (201, &expected));
    api.post("/v1/suppressions", &json!({ "phone": ASHA, "scope": "marketing" })).await;
    let (_, shown) = api.get(&format!("/v1/suppressions/{ASHA}")).await;
    assert_eq!((&shown["phone"], shown["entries"].as_array().unwrap().len()), (&json!(ASHA), 2));
    let (_, listed) = api.get("/v1/suppressions").await;
    assert_eq!((&listed["items"][0], &listed["next_cursor"]), (&expected, &Value::Null));

    let path = format!("/v1/suppressions/{ASHA}");
    assert_eq!(lift(&api, &format!("{path}?scope=utility")).await, 404, "not by this scope");
    assert_eq!(lift(&api, &format!("{path}?scope=all")).await, 204);
    assert_eq!(api.get(&path).await.1["entries"][0]["scope"], "marketing");
    assert_eq!(lift(&api, &path).await, 204);
    assert_eq!(lift(&api, &path).await, 404);
    let (status, problem) = api.get(&path).await;
    assert_eq!(status, 404);
    assert!(!problem.to_string().contains("9812345"), "{problem}");
}

#[tokio::test]
async fn every_fault_of_an_entry_is_told_and_nothing_is_stored() {
    let api = Api::start().await;
    let (status, problem) = api.post("/v1/suppressions", &json!({ "phone": "123", "scope": "news", "why": 1 })).await;
    let faults = faults(&problem);
    assert_eq!(status, 422);
    assert!(faults[0].starts_with("/phone: the phone number has 3 digits"), "{faults:?}");
    assert!(
        faults[1].starts_with("/scope: unknown variant `news`") && faults[2].starts_with("/why: is not a field"),
        "{faults:?}"
    );
    assert_eq!(api.get("/v1/suppressions").await.1["items"], json!([]));
    assert_eq!(api.get("/v1/suppressions/nobody").await.0, 404);
}

#[tokio::test]
async fn a_file_puts_its_good_lines_on_the_list_and_tells_the_others() {
    let api = Api::start().await;
    let (status, imported) =
        import(&api, "text/csv", "phone,scope\n+919812345671,\n12,all\n+919812345672,Utility\n").await;
    assert_eq!(status, 200, "{imported}");
    assert_eq!((&imported["rows"], &imported["accepted"], &imported["rejected"]), (&json!(3), &json!(2), &json!(1)));
    assert_eq!(imported["rejects"][0]["line"], 3);
    let (_, listed) = api.get("/v1/suppressions").await;
    let listed: Vec<_> = listed["items"].as_array().unwrap().iter().map(|it| (&it["scope"], &it["source"])).collect();
    assert!(listed.contains(&(&json!("utility"), &json!("import"))) && listed.len() == 2, "{listed:?}");

    assert_eq!(import(&api, "application/json", "phone\n").await.0, 415);
    let (status, problem) = import(&api, "text/csv", "number\n1\n").await;
    assert_eq!(status, 400);
    assert!(problem["detail"].as_str().unwrap().contains("no column `phone`"), "{problem}");
}

#[tokio::test]
async fn the_list_comes_by_pages() {
    let api = Api::start().await;
    let phone = |n: u64| dawncast_core::phone::Phone::from_digits(919_800_000_000 + n).unwrap();
    let add = |n: u64| Change::Add(Entry { scope: Scope::All, source: Source::Reply, since: n as i64 });
    let changes: Vec<_> = (0..5).map(|n| (phone(n), add(n))).collect();
    api.store.suppress(&changes).await.unwrap();
    let (_, first) = api.get("/v1/suppressions?limit=3").await;
    let (_, rest) =
        api.get(&format!("/v1/suppressions?limit=3&cursor={}", first["next_cursor"].as_str().unwrap())).await;
    let phones = [first, rest].map(|page| page["items"].as_array().unwrap().len());
    assert_eq!(phones, [3, 2]);
}

#[tokio::test]
async fn what_meta_withholds_is_told_of_a_phone_and_lifted_by_a_person() {
    let api = Api::start().await;
    let path = format!("/v1/suppressions/{ASHA}");
    let phone = ASHA.parse().unwrap();
    let tell = async |told, at| {
        api.store.change_withheld(&[(phone, WithheldChange::Told(told, at))], NOW).await.unwrap();
    };
    tell(Told::Undeliverable, NOW).await;
    assert_eq!(api.get(&path).await.0, 404, "one strike holds nothing");
    tell(Told::Marketing(131_049), NOW).await;
    let wait = json!({ "scope": "marketing", "until": "2026-11-21T12:00:00.000Z",
                       "why": "Meta withheld marketing from this recipient; not before 2026-11-21T12:00:00Z" });
    let (status, shown) = api.get(&path).await;
    assert_eq!((status.as_u16(), &shown["entries"], &shown["waits"]), (200, &json!([]), &json!([wait])));
    let (_, history) = api.get("/v1/deliveries?phone=%2B919812345671").await;
    assert_eq!((&history["items"], &history["waits"]), (&json!([]), &json!([wait])));
    assert_eq!(lift(&api, &format!("{path}?scope=utility")).await, 404);
    assert_eq!(lift(&api, &format!("{path}?scope=marketing")).await, 204);
    assert_eq!(api.get(&path).await.0, 404);
    let left = api.store.withheld(&[phone]).await.unwrap()[0].unwrap();
    assert!(left.marketing.is_none() && left.undeliverable.is_some());
}
