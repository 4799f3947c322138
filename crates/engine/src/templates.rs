//! Template sync: what Meta knows of each account's templates, kept where submit and preflight look it up.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use dawncast_cloud_api::{
    ButtonType, ComponentType, HeaderFormat, ParameterFormat as ApiFormat, TemplateButton, TemplateComponent,
    TemplateInfo, Token,
};
use dawncast_core::{
    UnixMs,
    campaign::Category,
    ids::WabaId,
    template::{Button, CardDefinition, Definition, Header, ParameterFormat, Rotation, unsendable},
};
use dawncast_store::{
    Store,
    records::{Number, NumberRole},
    run::Run,
};
use metrics::gauge;
use tracing::{info, warn};

use crate::{Context, EngineError, metrics::TEMPLATE_STATUS};

/// An account's templates are read again after this.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The statuses that are exported at zero.
const STATUSES: [&str; 5] = ["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"];

fn definition(info: &TemplateInfo) -> Definition {
    let named = info.parameter_format == ApiFormat::Named;
    let CardDefinition { header, body_text, buttons } = parts(&info.components);
    let offer = part(&info.components, &ComponentType::LimitedTimeOffer).and_then(|it| it.limited_time_offer.as_ref());
    let cards = part(&info.components, &ComponentType::Carousel).map_or(&[][..], |carousel| &carousel.cards);
    Definition {
        name: info.name.clone(),
        language: info.language.clone(),
        status: info.status.as_str().to_owned(),
        category: Category::from_any_case(info.category.as_str()).unwrap_or(Category::Utility),
        parameter_format: if named { ParameterFormat::Named } else { ParameterFormat::Positional },
        header,
        body_text,
        buttons,
        limited_time_offer: offer.is_some_and(|offer| offer.has_expiration == Some(true)),
        cards: cards.iter().map(|card| parts(&card.components)).collect(),
        id: Some(info.id.clone()),
        quality: info.quality_score.as_ref().map(|quality| quality.score.as_str().to_owned()),
        rejected_reason: info.rejected_reason.clone().filter(|reason| reason != "NONE"),
        noted_at: None,
    }
}

fn part<'a>(components: &'a [TemplateComponent], kind: &ComponentType) -> Option<&'a TemplateComponent> {
    components.iter().find(|component| component.kind == *kind)
}

/// What a template and each of its cards have.
fn parts(components: &[TemplateComponent]) -> CardDefinition {
    let part = |kind: ComponentType| part(components, &kind);
    CardDefinition {
        header: part(ComponentType::Header).map(header),
        body_text: part(ComponentType::Body).and_then(|body| body.text.clone()).unwrap_or_default(),
        buttons: part(ComponentType::Buttons).map(|part| part.buttons.iter().map(button).collect()).unwrap_or_default(),
    }
}

fn header(component: &TemplateComponent) -> Header {
    match component.format {
        Some(HeaderFormat::Text) => Header::Text { text: component.text.clone().unwrap_or_default() },
        Some(HeaderFormat::Image) => Header::Image,
        Some(HeaderFormat::Video) => Header::Video,
        Some(HeaderFormat::Gif) => Header::Gif,
        Some(HeaderFormat::Document) => Header::Document,
        Some(HeaderFormat::Location) => Header::Location,
        Some(HeaderFormat::Product) => Header::Product,
        _ => Header::Other,
    }
}

fn button(button: &TemplateButton) -> Button {
    match button.kind {
        ButtonType::QuickReply => Button::QuickReply,
        ButtonType::Url => Button::Url { url: button.url.clone().unwrap_or_default() },
        ButtonType::CopyCode => Button::CopyCode,
        ButtonType::Otp => Button::Otp,
        ButtonType::Flow => Button::Flow,
        ButtonType::Catalog => Button::Catalog,
        ButtonType::Mpm => Button::Mpm,
        ButtonType::VoiceCall => Button::VoiceCall,
        _ => Button::Other,
    }
}

/// The token of a number, as the client takes it; or why it has none to send with.
pub(crate) async fn usable_token(store: &Store, number: &Number) -> Result<Result<Token, String>, EngineError> {
    let found = store.access_token(number).await?.map_err(|why| why.to_string());
    let token = found.and_then(|text| Token::new(text.expose()).map_err(|why| format!("it cannot be used: {why}")));
    Ok(token.map_err(|why| format!("the access token of number {}: {why}", number.phone_number_id)))
}

