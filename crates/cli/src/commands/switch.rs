//! `dawncast stop` and `dawncast start`: everything at once.

use crate::{client::Remote, failure::Failure, output::utc_cell};

pub(super) async fn stop(remote: Remote) -> Result<(), Failure> {
    let answer = remote.api()?.post(&["v1", "stop"]).await?;
    remote.show(&answer, |answer| {
        let since = utc_cell(answer, "/since");
        format!("Everything is stopped since {since}: nothing more is sent until `dawncast start`.")
    });
    Ok(())
}

pub(super) async fn start(remote: Remote) -> Result<(), Failure> {
    let answer = remote.api()?.post(&["v1", "start"]).await?;
    remote.show(&answer, |_| "The stop is taken back: what is due goes out.".to_owned());
    Ok(())
}
