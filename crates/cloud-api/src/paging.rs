//! Lists that come page by page.

use serde::Deserialize;

use crate::CallError;

/// A page of a list.
#[derive(Deserialize)]
pub(crate) struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    paging: Option<Paging>,
}

#[derive(Deserialize)]
struct Paging {
    #[serde(default)]
    cursors: Cursors,
    #[serde(default)]
    next: Option<String>,
}

#[derive(Default, Deserialize)]
struct Cursors {
    #[serde(default)]
    after: Option<String>,
}

impl<T> Page<T> {
    /// What it holds, and the cursor of the following page. `next` only says that there is one: its address is not followed, so
    /// that the token goes nowhere but to the configured host.
    pub(crate) fn following(self) -> (Vec<T>, Option<String>) {
        let after = self.paging.filter(|paging| paging.next.is_some()).and_then(|paging| paging.cursors.after);
        (self.data, after)
    }
}

/// What the pages of a list hold, read one after the other: `while pages.add(read(pages.after())?)? {}`.
pub(crate) struct Pages<T> {
    pub(crate) found: Vec<T>,
    after: Option<String>,
}

impl<T> Pages<T> {
    pub(crate) const fn new() -> Self {
        Self { found: Vec::new(), after: None }
    }

    /// The cursor of the page to read next.
    pub(crate) fn after(&self) -> Option<&str> {
        self.after.as_deref()
    }

    /// Takes a page, and says whether there is another one.
    pub(crate) fn add(&mut self, page: Page<T>) -> Result<bool, CallError> {
        let (items, following) = page.following();
        self.found.extend(items);
        if following.is_some() && following == self.after {
            return Err(CallError::Malformed("a page of the list names itself as the next one".to_owned()));
        }
        self.after = following;
        Ok(self.after.is_some())
    }
}
