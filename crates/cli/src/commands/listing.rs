//! Lists, a page at a time.

use clap::Args;
use serde_json::Value;

use crate::{
    client::{Api, Remote},
    failure::Failure,
    output::Table,
};

/// Which page of a list.
#[derive(Debug, Args)]
pub(super) struct Paging {
    /// At most this many.
    #[arg(long, default_value_t = 50)]
    limit: u32,
    /// Go on where an earlier page ended.
    #[arg(long)]
    cursor: Option<String>,
}

impl Paging {
    /// The query of this page.
    pub(super) fn query(&self) -> [(&'static str, Option<String>); 2] {
        [("limit", Some(self.limit.to_string())), ("cursor", self.cursor.clone())]
    }
}

/// Gets a page and shows it, a row of cells for each item; says how to go on.
pub(super) async fn show<const N: usize>(
    remote: &Remote,
    api: &Api,
    path: &[&str],
    query: &[(&str, Option<String>)],
    table_of: ([&'static str; N], &str),
    cells: impl Fn(&Value) -> [String; N],
) -> Result<(), Failure> {
    let page = api.get(path, query).await?;
    remote.show(&page, |page| table(page, &table_of, cells));
    say_more(remote, &page);
    Ok(())
}

/// A page as a table, a row of cells for each item.
pub(super) fn table<const N: usize>(
    page: &Value,
    (heads, nothing): &([&'static str; N], &str),
    cells: impl Fn(&Value) -> [String; N],
) -> String {
    let mut table = Table::new(heads);
    items(page).iter().for_each(|item| table.row(cells(item)));
    table.render(nothing)
}

/// Says how to go on after a page.
pub(super) fn say_more(remote: &Remote, page: &Value) {
    if let Some(cursor) = page["next_cursor"].as_str().filter(|_| !remote.json) {
        eprintln!("There is more: --cursor {cursor}");
    }
}

/// The items of a page.
pub(super) fn items(page: &Value) -> &[Value] {
    page["items"].as_array().map_or(&[], Vec::as_slice)
}
