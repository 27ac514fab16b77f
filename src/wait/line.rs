//! A line: first come, first served. Used under a mutex.

use std::mem;

use ::slab::Slab;

use super::Wake;
use crate::util::slab;

/// A place in a line, until its owner leaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key(usize);

#[derive(Debug)]
enum State {
    Waiting(Wake),
    /// It was the first, and got a token. It is in the line no more, but its owner has yet to see that.
    Notified,
}

#[derive(Debug)]
struct Place {
    state: State,
    before: Option<usize>,
    behind: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Line {
    places: Slab<Place>,
    first: Option<usize>,
    last: Option<usize>,
}

impl Line {
    pub(super) const fn new() -> Self {
        Self { places: Slab::new(), first: None, last: None }
    }

    /// Takes a place behind everybody else.
    pub(super) fn join(&mut self, wake: Wake) -> Key {
        let number =
            self.places.insert(Place { state: State::Waiting(wake), before: self.last, behind: None });
        match self.last {
            None => self.first = Some(number),
            Some(last) => self.places[last].behind = Some(number),
        }
        self.last = Some(number);
        Key(number)
    }

    /// The first in the line gets a token, and is in it no more.
    pub(super) fn notify_first(&mut self) -> Option<Wake> {
        let first = self.first?;
        self.take_out(first);
        match mem::replace(&mut self.places[first].state, State::Notified) {
            State::Waiting(wake) => Some(wake),
            State::Notified => unreachable!("that is in no line"),
        }
    }

    /// Who is to be woken at that place; none if it was notified.
    pub(super) fn wake_at(&mut self, key: Key) -> Option<&mut Wake> {
        match &mut self.places[key.0].state {
            State::Waiting(wake) => Some(wake),
            State::Notified => None,
        }
    }

    /// Gives up a place if it was notified; returns whether it was.
    pub(super) fn take_token(&mut self, key: Key) -> bool {
        let is_notified = self.wake_at(key).is_none();
        if is_notified {
            slab::remove(&mut self.places, key.0);
        }
        is_notified
    }

    /// Gives up a place; returns who would have been woken, or nothing if the place was notified.
    pub(super) fn leave(&mut self, key: Key) -> Option<Wake> {
        if self.wake_at(key).is_some() {
            self.take_out(key.0);
        }
        match slab::remove(&mut self.places, key.0).state {
            State::Waiting(wake) => Some(wake),
            State::Notified => None,
        }
    }

    fn take_out(&mut self, number: usize) {
        let Place { before, behind, .. } = self.places[number];
        match before {
            None => self.first = behind,
            Some(before) => self.places[before].behind = behind,
        }
        match behind {
            None => self.last = before,
            Some(behind) => self.places[behind].before = before,
        }
    }
}
