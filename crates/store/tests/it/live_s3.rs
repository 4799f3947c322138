//! The archive in a real S3-compatible server: an object in several parts, and a network that is cut. Run by `make test-live`.

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use dawncast_core::ids::PageRef;
use dawncast_store::{
    StoreError,
    archive::{Archive, ArchiveConfig, Marked, S3Config},
    page::{NewPage, Recipients},
    records::Secret,
};
use dawncast_testkit::{Proxy, Upstream, until};

use crate::{
    archive::unexplained,
    run_scene::{OPENS, Scene, new_page},
};

const SOON: Duration = Duration::from_secs(30);

/// A server of one's own, with one bucket.
struct S3 {
    child: Child,
    address: SocketAddr,
}

impl S3 {
    async fn start() -> Self {
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/s3/bin/moto_server");
        let mut command = Command::new(program);
        command.args(["-H", "127.0.0.1", "-p", &address.port().to_string()]);
        let child =
            command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("make setup-s3 has installed it");
        let s3 = Self { child, address };
        // Plain HTTP, but its TLS has to be there all the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().tls_certs_only([]).build().unwrap();
        let bucket = || client.put(format!("http://{address}/runs")).header("authorization", AUTHORIZATION).send();
        until("the bucket is there", SOON, async || bucket().await.ok().filter(|made| made.status().is_success()))
            .await;
        s3
    }
}

/// Which service is meant, by the scope of the key; the server looks at nothing else.
const AUTHORIZATION: &str =
    "AWS4-HMAC-SHA256 Credential=key/20261123/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=none";

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn open(address: SocketAddr) -> Archive {
    let s3 = S3Config {
        endpoint: Some(format!("http://{address}")),
        region: "us-east-1".into(),
        access_key_id: Some(Secret::new("key")),
        secret_access_key: Some(Secret::new("secret")),
        allow_http: true,
    };
    Archive::open(&ArchiveConfig { url: "s3://runs/some/where".into(), s3 }).unwrap()
}

/// A page whose recipients have much that no packing makes smaller.
fn page(page: u32) -> NewPage {
    let mut new = new_page(page, 256);
    let random = || (0..80).map(|_| format!("{:016x}", rand::random::<u64>())).collect::<String>();
    let Recipients { rows, .. } = &mut new.recipients;
    rows.iter_mut().for_each(|row| row.values = vec![Some(random())]);
    new
}

#[tokio::test]
#[ignore = "live: a real S3-compatible server"]
async fn live_s3_keeps_a_run_in_several_parts_and_one_that_is_cut_off_is_named() {
    let (scene, s3) = (Scene::set().await, S3::start().await);
    let proxy = Proxy::start(Upstream::of(&format!("http://{}", s3.address))).await;
    let store = scene.store.clone().with_archive(open(proxy.address()));
    let pages: Vec<_> = (0..64).map(page).collect();
    let id = scene.open(&pages).await;
    store.close_run(&id, "fail", OPENS, None).await.unwrap();
    let run = store.run(&id).await.unwrap().unwrap();
    let at = |page| PageRef { run: id.clone(), page };
    let before = store.deliveries(&run, 63, OPENS).await.unwrap().unwrap();

    proxy.cut();
    let why = store.write_archive(&run, 1, OPENS, unexplained).await.unwrap_err();
    assert!(matches!(&why, StoreError::Archive(why) if why.is_down()), "{why}");
    assert!(why.to_string().contains("s3://runs/some/where") && !why.to_string().contains("secret"), "{why}");
    assert!(store.page(&at(0)).await.unwrap().is_some());

    proxy.heal();
    let written = store.write_archive(&run, 2, OPENS, unexplained).await.unwrap().expect("nothing moves");
    assert!(written.mark().bytes > 10_000_000, "{} bytes are of one part", written.mark().bytes);
    assert_eq!(store.mark_archived(&run, &written).await.unwrap(), Marked::Done);
    assert!(store.free_pages(&run, &written).await.unwrap());
    let run = store.run(&id).await.unwrap().unwrap();
    assert_eq!(store.deliveries(&run, 63, OPENS).await.unwrap().unwrap(), before);

    proxy.cut();
    let why = store.deliveries(&run, 0, OPENS).await.unwrap_err();
    assert!(matches!(&why, StoreError::Archive(why) if why.is_down()), "{why}");
    proxy.heal();
    assert_eq!(store.deliveries(&run, 0, OPENS).await.unwrap().unwrap().len(), 256);
    store.remove_archived(&run, written.mark()).await.unwrap();
    let why = store.deliveries(&run, 0, OPENS).await.unwrap_err();
    assert!(matches!(&why, StoreError::Archive(why) if !why.is_down()), "{why}");
}
