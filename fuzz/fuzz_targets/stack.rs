//! Sequences of operations on a stack, from two threads in turn, against a `Vec`; and scripts that several threads run
//! at once, after which every value must have come out exactly once.
#![no_main]

use std::collections::BTreeSet;

use arbitrary::Arbitrary;
use freewheel::Stack;
use libfuzzer_sys::fuzz_target;

mod common;

use common::{Census, Name, Place, Source, Value, at, in_order, names, together};

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Operation {
    /// So many times.
    Push(u8),
    Pop(u8),
    /// Take so many, and drop the rest.
    Drain(u8),
    Extend(u8),
    ShrinkToFit,
    /// Take so many by value, drop the rest, and go on with a stack of so many.
    Renew(u8, u8),
    /// Go on from this thread.
    Move(Place),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Step {
    Push(u8),
    Pop(u8),
    /// Take so many, and drop the rest.
    Drain(u8),
}

#[derive(Arbitrary, Debug)]
enum Input {
    Alone(Vec<Operation>),
    Together([Vec<Step>; 3]),
}

/// Free nodes that a thread may keep for itself: two chains, and as many that were never used.
const KEPT: usize = 3 * 32;

/// Operations of a sequence; the rest is left out, to bound the time.
const LONGEST: usize = 200;

struct Model {
    stack: Stack<Value>,
    names: Vec<Name>,
    source: Source,
    census: Census,
    /// The most elements since the stack had no memory.
    peak: usize,
}

impl Model {
    fn new() -> Self {
        let census = Census::default();
        Self { stack: Stack::new(), names: Vec::new(), source: census.source(0), census, peak: 0 }
    }

    fn apply(&mut self, operation: Operation) {
        match operation {
            Operation::Push(count) => (0..count).for_each(|_| {
                let value = self.source.make();
                self.names.push(value.name());
                self.stack.push(value);
            }),
            Operation::Pop(count) => (0..count).for_each(|_| {
                assert_eq!(self.stack.pop().map(|value| value.name()), self.names.pop());
            }),
            Operation::Drain(count) => {
                let mut drain = self.stack.drain();
                assert!(self.stack.is_empty());
                for _ in 0..count {
                    assert_eq!(drain.next().map(|value| value.name()), self.names.pop());
                }
                drop(drain);
                self.names.clear();
            }
            Operation::Extend(count) => {
                let values = self.source.make_many(count.into());
                self.names.extend(names(&values));
                self.stack.extend(values);
            }
            Operation::ShrinkToFit => {
                self.stack.shrink_to_fit();
                self.peak = self.names.len();
            }
            Operation::Renew(taken, count) => self.renew(taken, count),
            Operation::Move(_) => {}
        }
        self.check();
    }

    fn renew(&mut self, taken: u8, count: u8) {
        let values = self.source.make_many(count.into());
        let names = names(&values);
        let mut old = std::mem::replace(&mut self.stack, values.into_iter().collect()).into_iter();
        for _ in 0..taken {
            assert_eq!(old.next().map(|value| value.name()), self.names.pop());
        }
        drop(old);
        self.names = names;
        self.peak = self.names.len();
    }

    fn check(&mut self) {
        assert_eq!(self.stack.is_empty(), self.names.is_empty());
        assert_eq!(self.census.living(), self.names.len());
        // Memory for the most elements there ever were, and for what two threads keep; at most doubled.
        self.peak = self.peak.max(self.names.len());
        let nodes = 2 * (self.peak + 2 * KEPT) + 32;
        let bytes = self.stack.allocated_bytes();
        assert!(bytes <= nodes * (size_of::<Value>() + 8), "{bytes} bytes for {} elements", self.peak);
    }
}

fn alone(operations: Vec<Operation>) {
    let mut model = Model::new();
    let mut place = Place::Here;
    for operation in operations.into_iter().take(LONGEST) {
        if let Operation::Move(next) = operation {
            place = next;
        }
        // Two threads, for free nodes come to one and are wanted by the other.
        at(place, || model.apply(operation));
    }
    let census = model.census.clone();
    drop(model);
    assert_eq!(census.living(), 0, "the stack has leaked values");
}

/// What one thread has seen of its script.
#[derive(Default)]
struct Seen {
    popped: Vec<Value>,
    pushed: usize,
}

fn run(stack: &Stack<Value>, script: Vec<Step>, mut source: Source) -> Seen {
    let mut seen = Seen::default();
    for step in script {
        match step {
            Step::Push(count) => (0..count).for_each(|_| {
                stack.push(source.make());
                seen.pushed += 1;
            }),
            Step::Pop(count) => seen.popped.extend((0..count).filter_map(|_| stack.pop())),
            Step::Drain(count) => {
                let drained: Vec<Value> = stack.drain().take(count.into()).collect();
                // They were in the stack all at once, the newest on top.
                assert!(in_order(drained.iter().rev()), "not the newest first: {drained:?}");
                seen.popped.extend(drained);
            }
        }
    }
    seen
}

fn all_together(scripts: [Vec<Step>; 3]) {
    let census = Census::default();
    let stack = Stack::new();
    let dropping = scripts.iter().flatten().any(|step| matches!(step, Step::Drain(_)));
    let scripts = scripts.into_iter().filter(|script| !script.is_empty()).collect();
    let seen = together(scripts, |thread, script| run(&stack, script, census.source(thread)));
    let pushed: usize = seen.iter().map(|seen| seen.pushed).sum();
    let rest: Vec<Value> = stack.drain().collect();
    assert!(in_order(rest.iter().rev()), "not the newest first: {rest:?}");
    let out: Vec<Name> = seen.iter().flat_map(|seen| names(&seen.popped)).chain(names(&rest)).collect();
    let distinct: BTreeSet<Name> = out.iter().copied().collect();
    assert_eq!(distinct.len(), out.len(), "a value came out twice: {out:?}");
    assert_eq!(census.living(), out.len());
    assert!(dropping || out.len() == pushed, "{} of {pushed} values came out", out.len());
    drop((seen, rest, stack));
    assert_eq!(census.living(), 0, "the stack has leaked values");
}

fuzz_target!(|input: Input| match input {
    Input::Alone(operations) => alone(operations),
    Input::Together(scripts) => all_together(scripts),
});
