//! What it takes to start, and what the environment decides.

use std::{env, error::Error, process::Command, time::Duration};

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, StartError, Undelivered},
};

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    reading::texts,
};

fn start_error(endpoint: &str) -> StartError {
    Exporter::builder(Registry::new()).endpoint(endpoint).start().unwrap_err()
}

#[test]
fn a_bad_url_is_refused() {
    for endpoint in ["", "not a url", "/metrics", "ftp://host:1", "http://", "http://:4317:"] {
        let error = start_error(endpoint);
        assert!(matches!(error, StartError::Endpoint { .. }), "{endpoint}: {error:?}");
        assert!(error.to_string().contains("write http://host:port"), "{error}");
    }
}

#[test]
fn secrets_in_a_url_are_not_shown() {
    let secretive = [
        "http://user:hunter2@host:4317",
        "https://user:hunter2@host:4317",
        "https://host:4317?token=hunter2",
        "user:hunter2@host",
        "http://us er:hunter2@host",
        "http://user:hunt@hunter2@host",
        "ftp://host#hunter2",
    ];
    for endpoint in secretive {
        let builder = Exporter::builder(Registry::new()).endpoint(endpoint);
        assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
        let text = match builder.start() {
            Ok(exporter) => format!("{exporter:?}"),
            Err(error) => format!("{error} {error:?}"),
        };
        assert!(!text.contains("hunt"), "{text}");
    }
}

#[test]
fn durations_of_zero_are_refused() {
    let builder = || Exporter::builder(Registry::new()).endpoint("http://127.0.0.1:1");
    let error = builder().interval(Duration::ZERO).start().unwrap_err();
    assert!(matches!(error, StartError::ZeroInterval));
    let error = builder().timeout(Duration::ZERO).start().unwrap_err();
    assert!(matches!(error, StartError::ZeroTimeout));
}

/// Says in a child process of the tests where to find the collector of the parent.
const CHILD: &str = "FREEWHEEL_TEST_CHILD";

/// Runs one test once more, in a process with these variables.
fn in_child(test: &str, variables: &[(&str, &str)]) {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", test]).env(CHILD, "1");
    for name in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_SERVICE_NAME"] {
        child.env_remove(name);
    }
    let output = child.envs(variables.iter().copied()).output().unwrap();
    let stdout = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && stdout.contains("1 passed"), "{stdout}");
}

/// Exports one point to wherever the environment says: when flushed, and once more when dropped.
fn export_by_environment() {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = idle_exporter(&registry).timeout(PATIENCE).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
}

fn service_names(collector: &Collector) -> Vec<String> {
    let requests = collector.accepted();
    let resources = requests.iter().map(|request| request.resource_metrics[0].resource.as_ref().unwrap());
    let attributes = resources.flat_map(|resource| texts(&resource.attributes));
    attributes.filter_map(|text| text.strip_prefix("service.name=").map(str::to_owned)).collect()
}

#[test]
fn the_environment_names_endpoint_and_service() {
    if env::var_os(CHILD).is_some() {
        return export_by_environment();
    }
    let test = "start::the_environment_names_endpoint_and_service";
    let (general, special) = (Collector::start([]), Collector::start([]));
    let general_url = ("OTEL_EXPORTER_OTLP_ENDPOINT", &*general.url());
    let special_url = ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*special.url());
    in_child(test, &[general_url]);
    in_child(
        test,
        &[("OTEL_EXPORTER_OTLP_ENDPOINT", "http://192.0.2.1:1"), special_url, ("OTEL_SERVICE_NAME", "till")],
    );
    in_child(test, &[general_url, ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", ""), ("OTEL_SERVICE_NAME", "")]);
    let names = service_names(&general);
    assert_eq!(names.len(), 4);
    assert!(names.iter().all(|name| name.starts_with("unknown_service:otlp")), "{names:?}");
    assert_eq!(service_names(&special), ["till"; 2]);
}

#[test]
fn errors_say_what_to_do() {
    let deadline = Undelivered::Deadline { pending: 3 }.to_string();
    assert!(deadline.contains("3 points") && deadline.contains("give a longer one"), "{deadline}");
    let stopped: Box<dyn Error> = Box::new(Undelivered::Stopped);
    assert!(stopped.to_string().contains("start another one"));
}

#[test]
fn the_exporter_can_be_shared_and_shown() {
    fn shareable<T: Send + Sync + std::fmt::Debug>(_: &T) {}
    let exporter = idle_exporter(&Registry::new()).endpoint("http://127.0.0.1:1").start().unwrap();
    shareable(&exporter);
    assert!(format!("{exporter:?}").contains("exports: 0"), "{exporter:?}");
}
