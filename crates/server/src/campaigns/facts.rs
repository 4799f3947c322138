//! What has to be known to check a campaign, loaded once.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    time::Duration,
};

use dawncast_core::{
    UnixMs,
    admission::Promise,
    campaign::{AudienceRef, CampaignSpec, MediaSource, Message},
    ids::{NumberId, PoolId, RunId, WabaId},
    quota::{Ask, Quota},
    schedule::{Occurrence, Zones},
    template::{Definition, Rotation},
};
use dawncast_store::{
    Memory, Store, StoreError,
    records::{Asset, Audience, AudienceVersion, Number, NumberRole},
};
use tokio::time::{Instant, sleep};

use crate::state::ApiState;

/// How often the templates of a new account are looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// What has to be known to check a campaign.
pub(super) struct Facts {
    /// The audience.
    pub(super) audience: Option<Audience>,
    /// Its rows.
    pub(super) version: Option<AudienceVersion>,
    /// How many of them the campaign means: all, or those of its segment.
    pub(super) meant: u64,
    /// Where these live.
    pub(super) zones: Zones,
    /// When the campaign goes out first; `None` when it never does.
    pub(super) first: Option<Occurrence>,
    /// The message as it goes out, in the versions of its templates that do.
    pub(super) message: Message,
    /// How long until its window opens.
    pub(super) lead_ms: i64,
    /// The active numbers of the pool.
    pub(super) numbers: Vec<Number>,
    /// Those of them that the monitor keeps back from a campaign like this one.
    pub(super) kept_back: Vec<NumberId>,
    /// How many messages those that have a cap may send in its window.
    pub(super) caps_left: HashMap<NumberId, u64>,
    /// Every pool there is.
    pub(super) pools: BTreeSet<PoolId>,
    /// Whether the campaign's pool is paused.
    pub(super) pool_paused: bool,
    /// The templates of each account that has an active number in the pool; `None` while they are not known.
    pub(super) templates: BTreeMap<WabaId, Option<Vec<Definition>>>,
    /// What Meta's messaging limit leaves to this campaign; nothing of that for messages that it does not count.
    pub(super) quota: Option<Quota>,
    /// The files that the message names.
    pub(super) files: Vec<NamedFile>,
    /// The runs of the pool that are not over.
    pub(super) promises: Vec<Promise>,
    /// Redis' memory.
    pub(super) memory: Memory,
}

/// A file that the message names for all recipients alike.
pub(super) struct NamedFile {
    /// Where, as a JSON pointer.
    pub(super) pointer: String,
    /// The kind of file needed there: `image`, `video`, `gif`, `audio`, `document` or `sticker`.
    pub(super) kind: &'static str,
    /// The name or id given.
    pub(super) name: String,
    /// What was uploaded under it.
    pub(super) asset: Option<Asset>,
}

impl Facts {
    /// What has to be known to check `spec` at `now`. `instead_of` is a run that goes out as the campaign from now on, and so
    /// takes nothing from it.
    pub(super) async fn load(
        state: &ApiState,
        spec: &CampaignSpec,
        now: UnixMs,
        instead_of: Option<&RunId>,
    ) -> Result<Self, StoreError> {
        let store = &state.store;
        let mut numbers = store.numbers().await?;
        let pools = numbers.iter().map(|number| number.pool.clone()).collect();
        numbers.retain(|number| number.pool == spec.pool && number.role == NumberRole::Active);
        let kept_back = |number: &&Number| !number.paused && !number.serves(spec.priority, &state.playbook);
        let version = store.audience_version(&spec.audience.id).await?;
        let mut files = named_files(&spec.message);
        for file in &mut files {
            file.asset = store.asset(&file.name).await?;
        }
        let (meant, zones) = meant(store, &spec.audience, version.as_ref()).await?;
        let first = spec.schedule.first_in(now, &zones);
        let opening = first.as_ref().map_or_else(|| spec.window.around(now, now), |it| spec.opening(it, &zones, now));
        let opens_at = first.as_ref().map_or(now, |_| opening.opens_at);
        let mut caps_left = HashMap::new();
        for number in &numbers {
            let left = store.cap_left(number, &state.playbook, opens_at.max(now), opening.closes_at).await?;
            caps_left.extend(left.map(|left| (number.phone_number_id.clone(), left)));
        }
        let accounts: BTreeSet<WabaId> = numbers.iter().map(|number| number.waba_id.clone()).collect();
        let accounts = if spec.message.templates().next().is_some() { accounts } else { BTreeSet::new() };
        Ok(Self {
            audience: store.audience(&spec.audience.id).await?,
            meant,
            zones,
            first,
            message: rotated(store, &spec.message).await?,
            lead_ms: opens_at - now,
            version,
            pool_paused: store.pool_paused(&spec.pool).await?,
            templates: templates(state, accounts).await?,
            promises: promises(store, &spec.pool, instead_of).await?,
            memory: store.memory().await?,
            quota: quota(state, spec, opens_at, instead_of).await?,
            kept_back: numbers.iter().filter(kept_back).map(|it| it.phone_number_id.clone()).collect(),
            numbers,
            caps_left,
            pools,
            files,
        })
    }
}

