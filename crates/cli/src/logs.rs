//! Log lines, for people or as JSON. A JSON line is one flat object: when, level, target, message, then the fields of the
//! event and of every span that it happened in, so that `run.id` finds all lines of a run, whoever wrote them.

use std::{fmt, io::IsTerminal};

use chrono::{SecondsFormat, Utc};
use serde::Serialize;
use serde_json::{Map, Value};
use tracing::{Event, Subscriber};
use tracing_subscriber::{
    EnvFilter,
    fmt::{
        FmtContext, FormatEvent, FormatFields, FormattedFields,
        format::{JsonFields, Writer},
    },
    registry::{LookupSpan, Scope},
};

use crate::{
    config::{Log, LogFormat},
    failure::Failure,
};

/// Apalis warns with every try while Redis is away; the engine says it once. Who wants to hear it can ask for it.
const QUIETED: &str = "apalis_core=error";

/// Sends log lines to standard error.
pub(crate) fn start(log: &Log) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(format!("{QUIETED},{}", log.filter)).map_err(|why| {
        Failure::new(format!("configuration: `log.filter` {why}; write it like `info,dawncast_engine=debug`"))
    })?;
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    match log.format {
        LogFormat::Pretty => lines.with_ansi(std::io::stderr().is_terminal()).init(),
        LogFormat::Json => lines.with_ansi(false).fmt_fields(JsonFields::new()).event_format(JsonLines).init(),
    }
    Ok(())
}

/// What stands in every line and is no field.
const RESERVED: [&str; 3] = ["timestamp", "level", "target"];

#[derive(Serialize)]
struct Line<'a> {
    timestamp: String,
    level: &'a str,
    target: &'a str,
    message: Value,
    #[serde(flatten)]
    fields: Map<String, Value>,
}

/// See the module.
struct JsonLines;

fn object(formatted: &str) -> Map<String, Value> {
    serde_json::from_str(formatted).unwrap_or_default()
}

impl<S> FormatEvent<S, JsonFields> for JsonLines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut fields = Map::new();
        for span in context.event_scope().into_iter().flat_map(Scope::from_root) {
            let extensions = span.extensions();
            fields
                .extend(extensions.get::<FormattedFields<JsonFields>>().map(|known| object(known)).unwrap_or_default());
        }
        let mut own = String::new();
        context.format_fields(Writer::new(&mut own), event)?;
        fields.extend(object(&own));
        fields.retain(|name, _| !RESERVED.contains(&name.as_str()));
        let line = Line {
            timestamp: Utc::now().to_rfc3339_opts(SecondsFormat::Micros, true),
            level: event.metadata().level().as_str(),
            target: event.metadata().target(),
            message: fields.remove("message").unwrap_or_default(),
            fields,
        };
        writeln!(writer, "{}", serde_json::to_string(&line).map_err(|_| fmt::Error)?)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io,
        sync::{Arc, Mutex},
    };

    use tracing::{info, info_span, warn};

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn lines(log: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let writer = written.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .fmt_fields(JsonFields::new())
            .event_format(JsonLines)
            .finish();
        tracing::subscriber::with_default(subscriber, log);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    #[test]
    fn a_line_carries_the_fields_of_every_span_it_happened_in_beside_its_own() {
        let lines = lines(|| {
            let _chore = info_span!("chore", run.id = "r", step = "plan").entered();
            let _page = info_span!("page", page.id = "r.0").entered();
            warn!(number.id = %7, step = "open", "it is {}", "so");
        });
        let line = &lines[0];
        assert_eq!((&line["level"], &line["message"]), (&"WARN".into(), &"it is so".into()));
        assert_eq!(line["target"], "dawncast::logs::tests");
        assert_eq!((&line["run.id"], &line["page.id"], &line["number.id"]), (&"r".into(), &"r.0".into(), &"7".into()));
        assert_eq!(line["step"], "open", "the innermost counts");
        assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    #[test]
    fn no_field_takes_the_place_of_what_stands_in_every_line() {
        let lines = lines(|| info!(level = "none", "a\n\"b\""));
        assert_eq!((lines.len(), &lines[0]["level"], &lines[0]["message"]), (1, &"INFO".into(), &"a\n\"b\"".into()));
    }
}
