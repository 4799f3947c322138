//! What an answer says beyond its own message: against the number that sent it, or that its recipient wants no more of a kind.
//! Written beside the owner's work; that it is lost with a process costs no more than the next such answer.

use dawncast_core::{
    UnixMs,
    consent::{Change, Entry, Scope, Source},
    health::{Cause, Heard},
    phone::Phone,
};
use tracing::Instrument;

use super::{owner::PageOwner, wire::Answer};
use crate::{Context, EngineError};

/// The user stopped marketing from this business (Meta: error codes).
pub(crate) const STOPPED_MARKETING: u32 = 131_050;

impl PageOwner {
    /// Heeds the code of an answer.
    pub(super) fn heed_code(&self, answer: &Answer, at: UnixMs) {
        let code = answer.verdict.code();
        if Cause::of_code(code).is_some() {
            let (ctx, number) = (self.shared.ctx.clone(), self.sheet.senders[answer.place].number.clone());
            self.note(async move { Ok(ctx.store.note_heard(&number, Heard { code, at }).await?) });
        }
        if code == STOPPED_MARKETING {
            let row = &self.recipients.rows[usize::from(answer.index)];
            let ctx = self.shared.ctx.clone();
            let phone = Phone::from_digits(row.phone);
            self.note(async move { suppress(&ctx, phone.ok(), at).await });
        }
    }

    fn note(&self, writing: impl Future<Output = Result<(), EngineError>> + Send + 'static) {
        let ctx = self.shared.ctx.clone();
        let write = async move {
            if let Err(error) = writing.await {
                ctx.trouble(format_args!("what an answer says cannot be written"), error);
            }
        };
        self.shared.owners.spawn(write.in_current_span());
    }
}

async fn suppress(ctx: &Context, phone: Option<Phone>, since: UnixMs) -> Result<(), EngineError> {
    let Some(phone) = phone else { return Ok(()) };
    let entry = Entry { scope: Scope::Marketing, source: Source::Code131050, since };
    Ok(ctx.store.suppress(&[(phone, Change::Add(entry))]).await?)
}
