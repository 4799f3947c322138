//! Metrics of this process.

use std::time::Duration;

use dawncast_engine::metrics::{SEND_LATENESS, TIME_TO_STATUS};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use metrics_util::MetricKindMask;

use crate::failure::Failure;

const BUILD_INFO: &str = "dawncast_build_info";

/// From half a millisecond, where local calls lie, to the half minute that no call takes.
const CALL_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// From what nobody feels to what misses the deadline.
const LATENESS_SECONDS: [f64; 17] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0];

/// A status is in time or late at some 300 s, so that is where the edges lie close.
const STATUS_SECONDS: [f64; 18] = [
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 180.0, 240.0, 270.0, 300.0, 330.0, 360.0, 600.0, 900.0, 1800.0, 3600.0,
    7200.0,
];

/// A gauge that nobody has set for this long is forgotten: of a run that is over, or a number that was removed.
const IDLE: Duration = Duration::from_secs(60);

/// Makes this process count, and says what it is.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = builder(IDLE).install_recorder().map_err(|why| Failure::new(format!("metrics: {why}")))?;
    metrics::describe_gauge!(BUILD_INFO, "What runs here; always 1");
    say_build();
    Ok(handle)
}

/// Says what runs here. Again and again, lest it is forgotten like a gauge that nobody sets any more.
pub(crate) fn say_build() {
    let (version, revision) = (env!("CARGO_PKG_VERSION"), env!("DAWNCAST_REVISION"));
    metrics::gauge!(BUILD_INFO, "version" => version, "revision" => revision).set(1.0);
}

fn builder(idle: Duration) -> PrometheusBuilder {
    let full = |name: &str| Matcher::Full(name.to_owned());
    PrometheusBuilder::new()
        .idle_timeout(MetricKindMask::GAUGE, Some(idle))
        .set_buckets(&CALL_SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(full(TIME_TO_STATUS), &STATUS_SECONDS))
        .and_then(|builder| builder.set_buckets_for_metric(full(SEND_LATENESS), &LATENESS_SECONDS))
        .expect("the edges are there and in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_has_buckets_and_time_to_status_has_edges_around_five_minutes() {
        let recorder = builder(IDLE).build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("dawncast_send_duration_seconds").record(0.0007);
            metrics::histogram!("dawncast_time_to_status_seconds").record(299.0);
            metrics::histogram!("dawncast_send_lateness_seconds").record(61.0);
        });
        let text = handle.render();
        for line in [
            r#"dawncast_send_duration_seconds_bucket{le="0.0005"} 0"#,
            r#"dawncast_send_duration_seconds_bucket{le="0.001"} 1"#,
            r#"dawncast_time_to_status_seconds_bucket{le="270"} 0"#,
            r#"dawncast_time_to_status_seconds_bucket{le="300"} 1"#,
            r#"dawncast_send_lateness_seconds_bucket{le="60"} 0"#,
            r#"dawncast_send_lateness_seconds_bucket{le="120"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }

    #[test]
    fn a_gauge_that_nobody_sets_any_more_is_forgotten_and_a_counter_never_is() {
        let recorder = builder(Duration::ZERO).build_recorder();
        let handle = recorder.handle();
        let set = || {
            metrics::with_local_recorder(&recorder, || {
                metrics::gauge!("held").set(1.0);
                metrics::counter!("sent").increment(1);
            });
        };
        set();
        assert!(handle.render().contains("held 1"));
        set();
        assert!(handle.render().contains("held 1"), "it was set since the last scrape");
        let text = handle.render();
        assert!(!text.contains("held") && text.contains("sent 2"), "{text}");
    }
}
