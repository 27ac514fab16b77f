//! The ring under [`Bounded`](super::Bounded), and under each segment of [`Unbounded`](super::Unbounded).

use std::{
    iter,
    mem::{MaybeUninit, needs_drop},
};

use crossbeam_utils::CachePadded;

use super::{
    error::{Closed, TryPopError, TryPushError},
    ticket::{Layout, Tail, Ticket, Turn},
};
use crate::{
    sync::{
        atomic::{
            AtomicBool, AtomicUsize,
            Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst},
            fence,
        },
        cell::UnsafeCell,
    },
    util::{Backoff, drop_all},
};

/// Room for a value.
struct Slot<T> {
    turn: AtomicUsize,
    value: UnsafeCell<MaybeUninit<T>>,
}

impl<T> Slot<T> {
    fn new(ticket: Ticket) -> Self {
        Self { turn: AtomicUsize::new(ticket.vacant().word()), value: UnsafeCell::new(MaybeUninit::uninit()) }
    }

    #[inline]
    fn turn(&self) -> Turn {
        // Acquire: edges FULL and FREE. What is said about the value is true by now.
        Turn::from_word(self.turn.load(Acquire))
    }

    /// Moves `value` in, and says so.
    ///
    /// # Safety
    /// The caller has the ticket (OWNED), and the slot is vacant.
    #[inline]
    unsafe fn put(&self, ticket: Ticket, value: T) {
        // SAFETY: by OWNED nobody else uses the cell.
        self.value.with_mut(|room| unsafe { room.cast::<T>().write(value) });
        // Release: edge FULL. A pop sees the value before it sees the turn.
        self.turn.store(ticket.full().word(), Release);
    }

    /// Moves the value out, and leaves the slot to the push of `next`.
    ///
    /// # Safety
    /// The caller has the ticket (OWNED), and the slot is full.
    #[inline]
    unsafe fn take(&self, next: Ticket) -> T {
        // SAFETY: by OWNED nobody else uses the cell, and by INIT there is a value.
        let value = self.value.with_mut(|room| unsafe { room.cast::<T>().read() });
        // Release: edge FREE. We are done with the slot before it is filled again.
        self.turn.store(next.vacant().word(), Release);
        value
    }

    /// Puts `value` in the place of the one in the slot.
    ///
    /// # Safety
    /// The caller has this ticket, and the one of the last lap (OWNED), and the slot is full.
    unsafe fn replace(&self, ticket: Ticket, value: T) -> T {
        // SAFETY: by OWNED nobody else uses the cell, and by INIT there is a value.
        let old = self.value.with_mut(|room| unsafe { room.cast::<T>().replace(value) });
        // Release: edge FULL, as in `put`.
        self.turn.store(ticket.full().word(), Release);
        old
    }
}

/// A ring of slots.
pub(super) struct Ring<T> {
    slots: Box<[Slot<T>]>,
    layout: Layout,
    /// Whether `tail` says that the ring is closed: for those who find it empty, and need not look at `tail` else.
    closed: AtomicBool,
    /// The ticket of the next push, what is reserved, and whether the ring is closed.
    tail: CachePadded<AtomicUsize>,
    /// The ticket of the next pop.
    head: CachePadded<AtomicUsize>,
}

// SAFETY: values only pass through, from the thread that pushes to the one that pops or drops the ring (OWNED).
unsafe impl<T: Send> Send for Ring<T> {}
// SAFETY: as above; nobody gets a reference to a value that is in the ring.
unsafe impl<T: Send> Sync for Ring<T> {}

impl<T> Ring<T> {
    pub(super) const BYTES_PER_ELEMENT: usize = size_of::<Slot<T>>();

