use std::time::Duration;

use dawncast_store::records::{BeginImport, ImportMode};
use dawncast_testkit::until;
use reqwest::{Body, Method};
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::rig::{Api, NOW, answer, id};

async fn phones(api: &Api, audience: &str) -> Vec<u64> {
    let Some(version) = api.store.audience_version(&id(audience)).await.unwrap() else { return Vec::new() };
    let mut reader = api.store.rows(&id(audience), &version);
    let mut phones = Vec::new();
    while let Some(rows) = reader.next().await.unwrap() {
        phones.extend(rows.iter().map(|row| row.phone));
    }
    phones
}

/// A body fed by hand.
fn piecemeal() -> (mpsc::UnboundedSender<Result<Vec<u8>, std::io::Error>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let stream = futures::stream::unfold(receiver, async |mut receiver: mpsc::UnboundedReceiver<_>| {
        receiver.recv().await.map(|piece| (piece, receiver))
    });
    (sender, Body::wrap_stream(stream))
}

#[tokio::test]
async fn a_csv_becomes_the_audience_and_its_bad_rows_are_told_by_line() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let file = "phone,id,first_name,city\n919876543210,a,Asha,Pune\n919876543211,b\n12,c,Ravi,Delhi\n\
                +91 98765 43210,d,Asha,Pune\n";
    let import = api.upload(&audience, "replace", "text/csv; charset=utf-8", file).await;
    let counts = ["rows", "accepted", "rejected", "duplicates"].map(|name| import[name].as_u64().unwrap());
    assert_eq!((&import["state"], counts), (&json!("done"), [4, 2, 2, 1]), "{import}");
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    assert_eq!(api.get(&path).await.1, import);
    let (_, rejects) = api.get(&format!("{path}/rejects")).await;
    assert_eq!(
        rejects["items"],
        json!([
            { "line": 3, "reason": "2 fields where the header has 4" },
            { "line": 4, "reason": "the phone number has 2 digits: with its country code it has at least 8" },
        ])
    );
    let (_, duplicates) = api.get(&format!("{path}/duplicates")).await;
    let reason = "the phone stands on line 2 already; a run sends to the first row";
    assert_eq!(
        duplicates,
        json!({ "items": [{ "line": 5, "by": "phone", "first_line": 2, "reason": reason }], "next_cursor": null })
    );
    let (_, shown) = api.get(&format!("/v1/audiences/{audience}")).await;
    assert_eq!((&shown["rows"], &shown["columns"]), (&json!(2), &json!(["city", "first_name", "id"])));
    assert_eq!(phones(&api, &audience).await, [919_876_543_210, 919_876_543_210]);
}

#[tokio::test]
async fn ndjson_is_taken_as_well() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let file = "{\"phone\":\"919876543210\",\"first_name\":\"Asha\"}\n{\"phone\":1}\n{\"first_name\"\n";
    let import = api.upload(&audience, "replace", "application/x-ndjson", file).await;
    assert_eq!((&import["state"], &import["accepted"], &import["rejected"]), (&json!("done"), &json!(1), &json!(2)));
}

#[tokio::test]
async fn a_file_that_cannot_be_an_audience_fails_and_changes_nothing() {
    let api = Api::start().await;
    let audience = api.filled_audience(1).await;
    let before = phones(&api, &audience).await;
    for (file, why) in [
        (b"".to_vec(), "the file is empty; its first line must name the columns"),
        (b"Phone,name\n1,2\n".to_vec(), "the first line names no column `phone`; it has `Phone`, `name`"),
        (b"phone\n\xff\xfe\n".to_vec(), "line 2 is not UTF-8; save the file as UTF-8"),
        (b"phone\n".to_vec(), "the file has no rows; the audience is unchanged"),
        (b"phone\n1\n2\n".to_vec(), "none of the 2 rows can be taken, see the rejects; the audience is unchanged"),
    ] {
        let import = api.upload(&audience, "replace", "text/csv", file).await;
        assert_eq!((&import["state"], &import["error"]), (&json!("failed"), &json!(why)));
        assert_eq!(phones(&api, &audience).await, before);
    }
}

