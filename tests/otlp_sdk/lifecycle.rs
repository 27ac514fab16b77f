//! Runtimes, and who ends first.

use std::{
    thread,
    time::{Duration, Instant},
};

use freewheel::{metrics::Registry, otlp::sdk::SdkMetrics};
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::{
    collector::{Collector, PATIENCE, idle_exporter},
    reading::{last_total, of},
    setting::{Barrier, Sdk, pay, registry_with_orders},
};

/// Flushes once, records once more, shuts down; the collector must have seen all.
fn flush_and_shut_down() {
    let collector = Collector::start([]);
    let registry = registry_with_orders(1);
    let (builder, provider, meter) = Sdk::with_payments(1).exported_with(&registry, &collector);
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    pay(&meter, 2);
    exporter.shutdown(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!(accepted.len(), 2);
    assert_eq!((last_total(&accepted, "payments"), last_total(&accepted, "orders")), (3, 1));
    provider.shutdown().unwrap();
}

#[test]
fn works_from_plain_main() {
    flush_and_shut_down();
}

#[test]
fn works_within_a_current_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { flush_and_shut_down() });
}

#[test]
fn works_within_a_multi_thread_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        tokio::spawn(async { flush_and_shut_down() }).await.unwrap();
        flush_and_shut_down();
    });
}

#[test]
fn async_flush_and_shutdown_take_the_sdk_along() {
    let collector = Collector::start([]);
    let (builder, _provider, meter) = Sdk::with_payments(1).exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        exporter.force_flush_async(PATIENCE).await.unwrap();
        pay(&meter, 2);
        exporter.shutdown_async(PATIENCE).await.unwrap();
    });
    let accepted = collector.accepted();
    assert_eq!((accepted.len(), last_total(&accepted, "payments")), (2, 3));
}

#[test]
fn exports_at_intervals_take_the_sdk_along() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::with_payments(1).exported_with(&Registry::new(), &collector);
    let exporter = builder.interval(Duration::from_millis(20)).start().unwrap();
    collector.wait_for_arrivals(3);
    exporter.shutdown(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "payments"), 1);
}

#[test]
fn an_sdk_that_was_shut_down_first_leaves_its_last_state() {
    let collector = Collector::start([]);
    let registry = registry_with_orders(1);
    let (builder, provider, meter) = Sdk::with_payments(1).exported_with(&registry, &collector);
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    pay(&meter, 2);
    provider.shutdown().unwrap();
    registry.counter("orders").build().unwrap().add(1);
    exporter.force_flush(PATIENCE).unwrap();
    let stats = exporter.shutdown(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!((accepted.len(), stats.sdk_late), (3, 0));
    assert_eq!(of(&accepted[1..], "payments").iter().map(|total| total.int()).collect::<Vec<_>>(), [3, 3]);
    assert_eq!(last_total(&accepted, "orders"), 2);
}

#[test]
fn an_sdk_that_is_shut_down_at_the_same_time_leaves_its_last_state() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::with_payments(1);
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let (builder, provider, _) = sdk.exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    thread::scope(|scope| {
        let shutdown = scope.spawn(|| provider.shutdown().unwrap());
        barrier.wait_until_somebody_stands_here();
        let flush = scope.spawn(|| exporter.force_flush(PATIENCE).unwrap());
        thread::sleep(Duration::from_millis(100));
        barrier.open();
        shutdown.join().unwrap();
        flush.join().unwrap();
    });
    assert_eq!((last_total(&collector.accepted(), "payments"), exporter.stats().sdk_late), (1, 0));
}

#[test]
fn the_sdk_can_go_on_after_the_exporter() {
    let collector = Collector::start([]);
    let (builder, provider, meter) = Sdk::with_payments(1).exported_with(&Registry::new(), &collector);
    builder.start().unwrap().shutdown(PATIENCE).unwrap();
    pay(&meter, 2);
    provider.force_flush().unwrap();
    provider.shutdown().unwrap();
    assert_eq!(last_total(&collector.accepted(), "payments"), 1);
}

#[test]
fn dropping_takes_the_sdk_along() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::with_payments(1).exported_with(&Registry::new(), &collector);
    drop(builder.start().unwrap());
    assert_eq!(last_total(&collector.accepted(), "payments"), 1);
}

#[test]
fn the_exporter_keeps_a_provider_that_the_program_drops() {
    let collector = Collector::start([]);
    let (builder, provider, meter) = Sdk::with_payments(1).exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    drop(provider);
    pay(&meter, 2);
    exporter.force_flush(PATIENCE).unwrap();
    assert_eq!(last_total(&collector.accepted(), "payments"), 3);
}

#[test]
fn the_end_of_the_last_provider_holds_up_nobody() {
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    let (builder, provider, meter) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    drop((provider, meter));
    exporter.force_flush(PATIENCE).unwrap();
    barrier.close();
    let begun = Instant::now();
    exporter.shutdown(Duration::from_secs(2)).unwrap_err();
    // The SDK waits for 5 seconds in vain.
    assert!(begun.elapsed() < Duration::from_secs(4));
    barrier.open();
}

#[test]
fn a_door_without_exporter_harms_nobody() {
    let sdk = Sdk::with_payments(1);
    drop(sdk.door);
    sdk.provider.force_flush().unwrap();
    sdk.provider.shutdown().unwrap();
}

#[test]
fn a_door_whose_reader_no_provider_has_brings_nothing() {
    let collector = Collector::start([]);
    let (door, provider) = (SdkMetrics::new(), SdkMeterProvider::default());
    let _reader = door.reader();
    pay(&provider.meter("library"), 1);
    let builder = idle_exporter(&registry_with_orders(1)).endpoint(collector.url());
    builder.sdk(door, provider).start().unwrap().shutdown(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!((of(&accepted, "payments").len(), last_total(&accepted, "orders")), (0, 1));
}

#[test]
fn the_thread_that_collects_ends_with_the_exporter() {
    let collector = Collector::start([]);
    let door = SdkMetrics::new().timeout(PATIENCE);
    let provider = SdkMeterProvider::builder().with_reader(door.reader()).build();
    let ended = provider.meter("library");
    let witness = std::sync::Arc::new(());
    let its_witness = std::sync::Arc::downgrade(&witness);
    let gauge = ended.i64_observable_gauge("witness");
    let _ = gauge
        .with_callback(move |seen| seen.observe(std::sync::Arc::strong_count(&witness) as i64, &[]))
        .build();
    let builder = idle_exporter(&Registry::new()).endpoint(collector.url());
    builder.sdk(door, provider).start().unwrap().shutdown(PATIENCE).unwrap();
    drop(ended);
    let begun = Instant::now();
    while its_witness.strong_count() > 0 {
        assert!(begun.elapsed() < PATIENCE, "the provider is still there");
        thread::sleep(Duration::from_millis(1));
    }
}
