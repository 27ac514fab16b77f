//! The variables that an exporter reads: their names, and what becomes of a value that makes no sense.

use std::{fmt::Display, time::Duration};

use super::{Environment, ExemplarFilter, environment::Warnings};

pub(super) const ENDPOINT: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT"];
pub(super) const PROTOCOL: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
pub(super) const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
pub(super) const TIMEOUT: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
pub(super) const COMPRESSION: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "OTEL_EXPORTER_OTLP_COMPRESSION"];
pub(super) const INSECURE: [&str; 2] = ["OTEL_EXPORTER_OTLP_METRICS_INSECURE", "OTEL_EXPORTER_OTLP_INSECURE"];
#[cfg(feature = "otlp-tls")]
pub(super) const AUTHORITY: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];
#[cfg(feature = "otlp-tls")]
pub(super) const CLIENT_KEY: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", "OTEL_EXPORTER_OTLP_CLIENT_KEY"];
#[cfg(feature = "otlp-tls")]
pub(super) const CLIENT_CERTIFICATE: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"];
pub(super) const TEMPORALITY: [&str; 1] = ["OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE"];
pub(super) const HISTOGRAMS: [&str; 1] = ["OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION"];
const EXEMPLARS: [&str; 1] = ["OTEL_METRICS_EXEMPLAR_FILTER"];
const DISABLED: [&str; 1] = ["OTEL_SDK_DISABLED"];
const INTERVAL: [&str; 1] = ["OTEL_METRIC_EXPORT_INTERVAL"];
const EXPORT_TIMEOUT: [&str; 1] = ["OTEL_METRIC_EXPORT_TIMEOUT"];

const DEFAULT_INTERVAL: Duration = Duration::from_secs(60);
const DEFAULT_EXPORT_TIMEOUT: Duration = Duration::from_secs(30);

/// Reads variables, and notes what is wrong with them.
pub(super) struct Variables<'a> {
    environment: &'a Environment,
    pub(super) warnings: &'a mut Warnings,
}

impl<'a> Variables<'a> {
    pub(super) fn new(environment: &'a Environment, warnings: &'a mut Warnings) -> Self {
        Self { environment, warnings }
    }

    /// The first of these variables that is set to something that `read` takes. Of the others, those before it are
    /// warned of, with what would be `accepted`.
    pub(super) fn first<T>(
        &mut self,
        names: &[&'static str],
        accepted: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Option<(&'static str, T)> {
        names.iter().find_map(|&name| {
            let text = self.environment.read(name, self.warnings)?;
            let value = read(text.trim());
            if value.is_none() {
                self.warnings.add(name, format!("its value is not one of those accepted: {accepted}"));
            }
            Some((name, value?))
        })
    }

    pub(super) fn one_of<T: Copy>(&mut self, names: &[&'static str], known: &[(&str, T)]) -> Option<T> {
        let accepted: Vec<&str> = known.iter().map(|(text, _)| *text).collect();
        let read = |text: &str| {
            known.iter().find(|(known, _)| known.eq_ignore_ascii_case(text)).map(|(_, value)| *value)
        };
        self.first(names, &accepted.join(", "), read).map(|(_, value)| value)
    }

    pub(super) fn named<T: Copy + Display>(
        &mut self,
        names: &[&'static str],
        known: impl Iterator<Item = T>,
    ) -> Option<T> {
        let known: Vec<(String, T)> = known.map(|value| (value.to_string(), value)).collect();
        let known: Vec<(&str, T)> = known.iter().map(|(text, value)| (text.as_str(), *value)).collect();
        self.one_of(names, &known)
    }

    pub(super) fn flag(&mut self, names: &[&'static str]) -> bool {
        self.one_of(names, &[("true", true), ("false", false)]).unwrap_or(false)
    }

    pub(super) fn millis(&mut self, names: &[&'static str]) -> Option<Duration> {
        let read = |text: &str| text.parse().ok().filter(|millis| *millis > 0).map(Duration::from_millis);
        self.first(names, "a whole number of milliseconds above zero", read).map(|(_, value)| value)
    }

    #[cfg(feature = "otlp-tls")]
    pub(super) fn path(&mut self, names: &[&'static str]) -> Option<(&'static str, String)> {
        self.first(names, "a path", |text| Some(text.to_owned()))
    }

    /// Warns of a certificate without a key or a key without a certificate, in the form that was used.
    #[cfg(feature = "otlp-tls")]
    pub(super) fn lacks_half(
        &mut self,
        name: &'static str,
        names: [&'static str; 2],
        others: [&'static str; 2],
    ) {
        let other = others[usize::from(name == names[1])];
        self.warnings.add(name, format!("it takes certificate and key together; set {other} too"));
    }

    /// Whether nothing is to be exported.
    pub(super) fn disabled(&mut self) -> bool {
        self.flag(&DISABLED)
    }

    pub(super) fn interval(&mut self, given: Option<Duration>) -> Duration {
        given.or_else(|| self.millis(&INTERVAL)).unwrap_or(DEFAULT_INTERVAL)
    }

    pub(super) fn export_timeout(&mut self, given: Option<Duration>) -> Duration {
        given.or_else(|| self.millis(&EXPORT_TIMEOUT)).unwrap_or(DEFAULT_EXPORT_TIMEOUT)
    }

    pub(super) fn exemplars(&mut self, given: Option<ExemplarFilter>) -> ExemplarFilter {
        let known = [("trace_based", ExemplarFilter::TraceBased), ("always_off", ExemplarFilter::AlwaysOff)];
        given.or_else(|| self.one_of(&EXEMPLARS, &known)).unwrap_or_default()
    }
}