/// The same for who can do nothing without it.
pub(crate) async fn token(store: &Store, number: &Number) -> Result<Token, EngineError> {
    usable_token(store, number).await?.map_err(EngineError::Unfit)
}

/// Reads an account's templates through one of its numbers, and stores them.
pub(crate) async fn sync_account(ctx: &Context, number: &Number, now: UnixMs) -> Result<Vec<Definition>, EngineError> {
    let waba = &number.waba_id;
    let token = token(&ctx.store, number).await?;
    let infos = ctx.client.templates(waba.as_str(), &token, None).await?;
    let definitions: Vec<Definition> = infos.iter().map(definition).collect();
    let before = ctx.store.templates(waba).await?.unwrap_or_default();
    tell_changes(waba, &before, &definitions);
    Ok(ctx.store.put_templates(waba, &definitions, now).await?)
}

/// Says what became of templates since they were read last.
fn tell_changes(waba: &WabaId, before: &[Definition], after: &[Definition]) {
    for now in after {
        let was = before.iter().find(|it| it.name == now.name && it.language == now.language);
        if let Some(was) = was.filter(|was| was.status != now.status) {
            tell_change(waba, now, &was.status);
        }
    }
}

/// Says what became of a template that stood `before`.
fn tell_change(waba: &WabaId, now: &Definition, before: &str) {
    let Definition { name, language, status, .. } = now;
    let why = now.rejected_reason.as_ref().map(|reason| format!(" ({reason})")).unwrap_or_default();
    if now.is_approved() {
        info!("template {name} ({language}) of account {waba} is {status}, it was {before}");
    } else {
        warn!("template {name} ({language}) of account {waba} is {status}{why}, it was {before}: it is not sent");
    }
}

/// The same template may stand otherwise in another account: each status that it has somewhere is 1.
fn export(known: &[Definition]) {
    let mut present: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for template in known {
        present.entry((&template.name, &template.language)).or_default().insert(&template.status);
    }
    for ((name, language), present) in present {
        for status in present.iter().copied().chain(STATUSES.into_iter().filter(|status| !present.contains(status))) {
            let labels =
                [("template", name.to_owned()), ("language", language.to_owned()), ("status", status.to_owned())];
            gauge!(TEMPLATE_STATUS, &labels).set(if present.contains(status) { 1.0 } else { 0.0 });
        }
    }
}

/// Every account that has numbers, with one of them to ask through.
pub(crate) async fn accounts(ctx: &Context) -> Result<BTreeMap<WabaId, Number>, EngineError> {
    let mut accounts = BTreeMap::new();
    for number in ctx.store.numbers().await? {
        accounts.entry(number.waba_id.clone()).or_insert(number);
    }
    Ok(accounts)
}

/// Of the accounts of a run's active numbers those that can send none of its templates, in the versions that go out now: each in
/// words. One whose templates were never read has the benefit of the doubt, and free-form messages do without.
pub(crate) async fn unapproved(ctx: &Context, run: &Run) -> Result<Vec<String>, EngineError> {
    let (spec, mut told) = (&run.record.spec, Vec::new());
    if spec.message.is_free_form() {
        return Ok(told);
    }
    let message = Rotation::applied(&ctx.store.rotations().await?, &spec.message);
    let numbers = ctx.store.pool_numbers(&spec.pool).await?;
    let active = numbers.iter().filter(|number| number.role == NumberRole::Active);
    for waba in active.map(|number| &number.waba_id).collect::<BTreeSet<_>>() {
        let known = ctx.store.templates(waba).await?;
        let why = known.and_then(|known| unsendable(&known, &message));
        told.extend(why.map(|why| format!("account {waba} cannot send: {why}")));
    }
    Ok(told)
}

/// Reads the templates of every account that was not read lately, and exports what is known of all.
pub(crate) async fn sync_stale(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let mut known = Vec::new();
    for (waba, number) in accounts(ctx).await? {
        let read_at = ctx.store.templates_read_at(&waba).await?;
        let stale = read_at.is_none_or(|at| now - at >= FRESH_FOR.as_millis() as i64);
        if stale && let Err(error) = sync_account(ctx, &number, now).await {
            ctx.trouble(format_args!("the templates of account {waba} cannot be read now"), error);
        }
        known.extend(ctx.store.templates(&waba).await?.unwrap_or_default());
    }
    export(&known);
    Ok(())
}
