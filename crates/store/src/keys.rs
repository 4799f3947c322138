//! The one table of keys. Nothing else in Dawncast spells a Redis key.
//!
//! One script touches one slot, so every key that scripts use together carries the same hash tag: `{run:…}`,
//! `{lane:…}`, `{num:…}`, `{aud:…}`, `{reached}` or `{database}`. The same code then runs on one Redis, on Sentinel and on Cluster.

use dawncast_core::{
    campaign::Priority,
    cap::Span,
    consent::Scope,
    ids::{AssetId, AudienceId, CampaignId, ImportId, NumberId, PageRef, PoolId, RunId, WabaId},
};

use crate::records::sha256_hex;

/// Spells keys under a prefix.
#[derive(Debug, Clone)]
pub struct Keys {
    prefix: String,
}

impl Keys {
    /// A table under `prefix`.
    pub fn new(prefix: &str) -> Self {
        Self { prefix: prefix.to_owned() }
    }
}

/// Administrative records. What is used together shares a tag; shelves are tagged by their kind.
impl Keys {
    /// The records of one kind, and their order.
    pub(crate) fn shelf(&self, kind: &str) -> (String, String) {
        (format!("{}{{{kind}}}:records", self.prefix), format!("{}{{{kind}}}:order", self.prefix))
    }

    /// The ids of campaigns that may still start runs.
    pub(crate) fn open_campaigns(&self) -> String {
        format!("{}{{campaigns}}:open", self.prefix)
    }

    /// The names of assets and their ids.
    pub(crate) fn asset_names(&self) -> String {
        format!("{}{{assets}}:names", self.prefix)
    }

    /// The bytes of an asset.
    pub(crate) fn asset_bytes(&self, asset: &AssetId) -> String {
        format!("{}asset:{asset}:bytes", self.prefix)
    }

    /// The sealed tokens of accounts and numbers. In the slot of the numbers, whose records are written with them.
    pub(crate) fn credentials(&self) -> String {
        format!("{}{{numbers}}:credentials", self.prefix)
    }

    /// How often credentials have changed.
    pub(crate) fn credentials_revision(&self) -> String {
        format!("{}{{numbers}}:credentials:revision", self.prefix)
    }

    /// What Meta calls assets on a number.
    pub(crate) fn number_media(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:media", self.prefix)
    }

    /// What Meta said of numbers, by number.
    pub(crate) fn readings(&self) -> String {
        format!("{}readings", self.prefix)
    }

    /// That a number is being asked about, by whom it matters not.
    pub(crate) fn asked(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:asked", self.prefix)
    }

    /// Whom an account has reached in an hour. All in one slot, since they are counted together.
    pub(crate) fn reached(&self, waba: &WabaId, hour: i64) -> String {
        format!("{}{{reached}}:{waba}:{hour}", self.prefix)
    }

    /// What Meta withholds from the persons of one part, and when each of them is forgotten.
    pub(crate) fn withheld(&self, part: u64) -> (String, String) {
        (format!("{}{{withheld:{part}}}", self.prefix), format!("{}{{withheld:{part}}}:order", self.prefix))
    }

    /// The pools that are paused.
    pub(crate) fn paused_pools(&self) -> String {
        format!("{}pools:paused", self.prefix)
    }

    /// Since when everything is stopped.
    pub(crate) fn stopped(&self) -> String {
        format!("{}stopped", self.prefix)
    }

    /// Template definitions by account.
    pub(crate) fn templates(&self) -> String {
        format!("{}templates", self.prefix)
    }

    /// Which versions of templates go out.
    pub(crate) fn rotations(&self) -> String {
        format!("{}rotations", self.prefix)
    }

    /// The versions of an audience.
    pub(crate) fn audience_state(&self, audience: &AudienceId) -> String {
        format!("{}{{aud:{audience}}}:state", self.prefix)
    }

    /// Which run holds which version of an audience.
    pub(crate) fn audience_pins(&self, audience: &AudienceId) -> String {
        format!("{}{{aud:{audience}}}:pins", self.prefix)
    }

    /// The rows of one version of an audience, in chunks.
    pub(crate) fn audience_rows(&self, audience: &AudienceId, version: u64) -> String {
        format!("{}{{aud:{audience}}}:rows:{version}", self.prefix)
    }

    /// Whether somebody reads the rows of one version of an audience.
    pub(crate) fn audience_reading(&self, audience: &AudienceId, version: u64) -> String {
        format!("{}{{aud:{audience}}}:reading:{version}", self.prefix)
    }

    /// The audience of an import.
    pub(crate) fn import(&self, import: &ImportId) -> String {
        format!("{}import:{import}", self.prefix)
    }

    /// An import, beside the audience that it changes.
    pub(crate) fn import_record(&self, audience: &AudienceId, import: &ImportId) -> String {
        format!("{}{{aud:{audience}}}:import:{import}", self.prefix)
    }

    /// The rows that an import refused.
    pub(crate) fn import_rejects(&self, audience: &AudienceId, import: &ImportId) -> String {
        format!("{}{{aud:{audience}}}:import:{import}:rejects", self.prefix)
    }

    /// The rows of an import that repeat earlier ones.
    pub(crate) fn import_duplicates(&self, audience: &AudienceId, import: &ImportId) -> String {
        format!("{}{{aud:{audience}}}:import:{import}:duplicates", self.prefix)
    }

    /// An idempotency key and what became of it. Both parts come from outside, so they are hashed.
    pub(crate) fn idempotency(&self, scope: &str, key: &str) -> String {
        format!("{}idempotency:{}", self.prefix, sha256_hex(format!("{scope}\0{key}").as_bytes()))
    }
}

