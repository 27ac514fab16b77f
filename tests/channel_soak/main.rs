//! Everything that can be done with channels, at random, by threads and tasks at once; and what became of each value.
//!
//! `SOAK_SECONDS` says for how long, and `FREEWHEEL_SEED` with which choices; the seed of a round that fails is printed.

#[path = "../waiting/mod.rs"]
mod waiting;

mod crowd;
mod fates;
mod receiving;
mod receiving_tasks;
mod rounds;
mod sending;
mod sending_tasks;

use std::{
    env,
    time::{Duration, Instant},
};

fn setting(name: &str) -> Option<u64> {
    let value = env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name} is no number: {value}")))
}

#[test]
fn every_value_is_received_once_or_given_back_or_dropped_once() {
    let seconds = setting("SOAK_SECONDS").unwrap_or(3);
    let seed = setting("FREEWHEEL_SEED").unwrap_or_else(|| fastrand::u64(..1 << 48));
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut rounds = 0;
    let mut received = 0;
    while rounds < 4 || Instant::now() < end {
        received += rounds::run(seed.wrapping_add(rounds));
        rounds += 1;
    }
    println!("{rounds} rounds from FREEWHEEL_SEED={seed} on, {received} values received");
    assert!(received > 0);
}
