//! Positions in a ring.
//!
//! A ticket counts the slots round the ring: `lap | index`, with bits between the two that only `Ring::tail` uses. It
//! is also what a slot's *turn* is compared with: the slot waits for the push of a ticket, or holds what that push has
//! put in, which is one more. As there is an index to spare above the last slot, the two never meet, not even in a ring
//! with one slot.

/// One position of a ring, on one lap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ticket(usize);

/// What the word `Ring::tail` holds: `lap | reserved | closed | index`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tail {
    /// The ticket of the next push.
    pub(super) ticket: Ticket,
    /// How many slots from that one on are for those who have reserved room.
    pub(super) reserved: usize,
    pub(super) closed: bool,
}

/// Where in a ticket the parts are.
#[derive(Clone, Copy, Debug)]
pub(super) struct Layout {
    capacity: usize,
    /// The bit above the index.
    closed: usize,
    /// The lowest bit of the lap; what is reserved is below that.
    lap: usize,
}

/// No more can be reserved at once than fit into so many bits.
const RESERVED_BITS: u32 = usize::BITS / 5;

impl Layout {
    /// # Panics
    /// If `capacity` is 0, or there is no memory for so many.
    pub(super) fn new(capacity: usize) -> Self {
        Self::with_reserved_bits(capacity, 0)
    }

    /// As [`new`](Self::new), for a ring in which room can be reserved.
    pub(super) fn reservable(capacity: usize) -> Self {
        Self::with_reserved_bits(capacity, RESERVED_BITS)
    }

    fn with_reserved_bits(capacity: usize, most: u32) -> Self {
        assert!(capacity > 0, "a queue needs room for one element at least");
        assert!(
            capacity <= usize::MAX >> (most + 3),
            "a queue for {capacity} elements does not fit into memory"
        );
        let closed = (capacity + 1).next_power_of_two();
        Self { capacity, closed, lap: (closed << 1) << closed.ilog2().min(most) }
    }

    #[inline]
    pub(super) fn capacity(self) -> usize {
        self.capacity
    }

    /// The bit that says closed.
    #[inline]
    pub(super) fn closed_bit(self) -> usize {
        self.closed
    }

    /// What one slot that is reserved adds to the word.
    #[inline]
    pub(super) fn one_reserved(self) -> usize {
        self.closed << 1
    }

    /// How many slots can be reserved at once.
    pub(super) fn most_reserved(self) -> usize {
        ((self.lap >> self.one_reserved().trailing_zeros()) - 1).min(self.capacity)
    }

    #[inline]
    pub(super) fn tail(self, word: usize) -> Tail {
        let extra = word & (self.lap - self.closed);
        Tail {
            ticket: Ticket(word - extra),
            reserved: extra >> self.one_reserved().trailing_zeros(),
            closed: extra & self.closed != 0,
        }
    }

    /// The ticket of the next push, if the ring is not closed and nothing is reserved.
    #[inline]
    pub(super) fn plain(self, word: usize) -> Option<Ticket> {
        (word & (self.lap - self.closed) == 0).then_some(Ticket(word))
    }

    #[inline]
    pub(super) fn word(self, tail: Tail) -> usize {
        let closed = if tail.closed { self.closed } else { 0 };
        tail.ticket.0 | (tail.reserved * self.one_reserved()) | closed
    }
}

impl Ticket {
    #[inline]
    pub(super) fn from_word(word: usize) -> Self {
        Self(word)
    }

    #[inline]
    pub(super) fn word(self) -> usize {
        self.0
    }

    #[inline]
    pub(super) fn index(self, layout: Layout) -> usize {
        self.0 & (layout.closed - 1)
    }

    /// The ticket after this one.
    #[inline]
    pub(super) fn next(self, layout: Layout) -> Self {
        let index = self.index(layout);
        if index + 1 < layout.capacity {
            Self(self.0 + 1)
        } else {
            Self((self.0 - index).wrapping_add(layout.lap))
        }
    }

    /// The ticket so many after this one; at most a lap.
    #[inline]
    pub(super) fn plus(self, many: usize, layout: Layout) -> Self {
        let index = self.index(layout) + many;
        if index < layout.capacity {
            Self(self.0 + many)
        } else {
            Self((self.0 + many).wrapping_add(layout.lap) - layout.capacity)
        }
    }

    /// The same slot, a lap later.
    #[inline]
    pub(super) fn on_next_lap(self, layout: Layout) -> Self {
        Self(self.0.wrapping_add(layout.lap))
    }

    /// The same slot, a lap earlier.
    #[inline]
    pub(super) fn on_last_lap(self, layout: Layout) -> Self {
        Self(self.0.wrapping_sub(layout.lap))
    }

    /// What is to be added to a word that holds this ticket, so that it holds `later`.
    #[inline]
    pub(super) fn distance(self, later: Self) -> usize {
        later.0.wrapping_sub(self.0)
    }

    /// How many tickets there are from this one up to `later`; 0 if that is an earlier one.
    pub(super) fn tickets_until(self, later: Self, layout: Layout) -> usize {
        let laps = (later.0 & !(layout.lap - 1)).wrapping_sub(self.0 & !(layout.lap - 1)) as isize
            >> layout.lap.trailing_zeros();
        let tickets =
            laps * layout.capacity as isize + later.index(layout) as isize - self.index(layout) as isize;
        usize::try_from(tickets).unwrap_or(0)
    }

    /// How many tickets there are before this one, if none was on a lap before; less, by whole periods, if the laps did not fit.
    pub(super) fn count(self, layout: Layout) -> usize {
        (self.0 >> layout.lap.trailing_zeros()).wrapping_mul(layout.capacity).wrapping_add(self.index(layout))
    }

    /// The turn at which the slot waits for the push of this ticket.
    #[inline]
    pub(super) fn vacant(self) -> Turn {
        Turn(self.0)
    }

    /// The turn at which the slot holds what the push of this ticket has put in.
    #[inline]
    pub(super) fn full(self) -> Turn {
        Turn(self.0 + 1)
    }
}

/// Whose turn it is to use a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Turn(usize);

impl Turn {
    #[inline]
    pub(super) fn from_word(word: usize) -> Self {
        Self(word)
    }

    #[inline]
    pub(super) fn word(self) -> usize {
        self.0
    }

    /// Whether the slot is yet to come to `other`.
    #[inline]
    pub(super) fn is_before(self, other: Self) -> bool {
        (self.0.wrapping_sub(other.0) as isize) < 0
    }
}