#[tokio::test]
async fn an_upsert_keeps_whom_it_does_not_name() {
    let api = Api::start().await;
    let audience = api.filled_audience(3).await;
    let file = "phone,first_name\n919800000001,New\n919811111111,More\n";
    api.upload(&audience, "upsert", "text/csv", file).await;
    assert_eq!(phones(&api, &audience).await, [919_800_000_001, 919_811_111_111, 919_800_000_000, 919_800_000_002]);
}

#[tokio::test]
async fn a_hundred_thousand_rows_pass_through() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let row = |n: u64| format!("{},r{n},\"Asha, the {n}th\"\n", 919_000_000_000 + n);
    let pieces = std::iter::once("phone,id,first_name\n".to_owned())
        .chain((0..100).map(move |part| (part * 1000..(part + 1) * 1000).map(row).collect::<String>()))
        .map(Ok::<_, std::io::Error>);
    let body = Body::wrap_stream(futures::stream::iter(pieces));
    let import = api.upload(&audience, "replace", "text/csv", body).await;
    assert_eq!((&import["accepted"], &import["duplicates"]), (&json!(100_000), &json!(0)));
    let stored = phones(&api, &audience).await;
    assert!(stored.iter().copied().eq(919_000_000_000..919_000_100_000));
}

#[tokio::test]
async fn a_client_that_hangs_up_leaves_the_audience_as_it_was_and_free() {
    let api = Api::start().await;
    let audience = api.filled_audience(1).await;
    let (pieces, body) = piecemeal();
    let path = format!("/v1/audiences/{audience}/imports?mode=replace");
    let upload = api.request(Method::POST, &path).header("content-type", "text/csv").body(body);
    let upload = tokio::spawn(answer(upload));
    pieces.send(Ok(b"phone\n919876543210\n".to_vec())).unwrap();
    let mut connection = api.redis.store("").await.connection();
    let running = async || {
        let state = format!("t:{{aud:{audience}}}:state");
        let there = redis::cmd("HEXISTS").arg(state).arg("running").query_async(&mut connection).await;
        there.unwrap_or(false).then_some(())
    };
    until("the import is running", Duration::from_secs(10), running).await;
    let second = api.request(Method::POST, &path).header("content-type", "text/csv").body("phone\n919876543211\n");
    let (status, problem) = answer(second).await;
    assert_eq!((status.as_u16(), &problem["type"]), (409, &json!("/problems/conflict")));
    upload.abort();
    drop(pieces);
    let free = async || {
        let import = api.request(Method::POST, &path).header("content-type", "text/csv").body("phone\n919876543212\n");
        let (status, _) = answer(import).await;
        (status == 202).then_some(())
    };
    until("the audience is free", Duration::from_secs(10), free).await;
    assert_eq!(phones(&api, &audience).await, [919_876_543_212]);
}

#[tokio::test]
async fn a_number_that_cannot_exist_is_rejected_and_the_same_id_twice_is_told() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let file = "phone,id\n919876543210,a\n915555555555,b\n999123456789,c\n919876543211,a\n1650555123,d\n";
    let import = api.upload(&audience, "replace", "text/csv", file).await;
    let counts = ["accepted", "rejected", "duplicates", "duplicate_phones", "duplicate_ids"];
    assert_eq!(counts.map(|name| import[name].as_u64().unwrap()), [2, 3, 1, 0, 1], "{import}");
    let path = format!("/v1/imports/{}", import["id"].as_str().unwrap());
    let (_, rejects) = api.get(&format!("{path}/rejects")).await;
    let reason =
        |place: usize| (rejects["items"][place]["line"].clone(), rejects["items"][place]["reason"].as_str().unwrap());
    assert!(
        matches!(reason(0), (line, why) if line == 3 && why.starts_with("no such phone number has been given out under +91: mend it"))
    );
    assert!(matches!(reason(1), (line, why) if line == 4 && why.starts_with("no country has the calling code")));
    assert!(matches!(reason(2), (line, why) if line == 6 && why.starts_with("no phone number of +1 has 9 digits")));
    let (_, duplicates) = api.get(&format!("{path}/duplicates")).await;
    let found = &duplicates["items"][0];
    assert_eq!((&found["line"], &found["by"], &found["first_line"]), (&json!(5), &json!("id"), &json!(2)));
    let possible = api.upload(&audience, "replace&phones=possible", "text/csv", file).await;
    assert_eq!((&possible["accepted"], &possible["rejected"]), (&json!(3), &json!(2)), "{possible}");
}

