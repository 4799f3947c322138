//! What was asked of the outside lately: Meta about tokens and accounts, servers about links. An answer that is well is good
//! for a minute, another for seconds, so that what a person mends is soon seen and a held run does not flood Meta.

use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use dawncast_cloud_api::{CallError, SubscribedApp, Token, TokenInfo};
use dawncast_core::{
    UnixMs,
    doctor::{self, Finding, LinkAnswer, Needed, Outcome, Scoped, Subscriber, TokenState},
    ids::WabaId,
};
use dawncast_store::records::Number;
use sha2::{Digest, Sha256};

use super::links::Fetcher;
use crate::{Context, EngineError, templates};

const WELL_FOR_MS: i64 = 60_000;
const ILL_FOR_MS: i64 = 5_000;

/// What was found of a token.
pub(crate) enum Judged {
    /// This.
    Found(Vec<Finding>),
    /// Nothing, because Meta does not answer, for this reason.
    Silent(String),
}

/// What Meta said, or why it said nothing to the point.
#[derive(Debug, Clone)]
enum Said<T> {
    /// This.
    Known(T),
    /// An answer that says nothing of the subject: perhaps the token may not ask.
    Refused(String),
    /// It did not answer.
    Silent(String),
}

/// The token's SHA-256 and the account: numbers share tokens.
type TokenKey = ([u8; 32], WabaId);

/// Answers by what was asked of.
struct Kept<K, V>(Mutex<HashMap<K, Answer<V>>>);

struct Answer<V> {
    asked_at: UnixMs,
    good_for: i64,
    said: V,
}

impl<K, V> Default for Kept<K, V> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: Eq + Hash, V: Clone> Kept<K, V> {
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Answer<V>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, key: &K, now: UnixMs) -> Option<V> {
        let kept = self.lock();
        kept.get(key).filter(|answer| now - answer.asked_at < answer.good_for).map(|answer| answer.said.clone())
    }

    fn put(&self, key: K, said: V, is_well: bool, now: UnixMs) {
        let mut kept = self.lock();
        kept.retain(|_, answer| now - answer.asked_at < answer.good_for);
        let good_for = if is_well { WELL_FOR_MS } else { ILL_FOR_MS };
        kept.insert(key, Answer { asked_at: now, good_for, said });
    }

    /// Something speaks against what was said: it is good for no longer than what is bad.
    fn doubt(&self, key: &K) {
        if let Some(answer) = self.lock().get_mut(key) {
            answer.good_for = answer.good_for.min(ILL_FOR_MS);
        }
    }
}

/// See the module. One for a process that asks.
#[derive(Default)]
pub(crate) struct Asked {
    tokens: Kept<TokenKey, Said<TokenState>>,
    accounts: Kept<WabaId, Said<Vec<Subscriber>>>,
    links: Kept<String, LinkAnswer>,
    fetcher: Fetcher,
}

impl Asked {
    /// What a number's token may do, and until when.
    async fn token(&self, ctx: &Context, number: &Number, now: UnixMs) -> Result<Said<TokenState>, EngineError> {
        let waba = &number.waba_id;
        let token = match templates::usable_token(&ctx.store, number).await? {
            Ok(token) => token,
            // Meta cannot be asked about one that is not there, or does not open.
            Err(why) => return Ok(Said::Known(TokenState { unusable: Some(why), ..TokenState::default() })),
        };
        let key = token_key(&token, number);
        if let Some(said) = self.tokens.get(&key, now) {
            return Ok(said);
        }
        let said = match ctx.client.debug_token(&token).await {
            Ok(info) => Said::Known(token_state(info)),
            // A dead token may not even ask about itself.
            Err(CallError::Api(error)) if matches!(error.code, Some(102 | 190)) => {
                Said::Known(TokenState { refused: Some(error.to_string()), ..TokenState::default() })
            }
            Err(error) => silence(error),
        };
        let is_well = match &said {
            Said::Known(state) => {
                let found = doctor::token("", state, waba.as_str(), Needed::Ahead(None), now);
                // One that ends soon may be what holds a run.
                doctor::worst(&found) == Outcome::Ok
            }
            _ => false,
        };
        self.tokens.put(key, said.clone(), is_well, now);
        Ok(said)
    }

    /// The number was refused since its token was asked about: what was said a while ago counts no more.
    pub(crate) async fn doubt_token(&self, ctx: &Context, number: &Number) -> Result<(), EngineError> {
        if let Ok(token) = templates::usable_token(&ctx.store, number).await? {
            self.tokens.doubt(&token_key(&token, number));
        }
        Ok(())
    }

