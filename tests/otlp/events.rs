//! What an exporter tells `tracing`.

use std::{
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use freewheel::{metrics::Registry, otlp::Environment};
use tonic::Code;
use tracing::{Event, Level, Subscriber, field::Visit, span};

use crate::collector::{Answer, Collector, PATIENCE, idle_exporter};

/// What was told: name, level and fields.
type Told = Arc<Mutex<Vec<(&'static str, Level, String)>>>;

/// Keeps the events of this crate that come from a thread of the exporter under test, or from the test itself.
struct Listener(Told);

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &tracing::field::Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Listener {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("freewheel::otlp")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut fields = String::new();
        event.record(&mut Fields(&mut fields));
        self.0.lock().unwrap().push((event.metadata().name(), *event.metadata().level(), fields));
    }
}

/// All that is told while `work` runs; the one listener that a process can have for all its threads hears every test, so
/// what belongs to a destination is told by its name.
fn told(destination: &str) -> Vec<(&'static str, Level, String)> {
    static LISTENER: std::sync::LazyLock<Told> = std::sync::LazyLock::new(|| {
        let told = Told::default();
        tracing::subscriber::set_global_default(Listener(Arc::clone(&told))).unwrap();
        told
    });
    let told = LISTENER.lock().unwrap();
    told.iter().filter(|(_, _, fields)| fields.contains(destination)).cloned().collect()
}

fn names(destination: &str, level: Level) -> Vec<&'static str> {
    told(destination).iter().filter(|(_, at, _)| *at == level).map(|(name, _, _)| *name).collect()
}

#[test]
fn trouble_is_told_once_and_so_is_its_end() {
    told("");
    let collector = Collector::start(vec![Answer::Fail(Code::Unavailable); 1000]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).timeout(Duration::from_millis(50)).start().unwrap();
    for _ in 0..5 {
        exporter.force_flush(PATIENCE).unwrap_err();
    }
    let url = collector.url();
    assert_eq!(names(&url, Level::WARN), ["freewheel.otlp.export.failed"], "{:?}", told(&url));
    assert_eq!(names(&url, Level::DEBUG).iter().filter(|name| name.ends_with("export.failed")).count(), 4);
    collector.follow([]);
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(names(&url, Level::INFO), ["freewheel.otlp.export.recovered"]);
    let recovered = told(&url).into_iter().find(|(name, _, _)| name.ends_with("recovered")).unwrap();
    assert!(recovered.2.contains("failures=5"), "{recovered:?}");
}

#[test]
fn a_refusal_and_a_remark_are_told_with_their_reason() {
    told("");
    let collector = Collector::start([Answer::Partial(1, "too old"), Answer::BadRequest("no such tenant")]);
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = collector.exporter(&registry).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    exporter.force_flush(PATIENCE).unwrap_err();
    let told = told(&collector.url());
    let find = |name: &str| told.iter().find(|event| event.0 == name).unwrap();
    let (_, level, fields) = find("freewheel.otlp.partial_success");
    assert!(*level == Level::WARN && fields.contains("too old") && fields.contains("rejected=1"), "{fields}");
    let (_, level, fields) = find("freewheel.otlp.points.dropped");
    assert!(
        *level == Level::ERROR && fields.contains("no such tenant") && fields.contains("points=1"),
        "{fields}"
    );
}

#[test]
fn an_ignored_variable_is_told() {
    told("");
    let environment = Environment::from_variables([("OTEL_METRIC_EXPORT_INTERVAL", "soon")]);
    let exporter = idle_exporter(&Registry::new()).environment(environment);
    // The code says how often.
    assert!(exporter.start().unwrap().warnings().is_empty());
    let environment = Environment::from_variables([("OTEL_METRIC_EXPORT_TIMEOUT", "a while")]);
    let exporter = idle_exporter(&Registry::new()).environment(environment).start().unwrap();
    let [warning] = exporter.warnings() else { panic!("{:?}", exporter.warnings()) };
    assert!(warning.to_string().contains("milliseconds"), "{warning}");
    let told = told("OTEL_METRIC_EXPORT_TIMEOUT");
    assert!(
        told.iter()
            .any(|(name, level, _)| *name == "freewheel.otlp.variable.ignored" && *level == Level::WARN)
    );
}
