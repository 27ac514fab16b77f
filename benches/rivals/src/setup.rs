//! What several subjects need: the values that are recorded, and rivals that take some setting up.

use std::{
    f64::consts::TAU,
    sync::{Arc, LazyLock, Weak},
    time::Duration,
};

use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        Aggregation, Instrument, InstrumentKind, ManualReader, Pipeline, SdkMeterProvider, Stream,
        Temporality, data::ResourceMetrics, reader::MetricReader,
    },
};

/// How many different values are recorded, in turn. A power of two: the index costs a mask.
pub(crate) const VALUES: usize = 1024;

/// Latencies in every form that an API asks for: log-normal, median 1 ms, sigma 1, the same in every run.
pub(crate) struct Latencies {
    pub(crate) nanos: [u64; VALUES],
    pub(crate) seconds: [f64; VALUES],
    pub(crate) durations: [Duration; VALUES],
}

/// The latencies, computed once.
pub(crate) fn latencies() -> &'static Latencies {
    static LATENCIES: LazyLock<Latencies> = LazyLock::new(|| {
        let nanos = log_normal_nanos();
        Latencies {
            nanos,
            seconds: nanos.map(|nanos| nanos as f64 * 1e-9),
            durations: nanos.map(Duration::from_nanos),
        }
    });
    &LATENCIES
}

fn log_normal_nanos() -> [u64; VALUES] {
    const MEDIAN_NANOS: f64 = 1e6;
    let mut state = 20_240_229;
    std::array::from_fn(|_| {
        // Box and Muller's transform of two uniform numbers; the first is above zero.
        let (first, second) = (1.0 - uniform(&mut state), uniform(&mut state));
        let normal = (-2.0 * first.ln()).sqrt() * (TAU * second).cos();
        (MEDIAN_NANOS * normal.exp()) as u64
    })
}

/// A number in `0.0..1.0` by SplitMix64.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut bits = *state;
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^= bits >> 31;
    (bits >> 11) as f64 / (1_u64 << 53) as f64
}

/// Upper bounds of the explicit buckets, in seconds: those of the semantic conventions for request durations,
/// with one more below, because half of the values are under a millisecond.
pub(crate) const BOUNDS: [f64; 15] =
    [0.001, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// An OpenTelemetry meter and the reader that collects from it. Instruments have the usual limit of series.
pub(crate) fn open_telemetry(histograms: Histograms) -> (Meter, SharedReader) {
    const USUAL_LIMIT: usize = 2000;
    open_telemetry_for(histograms, USUAL_LIMIT)
}

/// An OpenTelemetry meter whose instruments may have so many series, and the reader that collects from it.
pub(crate) fn open_telemetry_for(histograms: Histograms, series: usize) -> (Meter, SharedReader) {
    let reader = SharedReader(Arc::new(ManualReader::default()));
    let view = move |instrument: &Instrument| stream(instrument, histograms, series);
    let provider = SdkMeterProvider::builder().with_reader(reader.clone()).with_view(view).build();
    let meter = provider.meter("rivals");
    // Its destructor would shut the reader down, and the instruments shall live as long as the program.
    std::mem::forget(provider);
    (meter, reader)
}

/// The buckets of OpenTelemetry's histograms.
#[derive(Clone, Copy)]
pub(crate) enum Histograms {
    Explicit,
    Exponential,
}

/// Exponential histograms get at most 160 buckets, as the specification has it by default.
fn stream(instrument: &Instrument, histograms: Histograms, series: usize) -> Option<Stream> {
    let limited = Stream::builder().with_cardinality_limit(series);
    let stream = match (instrument.kind(), histograms) {
        (InstrumentKind::Histogram, Histograms::Explicit) => {
            limited.with_aggregation(Aggregation::ExplicitBucketHistogram {
                boundaries: BOUNDS.to_vec(),
                record_min_max: true,
            })
        }
        (InstrumentKind::Histogram, Histograms::Exponential) => {
            limited.with_aggregation(Aggregation::Base2ExponentialHistogram {
                max_size: 160,
                max_scale: 20,
                record_min_max: true,
            })
        }
        _ => limited,
    };
    Some(stream.build().expect("limit and aggregation are valid"))
}

/// A reader that the provider and the collector share.
#[derive(Clone, Debug)]
pub(crate) struct SharedReader(Arc<ManualReader>);

impl MetricReader for SharedReader {
    fn register_pipeline(&self, pipeline: Weak<Pipeline>) {
        self.0.register_pipeline(pipeline);
    }

    fn collect(&self, into: &mut ResourceMetrics) -> OTelSdkResult {
        self.0.collect(into)
    }

    fn force_flush(&self) -> OTelSdkResult {
        self.0.force_flush()
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn temporality(&self, kind: InstrumentKind) -> Temporality {
        self.0.temporality(kind)
    }
}

/// The name of the one histogram to which the recorder below gives buckets; any other becomes a summary.
pub(crate) const BUCKETED: &str = "rivals_latency_bucketed";

/// Makes the Prometheus recorder the one that the macros of `metrics` use, once per process.
pub(crate) fn metrics_recorder() -> &'static PrometheusHandle {
    static HANDLE: LazyLock<PrometheusHandle> = LazyLock::new(|| {
        let builder =
            PrometheusBuilder::new().set_buckets_for_metric(Matcher::Full(BUCKETED.into()), &BOUNDS);
        let recorder = builder.expect("there are bounds").build_recorder();
        let handle = recorder.handle();
        metrics::set_global_recorder(recorder).expect("nobody else sets a recorder");
        handle
    });
    &HANDLE
}

/// How many shards to give rivals that want to know: more than there are threads here.
pub(crate) const SHARDS: usize = 16;