    /// # Panics
    /// If `capacity` is 0, or there is no memory for so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self::with_layout(Layout::new(capacity))
    }

    /// As [`new`](Self::new), and room can be reserved.
    pub(super) fn reservable(capacity: usize) -> Self {
        Self::with_layout(Layout::reservable(capacity))
    }

    fn with_layout(layout: Layout) -> Self {
        let first = Ticket::from_word(0);
        let tickets = iter::successors(Some(first), |ticket| Some(ticket.next(layout)));
        Self {
            slots: tickets.take(layout.capacity()).map(Slot::new).collect(),
            layout,
            closed: AtomicBool::new(false),
            tail: CachePadded::new(AtomicUsize::new(first.word())),
            head: CachePadded::new(AtomicUsize::new(first.word())),
        }
    }

    #[inline]
    fn slot(&self, ticket: Ticket) -> &Slot<T> {
        debug_assert!(ticket.index(self.layout) < self.slots.len());
        // SAFETY: `Layout` has the number of slots for capacity, and every ticket is made by it: its index is less.
        unsafe { self.slots.get_unchecked(ticket.index(self.layout)) }
    }

    #[inline]
    fn tail(&self) -> Tail {
        self.layout.tail(self.tail.load(Relaxed))
    }

    #[inline]
    fn head(&self) -> Ticket {
        Ticket::from_word(self.head.load(Relaxed))
    }

    /// Replaces the tail, unless it has changed.
    fn advance_tail(&self, from: Tail, to: Tail) -> bool {
        let (from, to) = (self.layout.word(from), self.layout.word(to));
        // AcqRel: edge ROOM. Whoever pushes where room is reserved sees that it is vacant, whoever has looked.
        self.tail.compare_exchange_weak(from, to, AcqRel, Relaxed).is_ok()
    }

    /// Takes the tickets from `ticket` up to `end`, if none of them is taken yet.
    #[inline]
    fn claim_pops(&self, ticket: Ticket, end: Ticket) -> bool {
        self.head.compare_exchange_weak(ticket.word(), end.word(), Relaxed, Relaxed).is_ok()
    }

    #[inline]
    pub(super) fn try_push(&self, value: T) -> Result<(), TryPushError<T>> {
        let mut backoff = Backoff::EXCHANGE;
        loop {
            let Some(ticket) = self.layout.plain(self.tail.load(Relaxed)) else {
                return self.try_push_beside(value);
            };
            let slot = self.slot(ticket);
            let turn = slot.turn();
            if turn == ticket.vacant() {
                let (from, to) = (ticket.word(), ticket.next(self.layout).word());
                if self.tail.compare_exchange_weak(from, to, Relaxed, Relaxed).is_ok() {
                    // SAFETY: the ticket is ours, and the turn said that the slot is vacant.
                    unsafe { slot.put(ticket, value) };
                    return Ok(());
                }
                backoff.wait();
            } else if turn.is_before(ticket.vacant()) {
                // The slot has the value of the last lap still, or somebody is about to take it out.
                return Err(TryPushError::Full(value));
            }
        }
    }

    /// As [`try_push`](Self::try_push), where the ring is closed or room is reserved.
    #[cold]
    fn try_push_beside(&self, value: T) -> Result<(), TryPushError<T>> {
        loop {
            let tail = self.tail();
            if tail.closed {
                return Err(TryPushError::Closed(value));
            }
            match self.room(tail, 1) {
                Some(0) => return Err(TryPushError::Full(value)),
                Some(_)
                    if self.advance_tail(tail, Tail { ticket: tail.ticket.next(self.layout), ..tail }) =>
                {
                    // SAFETY: the ticket is ours, and the turn of the slot, or by RESERVED another one's look at it, said that it
                    // is vacant.
                    unsafe { self.slot(tail.ticket).put(tail.ticket, value) };
                    return Ok(());
                }
                _ => {}
            }
        }
    }

    /// How many slots are vacant behind the reserved ones, `wanted` at most; none if the tail is an old one.
    fn room(&self, tail: Tail, wanted: usize) -> Option<usize> {
        let first = tail.ticket.plus(tail.reserved, self.layout);
        let room = self.run(first, wanted.min(self.layout.capacity() - tail.reserved), Ticket::vacant);
        let is_old = room == 0 && wanted > 0 && !self.slot(first).turn().is_before(first.vacant());
        (!is_old).then_some(room)
    }

    /// Reserves room for a push; false if there is none, or too much is reserved.
    ///
    /// # Errors
    /// If the ring is closed.
    pub(super) fn reserve(&self) -> Result<bool, Closed<()>> {
        loop {
            let tail = self.tail();
            if tail.closed {
                return Err(Closed(()));
            }
            if tail.reserved == self.layout.most_reserved() {
                return Ok(false);
            }
            match self.room(tail, 1) {
                Some(0) => return Ok(false),
                Some(_) if self.advance_tail(tail, Tail { reserved: tail.reserved + 1, ..tail }) => {
                    return Ok(true);
                }
                _ => {}
            }
        }
    }

    /// Whether there was room a moment ago, besides what is reserved.
    pub(super) fn has_room(&self) -> bool {
        self.room(self.tail(), 1) != Some(0)
    }

    /// Gives up what was reserved.
    pub(super) fn unreserve(&self) {
        self.tail.fetch_sub(self.layout.one_reserved(), Relaxed);
    }

    /// Pushes where room is reserved, and that is used then; unless the ring is closed. Returns whether one that was to reserve
    /// room may have been refused though there is some, because too much was reserved until now.
    pub(super) fn push_reserved(&self, value: T) -> Result<bool, Closed<T>> {
        let mut word = self.tail.load(Relaxed);
        loop {
            let tail = self.layout.tail(word);
            if tail.closed {
                // What is reserved says nothing any more.
                return Err(Closed(value));
            }
            let next = Tail { ticket: tail.ticket.next(self.layout), reserved: tail.reserved - 1, ..tail };
            // Acquire: edge ROOM.
            match self.tail.compare_exchange_weak(word, self.layout.word(next), Acquire, Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
        }
        let Tail { ticket, reserved, .. } = self.layout.tail(word);
        debug_assert_eq!(self.slot(ticket).turn(), ticket.vacant());
        // SAFETY: the ticket is ours, and by RESERVED the slot is vacant.
        unsafe { self.slot(ticket).put(ticket, value) };
        let most = self.layout.most_reserved();
        Ok(reserved == most && most < self.layout.capacity())
    }

    #[inline]
    pub(super) fn try_pop(&self) -> Result<T, TryPopError> {
        let mut backoff = Backoff::EXCHANGE;
        loop {
            let ticket = self.head();
            let slot = self.slot(ticket);
            let turn = slot.turn();
            if turn == ticket.full() {
                if self.claim_pops(ticket, ticket.next(self.layout)) {
                    // SAFETY: the ticket is ours, and the turn said that the slot is full.
                    return Ok(unsafe { slot.take(ticket.on_next_lap(self.layout)) });
                }
                backoff.wait();
            } else if turn.is_before(ticket.full()) {
                // The slot is vacant still, or somebody is about to put a value in.
                return Err(self.nothing_at(ticket));
            }
        }
    }

    /// Why there is nothing to pop for this ticket, which is the next one.
    #[inline]
    fn nothing_at(&self, ticket: Ticket) -> TryPopError {
        // Acquire: edge CLOSED. `tail` stays as it is from here on.
        if self.closed.load(Acquire) && self.tail().ticket == ticket {
            TryPopError::Closed
        } else {
            TryPopError::Empty
        }
    }

    /// Pushes values from the front of `values`, as many as there is room for, and returns how many.
    pub(super) fn push_many(&self, values: &mut Vec<T>) -> Result<usize, Closed<()>> {
        loop {
            let tail = self.tail();
            if tail.closed {
                return Err(Closed(()));
            }
            let Some(tickets) = self.room(tail, values.len()) else { continue };
            if tickets == 0 {
                return Ok(0);
            }
            if self.advance_tail(tail, Tail { ticket: tail.ticket.plus(tickets, self.layout), ..tail }) {
                let mut ticket = tail.ticket;
                for value in values.drain(..tickets) {
                    // SAFETY: the ticket is ours, and as in `try_push_beside` the slot is vacant.
                    unsafe { self.slot(ticket).put(ticket, value) };
                    ticket = ticket.next(self.layout);
                }
                return Ok(tickets);
            }
        }
    }

    /// Pops up to `max` values to the end of `values`, and returns how many.
    pub(super) fn pop_many(&self, values: &mut Vec<T>, max: usize) -> Result<usize, TryPopError> {
        loop {
            let ticket = self.head();
            let wanted = max.min(self.layout.capacity());
            let tickets = self.run(ticket, wanted, Ticket::full);
            if tickets == 0 && (wanted == 0 || self.slot(ticket).turn().is_before(ticket.full())) {
                return if wanted == 0 { Ok(0) } else { Err(self.nothing_at(ticket)) };
            }
            // Ahead of the claim: what is claimed must not be lost to a panic of the allocator.
            values.reserve(tickets);
            if tickets > 0 && self.claim_pops(ticket, ticket.plus(tickets, self.layout)) {
                let mut ticket = ticket;
                for _ in 0..tickets {
                    // SAFETY: the ticket is ours, and the turn said that the slot is full.
                    values.push(unsafe { self.slot(ticket).take(ticket.on_next_lap(self.layout)) });
                    ticket = ticket.next(self.layout);
                }
                return Ok(tickets);
            }
        }
    }

    /// How many slots from that ticket on, `wanted` at most, are at the turn that `turn` names.
    fn run(&self, ticket: Ticket, wanted: usize, turn: impl Fn(Ticket) -> Turn) -> usize {
        let tickets = iter::successors(Some(ticket), |ticket| Some(ticket.next(self.layout)));
        tickets.take(wanted).take_while(|&ticket| self.slot(ticket).turn() == turn(ticket)).count()
    }

    /// Puts `value` in the place of the oldest value, as the newest; gives it back if the ring is not full, or if
    /// somebody is about to take that value.
    ///
    /// It may do so after the ring was closed, see `Bounded::force_push`.
    pub(super) fn displace(&self, value: T) -> Result<T, T> {
        let ticket = self.tail().ticket;
        let oldest = ticket.on_last_lap(self.layout);
        let slot = self.slot(ticket);
        if slot.turn() != oldest.full() || !self.claim_pops(oldest, oldest.next(self.layout)) {
            return Err(value);
        }
        // The slot is ours, and full: until we change its turn no push can take the ticket. So it is ours too.
        self.tail.fetch_add(ticket.distance(ticket.next(self.layout)), Relaxed);
        // SAFETY: we have both tickets, and the turn said that the slot is full.
        Ok(unsafe { slot.replace(ticket, value) })
    }

    /// Closes the ring: no push takes a ticket from here on. False if it was closed already.
    pub(super) fn close(&self) -> bool {
        let bit = self.layout.closed_bit();
        let was_closed = self.tail.fetch_or(bit, Relaxed) & bit != 0;
        // SeqCst: pair DISPLACING. Whoever sees `closed` sees every displacement that has not seen the bit.
        fence(SeqCst);
        // Release: edge CLOSED. Whoever sees it sees the last ticket.
        self.closed.store(true, Release);
        !was_closed
    }

    #[inline]
    pub(super) fn is_closed(&self) -> bool {
        self.tail().closed
    }

    #[inline]
    pub(super) fn capacity(&self) -> usize {
        self.layout.capacity()
    }

    /// How many tickets were taken by pushes and not by pops.
    pub(super) fn len(&self) -> usize {
        let head = self.head();
        head.tickets_until(self.tail().ticket, self.layout).min(self.capacity())
    }

    /// How many tickets pushes have taken since the ring was made.
    pub(super) fn pushed(&self) -> usize {
        self.tail().ticket.count(self.layout)
    }

    /// How many tickets pops have taken since the ring was made.
    pub(super) fn popped(&self) -> usize {
        self.head().count(self.layout)
    }
}

impl<T> Drop for Ring<T> {
    fn drop(&mut self) {
        if needs_drop::<T>() {
            drop_all(|| self.try_pop().ok());
        }
    }
}
