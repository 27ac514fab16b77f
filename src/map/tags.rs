//! What stands in the slots of a bucket, in one word.

/// Slots of a bucket: with their tags they fill a cache line.
pub(super) const SLOTS: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 2 } else { 7 };

/// The lowest bit, and the highest, of the byte of each slot.
const LOWEST: u64 = 0x0001_0101_0101_0101 >> (8 * (7 - SLOTS));
const HIGHEST: u64 = LOWEST << 7;
/// One passing entry.
const PASSING: u64 = 1 << 56;
const MOST_PASSING: u64 = 0xff;

/// A byte for each slot: 0 if it is vacant, else the tag of its entry. And in the highest byte, how many entries belong
/// here and are further on; at 255 it does not change any more, and means many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Tags(pub(super) u64);

impl Tags {
    /// Seven bits of a hash that lead neither to a segment, unless there are half a million, nor to a bucket; and one that
    /// says that there is something.
    #[inline]
    pub(super) fn tag_of(hash: u64) -> u8 {
        (hash >> 6) as u8 | 0x80
    }

    /// The slots with that tag; and perhaps, after such a one, others that are filled.
    #[inline]
    pub(super) fn with_tag(self, tag: u8) -> Slots {
        // Zero where the tag is. Subtraction carries beyond a zero, so a one above it looks alike: a tag, of which the lowest
        // bit is another.
        let difference = self.0 ^ (u64::from(tag) * LOWEST);
        Slots(difference.wrapping_sub(LOWEST) & !difference & HIGHEST)
    }

    #[inline]
    pub(super) fn vacant(self) -> Slots {
        Slots(!self.0 & HIGHEST)
    }

    #[inline]
    pub(super) fn filled(self) -> Slots {
        Slots(self.0 & HIGHEST)
    }

    /// Whether entries that belong here may be further on.
    #[inline]
    pub(super) fn is_passed(self) -> bool {
        self.0 >= PASSING
    }

    #[must_use]
    pub(super) fn filled_with(self, slot: usize, tag: u8) -> Self {
        Self(self.0 | u64::from(tag) << (8 * slot))
    }

    #[must_use]
    pub(super) fn vacated(self, slot: usize) -> Self {
        Self(self.0 & !(0xff << (8 * slot)))
    }

    #[must_use]
    pub(super) fn one_more_passing(self) -> Self {
        if self.0 >> 56 == MOST_PASSING { self } else { Self(self.0 + PASSING) }
    }

    #[must_use]
    pub(super) fn one_less_passing(self) -> Self {
        if self.0 >> 56 == MOST_PASSING { self } else { Self(self.0 - PASSING) }
    }
}

/// Some slots of a bucket.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slots(u64);

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let slot = (self.0 != 0).then(|| self.0.trailing_zeros() as usize / 8)?;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}
