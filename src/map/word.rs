//! What fits into a word.

use std::num::{
    NonZeroI8, NonZeroI16, NonZeroI32, NonZeroI64, NonZeroIsize, NonZeroU8, NonZeroU16, NonZeroU32,
    NonZeroU64, NonZeroUsize,
};

/// A key or a value that is no more than a word of 64 bits.
///
/// Two are equal if their words are, so `0.0` and `-0.0` are two keys.
///
/// # Examples
///
/// ```
/// use freewheel::map::{Word, WordMap};
///
/// #[derive(Clone, Copy, Debug, PartialEq)]
/// struct Customer(u32);
///
/// impl Word for Customer {
///     fn into_word(self) -> u64 {
///         self.0.into_word()
///     }
///
///     fn from_word(word: u64) -> Self {
///         Self(u32::from_word(word))
///     }
/// }
///
/// let balances = WordMap::new();
/// balances.store(Customer(7), -3_i64);
/// assert_eq!(balances.load(Customer(7)), Some(-3));
/// ```
pub trait Word: Copy {
    /// The word that stands for it.
    fn into_word(self) -> u64;

    /// What that word stands for; [`into_word`](Self::into_word) has returned it.
    fn from_word(word: u64) -> Self;
}

/// For what is a number of up to 64 bits, one way or another.
macro_rules! word {
    ($($type:ty: $value:ident => $word:expr, $from:ident => $back:expr;)*) => { $(
        impl Word for $type {
            #[inline]
            fn into_word(self) -> u64 {
                let $value = self;
                $word
            }

            #[inline]
            fn from_word($from: u64) -> Self {
                $back
            }
        }
    )* };
}

word! {
    u8: value => value.into(), word => word as Self;
    u16: value => value.into(), word => word as Self;
    u32: value => value.into(), word => word as Self;
    u64: value => value, word => word;
    usize: value => value as u64, word => word as Self;
    i8: value => value as u64, word => word as Self;
    i16: value => value as u64, word => word as Self;
    i32: value => value as u64, word => word as Self;
    i64: value => value.cast_unsigned(), word => word.cast_signed();
    isize: value => value as u64, word => word as Self;
    bool: value => value.into(), word => word != 0;
    char: value => value.into(), word => Self::from_u32(word as u32).expect("it was a char");
    f32: value => value.to_bits().into(), word => Self::from_bits(word as u32);
    f64: value => value.to_bits(), word => Self::from_bits(word);
    (): _value => 0, _word => ();
    NonZeroU8: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroU16: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroU32: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroU64: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroUsize: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroI8: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroI16: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroI32: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroI64: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
    NonZeroIsize: value => value.get().into_word(), word => Self::new(Word::from_word(word)).expect("it was not zero");
}
