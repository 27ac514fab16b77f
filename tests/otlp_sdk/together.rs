//! What is in a request when both have something, one of them, or none.

use std::{
    num::NonZeroUsize,
    sync::Arc,
    sync::atomic::{AtomicBool, Ordering::SeqCst},
    time::Duration,
};

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::{Destination, Exporter, Resource, Temporality, sdk::SdkMetrics},
};
use opentelemetry::{InstrumentationScope, metrics::MeterProvider};
use opentelemetry_sdk::metrics::{Instrument, SdkMeterProvider, Stream};

use crate::{
    collector::{Answer, ClosedPort, Collector, PATIENCE, idle_exporter},
    reading::{Kind, last_total, of, readings, texts},
    setting::{Sdk, pay, registry_with_orders},
};

#[test]
fn both_go_out_in_one_request_under_one_resource() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::with_payments(3).exported_with(&registry_with_orders(2), &collector);
    let resource = Resource::builder().attributes([KeyValue::new("service.name", "shop")]).build().unwrap();
    let exporter = builder.resource(resource).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();

    let accepted = collector.accepted();
    let [request] = &accepted[..] else { panic!("{} requests", accepted.len()) };
    let [resource] = &request.resource_metrics[..] else { panic!("not one resource") };
    let attributes = texts(&resource.resource.as_ref().unwrap().attributes);
    assert!(attributes.contains(&"service.name=shop".to_owned()), "{attributes:?}");
    let scopes = resource.scope_metrics.iter().map(|scope| scope.scope.as_ref().unwrap().name.as_str());
    assert_eq!(scopes.collect::<Vec<_>>(), ["freewheel", "library"]);
    assert_eq!((last_total(&accepted, "orders"), last_total(&accepted, "payments")), (2, 3));
    assert_eq!(exporter.stats().points_accepted, 2);
}

#[test]
fn each_scope_of_the_sdk_stays_as_it_is() {
    let collector = Collector::start([]);
    let sdk = Sdk::new();
    let scope = InstrumentationScope::builder("drivers")
        .with_version("1.2")
        .with_schema_url("https://opentelemetry.io/schemas/1.30.0")
        .with_attributes([opentelemetry::KeyValue::new("pool", "main")])
        .build();
    pay(&sdk.provider.meter_with_scope(scope), 1);
    sdk.pay(1);
    let (builder, _provider, _) = sdk.exported_with(&Registry::new(), &collector);
    builder.start().unwrap().force_flush(PATIENCE).unwrap();

    let accepted = collector.accepted();
    let scopes = &accepted[0].resource_metrics[0].scope_metrics;
    assert_eq!(scopes.len(), 2);
    let drivers = scopes.iter().find(|scope| scope.scope.as_ref().unwrap().name == "drivers").unwrap();
    assert_eq!(drivers.schema_url, "https://opentelemetry.io/schemas/1.30.0");
    assert_eq!(drivers.scope.as_ref().unwrap().version, "1.2");
    assert_eq!(texts(&drivers.scope.as_ref().unwrap().attributes), ["pool=main"]);
}

#[test]
fn ours_goes_out_while_the_sdk_has_nothing() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::new().exported_with(&registry_with_orders(2), &collector);
    builder.start().unwrap().force_flush(PATIENCE).unwrap();
    assert_eq!(readings(&collector.accepted()[0]).len(), 1);
    assert_eq!(last_total(&collector.accepted(), "orders"), 2);
}

#[test]
fn the_sdk_goes_out_while_we_have_nothing() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::with_payments(3).exported_with(&Registry::new(), &collector);
    builder.start().unwrap().force_flush(PATIENCE).unwrap();
    assert_eq!(readings(&collector.accepted()[0]).len(), 1);
    assert_eq!(last_total(&collector.accepted(), "payments"), 3);
}

#[test]
fn the_sdk_goes_out_while_our_windows_are_empty() {
    let collector = Collector::start([]);
    let registry = registry_with_orders(2);
    let (builder, _provider, meter) = Sdk::with_payments(3).exported_with(&registry, &collector);
    let exporter = builder.temporality(Temporality::Delta).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    pay(&meter, 4);
    exporter.force_flush(PATIENCE).unwrap();

    let accepted = collector.accepted();
    assert_eq!(of(&accepted, "orders").len(), 1);
    // Totals, under either temporality.
    assert_eq!(of(&accepted, "payments")[0].kind, Kind::Sum { delta: false, monotonic: true });
    assert_eq!(last_total(&accepted, "payments"), 7);
}

#[test]
fn nothing_is_sent_while_both_have_nothing() {
    let collector = Collector::start([]);
    let (builder, _provider, _) = Sdk::new().exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let stats = exporter.shutdown(PATIENCE).unwrap();
    assert_eq!((stats.exports, stats.attempts, stats.sdk_late), (2, 0, 0));
    assert!(collector.arrivals().is_empty());
}

#[test]
fn what_the_sdk_no_longer_has_is_not_sent_again() {
    let collector = Collector::start([]);
    let sdk = Sdk::new();
    let is_there = Arc::new(AtomicBool::new(true));
    let observed = Arc::clone(&is_there);
    let sessions = sdk.meter.i64_observable_up_down_counter("sessions");
    let sessions = sessions.with_callback(move |observer| {
        if observed.load(SeqCst) {
            observer.observe(5, &[]);
        }
    });
    let _sessions = sessions.build();
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    is_there.store(false, SeqCst);
    exporter.force_flush(PATIENCE).unwrap();

    let accepted = collector.accepted();
    assert_eq!(of(&accepted[..1], "sessions")[0].int(), 5);
    assert_eq!(of(&accepted[1..], "sessions"), []);
    assert_eq!(of(&accepted[1..], "orders").len(), 1);
}

