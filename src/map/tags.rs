//! What stands in the slots of a bucket, in one word.

/// Slots of a bucket: with their tags they fill a cache line.
pub(super) const SLOTS: usize = if cfg!(any(freewheel_loom, freewheel_shuttle)) { 2 } else { 7 };

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
    pub(super) fn tag_of(hash: u32) -> u8 {
        (hash >> 6) as u8 | 0x80
    }

    /// The slots with that tag; and perhaps, after such a one, others that are filled.
    #[inline]
    pub(super) fn with_tag(self, tag: u8) -> Slots {
        Slots(bytes::equal(self.0, tag) & bytes::OF_SLOTS)
    }

    #[inline]
    pub(super) fn vacant(self) -> Slots {
        Slots(!bytes::negative(self.0) & bytes::OF_SLOTS)
    }

    #[inline]
    pub(super) fn filled(self) -> Slots {
        Slots(bytes::negative(self.0) & bytes::OF_SLOTS)
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
pub(super) struct Slots(bytes::Set);

impl Iterator for Slots {
    type Item = usize;

    #[inline]
    fn next(&mut self) -> Option<usize> {
        let slot = (self.0 != 0).then(|| (self.0.trailing_zeros() / bytes::BITS_OF_EACH) as usize)?;
        self.0 &= self.0 - 1;
        Some(slot)
    }
}

/// All bytes of a word at once, by what every x86-64 processor has: half as many instructions as without.
#[cfg(all(target_arch = "x86_64", not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos))))]
mod bytes {
    use std::arch::x86_64::{_mm_cmpeq_epi8, _mm_cvtsi64_si128, _mm_movemask_epi8, _mm_set1_epi8};

    /// A bit for each byte.
    pub(super) type Set = u32;
    pub(super) const BITS_OF_EACH: u32 = 1;
    pub(super) const OF_SLOTS: Set = (1 << super::SLOTS) - 1;

    /// Those that are equal to `byte`.
    #[inline]
    pub(super) fn equal(word: u64, byte: u8) -> Set {
        // SAFETY: every processor of this architecture has SSE2.
        unsafe { equal_by_sse2(word.cast_signed(), byte.cast_signed()) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn equal_by_sse2(word: i64, byte: i8) -> Set {
        _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_cvtsi64_si128(word), _mm_set1_epi8(byte))).cast_unsigned()
    }

    /// Those of which the highest bit is set.
    #[inline]
    pub(super) fn negative(word: u64) -> Set {
        // SAFETY: as above.
        unsafe { negative_by_sse2(word.cast_signed()) }
    }

    #[inline]
    #[target_feature(enable = "sse2")]
    fn negative_by_sse2(word: i64) -> Set {
        _mm_movemask_epi8(_mm_cvtsi64_si128(word)).cast_unsigned()
    }
}

/// All bytes of a word at once, on any processor; and in the worlds of checkers, so that some run this.
#[cfg(not(all(target_arch = "x86_64", not(any(freewheel_loom, freewheel_shuttle, freewheel_chaos)))))]
mod bytes {
    /// The highest bit of each byte.
    pub(super) type Set = u64;
    pub(super) const BITS_OF_EACH: u32 = 8;
    const LOWEST: u64 = 0x0101_0101_0101_0101;
    const HIGHEST: u64 = LOWEST << 7;
    pub(super) const OF_SLOTS: Set = HIGHEST >> (8 * (8 - super::SLOTS));

    /// Those that are equal to `byte`, and perhaps others after such a one that are equal but for the lowest bit.
    #[inline]
    pub(super) fn equal(word: u64, byte: u8) -> Set {
        // Zero where they are equal. Subtraction carries beyond a zero, so a one above it looks alike.
        let difference = word ^ (u64::from(byte) * LOWEST);
        difference.wrapping_sub(LOWEST) & !difference & HIGHEST
    }

    /// Those of which the highest bit is set.
    #[inline]
    pub(super) fn negative(word: u64) -> Set {
        word & HIGHEST
    }
}
