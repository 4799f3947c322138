use dawncast_core::health::Reading;
use dawncast_store::{
    Keyring, Locked, Store,
    records::{NoToken, Number, NumberWritten, Secret, TokenChange, TokenSource},
};
use dawncast_testkit::{CREDENTIALS_KEY, keyring};
use redis::AsyncCommands;

use super::{fresh, id, numbers::number};

const RECORDS: &str = "t:{numbers}:records";
const CREDENTIALS: &str = "t:{numbers}:credentials";

fn give(token: &str) -> TokenChange {
    TokenChange::Give(Secret::new(token))
}

/// Number `101`, `102`, … of account `200`.
fn of(n: i64) -> Number {
    number(&format!("10{n}"), "advisors", n)
}

async fn add(store: &Store, n: i64, token: &TokenChange) -> NumberWritten {
    store.add_number(&of(n), token).await.unwrap()
}

/// The token that a number sends with, and whose it is.
async fn sends_with(store: &Store, n: i64) -> (String, TokenSource) {
    let number = store.number(&of(n).phone_number_id).await.unwrap().unwrap();
    let token = store.access_token(&number).await.unwrap().unwrap();
    (token.expose().to_owned(), store.credentials().await.unwrap().source(&number))
}

fn ring(keys: &[&Secret]) -> Keyring {
    Keyring::new(&keys.iter().map(|key| (*key).clone()).collect::<Vec<_>>()).unwrap()
}

#[tokio::test]
async fn the_first_token_is_the_accounts_and_another_one_the_numbers_own() {
    let (_redis, store) = fresh().await;
    assert_eq!(add(&store, 0, &TokenChange::UseAccounts).await, NumberWritten::NoToken);
    for (n, token) in [(1, give("EAAG")), (2, give("EAAG")), (3, give("other")), (4, TokenChange::UseAccounts)] {
        assert!(matches!(add(&store, n, &token).await, NumberWritten::Written(_)), "{n}");
    }
    let account = |token: &str| (token.to_owned(), TokenSource::Account);
    let own = ("other".to_owned(), TokenSource::Number);
    for (n, expected) in [(1, account("EAAG")), (2, account("EAAG")), (3, own.clone()), (4, account("EAAG"))] {
        assert_eq!(sends_with(&store, n).await, expected, "{n}");
    }
    store.set_credential(&id("200"), &Secret::new("EAAH"), 9).await.unwrap();
    assert_eq!((sends_with(&store, 2).await, sends_with(&store, 3).await), (account("EAAH"), own));
    let change = async |n: i64, token: &TokenChange| {
        store.change_number_and_token(&of(n).phone_number_id, |_| {}, token, 9).await.unwrap()
    };
    change(3, &TokenChange::UseAccounts).await;
    change(1, &give("mine")).await;
    assert_eq!(sends_with(&store, 3).await, account("EAAH"));
    assert_eq!(sends_with(&store, 1).await, ("mine".to_owned(), TokenSource::Number));
    change(1, &give("EAAH")).await;
    assert_eq!(sends_with(&store, 1).await, account("EAAH"), "a token that is its account's is not kept twice");
    assert_eq!(change(7, &give("x")).await, NumberWritten::Missing);
}

#[tokio::test]
async fn the_token_of_a_number_goes_with_it_and_the_accounts_stays() {
    let (_redis, store) = fresh().await;
    add(&store, 1, &give("EAAG")).await;
    add(&store, 2, &give("other")).await;
    store.remove_number(&of(2).phone_number_id).await.unwrap();
    add(&store, 2, &TokenChange::UseAccounts).await;
    assert_eq!(sends_with(&store, 2).await.0, "EAAG");
    assert!(store.remove_credential(&id("200")).await.unwrap());
    assert!(!store.remove_credential(&id("200")).await.unwrap());
    assert_eq!(store.access_token(&of(2)).await.unwrap(), Err(NoToken::Missing(id("200"))));
}

#[tokio::test]
async fn a_change_is_counted_and_the_same_again_is_none() {
    let (_redis, store) = fresh().await;
    let mut seen = vec![store.credentials_revision().await.unwrap()];
    let set = async |token: &str, at| store.set_credential(&id("200"), &Secret::new(token), at).await.unwrap();
    set("EAAG", 5).await;
    seen.push(store.credentials_revision().await.unwrap());
    set("EAAG", 6).await;
    add(&store, 1, &TokenChange::UseAccounts).await;
    seen.push(store.credentials_revision().await.unwrap());
    add(&store, 2, &give("other")).await;
    seen.push(store.credentials_revision().await.unwrap());
    store.remove_credential(&id("200")).await.unwrap();
    seen.push(store.credentials_revision().await.unwrap());
    assert_eq!(seen, [0, 1, 1, 2, 3]);
}

