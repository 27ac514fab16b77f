//! Receiving one value after another.

use std::iter::FusedIterator;

use super::Receiver;

/// Values as they come; see [`Receiver::iter`].
#[derive(Debug)]
#[must_use = "it receives nothing unless it is asked to"]
pub struct Iter<'a, T>(&'a Receiver<T>);

impl<'a, T> Iter<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self(receiver)
    }
}

impl<T> Iterator for Iter<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> FusedIterator for Iter<'_, T> {}

/// As [`Iter`], and keeps the receiver.
#[derive(Debug)]
#[must_use = "it receives nothing unless it is asked to"]
pub struct IntoIter<T>(Receiver<T>);

impl<T> IntoIter<T> {
    pub(super) fn new(receiver: Receiver<T>) -> Self {
        Self(receiver)
    }
}

impl<T> Iterator for IntoIter<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.0.recv().ok()
    }
}

impl<T> FusedIterator for IntoIter<T> {}

/// What is in a channel; see [`Receiver::drain`].
#[derive(Debug)]
#[must_use = "it receives nothing unless it is asked to"]
pub struct Drain<'a, T> {
    receiver: &'a Receiver<T>,
    /// No more than were there at first: others may send for ever.
    left: usize,
}

impl<'a, T> Drain<'a, T> {
    pub(super) fn new(receiver: &'a Receiver<T>) -> Self {
        Self { receiver, left: receiver.len() }
    }
}

impl<T> Iterator for Drain<'_, T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        self.left = self.left.checked_sub(1)?;
        let value = self.receiver.try_recv().ok();
        if value.is_none() {
            self.left = 0;
        }
        value
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (0, Some(self.left))
    }
}

impl<T> FusedIterator for Drain<'_, T> {}
