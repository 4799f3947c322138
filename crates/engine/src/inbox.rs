//! Inbox: what users tell of themselves, and what Meta withholds from them, before the webhook is answered 200: onto the
//! suppression list, what is withheld, and the service windows that their messages open. Meta's own retry is the inbound queue here too; a repeat changes nothing.

use std::collections::HashMap;

use dawncast_cloud_api::webhook::{Inbound, Parsed, Preference, ReceivedStatus, StatusUpdate};
use dawncast_core::{
    UnixMs,
    callback::Callback,
    consent::{Answer, Change, Entry, Scope, Source, Told},
    health::{Cause, Counts, Heard},
    ids::NumberId,
    phone::Phone,
};
use dawncast_store::records::WithheldChange;
use tracing::info;

use crate::{Clock, Context, EngineError, Unavailable, accounts, dispatch::STOPPED_MARKETING, rates::Rates};

/// What a wish of `user_preferences` is about (Meta: webhook field `user_preferences`).
const MARKETING: &str = "marketing_messages";

/// Takes what users tell of themselves. Cheap to clone.
#[derive(Clone)]
pub struct Inbox {
    ctx: Context,
    clock: Clock,
    rates: Rates,
}

fn ms(seconds: i64) -> UnixMs {
    seconds.saturating_mul(1_000)
}

fn add(scope: Scope, source: Source, since: UnixMs) -> Change {
    Change::Add(Entry { scope, source, since })
}

fn lift(source: Source, until: UnixMs) -> Change {
    Change::Lift { source: Some(source), scope: None, until }
}

impl Inbox {
    /// An inbox that goes by the policy of `ctx`. Called within a runtime: what it counts is told beside it.
    pub fn new(ctx: Context, clock: Clock) -> Self {
        let rates = Rates::new(ctx.clone());
        Self { ctx, clock, rates }
    }

    /// Puts on the suppression list, or takes off it, whom a webhook call tells of. When this has returned, nothing that is
    /// begun is sent to whom it silences.
    ///
    /// # Errors
    /// When that could not be written; the whole call must then come again, which is harmless.
    pub async fn apply(&self, parsed: &Parsed) -> Result<(), Unavailable> {
        self.take(parsed).await.map_err(|error| {
            self.ctx.trouble(format_args!("what users told is not written, Meta will repeat it"), error);
            Unavailable
        })
    }

    async fn take(&self, parsed: &Parsed) -> Result<(), EngineError> {
        accounts::heed(&self.ctx, &parsed.accounts, self.clock.now()).await?;
        self.open_windows(&parsed.inbound).await?;
        self.heed_codes(&parsed.statuses).await?;
        self.withhold(&parsed.statuses).await?;
        let mut changes: Vec<(Phone, Change)> = Vec::new();
        parsed.inbound.iter().for_each(|inbound| changes.extend(self.asked_for(inbound)));
        parsed.preferences.iter().for_each(|wish| changes.extend(wished(wish)));
        for refused in parsed.statuses.iter().filter(|received| is_stopped(&received.status)) {
            changes.extend(self.refused(refused).await?);
        }
        if changes.is_empty() {
            return Ok(());
        }
        self.ctx.store.suppress(&changes).await?;
        self.count(parsed);
        info!("{} changes of the suppression list, by what users told", changes.len());
        Ok(())
    }

    /// What failed messages tell against their numbers is kept for the monitor.
    async fn heed_codes(&self, statuses: &[ReceivedStatus]) -> Result<(), EngineError> {
        for received in statuses {
            let number = received.phone_number_id.as_deref().and_then(|id| id.parse::<NumberId>().ok());
            let codes = received.status.errors.iter().filter_map(|error| u32::try_from(error.code).ok());
            let Some((number, code)) = number.zip(codes.into_iter().find(|code| Cause::of_code(*code).is_some()))
            else {
                continue;
            };
            if self.ctx.store.number(&number).await?.is_some() {
                self.ctx.store.note_heard(&number, Heard { code, at: ms(received.status.timestamp) }).await?;
            }
        }
        Ok(())
    }

    /// What failed messages tell of their recipients is kept for the runs that follow.
    async fn withhold(&self, statuses: &[ReceivedStatus]) -> Result<(), EngineError> {
        let mut changes = Vec::new();
        for received in statuses {
            let codes = received.status.errors.iter().filter_map(|error| u32::try_from(error.code).ok());
            let Some(told) = codes.into_iter().find_map(Told::of_code) else { continue };
            if let Some(phone) = self.phone(&received.status).await? {
                changes.push((phone, WithheldChange::Told(told, ms(received.status.timestamp))));
            }
        }
        if !changes.is_empty() {
            self.ctx.store.change_withheld(&changes, self.clock.now()).await?;
        }
        Ok(())
    }

