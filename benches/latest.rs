//! freewheel's `Latest` beside the same work under a mutex, for one and two threads on one object.
//!
//! Times are per operation and thread. For the comparison with other crates see `benches/rivals`.

mod side_by_side;

use std::{hint::black_box, sync::Arc};

use criterion::Criterion;
use freewheel::Latest;
use parking_lot::Mutex;

use side_by_side::compare;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    load(&mut criterion);
    load_full(&mut criterion);
    store(&mut criterion);
    update(&mut criterion);
    criterion.final_summary();
}

/// Enough words that nobody would copy them for each read.
type Config = [u64; 8];

fn load(criterion: &mut Criterion) {
    let ours = Latest::new(Config::default());
    compare(criterion, "load", "freewheel", |_| _ = black_box(ours.load()[0]));
    let locked = Mutex::new(Config::default());
    compare(criterion, "load", "mutex", |_| _ = black_box(locked.lock()[0]));
}

fn load_full(criterion: &mut Criterion) {
    let ours = Latest::new(Config::default());
    compare(criterion, "load_full", "freewheel", |_| _ = black_box(ours.load_full()));
    let locked = Mutex::new(Arc::new(Config::default()));
    compare(criterion, "load_full", "mutex", |_| _ = black_box(Arc::clone(&locked.lock())));
}

fn store(criterion: &mut Criterion) {
    let ours = Latest::new(Config::default());
    compare(criterion, "store", "freewheel", |index| ours.store([index; 8]));
    let locked = Mutex::new(Arc::new(Config::default()));
    compare(criterion, "store", "mutex", |index| *locked.lock() = Arc::new([index; 8]));
}

fn update(criterion: &mut Criterion) {
    let ours = Latest::new(Config::default());
    compare(criterion, "update", "freewheel", |_| _ = ours.update(|config| config.map(|word| word + 1)));
    let locked = Mutex::new(Arc::new(Config::default()));
    compare(criterion, "update", "mutex", |_| {
        let mut config = locked.lock();
        *config = Arc::new(config.map(|word| word + 1));
    });
}