/// Runs, pages, lanes and credit: what the corridor's scripts work on.
impl Keys {
    /// Everything about a run that begin has to read in one go.
    pub(crate) fn run(&self, run: &RunId) -> String {
        format!("{}{{run:{run}}}", self.prefix)
    }

    /// How many deliveries of a run stand where.
    pub(crate) fn tally(&self, run: &RunId) -> String {
        format!("{}{{run:{run}}}:tally", self.prefix)
    }

    /// The report of a closed run.
    pub(crate) fn report(&self, run: &RunId) -> String {
        format!("{}{{run:{run}}}:report", self.prefix)
    }

    /// The rows that freeze dropped, each with its reason.
    pub(crate) fn dropped(&self, run: &RunId) -> String {
        format!("{}{{run:{run}}}:dropped", self.prefix)
    }

    /// The rows that freeze found not to be written to, for the plan that the token names.
    pub(crate) fn screened(&self, run: &RunId, plan_token: &str) -> String {
        format!("{}{{run:{run}}}:screened:{plan_token}", self.prefix)
    }

    /// Which number may send to each row, for the plan that the token names.
    pub(crate) fn fixed_numbers(&self, run: &RunId, plan_token: &str) -> String {
        format!("{}{{run:{run}}}:fixed:{plan_token}", self.prefix)
    }

    /// The runs that count against a category's frequency cap, by their instant.
    pub(crate) fn contacts(&self, scope: Scope) -> String {
        format!("{}{{contacts:{scope}}}", self.prefix)
    }

    /// How the keys begin that hold whom each run of a category writes to; the run's id ends them.
    pub(crate) fn contacted_by(&self, scope: Scope) -> String {
        format!("{}{{contacts:{scope}}}:", self.prefix)
    }

    /// A page's mutable half.
    pub(crate) fn ledger(&self, page: &PageRef) -> String {
        format!("{}{{run:{}}}:{}:l", self.prefix, page.run, page.page)
    }

    /// A page's immutable half.
    pub(crate) fn recipients(&self, page: &PageRef) -> String {
        format!("{}{{run:{}}}:{}:r", self.prefix, page.run, page.page)
    }

    /// A page's append-only tail.
    pub(crate) fn tail(&self, page: &PageRef) -> String {
        format!("{}{{run:{}}}:{}:t", self.prefix, page.run, page.page)
    }

    /// All runs, by when they open.
    pub(crate) fn runs(&self) -> String {
        format!("{}runs", self.prefix)
    }

    /// The runs of one campaign, by when they open.
    pub(crate) fn campaign_runs(&self, campaign: &CampaignId) -> String {
        format!("{}campaign:{campaign}:runs", self.prefix)
    }

    /// The runs that are not closed: what the tick looks at.
    pub(crate) fn active_runs(&self) -> String {
        format!("{}runs:active", self.prefix)
    }

    /// The closed runs that wait for the archive, by when they were closed.
    pub(crate) fn to_archive(&self) -> String {
        format!("{}runs:archive", self.prefix)
    }

    /// That a scheduler is archiving a run.
    pub(crate) fn archiving(&self, run: &RunId) -> String {
        format!("{}{{run:{run}}}:archiving", self.prefix)
    }

    /// What people are still to be told of runs, by when.
    pub(crate) fn notices(&self) -> String {
        format!("{}notices", self.prefix)
    }

    /// Pages of a pool and priority by due time, or by when their lease ends.
    pub(crate) fn lane(&self, pool: &PoolId, priority: Priority) -> String {
        format!("{}{{lane:{pool}:{}}}", self.prefix, priority.as_str())
    }

    /// The tokens of a lane's leases.
    pub(crate) fn lane_tokens(&self, pool: &PoolId, priority: Priority) -> String {
        format!("{}{{lane:{pool}:{}}}:tokens", self.prefix, priority.as_str())
    }

    /// When a number was last answered with which of the codes that tell against it.
    pub(crate) fn heard(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:heard", self.prefix)
    }

    /// What is counted of a number by the minute.
    pub(crate) fn counts(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:counts", self.prefix)
    }

    /// How a number's condition changed.
    pub(crate) fn condition_history(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:history", self.prefix)
    }

    /// A number's rate credit.
    pub(crate) fn credit(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:credit", self.prefix)
    }

    /// How many messages a number was granted, by five minutes or by hour.
    pub(crate) fn sent(&self, number: &NumberId, span: Span) -> String {
        let name = match span {
            Span::Hour => "hour",
            Span::Day => "day",
        };
        format!("{}{{num:{number}}}:sent:{name}", self.prefix)
    }

    /// Until when each pair of a number and a user is spoken for.
    pub(crate) fn pairs(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:pairs", self.prefix)
    }

    /// When each person has last written to a number.
    pub(crate) fn service_windows(&self, number: &NumberId) -> String {
        format!("{}{{num:{number}}}:windows", self.prefix)
    }

    /// What is known of the way by which receipts come.
    pub(crate) fn receipt_path(&self) -> String {
        format!("{}receipts", self.prefix)
    }

    /// What is written when a replica has to confirm all that was written before.
    pub(crate) fn replicated(&self) -> String {
        format!("{}replicated", self.prefix)
    }

    /// The database itself: its id, its generation, its beat.
    pub(crate) fn database(&self) -> String {
        format!("{}{{database}}", self.prefix)
    }

    /// That the database is a restored snapshot and waits for a person.
    pub(crate) fn restore(&self) -> String {
        format!("{}{{database}}:restore", self.prefix)
    }

    /// When the database did not beat, by when it beat again.
    pub(crate) fn breaks(&self) -> String {
        format!("{}{{database}}:breaks", self.prefix)
    }

    /// The name of the chore queue; apalis-redis puts its own words behind it.
    pub fn chores(&self) -> String {
        format!("{}{{chores}}", self.prefix)
    }
}