#[test]
fn each_flush_has_what_was_recorded_before_it() {
    let collector = Collector::start([]);
    let (builder, _provider, meter) = Sdk::new().exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    for payments in 1..=20 {
        pay(&meter, 1);
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(last_total(&collector.accepted(), "payments"), payments);
    }
}

#[test]
fn flushes_of_several_threads_each_have_what_was_recorded_before_them() {
    let collector = Collector::start([]);
    let (builder, _provider, meter) = Sdk::new().exported_with(&Registry::new(), &collector);
    let exporter = builder.start().unwrap();
    std::thread::scope(|scope| {
        for name in ["one", "two", "three"] {
            let (exporter, meter, collector) = (&exporter, &meter, &collector);
            scope.spawn(move || {
                let counter = meter.u64_counter(name).build();
                for round in 1..=10 {
                    counter.add(1, &[]);
                    exporter.force_flush(PATIENCE).unwrap();
                    let most = of(&collector.accepted(), name).iter().map(|reading| reading.int()).max();
                    assert!(most >= Some(round), "{most:?} of {round}");
                }
            });
        }
    });
}

#[test]
fn all_destinations_get_both() {
    let (first, second) = (Collector::start([]), Collector::start([Answer::Fail(tonic::Code::Internal)]));
    let sdk = Sdk::with_payments(3);
    let exporter = Exporter::builder(registry_with_orders(2))
        .interval(Duration::from_secs(3600))
        .destination(Destination::grpc(first.url()).name("first"))
        .destination(Destination::grpc(second.url()).name("second").temporality(Temporality::Delta))
        .sdk(sdk.door, sdk.provider.clone())
        .start()
        .unwrap();
    // The second refuses the first request for good.
    exporter.force_flush(PATIENCE).unwrap_err();
    pay(&sdk.meter, 1);
    exporter.force_flush(PATIENCE).unwrap();
    for collector in [&first, &second] {
        assert_eq!(last_total(&collector.accepted(), "payments"), 4);
    }
    assert_eq!(last_total(&first.accepted(), "orders"), 2);
}

#[test]
fn a_destination_that_is_down_does_not_keep_the_sdk_from_the_other() {
    let (port, collector) = (ClosedPort::new(), Collector::start([]));
    let sdk = Sdk::with_payments(3);
    let exporter = Exporter::builder(Registry::new())
        .interval(Duration::from_secs(3600))
        .destination(Destination::grpc(port.url()).timeout(Duration::from_secs(1)))
        .destination(Destination::grpc(collector.url()))
        .sdk(sdk.door, sdk.provider)
        .start()
        .unwrap();
    let error = exporter.force_flush(PATIENCE).unwrap_err();
    assert_eq!(error.failures().len(), 1);
    assert_eq!(last_total(&collector.accepted(), "payments"), 3);
}

#[test]
fn several_sdks_go_out_together() {
    let collector = Collector::start([]);
    let (one, two) = (Sdk::with_payments(1), Sdk::new());
    two.meter.u64_counter("refunds").build().add(2, &[]);
    let exporter = idle_exporter(&Registry::new())
        .endpoint(collector.url())
        .sdk(one.door, one.provider)
        .sdk(two.door, two.provider)
        .start()
        .unwrap();
    exporter.force_flush(PATIENCE).unwrap();
    let accepted = collector.accepted();
    assert_eq!(
        (accepted.len(), last_total(&accepted, "payments"), last_total(&accepted, "refunds")),
        (1, 1, 2)
    );
}

#[test]
fn many_points_of_the_sdk_are_divided_into_requests() {
    const SERIES: i64 = 9500;
    let collector = Collector::start([]);
    let door = SdkMetrics::new().timeout(PATIENCE);
    let no_limit = |_: &Instrument| Stream::builder().with_cardinality_limit(100_000).build().ok();
    let provider = SdkMeterProvider::builder().with_reader(door.reader()).with_view(no_limit).build();
    let meter = provider.meter("library");
    let (counter, histogram) = (meter.u64_counter("clicks").build(), meter.f64_histogram("delays").build());
    for index in 0..SERIES {
        let attributes = [opentelemetry::KeyValue::new("index", index)];
        counter.add(1, &attributes);
        histogram.record(0.5, &attributes);
    }
    let builder = idle_exporter(&Registry::new()).endpoint(collector.url());
    let exporter = builder.max_points(NonZeroUsize::new(4000).unwrap()).sdk(door, provider).start().unwrap();
    exporter.force_flush(PATIENCE).unwrap();

    let accepted = collector.accepted();
    assert!(accepted.len() > 4, "{} requests", accepted.len());
    assert!(accepted.iter().all(|request| readings(request).len() <= 4000));
    for name in ["clicks", "delays"] {
        let mut series: Vec<Vec<String>> =
            of(&accepted, name).into_iter().map(|point| point.attributes).collect();
        series.sort_unstable();
        series.dedup();
        assert_eq!(series.len(), SERIES as usize);
        assert_eq!(of(&accepted, name).iter().map(|point| point.int()).sum::<i64>(), SERIES);
    }
    assert_eq!(exporter.stats().points_accepted, 2 * SERIES as u64);
}
