//! Every way a send can end, and that nothing is ever sent twice.

use dawncast_cloud_api::{ApiError, Cause, CauseKind, Class, Content, Message, MessageStatus, SendOutcome, Text};
use tokio::{io::AsyncWriteExt, net::TcpListener};

use crate::server::{Reply, Server, client, token};

const ACCEPTED: &str = r#"{"messaging_product":"whatsapp","contacts":[{"input":"+919812345678","wa_id":"919812345678"}],"messages":[{"id":"wamid.1"}]}"#;

async fn send(server: &Server) -> SendOutcome {
    server.client().send_body("1234", &token(), r#"{"to":"+1"}"#).await
}

async fn send_to(base_url: &str) -> SendOutcome {
    client(base_url).send_body("1234", &token(), "{}").await
}

/// Sends once to a server that replies so; also checks that exactly `arrived` requests came.
async fn outcome_of(reply: Reply, arrived: usize) -> SendOutcome {
    let server = Server::start([reply]).await;
    let outcome = send(&server).await;
    assert_eq!(server.requests().len(), arrived, "{outcome:?}");
    outcome
}

async fn refusal_of(reply: Reply) -> Box<ApiError> {
    match outcome_of(reply, 1).await {
        SendOutcome::Refused(error) => error,
        other => panic!("{other:?}"),
    }
}

fn not_sent(outcome: SendOutcome) -> CauseKind {
    match outcome {
        SendOutcome::NotSent(Cause { kind, .. }) => kind,
        other => panic!("{other:?}"),
    }
}

fn unknown(outcome: SendOutcome) -> CauseKind {
    match outcome {
        SendOutcome::Unknown(Cause { kind, .. }) => kind,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_accepted_message_has_its_id() {
    let outcome = outcome_of(Reply::Http(200, ACCEPTED), 1).await;
    let SendOutcome::Accepted { wamid, message_status, wa_id, .. } = outcome else { panic!("{outcome:?}") };
    assert_eq!((wamid.as_str(), message_status), ("wamid.1", MessageStatus::Accepted));
    assert_eq!(wa_id.unwrap().as_str(), "919812345678");
}

#[tokio::test]
async fn the_request_is_what_meta_expects() {
    let server = Server::start([Reply::Http(200, ACCEPTED)]).await;
    let message = Message::new("919812345678", Content::Text(Text { body: "hi".to_owned(), preview_url: false }));
    let outcome = server.client().send("1234", &token(), &message).await.unwrap();
    assert!(matches!(outcome, SendOutcome::Accepted { .. }));
    let request = server.requests().remove(0);
    for part in [
        "POST /v26.0/1234/messages HTTP/1.1\r\n",
        "authorization: Bearer SIM_TOKEN\r\n",
        "content-type: application/json\r\n",
        r#""to":"+919812345678""#,
    ] {
        assert!(request.contains(part), "{part} is not in {request}");
    }
}

#[tokio::test]
async fn a_message_that_meta_would_refuse_never_leaves() {
    let server = Server::start([]).await;
    let message = Message::new("12ab", Content::Text(Text { body: String::new(), preview_url: false }));
    let error = server.client().send("1234", &token(), &message).await.unwrap_err();
    assert_eq!(error.violations.len(), 2, "{error}");
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_refused_connection_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    assert_eq!(not_sent(send_to(&url).await), CauseKind::Connect);
}

#[tokio::test]
async fn a_host_that_does_not_resolve_was_not_sent() {
    // A label of more than 63 characters: refused by the resolver itself, without a query.
    let url = format!("http://{}.invalid", "a".repeat(64));
    assert_eq!(not_sent(send_to(&url).await), CauseKind::Dns);
}

#[tokio::test]
async fn a_failed_tls_handshake_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    let server = async {
        let (mut connection, _) = listener.accept().await.unwrap();
        connection.write_all(b"no TLS spoken here").await.unwrap();
        connection
    };
    let (outcome, _connection) = tokio::join!(send_to(&url), server);
    assert_eq!(not_sent(outcome), CauseKind::Tls);
}

#[tokio::test]
async fn a_tls_handshake_that_never_ends_was_not_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}", listener.local_addr().unwrap());
    assert_eq!(not_sent(send_to(&url).await), CauseKind::ConnectTimeout);
}

#[tokio::test]
async fn a_reset_before_the_request_is_read_is_unknown() {
    assert_eq!(unknown(outcome_of(Reply::Reset, 0).await), CauseKind::Disconnected);
}

#[tokio::test]
async fn a_close_without_an_answer_is_unknown() {
    assert_eq!(unknown(outcome_of(Reply::Close, 1).await), CauseKind::Disconnected);
}

#[tokio::test]
async fn half_an_answer_is_unknown() {
    let half_head = outcome_of(Reply::Raw("HTTP/1.1 200 OK\r\ncontent-le"), 1).await;
    assert_eq!(unknown(half_head), CauseKind::Disconnected);
    let half_body = outcome_of(Reply::Raw("HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"messages\":["), 1).await;
    assert_eq!(unknown(half_body), CauseKind::Disconnected);
}

