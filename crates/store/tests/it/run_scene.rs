//! Runs on a Redis of their own and on a clock of the test's own: what the tests of the corridor's scripts start from.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use dawncast_core::{
    UnixMs,
    campaign::{CampaignSpec, Choice, Priority},
    delivery::{Attempt, Fact, Outcome, Standing, Terms},
    desk::Intent,
    ids::{PageRef, RunId},
    window::Opening,
};
use dawncast_store::{
    Store,
    lane::Lane,
    page::{AttemptFact, Begun, Claim, NewPage, Owner, Recipient, Recipients, Recorded, Settlement},
    run::{Advanced, Frozen, Origin, RunRecord},
};
use dawncast_testkit::TestRedis;

/// When the run opens.
pub(crate) const OPENS: UnixMs = 1_795_393_770_000;
/// When nothing may begin any more.
pub(crate) const DEADLINE: UnixMs = OPENS + 300_000;
pub(crate) const TERMS: Terms = Terms { max_attempts: 3, counts: Outcome::Sent, deadline: DEADLINE };
pub(crate) const TOKEN: &str = "plan-1";

pub(crate) struct Scene {
    pub(crate) redis: TestRedis,
    pub(crate) store: Store,
    clock: Arc<AtomicI64>,
    runs: AtomicU32,
}

impl Scene {
    pub(crate) async fn set() -> Self {
        let redis = TestRedis::start().await;
        let clock = Arc::new(AtomicI64::new(OPENS));
        let store = redis.store("t:").await.with_clock(Arc::clone(&clock));
        Self { redis, store, clock, runs: AtomicU32::new(0) }
    }

    /// Another connection to the same Redis, through `url` where one is given, on the same clock.
    pub(crate) async fn connect(&self, url: Option<String>) -> Store {
        let url = url.unwrap_or_else(|| self.redis.url());
        let config = dawncast_store::StoreConfig::new(url, "t:");
        Store::connect(&config)
            .await
            .unwrap()
            .with_keyring(dawncast_testkit::keyring())
            .with_clock(Arc::clone(&self.clock))
    }

