//! The apps that hear of the accounts, and where: the app's own address, another for an account, another for a number.

use std::collections::{HashMap, HashSet};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use hmac::{Hmac, KeyInit, Mac};
use reqwest::Url;
use sha2::Sha256;

use super::webhook_url;
use crate::config::SimConfig;
use crate::error::SimError;
use crate::hex::hex;

const FIRST_ID: u64 = 400_000_000_000_001;

/// Which of an app's addresses. The narrower wins (Meta: webhook overrides).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Route {
    App,
    /// By the account's place.
    Account(usize),
    /// By the number's place.
    Number(usize),
}

/// Whom an event is for: an app, by its place, at one of its addresses.
pub(crate) type Audience = Vec<(usize, Route)>;

/// An app of the business.
pub(crate) struct App {
    pub(crate) id: String,
    pub(crate) name: String,
    /// The token that its calls come with.
    pub(crate) token: String,
    secret: String,
    verify_token: String,
    hearing: RwLock<Hearing>,
}

#[derive(Default)]
struct Hearing {
    url: Option<Url>,
    /// Whether it ever had one: what is under way waits for the next.
    had_url: bool,
    /// The accounts that do not have it among their subscribed apps.
    without: HashSet<usize>,
    /// Other addresses for the field `messages`.
    overrides: HashMap<Route, Url>,
}

impl App {
    fn new(place: usize, url: Option<&str>, secret: &str, verify_token: &str, token: &str) -> Result<Self, SimError> {
        let name = if place == 0 {
            "Dawncast Simulator App".to_owned()
        } else {
            format!("Dawncast Simulator App {}", place + 1)
        };
        let url = url.map(webhook_url).transpose()?;
        let hearing = Hearing { had_url: url.is_some(), url, ..Hearing::default() };
        Ok(Self {
            id: (FIRST_ID + place as u64).to_string(),
            name,
            token: token.to_owned(),
            secret: secret.to_owned(),
            verify_token: verify_token.to_owned(),
            hearing: RwLock::new(hearing),
        })
    }

    fn read(&self) -> RwLockReadGuard<'_, Hearing> {
        self.hearing.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Hearing> {
        self.hearing.write().unwrap_or_else(PoisonError::into_inner)
    }

    /// What an app shows for itself (Meta: access tokens).
    pub(crate) fn app_token(&self) -> String {
        format!("{}|{}", self.id, self.secret)
    }

    pub(crate) fn verify_token(&self) -> &str {
        &self.verify_token
    }

    /// Meta: `sha256=` and the lower-case hexadecimal HMAC-SHA256 of the exact body under the app secret.
    pub(crate) fn signature(&self, body: &[u8]) -> String {
        signature(&self.secret, body)
    }

    pub(crate) fn set_url(&self, url: Option<Url>) {
        let mut hearing = self.write();
        hearing.had_url |= url.is_some();
        hearing.url = url;
    }

    /// Its own address.
    pub(crate) fn url(&self) -> Option<Url> {
        self.read().url.clone()
    }

    /// The address that a route leads to now; its own where there is no other any more.
    pub(crate) fn url_of(&self, route: Route) -> Option<Url> {
        let hearing = self.read();
        hearing.overrides.get(&route).or(hearing.url.as_ref()).cloned()
    }

    /// Another address, as it was given.
    pub(crate) fn elsewhere(&self, route: Route) -> Option<String> {
        self.read().overrides.get(&route).map(Url::to_string)
    }

    pub(crate) fn send_elsewhere(&self, route: Route, url: Option<Url>) {
        let mut hearing = self.write();
        match url {
            Some(url) => hearing.overrides.insert(route, url),
            None => hearing.overrides.remove(&route),
        };
    }

    /// The account tells it of what happens from now on, or no more.
    pub(crate) fn subscribe(&self, waba: usize, subscribed: bool) {
        let mut hearing = self.write();
        if subscribed {
            hearing.without.remove(&waba)
        } else {
            hearing.without.insert(waba)
        };
    }

    pub(crate) fn is_subscribed(&self, waba: usize) -> bool {
        !self.read().without.contains(&waba)
    }

    /// Where it hears of an account, or of messages of one of its numbers.
    fn route(&self, waba: usize, number: Option<usize>) -> Option<Route> {
        let hearing = self.read();
        if hearing.without.contains(&waba) {
            return None;
        }
        let narrower = number.and_then(|number| {
            let routes = [Route::Number(number), Route::Account(waba)];
            routes.into_iter().find(|route| hearing.overrides.contains_key(route))
        });
        narrower.or_else(|| hearing.had_url.then_some(Route::App))
    }
}

/// See [`App::signature`].
pub(crate) fn signature(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(body);
    format!("sha256={}", hex(&mac.finalize().into_bytes()))
}

/// The apps: one, or two.
pub(crate) struct Apps(Vec<App>);

impl Apps {
    pub(crate) fn of(config: &SimConfig) -> Result<Self, SimError> {
        let url = config.webhook.as_deref();
        let mut all = vec![App::new(0, url, &config.app_secret, &config.verify_token, &config.token)?];
        if let Some(second) = &config.second_app {
            let url = second.webhook.as_deref();
            all.push(App::new(1, url, &second.app_secret, &second.verify_token, &second.token)?);
        }
        Ok(Self(all))
    }

    pub(crate) fn all(&self) -> &[App] {
        &self.0
    }

    pub(crate) fn first(&self) -> &App {
        &self.0[0]
    }

    /// The place of the app that a token was made for.
    pub(crate) fn by_token(&self, token: &str) -> Option<usize> {
        self.0.iter().position(|app| app.token == token)
    }

    /// Everyone who hears of an account, or of messages of one of its numbers.
    pub(crate) fn audience(&self, waba: usize, number: Option<usize>) -> Audience {
        let routes = self.0.iter().enumerate().map(|(place, app)| Some((place, app.route(waba, number)?)));
        routes.flatten().collect()
    }

    /// Whether anything of an account, or of messages of one of its numbers, is told to anybody.
    pub(crate) fn hear(&self, waba: usize, number: Option<usize>) -> bool {
        self.0.iter().any(|app| app.route(waba, number).is_some_and(|route| app.url_of(route).is_some()))
    }
}
