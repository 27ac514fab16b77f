//! Sequences of operations on the maps and the set, from threads in turn, against a `HashMap`, with hashes of any
//! quality; and scripts that several threads run at once, partly on keys of their own, partly on shared ones.
#![no_main]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;

#[path = "map/alone.rs"]
mod alone;
mod common;
#[path = "map/hashes.rs"]
mod hashes;
#[path = "map/maps.rs"]
mod maps;
#[path = "map/operations.rs"]
mod operations;
#[path = "map/together.rs"]
mod together;
#[path = "map/value.rs"]
mod value;

use hashes::Bits;

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 200;

/// How maps are made.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Settings {
    bits: Bits,
    room: Room,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Room {
    None,
    Capacity(u16),
    Shards(u8),
}

/// A sequence comes always, and scripts after it: what threads do at once looks new to the fuzzer every time, and would
/// have it try little else.
#[derive(Arbitrary, Debug)]
struct Input {
    settings: Settings,
    operations: Vec<alone::Operation>,
    scripts: [Vec<together::Step>; 3],
}

fuzz_target!(|input: Input| {
    let Input { settings, operations, scripts } = input;
    alone::run(settings, &operations[..operations.len().min(LONGEST)]);
    if scripts.iter().any(|script| !script.is_empty()) {
        together::run(settings, &scripts);
    }
});