    /// Every message opens the service window of its user and number, or extends it.
    async fn open_windows(&self, inbound: &[Inbound]) -> Result<(), EngineError> {
        let mut wrote: HashMap<NumberId, Vec<(u64, UnixMs)>> = HashMap::new();
        for message in inbound {
            let number = message.phone_number_id.as_deref().and_then(|id| id.parse().ok());
            let phone = message.from.as_ref().and_then(|from| from.as_str().parse::<Phone>().ok());
            if let (Some(number), Some(phone)) = (number, phone) {
                wrote.entry(number).or_default().push((phone.person(), ms(message.timestamp)));
            }
        }
        for (number, wrote) in &wrote {
            // Another system's number: nothing of ours is sent from it.
            if self.ctx.store.number(number).await?.is_some() {
                self.ctx.store.note_inbound(number, wrote, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// What a message such as STOP asks for.
    fn asked_for(&self, inbound: &Inbound) -> Vec<(Phone, Change)> {
        let words = &self.ctx.settings.policy.replies;
        let phone = inbound.from.as_ref().and_then(|from| from.as_str().parse().ok());
        let answer = inbound.text().and_then(|text| words.read(text));
        let (Some(phone), Some(answer)) = (phone, answer) else { return Vec::new() };
        let at = ms(inbound.timestamp);
        match answer {
            Answer::Stop => words.stops.iter().map(|scope| (phone, add(*scope, Source::Reply, at))).collect(),
            Answer::Start => vec![(phone, lift(Source::Reply, at))],
        }
    }

    /// Counts who wants no more for the number that was told so; of a refusal the receipts do. *A call comes again that was
    /// written*: it counts twice.
    fn count(&self, parsed: &Parsed) {
        let words = &self.ctx.settings.policy.replies;
        let stops = |inbound: &&Inbound| inbound.text().and_then(|text| words.read(text)) == Some(Answer::Stop);
        let replies = parsed.inbound.iter().filter(stops).map(|inbound| (&inbound.phone_number_id, inbound.timestamp));
        let wishes = parsed.preferences.iter().filter(|wish| wish.stops);
        let wishes = wishes.map(|wish| (&wish.phone_number_id, wish.timestamp));
        for (number, at) in replies.chain(wishes) {
            if let Some(number) = number.as_deref().and_then(|id| id.parse().ok()) {
                self.rates.add(&number, ms(at).min(self.clock.now()), Counts::OPTED_OUT);
            }
        }
    }

    /// A message that was refused because its recipient wants no marketing.
    async fn refused(&self, received: &ReceivedStatus) -> Result<Option<(Phone, Change)>, EngineError> {
        let status = &received.status;
        let phone = self.phone(status).await?;
        Ok(phone.map(|phone| (phone, add(Scope::Marketing, Source::Code131050, ms(status.timestamp)))))
    }

    /// Whom a status is about.
    async fn phone(&self, status: &StatusUpdate) -> Result<Option<Phone>, EngineError> {
        match status.recipient_id.as_ref().and_then(|id| id.as_str().parse().ok()) {
            Some(phone) => Ok(Some(phone)),
            None => self.recipient(status).await,
        }
    }

    /// Whom our own attempt was for, where the status does not say.
    async fn recipient(&self, status: &StatusUpdate) -> Result<Option<Phone>, EngineError> {
        let callback = status.biz_opaque_callback_data.as_deref().and_then(|text| text.parse::<Callback>().ok());
        let Some(callback) = callback.filter(|callback| callback.deployment == self.ctx.deployment) else {
            return Ok(None);
        };
        let page = self.ctx.store.page(&callback.delivery.page).await?;
        let row = page.as_ref().and_then(|page| page.recipients.rows.get(usize::from(callback.delivery.index)));
        Ok(row.and_then(|row| Phone::from_digits(row.phone).ok()))
    }
}

fn is_stopped(status: &StatusUpdate) -> bool {
    status.errors.iter().any(|error| error.code == i64::from(STOPPED_MARKETING))
}

/// What a wish in WhatsApp's own settings comes to. Who resumes lifts what the wish, or a refusal that told of it, has set.
fn wished(wish: &Preference) -> Vec<(Phone, Change)> {
    let phone = wish.from.as_ref().and_then(|from| from.as_str().parse().ok());
    let Some(phone) = phone.filter(|_| wish.category == MARKETING || wish.category.is_empty()) else {
        return Vec::new();
    };
    let at = ms(wish.timestamp);
    let changes = match wish.stops {
        true => vec![add(Scope::Marketing, Source::UserPreferences, at)],
        false => vec![lift(Source::UserPreferences, at), lift(Source::Code131050, at)],
    };
    changes.into_iter().map(|change| (phone, change)).collect()
}