/// A message in the versions of its templates that go out now.
pub(super) async fn rotated(store: &Store, message: &Message) -> Result<Message, StoreError> {
    let rotations = store.rotations().await?;
    Ok(Rotation::applied(&rotations, message))
}

/// What the runs of a pool that are not over have promised. Before freeze a run counts with the rows that its audience has now.
async fn promises(store: &Store, pool: &PoolId, instead_of: Option<&RunId>) -> Result<Vec<Promise>, StoreError> {
    let mut promises = Vec::new();
    for id in store.active_runs().await? {
        let Some(run) = store.run(&id).await?.filter(|run| run.record.spec.pool == *pool) else { continue };
        if run.cancelled_at.is_some() || instead_of == Some(&id) {
            continue;
        }
        let deliveries = match &run.frozen {
            Some(frozen) => frozen.deliveries(),
            None => store.audience_version(&run.record.spec.audience.id).await?.map_or(0, |version| version.rows),
        };
        let (opening, priority) = (run.record.opening, run.record.spec.priority);
        promises.push(Promise { run: id, priority, opening, deliveries });
    }
    Ok(promises)
}

/// How many rows of the audience the campaign means, and where they live. A segment is counted row by row: what it leaves out must not make
/// the rest look as if it did not fit its window.
async fn meant(
    store: &Store,
    audience: &AudienceRef,
    version: Option<&AudienceVersion>,
) -> Result<(u64, Zones), StoreError> {
    let all = version.map(|version| (version.rows, version.zones.clone())).unwrap_or_default();
    if audience.segment.is_everybody() {
        return Ok(all);
    }
    let Some((_, mut rows)) = store.read_audience(&audience.id).await? else { return Ok(Default::default()) };
    let (mut inside, mut zones) = (0, Zones::default());
    while let Some(chunk) = rows.next().await? {
        for row in chunk.iter().filter(|row| audience.segment.misfit(|column| row.value(column)).is_none()) {
            inside += 1;
            zones.note(row.timezone.as_deref());
        }
    }
    Ok((inside, zones))
}

/// What is left at the campaign's window. Free-form messages go out within service windows, which no limit counts; but all
/// recipients may have to be sent what they fall back to.
async fn quota(
    state: &ApiState,
    spec: &CampaignSpec,
    opens_at: UnixMs,
    instead_of: Option<&RunId>,
) -> Result<Option<Quota>, StoreError> {
    if spec.message.templates().next().is_none() {
        return Ok(None);
    }
    let quotas = state.store.quotas(opens_at).await?;
    Ok(Some(quotas.quota(Ask { run: instead_of, audience: &spec.audience.id, opens_at })))
}

/// The templates of each account. Those of an account that was added a moment ago are on their way: they are waited
/// for, but not for long.
async fn templates(
    state: &ApiState,
    accounts: BTreeSet<WabaId>,
) -> Result<BTreeMap<WabaId, Option<Vec<Definition>>>, StoreError> {
    let until = Instant::now() + state.template_patience;
    let mut known = BTreeMap::new();
    for account in accounts {
        let mut definitions = state.store.templates(&account).await?;
        while definitions.is_none() && Instant::now() < until {
            sleep(LOOK_AGAIN).await;
            definitions = state.store.templates(&account).await?;
        }
        known.insert(account, definitions);
    }
    Ok(known)
}

/// The files that the messages name outright; those that an attribute names are seen to row by row.
fn named_files(message: &Message) -> Vec<NamedFile> {
    let mut files = Vec::new();
    for (choice, content) in message.all() {
        for (kind, place, media) in content.files() {
            let MediaSource::Asset(name) = &media.source else { continue };
            if !name.contains("{{") && !name.contains("{%") {
                let pointer = format!("{}{place}/asset", choice.pointer());
                files.push(NamedFile { pointer, kind, name: name.clone(), asset: None });
            }
        }
    }
    files
}
