//! freewheel's queues beside a `VecDeque` under a mutex, for one and two threads on one object.
//!
//! Times are per operation and thread. For the comparison with other crates, and for messages from one thread to another,
//! see `benches/rivals`.

mod side_by_side;

use std::{collections::VecDeque, hint::black_box};

use criterion::Criterion;
use freewheel::queue::{Bounded, Unbounded};
use parking_lot::Mutex;

use side_by_side::compare;

const CAPACITY: usize = 1024;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let bounded = Bounded::new(CAPACITY);
    compare(&mut criterion, "push_pop", "freewheel bounded", |index| {
        let _ = black_box(bounded.try_push(index));
        let _ = black_box(bounded.try_pop());
    });
    let unbounded = Unbounded::new();
    compare(&mut criterion, "push_pop", "freewheel unbounded", |index| {
        let _ = black_box(unbounded.push(index));
        let _ = black_box(unbounded.try_pop());
    });
    let locked = Mutex::new(VecDeque::with_capacity(CAPACITY));
    compare(&mut criterion, "push_pop", "mutex", |index| {
        locked.lock().push_back(index);
        black_box(locked.lock().pop_front());
    });
    criterion.final_summary();
}
