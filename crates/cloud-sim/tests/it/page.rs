use dawncast_cloud_sim::Simulator;
use serde_json::json;

use crate::support::*;

async fn page(sim: &Simulator, path: &str) -> Answer {
    call(sim, "GET", path, "", b"").await
}

#[tokio::test]
async fn the_page_and_what_it_is_made_of_need_no_token_and_nothing_from_elsewhere() {
    let sim = start().await;
    for (path, kind) in [
        ("/_sim/", "text/html; charset=utf-8"),
        ("/_sim/page.css", "text/css; charset=utf-8"),
        ("/_sim/page.js", "text/javascript; charset=utf-8"),
        ("/_sim/bubble.js", "text/javascript; charset=utf-8"),
    ] {
        let answer = page(&sim, path).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(kind)), "{path}");
        assert!(
            answer.header("content-security-policy").unwrap().starts_with("default-src 'none'; script-src 'self';")
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"));
        let elsewhere = ["http://", "https://", "//cdn", "innerHTML", " onclick=", " style="];
        let found = elsewhere.iter().find(|words| answer.body.contains(**words));
        assert_eq!(found, None, "{path}");
    }
    let moved = page(&sim, "/_sim").await;
    assert_eq!((moved.status, moved.header("location")), (307, Some("/_sim/")));
}

#[tokio::test]
async fn all_that_the_page_names_is_served() {
    let sim = start().await;
    let html = page(&sim, "/_sim/").await.body;
    let named: Vec<_> = html.split(['"', ' ']).filter(|word| word.ends_with(".js") || word.ends_with(".css")).collect();
    assert_eq!(named, ["page.css", "page.js"]);
    let script = page(&sim, "/_sim/page.js").await.body;
    assert!(script.contains("from \"./bubble.js\""));
    for id in script.split("at(\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert!(html.contains(&format!("id=\"{id}\"")), "the page has no element {id}");
    }
}

#[tokio::test]
async fn numbers_are_shown_with_what_they_sent_and_what_was_refused() {
    let sim = start().await;
    send(&sim, &hello(PHONE)).await;
    send(&sim, &text(PHONE)).await;
    stage(&sim, &format!("/_sim/numbers/{NUMBER}"), json!({ "quality_rating": "YELLOW", "mps": 20 })).await;
    let numbers = page(&sim, "/_sim/numbers").await.json();
    let first = json!({
        "id": NUMBER, "display_phone_number": "15550100001", "account": WABA, "status": "CONNECTED",
        "quality_rating": "YELLOW", "messaging_limit": "TIER_UNLIMITED", "mps": 20, "accepted": 1, "refused": 1,
    });
    assert_eq!(numbers["numbers"][0], first);
    assert_eq!((&numbers["numbers"][1]["accepted"], &numbers["numbers"][1]["refused"]), (&json!(0), &json!(0)));
}

#[tokio::test]
async fn templates_are_shown_with_their_variables_in_braces() {
    let sim = start().await;
    stage(&sim, "/_sim/templates/daily_text_v1", json!({ "status": "PAUSED", "silent": true })).await;
    let templates = page(&sim, "/_sim/templates").await.json();
    let all = templates["templates"].as_array().unwrap();
    let daily = all.iter().find(|it| it["name"] == "daily_text_v1").unwrap();
    assert_eq!(
        (&daily["status"], &daily["category"], &daily["language"]),
        (&json!("PAUSED"), &json!("UTILITY"), &json!("en_IN"))
    );
    let text = "Good morning {{1}}, here is your pack for today.";
    assert_eq!(daily["preview"], json!({ "text": text }));
    let pack = all.iter().find(|it| it["name"] == "daily_pack_v1").unwrap();
    assert_eq!(pack["preview"], json!({ "file": { "kind": "image" }, "text": text }));
}

#[tokio::test]
async fn pictures_are_shown_and_no_other_files() {
    let sim = start().await;
    let upload = |kind: &'static str| {
        let form = format!(
            "--b\r\nContent-Disposition: form-data; name=\"messaging_product\"\r\n\r\nwhatsapp\r\n--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a\"\r\nContent-Type: {kind}\r\n\r\n<script>\r\n--b--\r\n"
        );
        let sim = &sim;
        async move {
            let headers = format!("{BEARER}Content-Type: multipart/form-data; boundary=b\r\n");
            let answer = call(sim, "POST", &format!("/{NUMBER}/media"), &headers, form.as_bytes()).await;
            answer.json()["id"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
        }
    };
    let (picture, text) = (upload("image/png").await, upload("text/plain").await);
    let shown = page(&sim, &format!("/_sim/media/{picture}")).await;
    assert_eq!((shown.status, shown.header("content-type")), (200, Some("image/png")));
    assert_eq!(shown.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page(&sim, &format!("/_sim/media/{text}")).await.status, 404);
    assert_eq!(page(&sim, "/_sim/media/1").await.status, 404);
}
