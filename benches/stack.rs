//! freewheel's `Stack` beside a vector under a mutex, for one and two threads on one object.
//!
//! Times are per operation and thread. For the comparison with other crates see `benches/rivals`.

mod side_by_side;

use std::hint::black_box;

use criterion::Criterion;
use freewheel::Stack;
use parking_lot::Mutex;

use side_by_side::compare;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let ours = Stack::from_iter(0..64);
    compare(&mut criterion, "push_pop", "freewheel", |index| {
        ours.push(index);
        black_box(ours.pop());
    });
    let locked = Mutex::new(Vec::from_iter(0..64));
    compare(&mut criterion, "push_pop", "mutex", |index| {
        locked.lock().push(index);
        black_box(locked.lock().pop());
    });
    criterion.final_summary();
}
