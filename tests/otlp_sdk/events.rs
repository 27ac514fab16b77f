//! What `tracing` is told.

use std::sync::{Arc, Mutex};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span,
};

use crate::{
    collector::{Collector, PATIENCE},
    setting::{Barrier, SHORT, Sdk, registry_with_orders},
};

/// Keeps the events of one name, as text.
#[derive(Clone, Debug, Default)]
struct Late(Arc<Mutex<Vec<String>>>);

struct Text<'a>(&'a mut String);

impl Visit for Text<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Late {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.name() == "freewheel.otlp.sdk.late"
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut text = String::new();
        event.record(&mut Text(&mut text));
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

#[test]
fn an_sdk_that_hangs_is_told_to_tracing_once_a_minute() {
    let late = Late::default();
    // The exporter has a thread of its own. Other tests of this process are late as well.
    tracing::subscriber::set_global_default(late.clone()).unwrap();
    let (collector, barrier) = (Collector::start([]), Barrier::default());
    let sdk = Sdk::new();
    barrier.stand_in(&sdk.meter);
    barrier.close();
    let mut sdk = sdk;
    sdk.door = sdk.door.timeout(SHORT);
    let (builder, _provider, _) = sdk.exported_with(&registry_with_orders(1), &collector);
    let exporter = builder.start().unwrap();
    for _ in 0..2 {
        exporter.force_flush(PATIENCE).unwrap_err();
    }
    let (name, _) = exporter.destinations().next().unwrap();
    let all = late.0.lock().unwrap().clone();
    let told: Vec<&String> = all.iter().filter(|text| text.contains(name)).collect();
    assert!(told.len() == 1 && told[0].contains("it has not collected within 200ms"), "{all:?}");
    barrier.open();
}
