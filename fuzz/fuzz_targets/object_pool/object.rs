//! Objects that decide what becomes of them, and pools of such.

use std::{
    panic::resume_unwind,
    sync::{Arc, Mutex},
};

use arbitrary::Arbitrary;
use freewheel::ObjectPool;

use crate::{
    Settings,
    common::{Census, Name, Source, Value},
};

/// What becomes of an object that comes back.
#[derive(Arbitrary, Clone, Copy, Debug, Default, PartialEq)]
pub enum Fate {
    #[default]
    Kept,
    Refused,
    KeepPanics,
    ResetPanics,
}

#[derive(Debug)]
pub struct Object {
    value: Value,
    pub fate: Fate,
}

impl Object {
    pub fn new(value: Value) -> Self {
        Self { value, fate: Fate::Kept }
    }

    pub fn name(&self) -> Name {
        self.value.name()
    }
}

/// Panics, but does not call the hook, which would end the process.
fn panic_silently() -> ! {
    resume_unwind(Box::new("a function panics"))
}

/// A pool that makes objects in the name of `producer`.
pub fn pool(settings: Settings, census: &Census, producer: usize) -> ObjectPool<Object> {
    let source: Arc<Mutex<Source>> = Arc::new(Mutex::new(census.source(producer)));
    let make = move || Object::new(source.lock().expect("it never panics").make());
    let builder = ObjectPool::builder(make).keep(|object: &Object| match object.fate {
        Fate::KeepPanics => panic_silently(),
        fate => fate != Fate::Refused,
    });
    let builder = builder.reset(|object| {
        if object.fate == Fate::ResetPanics {
            panic_silently();
        }
    });
    builder.max(settings.max()).prefill(settings.prefill()).build()
}
