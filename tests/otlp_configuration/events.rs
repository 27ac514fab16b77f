//! All that is told to `tracing`, by this crate and those it stands on, while these tests run.

use std::{
    fmt::{self, Write},
    sync::{Mutex, MutexGuard, Once},
};

use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

static ALL: Mutex<Vec<Told>> = Mutex::new(Vec::new());

/// An event, or a span.
#[derive(Clone, Debug)]
pub(crate) struct Told {
    pub(crate) name: &'static str,
    /// `field=value` of each field.
    pub(crate) text: String,
}

struct Recorder;

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let mut text = Text::default();
        event.record(&mut text);
        tell(event.metadata().name(), text);
    }

    fn on_new_span(&self, attributes: &tracing::span::Attributes<'_>, _: &tracing::Id, _: Context<'_, S>) {
        let mut text = Text::default();
        attributes.record(&mut text);
        tell(attributes.metadata().name(), text);
    }
}

fn tell(name: &'static str, Text(text): Text) {
    all().push(Told { name, text });
}

fn all() -> MutexGuard<'static, Vec<Told>> {
    ALL.lock().unwrap()
}

#[derive(Default)]
struct Text(String);

impl Visit for Text {
    fn record_str(&mut self, field: &Field, value: &str) {
        let _ = write!(self.0, "{field}={value} ");
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let _ = write!(self.0, "{field}={value:?} ");
    }
}

/// Records from now on, on all threads.
pub(crate) fn record() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(Recorder)).unwrap()
    });
}

/// What was told so far, also by other tests.
pub(crate) fn told() -> Vec<Told> {
    all().clone()
}
