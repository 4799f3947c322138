//! Fencing: a process is frozen (SIGSTOP) at an exact point, past its lease or its time, and woken (SIGCONT) when another
//! has taken over. It begins, finishes and releases nothing; but an answer that it holds is a fact, and is recorded.

use std::{collections::BTreeMap, time::Duration};

use dawncast_cloud_sim::Receipts;
use dawncast_core::{
    delivery::{DeliveryState, Outcome},
    ids::{PageRef, RunId},
};
use dawncast_store::run::RunState;
use dawncast_testkit::until;
use rustix::process::Signal;

use crate::{
    armed::play,
    points_scene::{PATIENCE, Part, RECIPIENTS, Scene, slow_receipts},
};

/// Long enough for a frozen worker to be taken over from and woken before its successor decides.
const GRACE: &str = "4s";

/// The fencing tokens of pages, and the marks of their owners.
async fn tenures(scene: &Scene, pages: &[PageRef]) -> Vec<(u32, [u8; 8])> {
    let headers = scene.store.headers(pages).await.unwrap();
    headers.into_iter().map(|(_, header)| (header.epoch, header.nonce)).collect()
}

/// Whether a worker that is frozen there holds answers that it has not written.
fn holds_answers(point: &str) -> bool {
    matches!(point, "post.after" | "commit.before")
}

/// A worker that freezes at `point` while it sends, another that takes its pages over, and the first one awake again.
async fn woken_amid_sending(point: &str, then: &str) -> (Scene, RunId) {
    let scene = Scene::start(Part::Worker, Receipts::off()).await;
    let run = scene.submit(0, then, "+11s", GRACE).await;
    scene.reaches(&run, RunState::Open).await;
    let frozen = scene.launch(&format!("{point}=6*off->1*return(STOP)"));
    frozen.frozen(point).await;
    let headers = scene.headers(&run).await.into_iter();
    let owned: Vec<PageRef> = headers.filter(|(_, header)| header.epoch == 1).map(|(page, _)| page).collect();
    scene.hire();
    let taken_over =
        async || Some(tenures(&scene, &owned).await).filter(|now| now.iter().all(|(epoch, _)| *epoch == 2));
    let tenure = until("every page is taken over", PATIENCE, taken_over).await;
    assert!(!holds_answers(point) || untold(&scene, &run).await > 0, "{point}: it holds no answer");
    let woken_at = scene.store.time().await.unwrap() as u64;
    frozen.signal(Signal::CONT);
    settled(&scene, &run).await;
    assert_eq!(tenures(&scene, &owned).await, tenure, "{point}: whoever took a page over has kept it to its end");
    for row in scene.rows(&run).await {
        for (callback, sent) in scene.accepted(row.recipient.phone) {
            let was_owned = owned.contains(&callback.delivery.page);
            let fenced = !was_owned || callback.epoch == 2 || sent.at_ms < woken_at;
            assert!(fenced, "{point}: the woken worker has sent {callback} at {}, woken at {woken_at}", sent.at_ms);
        }
    }
    drop(frozen);
    (scene, run)
}

/// Every page is finished, and everybody is served or known to be in doubt. No receipts come in these scenes: only
/// answers tell.
async fn settled(scene: &Scene, run: &RunId) {
    until("everybody is served", PATIENCE, async || {
        let totals = scene.totals(run).await;
        let finished = scene.headers(run).await.iter().all(|(_, header)| header.finished);
        (finished && totals.accepted + totals.unconfirmed == RECIPIENTS && totals.imbalance() == 0).then_some(())
    })
    .await;
}

/// How many messages the ledger does not know by their id on their own attempt.
async fn untold(scene: &Scene, run: &RunId) -> usize {
    let mut untold = 0;
    for row in scene.rows(run).await {
        let (accepted, story) = (scene.accepted(row.recipient.phone), scene.story(&row).await);
        for (callback, sent) in accepted {
            let told = story.get(usize::from(callback.attempt) - 1);
            let known = told.is_some_and(|told| {
                (told.outcome, told.message_id.as_deref()) == (Outcome::Accepted, Some(sent.wamid.as_str()))
            });
            untold += usize::from(!known);
        }
    }
    untold
}

/// Nobody was sent to twice; who was not sent to is in doubt, because the first worker never heard whether it had begun.
/// Answers how many first attempts were taken back.
async fn served_once(scene: &Scene, run: &RunId) -> usize {
    let mut taken_back = 0;
    for row in scene.rows(run).await {
        let accepted = scene.accepted(row.recipient.phone).len();
        assert_eq!(accepted, usize::from(row.state == DeliveryState::Accepted), "{row:?}");
        taken_back += usize::from(row.record.outcomes.get(1) == Outcome::FailedRetryable);
    }
    taken_back
}

