//! The one place where tests let time pass.

use std::time::Duration;

use tokio::time::{sleep, timeout};

const INTERVAL: Duration = Duration::from_millis(5);

/// Asks `condition` until it yields a value.
///
/// # Panics
/// When it has not within `deadline`, naming `what` was waited for. A condition that hangs counts as well.
pub async fn until<T>(what: &str, deadline: Duration, mut condition: impl AsyncFnMut() -> Option<T>) -> T {
    let asking = async {
        loop {
            if let Some(value) = condition().await {
                return value;
            }
            sleep(INTERVAL).await;
        }
    };
    timeout(deadline, asking).await.unwrap_or_else(|_| panic!("waited {deadline:?} in vain until {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn yields_the_first_value() {
        let mut asked = 0;
        let value = until("asked thrice", Duration::from_secs(10), async || {
            asked += 1;
            (asked == 3).then_some(asked)
        });
        assert_eq!(value.await, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "in vain until the cows come home")]
    async fn gives_up_at_the_deadline() {
        until("the cows come home", Duration::from_millis(20), async || None::<()>).await;
    }

    #[tokio::test]
    #[should_panic(expected = "in vain until it answers")]
    async fn a_condition_that_hangs_does_not_hang_the_test() {
        until("it answers", Duration::from_millis(20), async || std::future::pending::<Option<()>>().await).await;
    }
}