#[tokio::test]
async fn an_answer_that_is_too_late_is_unknown() {
    assert_eq!(unknown(outcome_of(Reply::Silence, 1).await), CauseKind::Timeout);
}

#[tokio::test]
async fn a_server_error_with_code_2_is_refused_yet_ambiguous() {
    let error = refusal_of(Reply::Http(500, r#"{"error":{"message":"(#2) Service","code":2}}"#)).await;
    assert_eq!((error.code, error.http_status, error.class()), (Some(2), 500, Class::Ambiguous));
}

#[tokio::test]
async fn a_server_error_in_html_is_unknown() {
    assert_eq!(unknown(outcome_of(Reply::Http(500, "<html>"), 1).await), CauseKind::Status(500));
}

#[tokio::test]
async fn a_success_that_says_nothing_is_unknown() {
    for body in ["<html>", "", r#"{"messaging_product":"whatsapp","contacts":[]}"#] {
        assert_eq!(unknown(outcome_of(Reply::Http(200, body), 1).await), CauseKind::Unreadable);
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let reply = Reply::Raw("HTTP/1.1 307 X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n");
    assert_eq!(unknown(outcome_of(reply, 1).await), CauseKind::Status(307));
}

#[tokio::test]
async fn a_throttle_comes_as_400_and_is_told_by_its_code() {
    let error = refusal_of(Reply::Http(400, r#"{"error":{"code":130429}}"#)).await;
    assert!(error.entry().is_throttle());
    assert_eq!(error.class(), Class::RetrySoon);
    assert_eq!(error.retry_after.unwrap().as_secs(), 7);
}

#[tokio::test]
async fn a_bad_token_is_configuration() {
    let error = refusal_of(Reply::Http(401, r#"{"error":{"code":190}}"#)).await;
    assert_eq!(error.class(), Class::FatalConfig);
}

#[tokio::test]
async fn an_edge_refusal_without_a_code_is_refused_by_its_status() {
    let error = refusal_of(Reply::Http(429, "")).await;
    assert_eq!((error.code, error.entry().is_throttle()), (None, true));
    let error = refusal_of(Reply::Http(403, "<html>")).await;
    assert_eq!((error.code, error.class()), (None, Class::RetrySoon));
}

#[tokio::test]
async fn a_request_on_a_reused_connection_is_never_sent_twice() {
    let server = Server::start([Reply::Http(200, ACCEPTED), Reply::Close]).await;
    let client = server.client();
    let first = client.send_body("1234", &token(), "{}").await;
    assert!(matches!(first, SendOutcome::Accepted { .. }));
    let second = client.clone().send_body("1234", &token(), "{}").await;
    assert_eq!(unknown(second), CauseKind::Disconnected);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn a_connection_closed_while_idle_costs_no_second_copy() {
    let closing = "HTTP/1.1 400 X\r\ncontent-length: 25\r\n\r\n{\"error\":{\"code\":130429}}";
    let server = Server::start(std::iter::repeat_n(Reply::Raw(closing), 20)).await;
    let client = server.client();
    for n in 0..20 {
        match client.send_body("1234", &token(), format!("message {n}.")).await {
            SendOutcome::Refused(_) => {}
            SendOutcome::Unknown(cause) => assert_eq!(cause.kind, CauseKind::Disconnected),
            other => panic!("{other:?}"),
        }
    }
    let requests = server.requests();
    for n in 0..20 {
        let copies = requests.iter().filter(|request| request.ends_with(&format!("message {n}."))).count();
        assert!(copies <= 1, "message {n} arrived {copies} times");
    }
}

#[tokio::test]
async fn a_cause_names_neither_address_nor_token() {
    let SendOutcome::Unknown(cause) = outcome_of(Reply::Close, 1).await else { panic!() };
    let shown = format!("{cause} {cause:?}");
    assert!(shown.starts_with("disconnected: "), "{shown}");
    assert!(!shown.contains("127.0.0.1") && !shown.contains("SIM_TOKEN"), "{shown}");
}

#[tokio::test]
async fn the_other_side_is_there_when_it_answers_anything_but_a_fault_of_its_own() {
    for (reply, is_there) in [
        (Reply::Http(401, "{}"), true),
        (Reply::Http(429, ""), true),
        (Reply::Http(503, ""), false),
        (Reply::Close, false),
        (Reply::Reset, false),
    ] {
        let server = Server::start([reply.clone()]).await;
        assert_eq!(server.client().is_there().await, is_there, "{reply:?}");
    }
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    assert!(!client(&format!("http://{gone}")).is_there().await);
}

#[tokio::test]
async fn asking_whether_it_is_there_shows_no_token() {
    let server = Server::start([Reply::Http(200, "{}")]).await;
    assert!(server.client().is_there().await);
    let request = &server.requests()[0];
    assert!(request.starts_with("GET ") && !request.to_lowercase().contains("authorization"), "{request}");
}