/// The first worker holds answers, or begins that were granted and not POSTed.
async fn worker_wakes(point: &'static str, then: &'static str) {
    let (scene, run) = woken_amid_sending(point, then).await;
    assert_eq!(untold(&scene, &run).await, 0, "{point}, {then}: an answer is not recorded");
    assert_eq!(served_once(&scene, &run).await > 0, !holds_answers(point), "{point}, {then}: what is taken back");
    assert_eq!(scene.known_duplicates(&run).await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_worker_that_wakes_outranked_sends_and_releases_nothing_and_records_what_it_knows() {
    let points = ["begin.after", "post.before", "post.after", "commit.before"];
    let cases = points.into_iter().flat_map(|point| [(point, "give_up"), (point, "resend")]);
    play(8, cases.map(|(point, then)| worker_wakes(point, then))).await;
}

/// Its successor has waited grace out and sent again before it wakes: that is the double that `resend` risks, and it is
/// counted and shown.
#[tokio::test(flavor = "multi_thread")]
async fn e2e_an_answer_that_comes_after_a_resend_makes_a_known_duplicate() {
    let scene = Scene::start(Part::Worker, Receipts::off()).await;
    let run = scene.submit(0, "resend", "+4s", GRACE).await;
    scene.reaches(&run, RunState::Open).await;
    let frozen = scene.launch("post.after=6*off->1*return(STOP)");
    frozen.frozen("post.after").await;
    scene.hire();
    settled(&scene, &run).await;
    let twice = scene.sim.ledger().recipients.into_values().filter(|known| known.accepted == 2).count() as u64;
    assert!(twice > 0);
    assert_eq!(scene.known_duplicates(&run).await, 0, "nobody knows of them yet");
    frozen.signal(Signal::CONT);
    // An answer that was still on the wire may have come too late for its own request.
    let known = async || Some(scene.known_duplicates(&run).await).filter(|known| *known > 0);
    assert!(until("the answer is recorded", PATIENCE, known).await <= twice);
    let finished = scene.headers(&run).await.iter().all(|(_, header)| header.finished);
    assert!(finished && scene.totals(&run).await.accepted == RECIPIENTS);
}

/// A scheduler freezes before a chore writes; another one takes the run to `state`. Then nothing moves by itself, and the
/// first one wakes and does what it was about to.
async fn woken_chore(before: &str, after: &str, state: RunState) {
    let scene = Scene::start(Part::Scheduler, slow_receipts()).await;
    if state == RunState::Closed {
        scene.hire();
    }
    let frozen = scene.launch(&format!("{before}=1*return(STOP);{after}=1*return(STOP)"));
    let run = scene.submit(0, "give_up", "+3s", GRACE).await;
    frozen.frozen(before).await;
    scene.schedule();
    scene.reaches(&run, state).await;
    let left = at_rest(&scene).await;
    frozen.signal(Signal::CONT);
    until("it wakes", PATIENCE, async || (!frozen.is_frozen()).then_some(())).await;
    frozen.frozen(after).await;
    let now = scene.dump().await;
    let written: Vec<&String> =
        now.iter().filter(|(key, bytes)| left.get(*key) != Some(*bytes)).map(|(key, _)| key).collect();
    assert!(written.is_empty() && now.len() == left.len(), "frozen at {before}, it has written {written:?}");
    if state == RunState::Open {
        scene.hire();
        scene.settled(&run).await;
    }
    assert!(scene.rows(&run).await.iter().all(|row| scene.accepted(row.recipient.phone).len() == 1));
}

/// What is stored, once it has stayed the same for a while.
async fn at_rest(scene: &Scene) -> BTreeMap<String, Vec<u8>> {
    let (mut last, mut same_since) = (scene.dump().await, tokio::time::Instant::now());
    until("nothing moves", PATIENCE, async || {
        let now = scene.dump().await;
        if now != last {
            (last, same_since) = (now, tokio::time::Instant::now());
        }
        (same_since.elapsed() > Duration::from_secs(3)).then(|| last.clone())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn e2e_a_chore_frozen_past_its_time_writes_nothing() {
    let chores = [
        ("freeze.before", "freeze.after", RunState::Open),
        ("plan.before", "plan.refused", RunState::Open),
        ("plan.written", "plan.after", RunState::Open),
        ("preflight.before", "preflight.after", RunState::Open),
        ("open.before", "open.after", RunState::Open),
        ("close.before", "close.after", RunState::Closed),
    ];
    play(chores.len(), chores.map(|(before, after, state)| woken_chore(before, after, state))).await;
}
