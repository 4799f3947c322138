//! Every fault as a bare TCP socket sees it.

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use dawncast_cloud_sim::{Fault, FaultOrder, FaultProfile, FaultRule, SimConfig, SimError, Simulator};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::support::*;

/// Sends one message under an ordered fault that strikes once.
async fn meet(sim: &Simulator, fault: Fault) -> io::Result<Vec<u8>> {
    let rule = FaultRule { times: Some(1), ..FaultRule::always(fault) };
    sim.set_faults(FaultOrder { faults: vec![rule] }).unwrap();
    exchange(sim.addr(), &send_request(NUMBER, &hello(PHONE))).await
}

/// The fault must have struck once only: the next try is answered, and adds one message.
async fn next_try_succeeds(sim: &Simulator, before: u64) {
    assert_eq!(accepted(sim, PHONE), before);
    assert_eq!(send(sim, &hello(PHONE)).await.status, 200);
    assert_eq!(accepted(sim, PHONE), before + 1);
}

#[tokio::test]
async fn reset_before_read_resets_the_connection_and_accepts_nothing() {
    let sim = start().await;
    let reason = meet(&sim, Fault::ResetBeforeRead).await.unwrap_err();
    assert_eq!(reason.kind(), io::ErrorKind::ConnectionReset);
    next_try_succeeds(&sim, 0).await;
}

#[tokio::test]
async fn accept_then_drop_response_closes_without_a_byte_and_the_ledger_knows_the_message() {
    let sim = start().await;
    assert_eq!(meet(&sim, Fault::AcceptThenDropResponse).await.unwrap(), b"");
    next_try_succeeds(&sim, 1).await;
}

#[tokio::test]
async fn accept_then_500_says_error_and_the_ledger_knows_the_message() {
    let sim = start().await;
    let answer = parse(&meet(&sim, Fault::AcceptThen500).await.unwrap());
    assert_eq!((answer.status, answer.error_code()), (500, 131000));
    assert_eq!(sim.ledger().totals.rejected, BTreeMap::new());
    next_try_succeeds(&sim, 1).await;
}

#[tokio::test]
async fn ok_with_html_is_a_200_that_is_not_json() {
    let sim = start().await;
    let answer = parse(&meet(&sim, Fault::OkWithHtml).await.unwrap());
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(answer.body.starts_with("<!DOCTYPE html>"), "{}", answer.body);
    next_try_succeeds(&sim, 1).await;
}

#[tokio::test]
async fn slow_accepts_at_once_and_holds_the_answer_back() {
    let sim = start().await;
    let (asked, hold) = (Instant::now(), Duration::from_millis(300));
    let answering = async {
        let answer = parse(&meet(&sim, Fault::Slow { ms: 300 }).await.unwrap());
        (answer.status, asked.elapsed())
    };
    let ledger = eventually("the message is in the ledger", || accepted(&sim, PHONE) == 1);
    let ((status, answered_after), accepted_after) = tokio::join!(answering, async {
        ledger.await;
        asked.elapsed()
    });
    assert_eq!(status, 200);
    assert!(answered_after >= hold && accepted_after < answered_after, "{accepted_after:?} {answered_after:?}");
}

/// Sends one message whose answer's bytes come slowly, and reads until the head is there; the body as far as it came with it.
async fn trickling(sim: &Simulator, ms: u64) -> (TcpStream, Answer) {
    sim.set_faults(FaultOrder { faults: vec![FaultRule::always(Fault::SlowBytes { ms })] }).unwrap();
    let mut stream = TcpStream::connect(sim.addr()).await.unwrap();
    stream.write_all(&send_request(NUMBER, &hello(PHONE))).await.unwrap();
    let mut received = Vec::new();
    while !received.windows(4).any(|bytes| bytes == b"\r\n\r\n") {
        assert!(stream.read_buf(&mut received).await.unwrap() > 0, "closed within the head");
    }
    (stream, parse(&received))
}

fn length(answer: &Answer) -> usize {
    answer.header("content-length").unwrap().parse().unwrap()
}

