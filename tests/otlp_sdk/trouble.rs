//! Collectors that are down, and SDKs that hang, panic, or have other readers that fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Destination, Exporter, Undelivered, sdk::SdkMetrics},
};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::{
    error::{OTelSdkError, OTelSdkResult},
    metrics::{
        PeriodicReader, SdkMeterProvider, Temporality, data::ResourceMetrics, exporter::PushMetricExporter,
    },
};
use tonic::Code;

use crate::{
    collector::{Answer, Collector, PATIENCE, idle_exporter},
    reading::{last_total, of},
    setting::{Barrier, SHORT, Sdk, pay, registry_with_orders},
};

/// Much more than the SDK is given here, much less than for ever.
const SOON: Duration = Duration::from_secs(10);

/// One with a callback that stops at `barrier`, which has been passed once by an export of 3 payments.
fn stopped_at(barrier: &Barrier, collector: &Collector) -> (Exporter, Registry, SdkMeterProvider) {
    let mut sdk = Sdk::with_payments(3);
    barrier.stand_in(&sdk.meter);
    sdk.door = sdk.door.timeout(SHORT);
    let registry = registry_with_orders(1);
    let (builder, provider, _) = sdk.exported_with(&registry, collector);
    let exporter = builder.start().unwrap();
    // Under load, even this may be late.
    while exporter.force_flush(PATIENCE).is_err() {}
    barrier.close();
    pay(&provider.meter("library"), 1);
    registry.counter("orders").build().unwrap().add(1);
    (exporter, registry, provider)
}

#[test]
fn totals_are_right_after_the_collector_was_down() {
    let down = Answer::Fail(Code::Unavailable);
    let collector = Collector::start(vec![down; 1000]);
    let (builder, _provider, meter) = Sdk::new().exported_with(&registry_with_orders(2), &collector);
    let exporter = builder.timeout(Duration::from_millis(300)).start().unwrap();
    for _ in 0..3 {
        pay(&meter, 5);
        exporter.force_flush(PATIENCE).unwrap_err();
    }
    assert!(collector.accepted().is_empty());
    collector.follow([]);
    // What was under way when the script changed may still be refused; it comes again.
    while exporter.force_flush(PATIENCE).is_err() {}
    let accepted = collector.accepted();
    assert_eq!((last_total(&accepted, "payments"), last_total(&accepted, "orders")), (15, 2));
    let stats = exporter.stats();
    assert!((stats.failed_exports, stats.sdk_late) == (3, 0), "{stats:?}");
}

#[test]
fn an_sdk_that_hangs_holds_up_no_export_and_its_last_state_goes_out_again() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let (exporter, ..) = stopped_at(&barrier, &collector);
    let late_before = exporter.stats().sdk_late;
    let begun = Instant::now();
    for _ in 0..2 {
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        assert!(matches!(error.cause(), Undelivered::SdkLate { .. }), "{error}");
        assert!(error.to_string().contains("200ms"), "{error}");
    }
    assert!(begun.elapsed() < SOON);
    assert_eq!(of(&collector.accepted(), "orders").last().unwrap().int(), 2);
    assert_eq!(of(&collector.accepted(), "payments").last().unwrap().int(), 3);
    assert_eq!(exporter.stats().sdk_late, late_before + 2);

    barrier.open();
    while exporter.force_flush(PATIENCE).is_err() {}
    assert_eq!(of(&collector.accepted(), "payments").last().unwrap().int(), 4);
    assert_eq!(barrier.most_at_once(), 1);
}

#[test]
fn flush_keeps_its_deadline_while_the_sdk_hangs() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    let begun = Instant::now();
    let error = exporter.force_flush(Duration::from_millis(100)).unwrap_err();
    assert_eq!(*error.cause(), Undelivered::Deadline { pending: 0 });
    assert!(begun.elapsed() < SOON);
    barrier.open();
}

#[test]
fn the_last_export_takes_place_while_the_sdk_hangs() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let (exporter, ..) = stopped_at(&barrier, &collector);
    let begun = Instant::now();
    let error = exporter.shutdown(Duration::from_secs(5)).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::SdkLate { .. }), "{error}");
    assert!(begun.elapsed() < SOON);
    assert_eq!(of(&collector.accepted(), "orders").last().unwrap().int(), 2);
    assert_eq!(of(&collector.accepted(), "payments").last().unwrap().int(), 3);
    barrier.open();
}

