//! Plan's pages are create-only, and only the plan that the run waits for may write them.

use dawncast_core::{
    delivery::Standing,
    ids::{PageRef, RunId},
};
use dawncast_store::page::{NewPage, Written};

use crate::run_scene::{OPENS, Scene, TOKEN, new_page};

#[tokio::test]
async fn a_page_reads_back_as_planned() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    let new = NewPage { home: 2, ..new_page(3, 256) };
    assert_eq!(scene.store.write_page(&run, TOKEN, &new).await.unwrap(), Written::Created);
    let at = PageRef { run: run.clone(), page: 3 };
    let page = scene.store.page(&at).await.unwrap().unwrap();
    assert_eq!(page.recipients, new.recipients);
    let header = page.ledger.header;
    assert_eq!((header.count, header.home, header.base, header.first_due), (256, 2, OPENS, OPENS));
    assert_eq!((header.epoch, header.finished, header.terms), (0, false, new.terms));
    assert_eq!(scene.store.headers(std::slice::from_ref(&at)).await.unwrap(), [(at, header)]);
    assert_eq!(scene.store.run_tallies(&run).await.unwrap().tallies.count(Standing::Planned), 256);
}

#[tokio::test]
async fn a_page_is_created_once() {
    let scene = Scene::set().await;
    let run = scene.frozen(None).await;
    scene.store.write_page(&run, TOKEN, &new_page(0, 5)).await.unwrap();
    let once = scene.contents().await;
    assert_eq!(scene.store.write_page(&run, TOKEN, &new_page(0, 7)).await.unwrap(), Written::Present);
    assert_eq!(scene.contents().await.changes(&once), [""; 0]);
}

#[tokio::test]
async fn a_planner_that_wakes_up_late_writes_nothing() {
    let scene = Scene::set().await;
    let (run, unfrozen) = (scene.frozen(None).await, scene.draft());
    let unknown: RunId = "unheard_of".parse().unwrap();
    scene.store.create_run(&unfrozen).await.unwrap();
    let write = async |run, token| scene.store.write_page(run, token, &new_page(1, 5)).await.unwrap();
    let before = scene.contents().await;
    assert_eq!(write(&run, "plan-2").await, Written::Refused, "another plan");
    assert_eq!(write(&unfrozen.id, TOKEN).await, Written::Refused, "no plan yet");
    assert_eq!(write(&unknown, TOKEN).await, Written::Refused, "no run");
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
    scene.store.planned_run(&run, TOKEN, 1, None).await.unwrap();
    let before = scene.contents().await;
    assert_eq!(write(&run, TOKEN).await, Written::Refused, "planned already");
    assert_eq!(scene.contents().await.changes(&before), [""; 0]);
}