#[tokio::test]
async fn slow_bytes_answer_at_once_and_the_body_comes_a_few_bytes_at_a_time() {
    let sim = start().await;
    let (span, asked) = (Duration::from_millis(800), Instant::now());
    let (mut stream, answer) = trickling(&sim, 800).await;
    assert_eq!((answer.status, answer.header("transfer-encoding")), (200, None));
    let (mut body, mut reads) = (answer.body.clone().into_bytes(), 0);
    while stream.read_buf(&mut body).await.unwrap() > 0 {
        reads += 1;
    }
    assert!(asked.elapsed() >= span, "{:?}", asked.elapsed());
    assert!(reads >= 4 && body.len() == length(&answer), "{reads} reads of {} bytes", body.len());
    let body: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(body["messages"][0]["id"], sim.ledger().recipients[USER].attempts[0].wamid);
}

#[tokio::test]
async fn slow_bytes_accept_before_the_first_of_them_and_going_away_loses_the_rest() {
    let sim = start().await;
    let (mut stream, answer) = trickling(&sim, 6_000).await;
    assert_eq!((answer.status, accepted(&sim, PHONE)), (200, 1));
    assert!(answer.body.len() < length(&answer), "headers come first");
    sim.set_faults(FaultOrder { faults: vec![FaultRule::always(Fault::Down { ms: 60_000 })] }).unwrap();
    let reason = stream.read_to_end(&mut Vec::new()).await.unwrap_err();
    assert_eq!(reason.kind(), io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn throttle_and_error_refuse() {
    let sim = start().await;
    let throttled = parse(&meet(&sim, Fault::Throttle).await.unwrap());
    assert_eq!((throttled.status, throttled.error_code()), (400, 130429));
    let failed = parse(&meet(&sim, Fault::Error { code: 131016, http_status: 503 }).await.unwrap());
    assert_eq!((failed.status, failed.error_code()), (503, 131016));
    assert_eq!(sim.ledger().totals.rejected, [("130429".to_owned(), 1), ("131016".to_owned(), 1)].into());
    next_try_succeeds(&sim, 0).await;
}

#[tokio::test]
async fn a_rule_strikes_only_the_user_number_and_try_that_it_names() {
    let sim = start().await;
    let rule = json!({ "phone": PHONE, "number": NUMBER, "attempts_matching": 2 });
    let order = json!({ "faults": [{ "match": rule, "fault": { "kind": "throttle" } }] });
    stage(&sim, "/_sim/faults", order).await;
    assert_eq!(send(&sim, &hello("+919000000001")).await.status, 200);
    assert_eq!(send(&sim, &hello("+919000000001")).await.status, 200, "another user");
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200, "the first try");
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 130429);
    assert_eq!(send(&sim, &hello(PHONE)).await.status, 200, "the third try");
}

#[tokio::test]
async fn an_error_may_come_for_a_message_that_was_accepted() {
    let sim = start().await;
    let order = json!({ "faults": [{ "fault": { "kind": "accept_then_error", "code": 2, "http_status": 503 } }] });
    stage(&sim, "/_sim/faults", order).await;
    let answer = send(&sim, &hello(PHONE)).await;
    assert_eq!((answer.status, answer.error_code(), accepted(&sim, PHONE)), (503, 2, 1));
    let ok = br#"{"faults":[{"fault":{"kind":"accept_then_error","code":1,"http_status":200}}]}"#;
    let refused = call(&sim, "POST", "/_sim/faults", "", ok).await;
    assert!(refused.status == 400 && refused.body.contains("fault.http_status"), "{}", refused.body);
}

