//! What Meta withholds from persons: found however a phone is written, changed by many at once, forgotten by itself.

use dawncast_core::{
    consent::{Scope, Told, Withheld},
    phone::Phone,
};
use dawncast_store::{Store, records::WithheldChange};

use crate::run_scene::{OPENS, Scene};

const DAY_MS: i64 = 86_400_000;

fn phone(n: u64) -> Phone {
    Phone::from_digits(919_800_000_000 + n).unwrap()
}

fn withheld(at: i64) -> WithheldChange {
    WithheldChange::Told(Told::Marketing(131_049), at)
}

async fn of(store: &Store, phone: Phone) -> Option<Withheld> {
    store.withheld(&[phone]).await.unwrap()[0]
}

async fn kept(scene: &Scene) -> u64 {
    let mut kept = 0;
    for part in 0..16 {
        let key = format!("t:{{withheld:{part}}}");
        kept += redis::cmd("HLEN").arg(key).query_async::<u64>(&mut scene.store.connection()).await.unwrap();
    }
    kept
}

#[tokio::test]
async fn a_person_is_found_however_the_phone_is_written_and_nobody_else() {
    let scene = Scene::set().await;
    let [given, told]: [Phone; 2] = ["+5531987654321", "+553187654321"].map(|text| text.parse().unwrap());
    let changes =
        [(told, withheld(OPENS)), (phone(1), WithheldChange::Told(Told::Delivered { marketing: true }, OPENS))];
    assert_eq!(scene.store.change_withheld(&changes, OPENS).await.unwrap(), 1);
    let found = scene.store.withheld(&[phone(1), given, phone(2), given]).await.unwrap();
    assert_eq!(found.iter().map(Option::is_some).collect::<Vec<_>>(), [false, true, false, true]);
    assert_eq!(scene.store.withheld(&[]).await.unwrap(), []);
    let lift = WithheldChange::Lift(Some(Scope::Marketing));
    assert_eq!(scene.store.change_withheld(&[(given, lift)], OPENS).await.unwrap(), 1);
    assert_eq!(of(&scene.store, told).await, None);
}

#[tokio::test]
async fn nothing_is_lost_when_two_write_at_once_and_what_stands_is_written_once() {
    let scene = Scene::set().await;
    let (here, there) = (&scene.store, scene.connect(None).await);
    let of_marketing: Vec<_> = (0..300).map(|n| (phone(n), withheld(OPENS))).collect();
    let strikes: Vec<_> = (0..300).map(|n| (phone(n), WithheldChange::Told(Told::Undeliverable, OPENS))).collect();
    let both = tokio::join!(here.change_withheld(&of_marketing, OPENS), there.change_withheld(&strikes, OPENS));
    assert!(both.0.is_ok() && both.1.is_ok());
    let phones: Vec<Phone> = (0..300).map(phone).collect();
    let found = here.withheld(&phones).await.unwrap();
    assert!(found.iter().flatten().filter(|it| it.marketing.is_some() && it.undeliverable.is_some()).count() == 300);
    assert_eq!(here.change_withheld(&of_marketing, OPENS).await.unwrap(), 0, "told twice");
}

#[tokio::test]
async fn who_is_forgotten_takes_no_memory() {
    let scene = Scene::set().await;
    let told: Vec<_> = (0..160).map(|n| (phone(n), withheld(OPENS))).collect();
    scene.store.change_withheld(&told, OPENS).await.unwrap();
    assert_eq!(kept(&scene).await, 160);
    let later = OPENS + 31 * DAY_MS;
    let told: Vec<_> = (200..232).map(|n| (phone(n), withheld(later))).collect();
    scene.store.change_withheld(&told, later).await.unwrap();
    assert_eq!(kept(&scene).await, 32);
}
