//! Template sync: what Meta knows of each account's templates, kept where submit and preflight look it up.

use std::{collections::BTreeMap, time::Duration};

use dawncast_cloud_api::{
    ButtonType, ComponentType, HeaderFormat, ParameterFormat as ApiFormat, TemplateButton, TemplateComponent,
    TemplateInfo, Token,
};
use dawncast_core::{
    UnixMs,
    campaign::Category,
    ids::WabaId,
    template::{Button, Definition, Header, ParameterFormat},
};
use dawncast_store::records::Number;
use metrics::gauge;
use tracing::warn;

use crate::{Context, EngineError, metrics::TEMPLATE_STATUS};

/// An account's templates are read again after this.
const FRESH_FOR: Duration = Duration::from_secs(60);

/// The statuses that are exported at zero.
const STATUSES: [&str; 5] = ["APPROVED", "PENDING", "REJECTED", "PAUSED", "DISABLED"];

fn definition(info: &TemplateInfo) -> Definition {
    let part = |kind: ComponentType| info.components.iter().find(|component| component.kind == kind);
    let named = info.parameter_format == ApiFormat::Named;
    Definition {
        name: info.name.clone(),
        language: info.language.clone(),
        status: info.status.as_str().to_owned(),
        category: Category::from_any_case(info.category.as_str()).unwrap_or(Category::Utility),
        parameter_format: if named { ParameterFormat::Named } else { ParameterFormat::Positional },
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
        Some(HeaderFormat::Document) => Header::Document,
        Some(HeaderFormat::Location) => Header::Location,
        _ => Header::Other,
    }
}

fn button(button: &TemplateButton) -> Button {
    match button.kind {
        ButtonType::QuickReply => Button::QuickReply,
        ButtonType::Url => Button::Url { url: button.url.clone().unwrap_or_default() },
        ButtonType::CopyCode => Button::CopyCode,
        ref other if other.as_str() == "OTP" => Button::Otp,
        _ => Button::Other,
    }
}

/// The token of a number, as the client takes it.
pub(crate) fn token(number: &Number) -> Result<Token, EngineError> {
    let text = number.access_token.expose();
    let id = &number.phone_number_id;
    Token::new(text).map_err(|why| EngineError::Unfit(format!("the access token of number {id} cannot be used: {why}")))
}

/// Reads an account's templates through one of its numbers, and stores them.
pub(crate) async fn sync_account(ctx: &Context, number: &Number, now: UnixMs) -> Result<Vec<Definition>, EngineError> {
    let waba = &number.waba_id;
    let infos = ctx.client.templates(waba.as_str(), &token(number)?, None).await?;
    let definitions: Vec<Definition> = infos.iter().map(definition).collect();
    ctx.store.put_templates(waba, &definitions, now).await?;
    Ok(definitions)
}

fn export(known: &Definition) {
    let mut statuses: Vec<&str> = STATUSES.to_vec();
    if !statuses.contains(&known.status.as_str()) {
        statuses.push(&known.status);
    }
    for status in statuses {
        let labels =
            [("template", known.name.clone()), ("language", known.language.clone()), ("status", status.to_owned())];
        gauge!(TEMPLATE_STATUS, &labels).set(if status == known.status { 1.0 } else { 0.0 });
    }
}

/// Reads the templates of every account that was not read lately, and exports what is known of all.
pub(crate) async fn sync_stale(ctx: &Context, now: UnixMs) -> Result<(), EngineError> {
    let mut accounts: BTreeMap<WabaId, Number> = BTreeMap::new();
    for number in ctx.store.numbers().await? {
        accounts.entry(number.waba_id.clone()).or_insert(number);
    }
    for (waba, number) in accounts {
        let read_at = ctx.store.templates_read_at(&waba).await?;
        let stale = read_at.is_none_or(|at| now - at >= FRESH_FOR.as_millis() as i64);
        if stale && let Err(error) = sync_account(ctx, &number, now).await {
            warn!(waba.id = %waba, "the templates of account {waba} cannot be read: {error}");
        }
        ctx.store.templates(&waba).await?.iter().flatten().for_each(export);
    }
    Ok(())
}
