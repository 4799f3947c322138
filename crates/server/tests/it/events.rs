//! A run followed while it happens, over a real connection.

use std::time::Duration;

use dawncast_core::report::Explained;
use dawncast_server::{ApiState, api_router};
use dawncast_store::records::Secret;
use dawncast_testkit::until;
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::{
    contract::fits,
    rig::{Api, KEY, NOW, answer, listen},
    runs::open_run,
};

const SOON: Duration = Duration::from_secs(20);

/// One event: its name, its id, its data.
type Told = (String, String, Value);

/// An answer, read event by event.
struct Events {
    response: Response,
    read: String,
}

impl Events {
    async fn of(api: &Api, run: &str) -> Self {
        let response = api.request(Method::GET, &format!("/v1/runs/{run}/events")).send().await.unwrap();
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        Self { response, read: String::new() }
    }

    /// The next event; `None` at the end. Comments are no events.
    async fn next(&mut self) -> Option<Told> {
        loop {
            if let Some((block, rest)) = self.read.split_once("\n\n") {
                let field = |name: &str| block.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
                let told = field("event: ").map(|event| (event, field("id: ").unwrap(), field("data: ").unwrap()));
                self.read = rest.to_owned();
                if let Some((event, id, data)) = told {
                    let data = serde_json::from_str(&data).unwrap();
                    fits(if event == "run" { "Run" } else { "Report" }, &data);
                    return Some((event, id, data));
                }
                continue;
            }
            let piece = timeout(SOON, self.response.chunk()).await.expect("it tells something or ends").unwrap()?;
            self.read.push_str(std::str::from_utf8(&piece).unwrap());
        }
    }
}

#[tokio::test]
async fn a_follower_is_told_of_each_change_and_at_last_the_report() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let mut events = Events::of(&api, run.as_str()).await;
    let (event, id, told) = events.next().await.unwrap();
    assert_eq!((event.as_str(), &id), ("run", &NOW.to_string()));
    assert_eq!(told, api.get(&format!("/v1/runs/{run}")).await.1, "it holds what the run itself is answered with");
    api.act(&format!("/v1/runs/{run}/pause")).await;
    let (event, _, told) = events.next().await.unwrap();
    assert_eq!((event.as_str(), &told["holds"]), ("run", &json!(["paused"])));
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    let (event, _, told) = events.next().await.unwrap();
    assert_eq!((event.as_str(), &told["state"]), ("run", &json!("closed")));
    let (event, id, report) = events.next().await.unwrap();
    assert_eq!((event.as_str(), id.as_str()), ("report", "end"));
    assert_eq!(report, api.get(&format!("/v1/runs/{run}/report")).await.1);
    assert_eq!(events.next().await, None, "then it ends");
}

#[tokio::test]
async fn a_follower_that_comes_back_is_told_how_it_stands_and_after_the_end_to_stay_away() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let again =
        |id: &str| api.request(Method::GET, &format!("/v1/runs/{run}/events")).header("last-event-id", id).send();
    let mut events = Events { response: again("1").await.unwrap(), read: String::new() };
    assert_eq!(events.next().await.unwrap().2["state"], "open");
    assert_eq!(again("end").await.unwrap().status(), 200, "a run that is open has no end");
    api.store.close_run(&run, "fail", NOW, None).await.unwrap();
    let told = again("end").await.unwrap();
    assert_eq!((told.status(), told.text().await.unwrap().as_str()), (StatusCode::NO_CONTENT, ""));
    assert_eq!(again("1").await.unwrap().status(), 200);
}

#[tokio::test]
async fn what_does_not_change_is_not_told_again() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let mut events = Events::of(&api, run.as_str()).await;
    events.next().await.unwrap();
    assert!(timeout(Duration::from_millis(2500), events.next()).await.is_err());
}

#[tokio::test]
async fn followers_are_counted_and_let_go_when_the_server_stops() {
    let api = Api::start().await;
    let run = open_run(&api).await;
    let stop = CancellationToken::new();
    let state =
        ApiState::new(api.store.clone(), Some(Secret::new(KEY)), |_| Explained { class: "unknown", meaning: None });
    let address = listen(api_router(state.with_followers(1).with_stop(stop.clone()))).await;
    let api = Api { address, ..api };
    let mut first = Events::of(&api, run.as_str()).await;
    first.next().await.unwrap();
    let path = format!("/v1/runs/{run}/events");
    let refused = api.request(Method::GET, &path).send().await.unwrap();
    assert_eq!((refused.status().as_u16(), &refused.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    let problem: Value = refused.json().await.unwrap();
    assert_eq!(problem["type"], "/problems/too-many-requests", "{problem}");
    drop(first);
    // The place is free once the server has noticed that the first one is gone.
    let free = async || Some(api.request(Method::GET, &path).send().await.unwrap()).filter(|it| it.status() == 200);
    let mut second = Events { response: until("there is room again", SOON, free).await, read: String::new() };
    second.next().await.unwrap();
    stop.cancel();
    assert_eq!(second.next().await, None);
}

#[tokio::test]
async fn a_run_that_is_not_there_cannot_be_followed() {
    let api = Api::start().await;
    let (status, problem) = answer(api.request(Method::GET, "/v1/runs/run_none/events")).await;
    assert_eq!((status.as_u16(), &problem["type"]), (404, &json!("/problems/not-found")));
    let keyless = api.client.get(format!("http://{}/v1/runs/run_none/events", api.address)).send().await.unwrap();
    assert_eq!(keyless.status(), 401);
}
