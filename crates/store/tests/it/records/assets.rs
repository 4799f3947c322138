use dawncast_store::{
    Store,
    records::{MediaId, NewAsset, UploadedAsset},
};

use super::{fresh, id};

async fn add(store: &Store, asset: &str, name: &str, bytes: &[u8]) -> UploadedAsset {
    store.add_asset(NewAsset { id: &id(asset), name, mime: "image/png", bytes }, 5).await.unwrap()
}

#[tokio::test]
async fn bytes_larger_than_one_piece_read_back() {
    let (_redis, store) = fresh().await;
    let bytes: Vec<u8> = (0..700_001u32).map(|n| (n * 31 % 251) as u8).collect();
    let UploadedAsset::New(asset) = add(&store, "ast_a", "pack.png", &bytes).await else { panic!("it is new") };
    assert_eq!((asset.size, asset.sha256.len()), (700_001, 64));
    assert!(store.asset_bytes(&asset).await.unwrap() == bytes);
    for name in ["ast_a", "pack.png"] {
        assert_eq!(store.asset(name).await.unwrap().as_ref(), Some(&asset), "{name}");
    }
    assert_eq!(store.asset("pack").await.unwrap(), None);
}

#[tokio::test]
async fn a_name_stands_for_the_same_bytes_for_ever() {
    let (_redis, store) = fresh().await;
    let UploadedAsset::New(first) = add(&store, "ast_a", "pack.png", b"one").await else { panic!("it is new") };
    assert_eq!(add(&store, "ast_b", "pack.png", b"one").await, UploadedAsset::Same(first.clone()));
    assert_eq!(add(&store, "ast_c", "pack.png", b"two").await, UploadedAsset::NameTaken(first.clone()));
    assert_eq!(store.assets_page(10, None).await.unwrap().items, [first]);
}

#[tokio::test]
async fn of_simultaneous_uploads_under_one_name_one_wins_and_leaves_no_bytes_of_the_others() {
    let (redis, store) = fresh().await;
    let names: Vec<String> = (0..8).map(|n| format!("ast_{n}")).collect();
    let uploads = names.iter().map(|name| add(&store, name, "pack.png", name.as_bytes()));
    let outcomes = futures::future::join_all(uploads).await;
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, UploadedAsset::New(_))).count(), 1);
    let mut connection = redis.store("").await.connection();
    let left: Vec<String> = redis::cmd("KEYS").arg("t:asset:*").query_async(&mut connection).await.unwrap();
    assert_eq!(left.len(), 1);
    let ttl: i64 = redis::cmd("TTL").arg(&left[0]).query_async(&mut connection).await.unwrap();
    assert_eq!(ttl, -1, "what was uploaded stays");
}

#[tokio::test]
async fn a_media_id_belongs_to_one_number() {
    let (_redis, store) = fresh().await;
    let media = MediaId { media_id: "77".into(), uploaded_at: 9 };
    store.put_media_id(&id("ast_a"), &id("101"), &media).await.unwrap();
    assert_eq!(store.media_id(&id("ast_a"), &id("101")).await.unwrap(), Some(media));
    assert_eq!(store.media_id(&id("ast_a"), &id("102")).await.unwrap(), None);
}
