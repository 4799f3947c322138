//! What every handler of the API works with.

use std::{path::PathBuf, sync::Arc, time::Duration};

use dawncast_core::{
    UnixMs,
    doctor::{Finding, Ward},
    health::Playbook,
    ids::WabaId,
    price::Prices,
    report::Explained,
    template::{Draft, Submitted},
};
use dawncast_store::{Store, records::Secret};
use futures::future::BoxFuture;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

/// The share of a number's throughput that is planned with, unless told otherwise.
const HEADROOM: f64 = 0.9;

/// How long a submission waits for the templates of an account that was added a moment ago, unless told otherwise.
const TEMPLATE_PATIENCE: Duration = Duration::from_secs(5);

/// How long the answer to a test waits for its phones, unless told otherwise.
const TEST_PATIENCE: Duration = Duration::from_secs(20);

/// How many followers of runs a process serves at once.
const MAX_FOLLOWERS: usize = 256;

/// What speaks with Meta about templates. Whoever knows both the API and the engine hands it over, as it does with the doctor.
pub trait TemplateDesk: Send + Sync {
    /// Submits a template to every account that has numbers, or to the one named: what each said. In words why it could not be.
    fn submit(&self, draft: Draft, only: Option<WabaId>) -> BoxFuture<'static, Result<Vec<Submitted>, String>>;

    /// Reads what Meta has, of every account.
    fn sync(&self) -> BoxFuture<'static, Result<(), String>>;
}

/// Why the doctor found out nothing: in words for the log, since they may name what is inside.
pub type Unexamined = String;

/// What looks at everything and judges it; `None` of what there is not.
pub(crate) type Examine = dyn Fn(Ward) -> BoxFuture<'static, Result<Option<Vec<Finding>>, Unexamined>> + Send + Sync;

/// The state of the API: the storage, the first key, a clock. Cheap to clone.
#[derive(Clone)]
pub struct ApiState {
    pub(crate) store: Store,
    pub(crate) bootstrap_key: Option<Secret>,
    pub(crate) headroom: f64,
    pub(crate) playbook: Playbook,
    pub(crate) prices: Prices,
    pub(crate) template_patience: Duration,
    /// Where imports lay down what they sort.
    pub(crate) scratch: PathBuf,
    pub(crate) explain: fn(u32) -> Explained,
    /// How long the answer to a test waits for its phones.
    pub(crate) test_patience: Duration,
    /// A place for each follower of a run.
    pub(crate) followers: Arc<Semaphore>,
    /// When this is cancelled, followers are let go of.
    pub(crate) stopping: CancellationToken,
    /// Asks the outside, which the API itself does not.
    pub(crate) doctor: Option<Arc<Examine>>,
    /// Speaks with Meta about templates.
    pub(crate) templates: Option<Arc<dyn TemplateDesk>>,
    clock: Arc<dyn Fn() -> UnixMs + Send + Sync>,
}

impl ApiState {
    /// State with the clock of this machine. `bootstrap_key` may do everything; it is for first use. `explain` tells
    /// what an error code says in reports, and must be what the engine judges by.
    pub fn new(store: Store, bootstrap_key: Option<Secret>, explain: fn(u32) -> Explained) -> Self {
        let clock = Arc::new(|| chrono::Utc::now().timestamp_millis());
        Self {
            store,
            bootstrap_key,
            headroom: HEADROOM,
            playbook: Playbook::default(),
            prices: Prices::default(),
            template_patience: TEMPLATE_PATIENCE,
            scratch: std::env::temp_dir(),
            explain,
            test_patience: TEST_PATIENCE,
            followers: Arc::new(Semaphore::new(MAX_FOLLOWERS)),
            stopping: CancellationToken::new(),
            doctor: None,
            templates: None,
            clock,
        }
    }

    /// The same state for a server that stops when `stopping` is cancelled: answers without an end are ended then.
    #[must_use]
    pub fn with_stop(self, stopping: CancellationToken) -> Self {
        Self { stopping, ..self }
    }

    /// The same state with a doctor. Whoever knows both the API and the engine hands it over: they do not know each other.
    #[must_use]
    pub fn with_doctor<F>(self, examine: impl Fn(Ward) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Result<Option<Vec<Finding>>, Unexamined>> + Send + 'static,
    {
        let examine = move |ward| -> BoxFuture<'static, _> { Box::pin(examine(ward)) };
        Self { doctor: Some(Arc::new(examine)), ..self }
    }

    /// The same state with somebody who speaks with Meta about templates.
    #[must_use]
    pub fn with_templates(self, desk: Arc<dyn TemplateDesk>) -> Self {
        Self { templates: Some(desk), ..self }
    }

    /// The same state with another patience for the phones of a test.
    #[must_use]
    pub fn with_test_patience(self, test_patience: Duration) -> Self {
        Self { test_patience, ..self }
    }

    /// The same state with room for so many followers of runs.
    #[must_use]
    pub fn with_followers(self, most: usize) -> Self {
        Self { followers: Arc::new(Semaphore::new(most)), ..self }
    }

    /// The same state with another headroom: the share of a number's throughput that is planned with, 0 to 1. Must be
    /// the one that the engine paces with.
    #[must_use]
    pub fn with_headroom(self, headroom: f64) -> Self {
        Self { headroom, ..self }
    }

    /// The same state with what messages cost.
    #[must_use]
    pub fn with_prices(self, prices: Prices) -> Self {
        Self { prices, ..self }
    }

    /// The same state with another playbook. Must be the one that the monitor goes by.
    #[must_use]
    pub fn with_playbook(self, playbook: Playbook) -> Self {
        Self { playbook, ..self }
    }

    /// The same state with another patience for the templates of an account that was added a moment ago.
    #[must_use]
    pub fn with_template_patience(self, template_patience: Duration) -> Self {
        Self { template_patience, ..self }
    }

    /// The same state with the scratch files of imports in `folder`, which is made when it is needed. In the system's
    /// folder for temporary files unless told otherwise.
    #[must_use]
    pub fn with_scratch(self, scratch: PathBuf) -> Self {
        Self { scratch, ..self }
    }

    /// The same state with another clock.
    #[must_use]
    pub fn with_clock(self, clock: impl Fn() -> UnixMs + Send + Sync + 'static) -> Self {
        Self { clock: Arc::new(clock), ..self }
    }

    pub(crate) fn now(&self) -> UnixMs {
        (self.clock)()
    }
}
