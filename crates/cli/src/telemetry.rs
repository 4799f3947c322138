//! Logs and metrics of this process.

use std::io::IsTerminal;

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;

use crate::{
    config::{Log, LogFormat},
    failure::Failure,
};

/// From half a millisecond, where local calls lie, to the half minute that no call takes.
const CALL_SECONDS: [f64; 15] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// A status is in time or late at some 300 s, so that is where the edges lie close.
const STATUS_SECONDS: [f64; 18] = [
    1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 180.0, 240.0, 270.0, 300.0, 330.0, 360.0, 600.0, 900.0, 1800.0, 3600.0,
    7200.0,
];

/// Sends log lines to standard error.
pub(crate) fn start_logs(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&log.filter).map_err(|why| {
        Failure::new(format!("configuration: `log.filter` {why}; write it like `info,dawncast_engine=debug`"))
    })?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal());
    match log.format {
        LogFormat::Pretty => lines.init(),
        LogFormat::Json => lines.json().flatten_event(true).init(),
    }
    Ok(())
}

/// Makes this process count, and says what it is.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, Failure> {
    let handle = builder().install_recorder().map_err(|why| Failure::new(format!("metrics: {why}")))?;
    metrics::describe_gauge!("dawncast_build_info", "What runs here; always 1.");
    let revision = option_env!("DAWNCAST_REVISION").unwrap_or("unknown");
    metrics::gauge!("dawncast_build_info", "version" => env!("CARGO_PKG_VERSION"), "revision" => revision).set(1.0);
    Ok(handle)
}

fn builder() -> PrometheusBuilder {
    let status = Matcher::Full("dawncast_time_to_status_seconds".to_owned());
    PrometheusBuilder::new()
        .set_buckets(&CALL_SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(status, &STATUS_SECONDS))
        .expect("the edges are there and in order")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_histogram_has_buckets_and_time_to_status_has_edges_around_five_minutes() {
        let recorder = builder().build_recorder();
        let handle = recorder.handle();
        metrics::with_local_recorder(&recorder, || {
            metrics::histogram!("dawncast_send_duration_seconds").record(0.0007);
            metrics::histogram!("dawncast_time_to_status_seconds").record(299.0);
        });
        let text = handle.render();
        for line in [
            r#"dawncast_send_duration_seconds_bucket{le="0.0005"} 0"#,
            r#"dawncast_send_duration_seconds_bucket{le="0.001"} 1"#,
            r#"dawncast_time_to_status_seconds_bucket{le="270"} 0"#,
            r#"dawncast_time_to_status_seconds_bucket{le="300"} 1"#,
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
    }
}
