//! What threads have seen of a queue that they used at once, and whether it goes together.

use std::collections::BTreeSet;

use freewheel::queue::TryPopError;

use crate::common::{Census, Name, Value, in_order, names};

/// What one thread has seen.
#[derive(Default)]
pub struct Seen {
    /// What it has pushed, in order.
    pub pushed: Vec<Name>,
    /// What it has popped or displaced, in order.
    pub popped: Vec<Value>,
    /// How often it was the one who closed the queue.
    pub closed: usize,
    /// A push was refused because the queue is closed, so none may succeed from here on.
    pub refused: bool,
    /// A pop has said that there will never be anything again.
    pub ended: bool,
}

impl Seen {
    pub fn push(&mut self, name: Name) {
        assert!(!self.refused, "{name:?} was pushed into a queue that is closed");
        self.pushed.push(name);
    }

    pub fn pop(&mut self, popped: Result<Value, TryPopError>) {
        match popped {
            Ok(value) => {
                assert!(!self.ended, "{value:?} came out of a queue that is closed and empty");
                self.popped.push(value);
            }
            Err(error) => self.nothing(error),
        }
    }

    pub fn nothing(&mut self, error: TryPopError) {
        // Not that it stays closed: a `force_push` that is refused may make pops say empty meanwhile.
        self.ended |= error.is_closed();
        self.refused |= error.is_closed();
    }

    pub fn close(&mut self, was_open: bool) {
        self.closed += usize::from(was_open);
        self.refused = true;
    }
}

/// `rest` is what was in the queue when all threads had come to their ends.
pub fn check(all: Vec<Seen>, rest: Vec<Value>, is_closed: bool, census: &Census) {
    let closed: usize = all.iter().map(|seen| seen.closed).sum();
    assert_eq!(closed, usize::from(is_closed), "threads that have closed the queue");
    assert!(all.iter().all(|seen| is_closed || !seen.refused), "refused by a queue that is open");
    let ended = all.iter().any(|seen| seen.ended);
    assert!(!ended || rest.is_empty(), "{rest:?} in a queue that was closed and empty");
    for seen in &all {
        // Whatever is left came after it.
        let sequence = seen.popped.iter().chain(&rest);
        assert!(in_order(sequence), "out of order: {:?}, then {rest:?}", seen.popped);
    }
    let out: Vec<Name> = all.iter().flat_map(|seen| names(&seen.popped)).chain(names(&rest)).collect();
    let pushed: BTreeSet<Name> = all.iter().flat_map(|seen| seen.pushed.iter().copied()).collect();
    assert_eq!(out.len(), pushed.len(), "{out:?} came out, {pushed:?} went in");
    assert_eq!(out.iter().copied().collect::<BTreeSet<Name>>(), pushed);
    assert_eq!(census.living(), out.len());
    drop((all, rest));
    assert_eq!(census.living(), 0, "values have leaked");
}