    /// Sets the scripts' clock.
    pub(crate) fn at(&self, now: UnixMs) {
        self.clock.store(now, Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> UnixMs {
        self.clock.load(Ordering::SeqCst)
    }

    /// A run that nobody has created yet.
    pub(crate) fn draft(&self) -> RunRecord {
        draft(self.runs.fetch_add(1, Ordering::SeqCst))
    }

    /// A run that waits for its plan, named [`TOKEN`].
    pub(crate) async fn frozen(&self, until: Option<UnixMs>) -> RunId {
        let run = self.draft();
        assert!(self.store.create_run(&run).await.unwrap());
        assert_eq!(self.store.freeze_run(&run.id, 0, &frozen(), until, None).await.unwrap(), Advanced::Moved);
        run.id
    }

    /// An open run of `pages` pages, that lets attempts begin until [`DEADLINE`].
    pub(crate) async fn open(&self, pages: &[NewPage]) -> RunId {
        self.open_until(pages, Some(DEADLINE)).await
    }

    pub(crate) async fn open_until(&self, pages: &[NewPage], until: Option<UnixMs>) -> RunId {
        let run = self.frozen(until).await;
        for page in pages {
            self.store.write_page(&run, TOKEN, page).await.unwrap();
        }
        self.store.planned_run(&run, TOKEN, pages.len() as u32, None).await.unwrap();
        self.store.ready_run(&run, &[]).await.unwrap();
        assert_eq!(self.store.open_run(&run, OPENS, None).await.unwrap(), Advanced::Moved);
        run
    }

    /// An open run's only page, of `count` deliveries.
    pub(crate) async fn page(&self, count: u16) -> PageRef {
        PageRef { run: self.open(&[new_page(0, count)]).await, page: 0 }
    }

    /// The same, owned.
    pub(crate) async fn owned(&self, count: u16) -> Owner {
        let page = self.page(count).await;
        self.claim(&page, 1).await
    }

    /// Claims a page under a nonce of `mark`.
    pub(crate) async fn claim(&self, page: &PageRef, mark: u8) -> Owner {
        match self.store.claim(page, [mark; 8]).await.unwrap() {
            Claim::Claimed { owner, .. } => owner,
            other => panic!("not claimed but {other:?}"),
        }
    }

    /// Begins an attempt of every index, and says which were granted.
    pub(crate) async fn begin(
        &self,
        owner: &Owner,
        indexes: &[u16],
        attempt: Attempt,
        expected: Standing,
    ) -> Vec<bool> {
        match self.try_begin(owner, indexes, attempt, expected).await {
            Begun::Granted { at, granted, list: 0 } => {
                assert_eq!(at, self.now());
                granted
            }
            other => panic!("not granted but {other:?}"),
        }
    }

    pub(crate) async fn try_begin(
        &self,
        owner: &Owner,
        indexes: &[u16],
        attempt: Attempt,
        expected: Standing,
    ) -> Begun {
        let intents: Vec<_> = indexes.iter().map(|index| (Intent { index: *index, attempt, expected }, 0)).collect();
        self.store.begin(owner, &intents).await.unwrap()
    }

    pub(crate) async fn commit(&self, owner: &Owner, facts: &[AttemptFact]) -> Settlement {
        settled(self.store.commit(owner, facts).await.unwrap())
    }

    pub(crate) async fn receipt(&self, page: &PageRef, facts: &[AttemptFact]) -> Settlement {
        settled(self.store.receipt(page, facts).await.unwrap())
    }

    /// Begins the first attempt of `index` and commits what became of it.
    pub(crate) async fn attempt(&self, owner: &Owner, index: u8, outcome: Outcome) {
        assert_eq!(self.begin(owner, &[u16::from(index)], 1, Standing::Planned).await, [true]);
        self.commit(owner, &[fact(index, 1, outcome)]).await;
    }

    /// What the deliveries of a page are.
    pub(crate) async fn standings(&self, page: &PageRef) -> Vec<Standing> {
        let ledger = self.store.ledger(page).await.unwrap().unwrap();
        ledger.records.iter().map(|record| record.standing(&ledger.header.terms)).collect()
    }

    /// Every key and its value.
    pub(crate) async fn contents(&self) -> Contents {
        let mut connection = self.store.connection();
        let keys: Vec<String> = redis::cmd("KEYS").arg("*").query_async(&mut connection).await.unwrap();
        let mut contents = BTreeMap::new();
        for key in keys {
            let kind: String = redis::cmd("TYPE").arg(&key).query_async(&mut connection).await.unwrap();
            let command: &[&str] = match kind.as_str() {
                "string" => &["GET"],
                "hash" => &["HGETALL"],
                "list" => &["LRANGE", "0", "-1"],
                "set" => &["SMEMBERS"],
                "zset" => &["ZRANGE", "0", "-1", "WITHSCORES"],
                other => panic!("{key} is a {other}"),
            };
            let mut read = redis::cmd(command[0]);
            read.arg(&key).arg(&command[1..]);
            let mut value: Vec<Vec<u8>> = match kind.as_str() {
                "string" => vec![read.query_async(&mut connection).await.unwrap()],
                "hash" => pairs(read.query_async(&mut connection).await.unwrap()),
                _ => read.query_async(&mut connection).await.unwrap(),
            };
            // Redis gives these in any order.
            if kind == "hash" || kind == "set" {
                value.sort();
            }
            contents.insert(key, value);
        }
        Contents(contents)
    }
}

fn pairs(map: BTreeMap<Vec<u8>, Vec<u8>>) -> Vec<Vec<u8>> {
    map.into_iter().map(|(field, value)| [field, value].join(&b'=')).collect()
}

/// All that is in Redis.
#[derive(PartialEq)]
pub(crate) struct Contents(BTreeMap<String, Vec<Vec<u8>>>);

impl Contents {
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The keys of which `other` holds something else.
    pub(crate) fn changes(&self, other: &Self) -> Vec<String> {
        let keys: BTreeSet<_> = self.0.keys().chain(other.0.keys()).collect();
        keys.into_iter().filter(|key| self.0.get(*key) != other.0.get(*key)).cloned().collect()
    }
}

fn settled(recorded: Recorded) -> Settlement {
    match recorded {
        Recorded::Settled(settlement) => settlement,
        Recorded::Foreign => panic!("the page is there"),
    }
}

fn draft(n: u32) -> RunRecord {
    let spec = serde_json::json!({
        "pool": "advisors",
        "message": {"type": "template", "name": "daily_pack_v1", "language": "en_IN"},
        "audience": {"id": "aud_1"},
        "schedule": {"type": "at", "at": "2026-11-23T06:00:00", "timezone": "Asia/Kolkata"},
    });
    RunRecord {
        id: format!("cmp_abcdefghij-20261123T060000-Asia_Kolkata-{n}").parse().unwrap(),
        campaign: "cmp_abcdefghij".parse().unwrap(),
        spec: CampaignSpec::parse(spec.to_string().as_bytes()).unwrap(),
        instant: OPENS + 30_000,
        opening: Opening { opens_at: OPENS, closes_at: OPENS + 270_000, deadline_at: DEADLINE },
        created_at: OPENS - 60_000,
        civil: None,
        origin: Origin::Schedule,
    }
}

pub(crate) fn frozen() -> Frozen {
    Frozen {
        audience_version: 1,
        seed: 7,
        plan_token: TOKEN.to_owned(),
        senders: Vec::new(),
        quotas: BTreeMap::new(),
        over_quota: None,
        over_caps: None,
        opens_at: OPENS,
        submitted: 0,
        screened: 0,
        fixed: false,
        fallback: 0,
        dropped: BTreeMap::new(),
    }
}

pub(crate) fn lane() -> Lane {
    Lane { pool: "advisors".parse().unwrap(), priority: Priority::Normal }
}

pub(crate) fn new_page(page: u32, count: u16) -> NewPage {
    let row = |n: u16| Recipient {
        phone: 919_800_000_000 + u64::from(page) * 256 + u64::from(n),
        due: OPENS + i64::from(n),
        id: String::new(),
        tier: String::new(),
        values: vec![Some(format!("name {n}"))],
    };
    let recipients = Recipients { names: vec!["first_name".to_owned()], rows: (0..count).map(row).collect() };
    NewPage { page, home: 0, base: OPENS, terms: TERMS, message: Choice::OWN, recipients }
}

/// What became of an attempt, a second after the run opened.
pub(crate) fn fact(index: u8, attempt: Attempt, outcome: Outcome) -> AttemptFact {
    let fact = Fact { attempt, outcome, throttled: false, code: 0, at: OPENS + 1_000 };
    AttemptFact { index, fact, message_id: None }
}
