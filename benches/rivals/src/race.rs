//! What is measured: contestants that do the same work, and the table that they end in.

use crate::{
    harness::{self, Effort, Repetition, Timed},
    opaque::{hidden, hidden_mut},
};

/// What a row is measured in.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Nanoseconds per operation and thread: less is better.
    NanosPerOperation,
    /// Nanoseconds per series of one collection: less is better.
    NanosPerSeries,
    /// Bytes of memory per series: less is better.
    BytesPerSeries,
    /// Bytes of memory per entry of a map: less is better.
    BytesPerEntry,
    /// Million operations per second, all threads together: more is better.
    MillionsPerSecond,
}

/// One table: the same work done by several contestants.
pub(crate) struct Race {
    pub(crate) case: &'static str,
    pub(crate) unit: Unit,
    /// How many threads take part: one measurement per contestant for each.
    pub(crate) threads: &'static [usize],
    /// How many units of work are in one call: 1, or the number of series.
    pub(crate) batch: usize,
    pub(crate) contestants: Vec<Contestant>,
    /// Printed below the table.
    pub(crate) notes: Vec<&'static str>,
}

impl Race {
    /// A race over one and two threads, in nanoseconds per call.
    pub(crate) fn new(case: &'static str, contestants: Vec<Contestant>) -> Self {
        Self {
            case,
            unit: Unit::NanosPerOperation,
            threads: &[1, 2],
            batch: 1,
            contestants,
            notes: Vec::new(),
        }
    }

    /// Runs every round for every number of threads.
    pub(crate) fn run(&self, effort: Effort) -> Vec<Measurement> {
        self.threads.iter().flat_map(|&threads| self.run_with(threads, effort)).collect()
    }

    fn run_with(&self, threads: usize, effort: Effort) -> Vec<Measurement> {
        let mut rounds: Vec<Vec<Repetition>> = self.contestants.iter().map(|_| Vec::new()).collect();
        for _ in 0..effort.rounds {
            for (contestant, repetitions) in self.contestants.iter().zip(&mut rounds) {
                repetitions.push(contestant.repeat(threads, effort));
            }
        }
        let results = self.contestants.iter().zip(rounds);
        results.map(|(contestant, repetitions)| self.measurement(contestant, threads, &repetitions)).collect()
    }

    fn measurement(
        &self,
        contestant: &Contestant,
        threads: usize,
        repetitions: &[Repetition],
    ) -> Measurement {
        let mut values: Vec<f64> =
            repetitions.iter().map(|repetition| self.in_unit(repetition.quantity, threads)).collect();
        values.sort_by(f64::total_cmp);
        Measurement {
            who: contestant.who,
            threads,
            value: values[values.len() / 2],
            min: values[0],
            max: values[values.len() - 1],
            disturbed: repetitions.iter().any(|repetition| repetition.disturbed),
        }
    }

    /// Turns nanoseconds per call and thread, or bytes, into the unit of the table.
    fn in_unit(&self, quantity: f64, threads: usize) -> f64 {
        let each = quantity / self.batch as f64;
        match self.unit {
            Unit::NanosPerOperation | Unit::NanosPerSeries | Unit::BytesPerSeries | Unit::BytesPerEntry => {
                each
            }
            Unit::MillionsPerSecond => threads as f64 * 1e3 / each,
        }
    }
}

/// The result of one contestant with one number of threads.
pub(crate) struct Measurement {
    pub(crate) who: &'static str,
    pub(crate) threads: usize,
    pub(crate) value: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    /// Whether some repetition found too few undisturbed slices and used the others too.
    pub(crate) disturbed: bool,
}

/// A loop over the operation of one contestant, on one thread: runs as many operations as it is told.
pub(crate) type Loop = Box<dyn FnMut(usize)>;

/// One row of a table.
pub(crate) struct Contestant {
    /// Who it is, as the tables call it.
    pub(crate) who: &'static str,
    measure: Measure,
}

/// What is measured of a contestant.
enum Measure {
    /// How long its operation takes.
    Time(Timed),
    /// How many bytes it needs when so many threads have used it.
    Memory(Box<dyn Fn(usize) -> f64>),
}

impl Contestant {
    /// A contestant whose threads share `operation` and everything that it owns; it is told the number of the
    /// call.
    pub(crate) fn new<F>(who: &'static str, operation: F) -> Self
    where
        F: Fn(usize) + Send + Sync + 'static,
    {
        Self::with_local(who, |_thread| (), move |(), index| operation(index))
    }

    /// A contestant whose threads each own something besides, which `local` makes on the thread itself.
    pub(crate) fn with_local<L, M, F>(who: &'static str, local: M, operation: F) -> Self
    where
        L: 'static,
        M: Fn(usize) -> L + Sync + 'static,
        F: Fn(&mut L, usize) + Send + Sync + 'static,
    {
        // For ever, so that every thread can hold a plain reference.
        let operation: &'static F = Box::leak(Box::new(operation));
        let start = move |thread| {
            let mut local = local(thread);
            let mut completed = 0;
            Box::new(move |operations| {
                let end = completed + operations;
                for index in completed..end {
                    hidden(operation)(hidden_mut(&mut local), index);
                }
                completed = end;
            }) as Loop
        };
        Self { who, measure: Measure::Time(Timed { start: Box::new(start), upkeep: Box::new(|| ()) }) }
    }

    /// The loop with nothing in it: what the harness itself costs, and what every other row includes.
    pub(crate) fn empty_loop() -> Self {
        Self::new("(empty loop)", |_| ())
    }

    /// Runs `upkeep` between the slices, for contestants that queue work for someone else to do later.
    pub(crate) fn upkeep(mut self, upkeep: impl Fn() + Sync + 'static) -> Self {
        if let Measure::Time(timed) = &mut self.measure {
            timed.upkeep = Box::new(upkeep);
        }
        self
    }

    /// A contestant that measures itself: `weigh` says how many bytes it needs when so many threads have used it, or how
    /// many nanoseconds an operation takes with so many.
    pub(crate) fn weighed(who: &'static str, weigh: impl Fn(usize) -> f64 + 'static) -> Self {
        Self { who, measure: Measure::Memory(Box::new(weigh)) }
    }

    fn repeat(&self, threads: usize, effort: Effort) -> Repetition {
        match &self.measure {
            Measure::Time(timed) => harness::repeat(timed, threads, effort),
            Measure::Memory(weigh) => Repetition { quantity: weigh(threads), disturbed: false },
        }
    }
}
