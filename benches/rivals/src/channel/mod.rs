//! Channels between threads, and between tasks.

mod alone;
mod blocking;
mod ends;
mod round_trip;
mod tasks;

use std::time::{Duration, Instant};

pub(crate) use self::round_trip::races as round_trip_races;
use crate::race::Race;

/// For how many messages a bounded channel has room.
const CAPACITY: usize = 1024;
/// Messages of one transfer, unless said otherwise. All numbers of producers divide it.
const MESSAGES: usize = 200_000;
/// A contestant transfers again until so much time has passed.
const PATIENCE: Duration = Duration::from_millis(100);

pub(crate) fn races() -> Vec<Race> {
    [blocking::races(), tasks::races(), alone::races()].into_iter().flatten().collect()
}

/// So many threads or tasks at either end.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Shape {
    producers: usize,
    consumers: usize,
}

/// The producers and the consumers of a channel.
type Ends<P, C> = (Vec<P>, Vec<C>);

impl Shape {
    const ONE_TO_ONE: Self = Self { producers: 1, consumers: 1 };
    const TWO_TO_ONE: Self = Self { producers: 2, consumers: 1 };
    const TWO_TO_TWO: Self = Self { producers: 2, consumers: 2 };
    const FOUR_TO_FOUR: Self = Self { producers: 4, consumers: 4 };
    const MANY_TO_FOUR: Self = Self { producers: 64, consumers: 4 };

    /// Clones both ends.
    fn many<P: Clone, C: Clone>(self, (producer, consumer): (P, C)) -> Ends<P, C> {
        (vec![producer; self.producers], vec![consumer; self.consumers])
    }

    /// Clones the end that sends, where the other one cannot be cloned.
    fn to_one<P: Clone, C>(self, (producer, consumer): (P, C)) -> Ends<P, C> {
        assert_eq!(self.consumers, 1);
        (vec![producer; self.producers], vec![consumer])
    }

    /// Clones none.
    fn one_to_one<P, C>(self, (producer, consumer): (P, C)) -> Ends<P, C> {
        assert!(self == Self::ONE_TO_ONE);
        (vec![producer], vec![consumer])
    }
}

/// What arrived.
#[derive(Clone, Copy, Default)]
struct Tally {
    messages: usize,
    sum: usize,
}

impl Tally {
    #[inline(always)]
    fn add(&mut self, value: usize) {
        self.messages += 1;
        self.sum += value;
    }

    /// Panics unless all consumers together got what so many producers sent: the numbers from zero up to `share`.
    fn check(tallies: impl Iterator<Item = Self>, producers: usize, share: usize) {
        let (mut messages, mut sum) = (0, 0);
        for tally in tallies {
            messages += tally.messages;
            sum += tally.sum;
        }
        assert_eq!(messages, producers * share, "a message was lost, or came twice");
        assert_eq!(sum, producers * (share * (share - 1) / 2), "another message came than was sent");
    }
}

/// The median over as many measurements as there is patience for, one at least.
fn median(mut measure: impl FnMut() -> f64) -> f64 {
    let (begin, mut values) = (Instant::now(), Vec::new());
    while values.is_empty() || begin.elapsed() < PATIENCE {
        values.push(measure());
    }
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
