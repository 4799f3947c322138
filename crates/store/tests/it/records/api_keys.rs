use dawncast_store::records::Scope;

use super::fresh;

#[tokio::test]
async fn a_key_is_known_by_its_whole_secret_only() {
    let (_redis, store) = fresh().await;
    let new = store.create_key("ci", &[Scope::CampaignsRead], 7).await.unwrap();
    let secret = new.secret.expose();
    assert_eq!(store.verify_key(secret).await.unwrap(), Some(new.key.clone()));
    let other_tail = format!("{}.{}", new.key.id, "a".repeat(40));
    for wrong in ["", "x", &secret[..secret.len() - 1], new.key.id.as_str(), &other_tail, &format!("{secret}a")] {
        assert_eq!(store.verify_key(wrong).await.unwrap(), None, "{wrong}");
    }
}

#[tokio::test]
async fn the_secret_is_stored_nowhere() {
    let (redis, store) = fresh().await;
    let new = store.create_key("ci", &[Scope::Admin], 7).await.unwrap();
    let tail = new.secret.expose().split_once('.').unwrap().1.to_owned();
    let listed = store.keys_page(10, None).await.unwrap();
    assert!(!serde_json::to_string(&listed).unwrap().contains(&tail));
    let mut connection = redis.store("").await.connection();
    let stored: Vec<String> = redis::cmd("HVALS").arg("t:{keys}:records").query_async(&mut connection).await.unwrap();
    assert!(stored.len() == 1 && !stored[0].contains(&tail));
}

#[tokio::test]
async fn a_revoked_key_is_worthless() {
    let (_redis, store) = fresh().await;
    let new = store.create_key("ci", &[Scope::Admin], 7).await.unwrap();
    assert!(store.revoke_key(&new.key.id).await.unwrap());
    assert!(!store.revoke_key(&new.key.id).await.unwrap());
    assert_eq!(store.verify_key(new.secret.expose()).await.unwrap(), None);
}