#[test]
fn an_sdk_with_more_patience_than_the_shutdown_has_leaves_time_for_the_last_export() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let error = builder.start().unwrap().shutdown(Duration::from_secs(2)).unwrap_err();
    assert!(matches!(error.cause(), Undelivered::SdkLate { .. }), "{error}");
    assert_eq!(last_total(&collector.accepted(), "orders"), 1);
    barrier.open();
}

#[test]
fn a_flush_that_was_dropped_while_the_sdk_hangs_is_part_of_the_last_export() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let flushed = runtime.block_on(async {
        let mut flush = Box::pin(exporter.force_flush_async(PATIENCE));
        tokio::select! {
            biased;
            outcome = &mut flush => panic!("{outcome:?} while the SDK hangs"),
            () = std::future::ready(()) => {}
        }
        drop(flush);
        barrier.wait_until_somebody_stands_here();
        exporter.shutdown_async(Duration::from_secs(2)).await
    });
    assert!(matches!(flushed.unwrap_err().cause(), Undelivered::SdkLate { .. }));
    // One export for both.
    assert_eq!(collector.accepted().len(), 1);
    barrier.open();
}

#[test]
fn a_callback_that_panics_leaves_the_last_state() {
    let collector = Collector::start([]);
    let sdk = Sdk::with_payments(3);
    let panics = Arc::new(AtomicBool::new(false));
    let its_panics = Arc::clone(&panics);
    let gauge = sdk.meter.i64_observable_gauge("fragile");
    let _ = gauge.with_callback(move |_| assert!(!its_panics.load(SeqCst), "as the test wants it")).build();
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    panics.store(true, SeqCst);
    for _ in 0..2 {
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        assert!(matches!(error.cause(), Undelivered::SdkLate { .. }), "{error}");
    }
    let accepted = collector.accepted();
    assert_eq!((of(&accepted, "payments").len(), of(&accepted, "orders").len()), (3, 3));
    assert_eq!(exporter.stats().sdk_late, 2);
}

/// The exporter of another reader, which fails.
#[derive(Debug)]
struct Failing;

impl PushMetricExporter for Failing {
    async fn export(&self, _: &ResourceMetrics) -> OTelSdkResult {
        Err(OTelSdkError::InternalFailure("as the test wants it".into()))
    }

    fn force_flush(&self) -> OTelSdkResult {
        Ok(())
    }

    fn shutdown_with_timeout(&self, _: Duration) -> OTelSdkResult {
        Ok(())
    }

    fn temporality(&self) -> Temporality {
        Temporality::Delta
    }
}

#[test]
fn another_reader_that_fails_makes_ours_no_later() {
    let collector = Collector::start([]);
    let door = SdkMetrics::new().timeout(PATIENCE);
    let other = PeriodicReader::builder(Failing).with_interval(Duration::from_secs(3600)).build();
    let provider = SdkMeterProvider::builder().with_reader(door.reader()).with_reader(other).build();
    pay(&provider.meter("library"), 3);
    let exporter =
        idle_exporter(&Registry::new()).endpoint(collector.url()).sdk(door, provider).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "payments"), 3);
    assert_eq!(exporter.stats().sdk_late, 0);
}

#[test]
fn all_destinations_are_told_that_the_sdk_is_late() {
    let (first, second, barrier) = (Collector::start([]), Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let exporter = Exporter::builder(registry_with_orders(1))
        .interval(Duration::from_secs(3600))
        .destination(Destination::grpc(first.url()))
        .destination(Destination::grpc(second.url()))
        .sdk(sdk.door.timeout(SHORT), sdk.provider)
        .start()
        .unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert_eq!(error.failures().len(), 2);
    assert_eq!(exporter.stats().sdk_late, 2);
    for collector in [&first, &second] {
        assert_eq!(last_total(&collector.accepted(), "orders"), 1);
    }
    assert_eq!(barrier.most_at_once(), 1);
    barrier.open();
}
