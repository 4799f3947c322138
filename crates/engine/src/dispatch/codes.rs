//! What an answer says beyond its own message: against the number that sent it, that its recipient wants no more of a kind, or
//! that Meta withholds it from the recipient.
//! Written beside the owner's work; that it is lost with a process costs no more than the next such answer.

use dawncast_core::{
    UnixMs,
    consent::{Change, Entry, Scope, Source, Told},
    health::{Cause, Heard},
    phone::Phone,
    template,
    verdict::Verdict,
};
use dawncast_store::records::WithheldChange;
use tracing::Instrument;

use super::{owner::PageOwner, wire::Answer};
use crate::{Context, EngineError, answer::is_of_endpoint, log::meaning};

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
        if let Verdict::TemplateDown(_) = answer.verdict {
            self.bar(answer.place, code, at);
        }
        if let Some(told) = Told::of_code(code) {
            self.withhold(answer, told, at);
        }
        if code == STOPPED_MARKETING {
            let row = &self.recipients.rows[usize::from(answer.index)];
            let ctx = self.shared.ctx.clone();
            let phone = Phone::from_digits(row.phone);
            self.note(async move { suppress(&ctx, phone.ok(), at).await });
        }
    }

    /// The recipient's messages wait, in the runs that follow.
    fn withhold(&self, answer: &Answer, told: Told, at: UnixMs) {
        let ctx = self.shared.ctx.clone();
        let Ok(phone) = Phone::from_digits(self.recipients.rows[usize::from(answer.index)].phone) else { return };
        self.note(async move {
            ctx.store.change_withheld(&[(phone, WithheldChange::Told(told, at))], at).await?;
            Ok(())
        });
    }

    /// The template cannot be sent from that account: here from now on, and everywhere once it is stored, until it is read as
    /// approved. One that this endpoint alone does not take is stored nowhere: other campaigns may send it by the other.
    fn bar(&self, place: usize, code: u32, at: UnixMs) {
        let sender = &self.sheet.senders[place];
        let message = sender.message(self.message);
        sender.bar(message);
        let content = self.sheet.run.record.spec.message.sent_as(message);
        let Some(template) = content.template().cloned() else { return };
        let what =
            format_args!("template {} cannot be sent from account {}: it is stopped there", template.name, sender.waba);
        self.shared.ctx.trouble(what, EngineError::Unfit(format!("code {code}: {}", meaning(code))));
        if is_of_endpoint(code) {
            return;
        }
        let (ctx, waba) = (self.shared.ctx.clone(), sender.waba.clone());
        let noted = move || async move {
            let status = template::status_of_refusal(code);
            Ok(ctx.store.note_template(&waba, &template.name, &template.language, status, at).await?)
        };
        self.note(noted());
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