    /// The findings on a number's token.
    pub(crate) async fn judge_token(
        &self,
        ctx: &Context,
        number: &Number,
        needed: Needed,
        now: UnixMs,
    ) -> Result<Judged, EngineError> {
        let id = number.phone_number_id.as_str();
        Ok(match self.token(ctx, number, now).await? {
            Said::Known(state) => Judged::Found(doctor::token(id, &state, number.waba_id.as_str(), needed, now)),
            Said::Refused(why) => Judged::Found(vec![unasked(doctor::Check::Token, id, "what the token may do", &why)]),
            Said::Silent(why) => Judged::Silent(why),
        })
    }

    /// The finding on who hears of a number's account; none where Meta does not answer.
    pub(crate) async fn judge_account(
        &self,
        ctx: &Context,
        number: &Number,
        now: UnixMs,
    ) -> Result<Option<Finding>, EngineError> {
        let waba = number.waba_id.as_str();
        let app = match self.token(ctx, number, now).await? {
            Said::Known(state) => state.app,
            _ => None,
        };
        Ok(match self.account(ctx, number, now).await? {
            Said::Known(subscribers) => Some(doctor::subscription(waba, &subscribers, app.as_deref())),
            Said::Refused(why) => Some(unasked(doctor::Check::Webhook, waba, "who hears of the account", &why)),
            Said::Silent(_) => None,
        })
    }

    async fn account(&self, ctx: &Context, number: &Number, now: UnixMs) -> Result<Said<Vec<Subscriber>>, EngineError> {
        let waba = &number.waba_id;
        if let Some(said) = self.accounts.get(waba, now) {
            return Ok(said);
        }
        let token = match templates::usable_token(&ctx.store, number).await? {
            Ok(token) => token,
            Err(why) => return Ok(Said::Silent(why)),
        };
        let said: Said<Vec<Subscriber>> = match ctx.client.subscribed_apps(waba.as_str(), &token).await {
            Ok(apps) => Said::Known(apps.into_iter().map(subscriber).collect()),
            Err(error) => silence(error),
        };
        let is_well = matches!(&said, Said::Known(subscribers) if !subscribers.is_empty());
        self.accounts.put(waba.clone(), said.clone(), is_well, now);
        Ok(said)
    }

    /// The finding on a link.
    pub(crate) async fn judge_link(&self, link: &doctor::Link, now: UnixMs) -> Finding {
        let answer = match self.links.get(&link.url, now) {
            Some(answer) => answer,
            None => self.fetcher.ask(&link.url).await,
        };
        let finding = doctor::link(link, &answer);
        self.links.put(link.url.clone(), answer, finding.outcome == Outcome::Ok, now);
        finding
    }
}

fn token_key(token: &Token, number: &Number) -> TokenKey {
    (Sha256::digest(token.expose()).into(), number.waba_id.clone())
}

fn silence<T>(error: CallError) -> Said<T> {
    match error {
        CallError::Unreachable(_) => Said::Silent(error.to_string()),
        other => Said::Refused(other.to_string()),
    }
}

fn unasked(check: doctor::Check, subject: &str, what: &str, why: &str) -> Finding {
    Finding::warn(check, subject, format!("Meta does not say {what} ({why})"), "see the scopes of its token")
}

fn token_state(info: TokenInfo) -> TokenState {
    let ends_at = info.ends_at().map(|seconds| seconds.saturating_mul(1_000));
    let why = info.error.map_or_else(|| "no reason given".to_owned(), |fault| fault.message);
    let scoped = info.granular_scopes.into_iter().map(|it| Scoped { scope: it.scope, accounts: it.target_ids });
    TokenState {
        unusable: None,
        refused: (!info.is_valid).then_some(why),
        ends_at,
        data_ends_at: Some(info.data_access_expires_at.saturating_mul(1_000)).filter(|at| *at > 0),
        app: info.app_id,
        scopes: info.scopes,
        scoped: scoped.collect(),
    }
}

fn subscriber(it: SubscribedApp) -> Subscriber {
    Subscriber { id: it.app.id, name: it.app.name, sent_to: it.override_callback_uri }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_good_answer_is_kept_for_a_minute_and_a_bad_one_for_seconds() {
        let kept = Kept::<&str, i32>::default();
        kept.put("good", 1, true, 0);
        kept.put("bad", 2, false, 0);
        let at = |now| (kept.get(&"good", now), kept.get(&"bad", now));
        assert_eq!(at(ILL_FOR_MS - 1), (Some(1), Some(2)));
        assert_eq!(at(ILL_FOR_MS), (Some(1), None));
        assert_eq!(at(WELL_FOR_MS), (None, None));
        kept.doubt(&"good");
        assert_eq!((kept.get(&"good", ILL_FOR_MS - 1), kept.get(&"good", ILL_FOR_MS)), (Some(1), None));
    }
}