#[tokio::test]
async fn a_scenario_file_is_in_force_from_the_start_and_a_bad_one_prevents_it() {
    let path = std::env::temp_dir().join(format!("dawncast-sim-it-{}.json", std::process::id()));
    std::fs::write(&path, r#"{"faults":[{"fault":{"kind":"throttle"},"times":1}]}"#).unwrap();
    let sim = start_with(SimConfig { scenario: Some(path.clone()), ..config() }).await;
    assert_eq!(send(&sim, &hello(PHONE)).await.error_code(), 130429);
    std::fs::write(&path, r#"{"faults":[{"fault":{"kind":"throttle"},"probability":7}]}"#).unwrap();
    let refused = Simulator::start(SimConfig { scenario: Some(path.clone()), ..config() }).await;
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(refused, Err(SimError::Script(reason)) if reason.contains("faults[0].probability")));
}

/// What one message met: HTTP status, or why there was none.
async fn outcome(addr: SocketAddr, phone: String) -> (String, String) {
    let outcome = match exchange(addr, &send_request(NUMBER, &hello(&phone))).await {
        Ok(received) if received.is_empty() => "closed".to_owned(),
        Ok(received) => parse(&received).status.to_string(),
        Err(reason) => reason.kind().to_string(),
    };
    (phone, outcome)
}

async fn outcomes(seed: u64, phones: impl Iterator<Item = u64>) -> BTreeMap<String, String> {
    let sim = start_with(SimConfig { faults: FaultProfile::Harsh, seed, ..config() }).await;
    let sends: JoinSet<_> = phones.map(|n| outcome(sim.addr(), format!("+{}", 919_000_000_000 + n))).collect();
    sends.join_all().await.into_iter().collect()
}

#[tokio::test]
async fn a_seed_brings_the_same_accidents_to_the_same_users_in_any_order() {
    let (forward, backward, other) =
        tokio::join!(outcomes(1, 0..200), outcomes(1, (0..200).rev()), outcomes(2, 0..200));
    assert_eq!(forward, backward);
    assert_ne!(forward, other);
    assert!(forward.values().any(|outcome| outcome != "200"));
}

#[tokio::test]
async fn down_refuses_everyone_until_it_is_over() {
    let sim = start().await;
    let rule = |ms| FaultOrder { faults: vec![FaultRule::always(Fault::Down { ms })] };
    let message = send_request(NUMBER, &hello(PHONE));
    sim.set_faults(rule(60_000)).unwrap();
    eventually_refused(&sim).await;
    assert_eq!(exchange(sim.addr(), &message).await.unwrap_err().kind(), io::ErrorKind::ConnectionRefused);
    sim.set_faults(FaultOrder::default()).unwrap();
    let answer = until_answered(&sim, &message).await;
    assert_eq!((answer.status, accepted(&sim, PHONE)), (200, 1), "another order ends it");
    sim.set_faults(rule(50)).unwrap();
    eventually_refused(&sim).await;
    assert_eq!(until_answered(&sim, &message).await.status, 200, "it ends by itself");
}

#[tokio::test]
async fn down_resets_calls_on_connections_that_are_open() {
    let greeting = b"GET /_sim/clock HTTP/1.1\r\nHost: sim.test\r\n\r\n";
    for call in [&send_request(NUMBER, &hello(PHONE))[..], greeting] {
        let sim = start().await;
        let mut open = TcpStream::connect(sim.addr()).await.unwrap();
        // An answered call shows that the connection was taken in.
        open.write_all(greeting).await.unwrap();
        assert!(open.read(&mut [0; 512]).await.unwrap() > 0);
        sim.set_faults(FaultOrder { faults: vec![FaultRule::always(Fault::Down { ms: 60_000 })] }).unwrap();
        open.write_all(call).await.unwrap();
        let reason = open.read_to_end(&mut Vec::new()).await.unwrap_err();
        assert_eq!((reason.kind(), accepted(&sim, PHONE)), (io::ErrorKind::ConnectionReset, 0));
    }
}

async fn eventually_refused(sim: &Simulator) {
    let deadline = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(sim.addr()).await.is_ok() {
        assert!(Instant::now() < deadline, "connections are refused");
    }
}

async fn until_answered(sim: &Simulator, message: &[u8]) -> Answer {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        match exchange(sim.addr(), message).await {
            Ok(received) if !received.is_empty() => return parse(&received),
            other => assert!(Instant::now() < deadline, "{other:?}"),
        }
    }
}