#[tokio::test]
async fn a_credential_that_was_moved_or_spoilt_is_told_and_keeps_nobody_from_the_others() {
    let (_redis, store) = fresh().await;
    for waba in ["200", "201", "202"] {
        store.set_credential(&id(waba), &Secret::new("EAAG"), 5).await.unwrap();
    }
    let mut connection = store.connection();
    let one: String = connection.hget(CREDENTIALS, "waba:200").await.unwrap();
    let () = connection.hset(CREDENTIALS, "waba:201", one).await.unwrap();
    let () = connection.hset(CREDENTIALS, "waba:202", "nonsense").await.unwrap();
    let credentials = store.credentials().await.unwrap();
    let locked: Vec<_> = credentials.accounts().into_iter().map(|account| account.locked).collect();
    assert_eq!(locked, [None, Some(Locked::Forged), Some(Locked::Forged)]);
    assert_eq!(credentials.locked().len(), 2);
}

#[tokio::test]
async fn another_key_is_named_and_everything_is_sealed_under_the_first() {
    let (_redis, store) = fresh().await;
    add(&store, 1, &give("EAAG")).await;
    add(&store, 2, &give("other")).await;
    let (old, new) = (Secret::new(CREDENTIALS_KEY), Keyring::make_key());
    let with = |keys: &[&Secret]| store.clone().with_keyring(ring(keys));
    let stranger = with(&[&new]);
    let old_id = keyring().current().unwrap().to_owned();
    let locked = stranger.access_token(&of(1)).await.unwrap().unwrap_err();
    assert_eq!(locked, NoToken::Locked(Locked::UnknownKey(old_id.clone())));
    assert!(locked.to_string().contains(&old_id) && locked.to_string().contains("credentials.keys"), "{locked}");
    let nothing = stranger.rekey().await.unwrap();
    assert_eq!((nothing.count, nothing.locked), (0, vec!["number:102".to_owned(), "waba:200".to_owned()]));

    let both = with(&[&new, &old]);
    let rekeyed = both.rekey().await.unwrap();
    assert_eq!((rekeyed.count, rekeyed.locked.len()), (2, 0));
    assert_eq!(both.rekey().await.unwrap().count, 0, "again, nothing is left to do");
    assert_eq!(sends_with(&stranger, 1).await.0, "EAAG");
    assert_eq!(sends_with(&stranger, 2).await.0, "other");
    assert!(store.access_token(&of(1)).await.unwrap().is_err(), "the old key opens nothing any more");
    let account = stranger.credentials().await.unwrap().accounts().remove(0);
    assert_eq!((account.key_id.as_str(), account.set_at), (ring(&[&new]).current().unwrap(), 1));
}

/// As the first version stored them.
async fn store_plain(store: &Store, n: i64, token: &str) {
    add(store, n, &give("passing")).await;
    store.remove_credential(&id("200")).await.unwrap();
    let mut record = serde_json::to_value(of(n)).unwrap();
    record["access_token"] = token.into();
    let place = of(n).phone_number_id;
    let () = store.connection().hset(RECORDS, place.as_str(), record.to_string()).await.unwrap();
}

#[tokio::test]
async fn plain_tokens_of_earlier_versions_are_read_and_then_sealed() {
    let (_redis, store) = fresh().await;
    for (n, token) in [(1, "EAAG"), (2, "EAAG"), (3, "other")] {
        store_plain(&store, n, token).await;
    }
    assert_eq!(sends_with(&store, 3).await, ("other".to_owned(), TokenSource::Number));
    store.change_number(&of(3).phone_number_id, |number| number.mps = 20).await.unwrap();
    assert_eq!(sends_with(&store, 3).await.0, "other", "a change of something else loses no token");
    let moved = futures::future::join_all((0..3).map(|_| store.seal_plain_tokens(9))).await;
    assert!(moved.into_iter().map(Result::unwrap).sum::<usize>() >= 3, "whoever comes first moves it");
    let tokens = [sends_with(&store, 1).await, sends_with(&store, 2).await, sends_with(&store, 3).await];
    let (account, own) = (("EAAG".to_owned(), TokenSource::Account), ("other".to_owned(), TokenSource::Number));
    assert_eq!(tokens, [account.clone(), account, own]);
    let records: Vec<String> = store.connection().hvals(RECORDS).await.unwrap();
    assert!(records.iter().all(|record| !record.contains("access_token")), "{records:?}");
    assert_eq!(store.seal_plain_tokens(9).await.unwrap(), 0);
}

#[tokio::test]
async fn a_new_token_ends_the_rests_of_its_numbers_but_not_of_one_that_meta_has_banned() {
    let (_redis, store) = fresh().await;
    for (n, token) in [(1, give("old")), (2, give("old")), (3, give("own"))] {
        add(&store, n, &token).await;
        store.rest(&of(n).phone_number_id, std::time::Duration::from_secs(30)).await.unwrap();
    }
    let now = store.time().await.unwrap();
    let banned = Reading { read_at: now, status: Some("BANNED".to_owned()), ..Reading::default() };
    store.put_reading(&of(2).phone_number_id, &banned).await.unwrap();
    let rests = async |n: i64| store.rests_until(&of(n).phone_number_id).await.unwrap() > now;
    store.set_credential(&id("200"), &Secret::new("old"), now).await.unwrap();
    assert!(rests(1).await, "the same token is no news");
    store.set_credential(&id("200"), &Secret::new("new"), now).await.unwrap();
    assert_eq!((rests(1).await, rests(2).await), (false, true));
    store.change_number_and_token(&of(3).phone_number_id, |_| {}, &TokenChange::UseAccounts, now).await.unwrap();
    assert!(!rests(3).await);
}
