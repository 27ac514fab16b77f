//! Three keys and values that are given with each call, made beforehand in the form that each crate takes.

use std::{borrow::Cow, num::NonZeroUsize};

use fast_telemetry::DynamicCounter;
use freewheel::{
    facade,
    metrics::{KeyValue, Registry, Value, View},
};
use metrics::{Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusBuilder;
use prometheus_client::metrics::{counter::Counter, family::Family};

use super::{inputs, rotating};
use crate::{
    families::{KEYS, Labels, series},
    opaque::consume,
    race::{Contestant, Race},
    setup::{self, Histograms, SHARDS},
};

pub(crate) fn race<const N: usize>(case: &'static str) -> Race {
    let contestants = vec![
        ours::<N>("freewheel OpenFamily (static)", |text| Cow::Borrowed(String::leak(text))),
        ours::<N>("freewheel OpenFamily (owned)", Cow::Owned),
        open_telemetry::<N>("opentelemetry_sdk (static)", |text| (&*String::leak(text)).into()),
        open_telemetry::<N>("opentelemetry_sdk (owned)", opentelemetry::Value::from),
        prometheus_client::<N>(),
        metrics::<N>("metrics + freewheel", facade_for(N)),
        metrics::<N>("metrics + exporter-prometheus", PrometheusBuilder::new().build_recorder()),
        fast_telemetry::<N>(),
        empty_loop::<N>(),
    ];
    let mut race = Race::new(case, contestants);
    race.notes = vec![
        "(static) and (owned) say what the values are; keys are static everywhere but in prometheus-client",
        "metrics takes its labels by value: its rows copy the vector and its texts in each call",
    ];
    race
}

/// The key and the value of each of three labels.
fn pairs<T>(values: Labels, mut pair: impl FnMut(&'static str, String) -> T) -> [T; 3] {
    let [method, route, status] = values;
    [pair(KEYS[0], method), pair(KEYS[1], route), pair(KEYS[2], status)]
}

fn ours<const N: usize>(who: &'static str, value: fn(String) -> Cow<'static, str>) -> Contestant {
    let builder = Registry::new().counter("requests");
    let limit = NonZeroUsize::MIN.saturating_add(N);
    let family = builder.cardinality_limit(limit).open_family().expect("the name is free");
    let attributes = |labels| pairs(labels, |key, text| KeyValue::new(key, Value::String(value(text))));
    let given: &'static [_; N] = inputs(series(N).into_iter().map(attributes));
    rotating(who, given, move |attributes: &[KeyValue; 3]| family.with(attributes).add(1))
}

fn open_telemetry<const N: usize>(
    who: &'static str,
    value: fn(String) -> opentelemetry::Value,
) -> Contestant {
    let (meter, _reader) = setup::open_telemetry_for(Histograms::Explicit, N);
    let counter = meter.u64_counter("requests").build();
    let attributes = |labels| pairs(labels, |key, text| opentelemetry::KeyValue::new(key, value(text)));
    let given: &'static [_; N] = inputs(series(N).into_iter().map(attributes));
    rotating(who, given, move |attributes| counter.add(1, attributes))
}

fn prometheus_client<const N: usize>() -> Contestant {
    let family = Family::<Vec<(String, String)>, Counter>::default();
    let label_set = |labels| Vec::from(pairs(labels, |key, text| (key.to_owned(), text)));
    let given: &'static [_; N] = inputs(series(N).into_iter().map(label_set));
    rotating("prometheus-client Family (owned)", given, move |labels| _ = family.get_or_create(labels).inc())
}

/// A recorder with room for `series` series.
fn facade_for(series: usize) -> facade::Recorder {
    let limit = NonZeroUsize::MIN.saturating_add(series);
    let registry = Registry::builder().view(View::new("*").cardinality_limit(limit)).build();
    facade::Recorder::new(&registry)
}

fn metrics<const N: usize>(who: &'static str, recorder: impl Recorder + Sync + Send + 'static) -> Contestant {
    static METADATA: Metadata<'static> = Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
    let given: &'static [_; N] = inputs(series(N).into_iter().map(|labels| pairs(labels, Label::new)));
    rotating(who, given, move |labels: &[Label; 3]| {
        let key = Key::from_parts("requests", labels.iter());
        recorder.register_counter(&key, &METADATA).increment(1);
    })
}

fn fast_telemetry<const N: usize>() -> Contestant {
    let counter = DynamicCounter::with_max_series(SHARDS, N + 1);
    let given: &'static [_; N] =
        inputs(series(N).into_iter().map(|labels| pairs(labels, |key, text| (key, &*text.leak()))));
    rotating("fast-telemetry DynamicCounter", given, move |labels: &[(&str, &str); 3]| counter.inc(labels))
}

/// Includes reading where the first pair is, which every row does at least.
fn empty_loop<const N: usize>() -> Contestant {
    let given: &'static [_; N] = inputs(series(N));
    rotating("(empty loop)", given, |labels: &Labels| consume(labels[0].as_ptr().addr() as u64))
}