#[tokio::test]
async fn an_upsert_that_is_cut_off_changes_nothing_and_the_next_one_begins_at_once() {
    let api = Api::start().await;
    let audience = api.filled_audience(3).await;
    let before = phones(&api, &audience).await;
    let (pieces, body) = piecemeal();
    let path = format!("/v1/audiences/{audience}/imports?mode=upsert");
    let upload = api.request(Method::POST, &path).header("content-type", "text/csv").body(body);
    let upload = tokio::spawn(upload.send());
    let rows: String = (0..2_000).map(|n| format!("{}\n", 919_811_000_000_u64 + n)).collect();
    pieces.send(Ok(format!("phone\n{rows}9198").into_bytes())).unwrap();
    let mut connection = api.redis.store("").await.connection();
    let written = async || {
        let rows = format!("t:{{aud:{audience}}}:rows:2");
        let there: bool = redis::cmd("EXISTS").arg(rows).query_async(&mut connection).await.unwrap();
        there.then_some(())
    };
    until("rows are written", Duration::from_secs(10), written).await;
    pieces.send(Err(std::io::Error::other("cut off"))).unwrap();
    assert!(upload.await.unwrap().is_err());
    assert_eq!(phones(&api, &audience).await, before);
    let free = async || {
        let import = api.request(Method::POST, &path).header("content-type", "text/csv").body("phone\n919876543212\n");
        (answer(import).await.0 == 202).then_some(())
    };
    until("the audience is free", Duration::from_secs(10), free).await;
    assert_eq!(phones(&api, &audience).await, [&[919_876_543_212], before.as_slice()].concat());
}

#[tokio::test]
async fn an_import_that_cannot_start_is_a_problem() {
    let api = Api::start().await;
    let audience = api.audience().await;
    let send = async |path: &str, mime: &str| {
        let request = api.request(Method::POST, path).header("content-type", mime).body("phone\n919876543210\n");
        let (status, problem) = answer(request).await;
        (status.as_u16(), problem["type"].as_str().unwrap_or_default().to_owned())
    };
    let path = |query: &str| format!("/v1/audiences/{audience}/imports{query}");
    let check = |got: (u16, String), status, kind: &str| assert_eq!(got, (status, format!("/problems/{kind}")));
    check(send("/v1/audiences/aud_none/imports?mode=replace", "text/csv").await, 404, "not-found");
    check(send(&path("?mode=replace"), "application/json").await, 415, "unsupported-media-type");
    check(send(&path(""), "text/csv").await, 400, "malformed");
    check(send(&path("?mode=merge"), "text/csv").await, 400, "malformed");
    check(send(&path("?mode=replace&dry=1"), "text/csv").await, 400, "malformed");
    assert_eq!(api.get("/v1/imports/imp_none").await.0, 404);
    assert_eq!(api.get("/v1/imports/imp_none/rejects").await.0, 404);
    assert_eq!(api.get("/v1/imports/imp_none/duplicates").await.0, 404);
    check(send(&path("?mode=replace&phones=any"), "text/csv").await, 400, "malformed");
    assert_eq!(phones(&api, &audience).await, Vec::<u64>::new());
}

#[tokio::test]
async fn an_import_whose_server_died_reads_as_failed() {
    let api = Api::start().await;
    let audience = id(&api.audience().await);
    let begun = api.store.begin_import(&audience, &id("imp_dead"), ImportMode::Replace, NOW - 30_000).await.unwrap();
    assert!(matches!(begun, BeginImport::Started(_)));
    let (status, import) = api.get("/v1/imports/imp_dead").await;
    assert_eq!((status.as_u16(), &import["state"]), (200, &json!("failed")));
    assert!(matches!(&import["error"], Value::String(why) if why.contains("died")));
}
