//! freewheel's channels beside a `VecDeque` under a mutex with condition variables, for one and two threads on one object.
//! With feature `trace` it shows what spans cost while they are off.
//!
//! Times are per operation and thread. For the comparison with other crates, and for messages from one thread to another,
//! see `benches/rivals`.

mod side_by_side;

use std::{collections::VecDeque, hint::black_box};

use criterion::Criterion;
use freewheel::flow::channel::{self, Receiver, Sender};
use parking_lot::{Condvar, Mutex};

use side_by_side::compare;

const CAPACITY: usize = 1024;

/// What a channel is where there is none.
#[derive(Default)]
struct Locked {
    values: Mutex<VecDeque<u64>>,
    has_value: Condvar,
    has_room: Condvar,
}

impl Locked {
    fn send(&self, value: u64) {
        let mut values = self.values.lock();
        self.has_room.wait_while(&mut values, |values| values.len() == CAPACITY);
        values.push_back(value);
        drop(values);
        self.has_value.notify_one();
    }

    fn recv(&self) -> Option<u64> {
        let mut values = self.values.lock();
        self.has_value.wait_while(&mut values, |values| values.is_empty());
        let value = values.pop_front();
        drop(values);
        self.has_room.notify_one();
        value
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let send_and_recv = |(sender, receiver): &(Sender<u64>, Receiver<u64>), index| {
        let _ = black_box(sender.send(index));
        let _ = black_box(receiver.recv());
    };
    let bounded = channel::bounded(CAPACITY);
    compare(&mut criterion, "send_recv", "freewheel bounded", |index| send_and_recv(&bounded, index));
    let unbounded = channel::unbounded();
    compare(&mut criterion, "send_recv", "freewheel unbounded", |index| send_and_recv(&unbounded, index));
    let locked = Locked::default();
    compare(&mut criterion, "send_recv", "mutex", |index| {
        locked.send(index);
        black_box(locked.recv());
    });
    criterion.final_summary();
}
