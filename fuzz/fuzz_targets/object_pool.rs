//! Sequences of operations on a pool, from two threads in turn, against a set of names; and scripts that several threads
//! run at once, after which every object must be accounted for.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[path = "object_pool/alone.rs"]
mod alone;
mod common;
#[path = "object_pool/object.rs"]
mod object;
#[path = "object_pool/together.rs"]
mod together;

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 200;

/// How a pool is made.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Settings {
    max: u16,
    prefill: u16,
}

impl Settings {
    /// Few most times, so that the pool is full now and then.
    fn max(self) -> usize {
        let most = if self.max.is_multiple_of(8) { 3000 } else { 80 };
        usize::from(self.max) % most
    }

    /// None most times, for it makes the model less exact.
    fn prefill(self) -> usize {
        if self.prefill.is_multiple_of(4) { usize::from(self.prefill / 4) % 300 } else { 0 }
    }
}

#[derive(Arbitrary, Debug)]
enum Input {
    Alone(Settings, Vec<alone::Operation>),
    Together(Settings, [Vec<together::Step>; 3]),
}

fuzz_target!(|input: Input| match input {
    Input::Alone(settings, operations) => alone::run(settings, operations),
    Input::Together(settings, scripts) => together::run(settings, scripts),
});
