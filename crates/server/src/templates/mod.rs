//! Templates: what Meta has of them in each account, lint, submission, versions, and what came of them.

mod rotate;
mod stats;
mod submit;
mod trial;

use std::collections::{BTreeMap, BTreeSet};

use axum::{Json, extract::State};
use dawncast_core::{
    campaign::Category,
    ids::WabaId,
    template::{Definition, Rotated, Rotation},
};
use dawncast_store::{StoreError, records::Page};
use serde::{Deserialize, Serialize};

use self::trial::OnTrial;
pub(crate) use self::{
    rotate::{roll_back, rotate},
    stats::stats,
    submit::{lint, submit, sync},
    trial::{end as end_trial, start as start_trial},
};
use crate::{
    extract::{Id, Query},
    problem::Problem,
    state::ApiState,
    time::rfc3339,
};

/// A template in one language, as it is answered.
#[derive(Serialize)]
pub(crate) struct View {
    name: String,
    language: String,
    category: Category,
    /// How it stands in each account.
    accounts: Vec<Account>,
    /// What goes out for campaigns that name it, in order: the current version first.
    versions: Vec<String>,
    /// How it came to that, the latest last.
    rotations: Vec<Change>,
    /// What is tried on a share of the recipients.
    trial: Option<OnTrial>,
    /// Its text, as the first account has it.
    body: String,
}

/// How a template stands in one account.
#[derive(Serialize)]
struct Account {
    waba_id: WabaId,
    template_id: Option<String>,
    status: String,
    quality: Option<String>,
    rejected_reason: Option<String>,
}

/// A change of version.
#[derive(Serialize)]
struct Change {
    at: String,
    from: String,
    to: String,
    /// Why, where nobody asked for it.
    why: Option<String>,
}

impl View {
    fn new(known: &[(WabaId, Definition)], rotation: &Rotation) -> Option<Self> {
        let (_, first) = known.first()?;
        let account = |(waba, it): &(WabaId, Definition)| Account {
            waba_id: waba.clone(),
            template_id: it.id.clone(),
            status: it.status.clone(),
            quality: it.quality.clone(),
            rejected_reason: it.rejected_reason.clone(),
        };
        let change =
            |it: &Rotated| Change { at: rfc3339(it.at), from: it.from.clone(), to: it.to.clone(), why: it.why.clone() };
        Some(Self {
            name: first.name.clone(),
            language: first.language.clone(),
            category: first.category,
            accounts: known.iter().map(account).collect(),
            versions: rotation.in_order().map(str::to_owned).collect(),
            rotations: rotation.changes.iter().map(change).collect(),
            trial: rotation.trial.as_ref().map(OnTrial::from),
            body: first.body_text.clone(),
        })
    }
}

/// A template's name with its language.
type Key = (String, String);

/// A template, as every account of ours has it.
type Found = (Key, Vec<(WabaId, Definition)>);

/// What is known of every template: how it stands in each account of ours.
async fn known(state: &ApiState) -> Result<BTreeMap<Key, Vec<(WabaId, Definition)>>, StoreError> {
    let accounts: BTreeSet<WabaId> = state.store.numbers().await?.into_iter().map(|number| number.waba_id).collect();
    let mut known: BTreeMap<Key, Vec<(WabaId, Definition)>> = BTreeMap::new();
    for waba in accounts {
        for definition in state.store.templates(&waba).await?.unwrap_or_default() {
            let key = (definition.name.clone(), definition.language.clone());
            known.entry(key).or_default().push((waba.clone(), definition));
        }
    }
    Ok(known)
}

/// `GET /v1/templates`: every template that some account of ours has, on one page, by name.
pub(crate) async fn list(State(state): State<ApiState>) -> Result<Json<Page<View>>, Problem> {
    let mut items = Vec::new();
    for ((name, language), accounts) in known(&state).await? {
        items.extend(View::new(&accounts, &state.store.rotation(&name, &language).await?));
    }
    Ok(Json(Page { items, next_cursor: None }))
}

/// Which of a name's languages is meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Which {
    language: Option<String>,
}

/// The template of that name, as every account has it. Where a name has several languages, one must be told.
async fn find(state: &ApiState, name: &str, language: Option<&str>) -> Result<Found, Problem> {
    let mut found: Vec<_> = known(state).await?.into_iter().filter(|((of, _), _)| of == name).collect();
    if let Some(language) = language {
        found.retain(|((_, of), _)| of == language);
    }
    match found.len() {
        0 => Err(Problem::no_such("template", &language.map_or(name.to_owned(), |it| format!("{name} in {it}")))),
        1 => Ok(found.remove(0)),
        _ => {
            let languages: Vec<String> = found.into_iter().map(|((_, language), _)| language).collect();
            let detail = format!("`{name}` is there in {}: add `?language=`.", languages.join(", "));
            Err(Problem::malformed(detail))
        }
    }
}

/// Changes which versions of a template go out. How it stands then, and whether that is another.
async fn change(
    state: &ApiState,
    ((name, language), accounts): Found,
    change: impl Fn(&mut Rotation) -> bool,
) -> Result<(Json<View>, bool), Problem> {
    let (rotation, changed) = state.store.change_rotation(&name, &language, change).await?;
    let view = View::new(&accounts, &rotation).ok_or_else(|| Problem::no_such("template", &name))?;
    Ok((Json(view), changed))
}

/// `GET /v1/templates/{name}?language=`
pub(crate) async fn show(
    State(state): State<ApiState>,
    Id(name): Id<String>,
    Query(which): Query<Which>,
) -> Result<Json<View>, Problem> {
    let ((name, language), accounts) = find(&state, &name, which.language.as_deref()).await?;
    let view = View::new(&accounts, &state.store.rotation(&name, &language).await?);
    view.map(Json).ok_or_else(|| Problem::no_such("template", &name))
}
