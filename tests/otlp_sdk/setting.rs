//! A program with instruments of both kinds.

use std::{
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{ExporterBuilder, sdk::SdkMetrics},
};
use opentelemetry::metrics::{Meter, MeterProvider};
use opentelemetry_sdk::metrics::SdkMeterProvider;

use crate::collector::{Collector, PATIENCE, idle_exporter};

/// What the SDK may take where it is to be late.
pub(crate) const SHORT: Duration = Duration::from_millis(200);

/// An SDK behind its door.
pub(crate) struct Sdk {
    pub(crate) provider: SdkMeterProvider,
    pub(crate) door: SdkMetrics,
    pub(crate) meter: Meter,
}

impl Sdk {
    pub(crate) fn new() -> Self {
        let door = SdkMetrics::new().timeout(PATIENCE);
        let provider = SdkMeterProvider::builder().with_reader(door.reader()).build();
        Self { meter: provider.meter("library"), provider, door }
    }

    /// An SDK that has counted as many `payments`.
    pub(crate) fn with_payments(payments: u64) -> Self {
        let sdk = Self::new();
        sdk.pay(payments);
        sdk
    }

    pub(crate) fn pay(&self, payments: u64) {
        pay(&self.meter, payments);
    }

    /// An exporter of both to this collector, that exports only when told; and the rest of the SDK.
    pub(crate) fn exported_with(
        self,
        registry: &Registry,
        collector: &Collector,
    ) -> (ExporterBuilder, SdkMeterProvider, Meter) {
        let builder = idle_exporter(registry).endpoint(collector.url());
        (builder.sdk(self.door, self.provider.clone()), self.provider, self.meter)
    }
}

pub(crate) fn pay(meter: &Meter, payments: u64) {
    meter.u64_counter("payments").build().add(payments, &[]);
}

/// A registry that has counted as many `orders`.
pub(crate) fn registry_with_orders(orders: u64) -> Registry {
    let registry = Registry::new();
    registry.counter("orders").build().unwrap().add(orders);
    registry
}

/// Holds up the callback of an observable instrument while it is closed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Barrier(Arc<(Mutex<bool>, Condvar)>, Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Barrier {
    /// Registers an instrument whose callback stops here.
    pub(crate) fn stand_in(&self, meter: &Meter) {
        let barrier = self.clone();
        let callback = move || {
            barrier.pass();
            7
        };
        let _ = meter
            .i64_observable_gauge("slow")
            .with_callback(move |seen| seen.observe(callback(), &[]))
            .build();
    }

    pub(crate) fn close(&self) {
        *self.0.0.lock().unwrap() = true;
    }

    pub(crate) fn open(&self) {
        *self.0.0.lock().unwrap() = false;
        self.0.1.notify_all();
    }

    /// The most callbacks that stood here at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.2.load(SeqCst)
    }

    pub(crate) fn wait_until_somebody_stands_here(&self) {
        let begun = Instant::now();
        while self.1.load(SeqCst) == 0 {
            assert!(begun.elapsed() < PATIENCE, "nobody came");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    fn pass(&self) {
        let closed = self.0.0.lock().unwrap();
        let standing = self.1.fetch_add(1, SeqCst) + 1;
        self.2.fetch_max(standing, SeqCst);
        drop(self.0.1.wait_while(closed, |closed| *closed).unwrap());
        self.1.fetch_sub(1, SeqCst);
    }
}
