//! Sequences of operations on each queue against a `VecDeque`; and scripts that several threads run on one at once, after
//! which every value must have come out exactly once, and those of each producer in their order.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[path = "queue/bounded.rs"]
mod bounded;
mod common;
#[path = "queue/history.rs"]
mod history;
#[path = "queue/spsc.rs"]
mod spsc;
#[path = "queue/spsc_slices.rs"]
mod spsc_slices;
#[path = "queue/unbounded.rs"]
mod unbounded;

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 200;

/// A number of slots: from 1 to 9.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Capacity(u8);

impl Capacity {
    fn get(self) -> usize {
        1 + usize::from(self.0 % 9)
    }
}

/// How many values are moved at once: from 0 to 15.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Few(u8);

impl Few {
    fn get(self) -> usize {
        usize::from(self.0 % 16)
    }
}

#[derive(Arbitrary, Debug)]
enum Input {
    Bounded(Capacity, Vec<bounded::Operation>),
    BoundedTogether(Capacity, [Vec<bounded::Operation>; 3]),
    Unbounded(Vec<unbounded::Operation>),
    UnboundedTogether([Vec<unbounded::Operation>; 3]),
    Spsc(Capacity, Vec<spsc::Operation>),
    SpscTogether(Capacity, Vec<spsc::Operation>, Vec<spsc::Operation>),
    SpscSlices(Capacity, Vec<spsc_slices::Operation>),
}

fuzz_target!(|input: Input| match input {
    Input::Bounded(capacity, operations) => bounded::alone(capacity.get(), operations),
    Input::BoundedTogether(capacity, scripts) => bounded::all_together(capacity.get(), scripts),
    Input::Unbounded(operations) => unbounded::alone(operations),
    Input::UnboundedTogether(scripts) => unbounded::all_together(scripts),
    Input::Spsc(capacity, operations) => spsc::alone(capacity.get(), operations),
    Input::SpscTogether(capacity, producer, consumer) => {
        spsc::both_together(capacity.get(), producer, consumer);
    }
    Input::SpscSlices(capacity, operations) => spsc_slices::alone(capacity.get(), operations),
});
