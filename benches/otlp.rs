//! Many histograms as an OTLP request: freewheel's, and those of `opentelemetry_sdk` by opentelemetry-proto.
//!
//! Of both there are the same series with the same values in 160 exponential buckets each; times are per export.

use std::{
    hint::black_box,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use criterion::{BatchSize, Criterion};
use freewheel::{
    metrics::{Histogram, KeyValue, Registry},
    otlp::{HistogramAggregation, Serializer, Temporality},
};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    metrics::{
        Aggregation, Instrument, PeriodicReader, SdkMeterProvider, Stream, Temporality as SdkTemporality,
        data::ResourceMetrics, exporter::PushMetricExporter,
    },
};
use prost::Message;

const SERIES: usize = 2000;
const BUCKETS: u32 = 160;
/// How many buckets there are to a doubling, at scale 5.
const TO_DOUBLING: f64 = 32.0;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let what = format!("otlp/{SERIES}_series_x_{BUCKETS}_buckets");
    ours(&mut criterion, &what);
    open_telemetry(&mut criterion, &what, SdkTemporality::Cumulative);
    open_telemetry(&mut criterion, &what, SdkTemporality::Delta);
    criterion.final_summary();
}

/// The attributes of a series.
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];

fn route(series: usize) -> String {
    format!("/orders/{series:06}")
}

fn status(series: usize) -> i64 {
    200 + (series % 5) as i64
}

/// A value in the middle of each bucket, some of them several times.
fn values() -> impl Iterator<Item = f64> {
    let value = |bucket: u32| ((f64::from(bucket) + 0.5) / TO_DOUBLING).exp2();
    (0..BUCKETS).flat_map(move |bucket| (0..=bucket % 3).map(move |_| value(bucket)))
}

/// The series of a registry.
fn our_series(registry: &Registry) -> Vec<Histogram<f64>> {
    let limit = NonZeroUsize::MIN.saturating_add(SERIES);
    (0..SERIES)
        .map(|number| {
            let attributes = [
                KeyValue::new("http.request.method", METHODS[number % METHODS.len()]),
                KeyValue::new("http.route", route(number)),
                KeyValue::new("http.response.status_code", status(number)),
            ];
            let histogram = registry.histogram("http.server.request.duration").unit("s");
            histogram.cardinality_limit(limit).bind(&attributes).expect("the name is free")
        })
        .collect()
}

fn ours(criterion: &mut Criterion, what: &str) {
    let registry = Registry::new();
    let series = our_series(&registry);
    let record = || series.iter().for_each(|series| values().for_each(|value| series.record(value)));
    record();
    let earlier = registry.snapshot();
    record();
    let snapshot = registry.snapshot();

    let serializer = || Serializer::new([KeyValue::new("service.name", "bench")]);
    let mut totals = serializer();
    println!("{what}: {} bytes by freewheel", totals.requests(snapshot.clone()).concat().len());
    criterion.bench_function(&format!("{what}/freewheel/snapshot_and_encode"), |bencher| {
        bencher.iter(|| totals.requests_of(&registry));
    });
    criterion.bench_function(&format!("{what}/freewheel/fresh_snapshot_and_encode"), |bencher| {
        bencher.iter(|| totals.requests(registry.snapshot()));
    });
    criterion.bench_function(&format!("{what}/freewheel/snapshot"), |bencher| {
        bencher.iter(|| registry.snapshot());
    });
    criterion.bench_function(&format!("{what}/freewheel/snapshot_into"), |bencher| {
        let mut again = registry.snapshot();
        bencher.iter(|| registry.snapshot_into(&mut again));
    });
    criterion.bench_function(&format!("{what}/freewheel/encode"), |bencher| {
        bencher.iter_batched(
            || snapshot.clone(),
            |snapshot| totals.requests(snapshot),
            BatchSize::PerIteration,
        );
    });
    let mut converted = serializer().histograms(HistogramAggregation::ExplicitBucket);
    criterion.bench_function(&format!("{what}/freewheel/encode_explicit"), |bencher| {
        bencher.iter_batched(
            || snapshot.clone(),
            |snapshot| converted.requests(snapshot),
            BatchSize::PerIteration,
        );
    });
    criterion.bench_function(&format!("{what}/freewheel/encode_delta"), |bencher| {
        let windows = || {
            let mut windows = serializer().temporality(Temporality::Delta);
            black_box(windows.requests(earlier.clone()));
            (windows, snapshot.clone())
        };
        bencher.iter_batched(
            windows,
            |(mut windows, snapshot)| (windows.requests(snapshot), windows),
            BatchSize::PerIteration,
        );
    });
    criterion.bench_function(&format!("{what}/freewheel/snapshot_and_encode_delta"), |bencher| {
        let mut windows = serializer().temporality(Temporality::Delta);
        // The first has nothing to subtract.
        black_box(windows.requests_of(&registry));
        bencher.iter_batched(record, |()| windows.requests_of(&registry), BatchSize::PerIteration);
    });
}

/// Makes of what it is given the bytes that opentelemetry-otlp would send.
#[derive(Debug)]
struct Encoding {
    length: Arc<AtomicUsize>,
    temporality: SdkTemporality,
}

impl PushMetricExporter for Encoding {
    async fn export(&self, metrics: &ResourceMetrics) -> OTelSdkResult {
        let request = ExportMetricsServiceRequest::from(metrics);
        self.length.store(black_box(request.encode_to_vec()).len(), Relaxed);
        Ok(())
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> SdkTemporality {
        self.temporality
    }
}

fn open_telemetry(criterion: &mut Criterion, what: &str, temporality: SdkTemporality) {
    let length = Arc::new(AtomicUsize::new(0));
    let never = Duration::from_secs(100_000);
    let exporter = Encoding { length: length.clone(), temporality };
    let reader = PeriodicReader::builder(exporter).with_interval(never).build();
    let exponential = |_: &Instrument| {
        let aggregation =
            Aggregation::Base2ExponentialHistogram { max_size: BUCKETS, max_scale: 20, record_min_max: true };
        let stream = Stream::builder().with_aggregation(aggregation).with_cardinality_limit(SERIES + 1);
        Some(stream.build().expect("limit and aggregation are valid"))
    };
    let provider = SdkMeterProvider::builder().with_reader(reader).with_view(exponential).build();
    let histogram =
        provider.meter("bench").f64_histogram("http.server.request.duration").with_unit("s").build();
    let record = || {
        for number in 0..SERIES {
            let attributes = [
                opentelemetry::KeyValue::new("http.request.method", METHODS[number % METHODS.len()]),
                opentelemetry::KeyValue::new("http.route", route(number)),
                opentelemetry::KeyValue::new("http.response.status_code", status(number)),
            ];
            values().for_each(|value| histogram.record(value, &attributes));
        }
    };
    let export = || provider.force_flush().expect("nothing fails");
    record();
    record();
    export();
    println!("{what}: {} bytes by opentelemetry_sdk", length.load(Relaxed));
    if temporality == SdkTemporality::Delta {
        criterion.bench_function(&format!("{what}/opentelemetry_sdk/collect_and_encode_delta"), |bencher| {
            bencher.iter_batched(record, |()| export(), BatchSize::PerIteration);
        });
    } else {
        criterion.bench_function(&format!("{what}/opentelemetry_sdk/collect_and_encode"), |bencher| {
            bencher.iter(export);
        });
    }
}
