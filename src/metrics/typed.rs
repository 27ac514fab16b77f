//! [`TypedFamily`]: series by the values of enums, at the price of an index.

use std::{
    fmt,
    marker::PhantomData,
    sync::{Arc, OnceLock},
};

use super::{Instrument, ValueRef, series::SeriesSet};
use crate::cell::{is_busy, quietly};

/// How many labels a tuple has at most.
const MAX_LABELS: usize = 6;

/// An attribute whose values are known: an enum, mostly.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::Label;
///
/// #[derive(Clone, Copy)]
/// enum Method {
///     Get,
///     Post,
/// }
///
/// impl Label for Method {
///     const KEY: &'static str = "http.request.method";
///     const VALUES: &'static [&'static str] = &["GET", "POST"];
///
///     fn index(self) -> usize {
///         self as usize
///     }
/// }
/// ```
pub trait Label: Copy {
    /// The key of the attribute.
    const KEY: &'static str;
    /// Its values.
    const VALUES: &'static [&'static str];

    /// Which of [`VALUES`](Self::VALUES) this is. What is recorded under an index that has no value goes to the series
    /// `otel.metric.overflow`.
    fn index(self) -> usize;
}

/// One or several [`Label`]s that make a series together: a label itself, a tuple of up to six, or a struct that says
/// which tuple it stands for.
///
/// # Examples
///
/// ```
/// # use freewheel::metrics::Label;
/// # #[derive(Clone, Copy)]
/// # enum Method { Get }
/// # impl Label for Method {
/// #     const KEY: &'static str = "method";
/// #     const VALUES: &'static [&'static str] = &["GET"];
/// #     fn index(self) -> usize { self as usize }
/// # }
/// # #[derive(Clone, Copy)]
/// # enum Class { Ok }
/// # impl Label for Class {
/// #     const KEY: &'static str = "class";
/// #     const VALUES: &'static [&'static str] = &["2xx"];
/// #     fn index(self) -> usize { self as usize }
/// # }
/// use freewheel::metrics::{Labels, Registry};
///
/// struct Call {
///     method: Method,
///     class: Class,
/// }
///
/// impl Labels for Call {
///     type Tuple = (Method, Class);
///
///     fn tuple(self) -> Self::Tuple {
///         (self.method, self.class)
///     }
/// }
///
/// let registry = Registry::new();
/// let calls = registry.counter("calls").typed_family::<Call>()?;
/// calls.with(Call { method: Method::Get, class: Class::Ok }).add(1);
/// # assert_eq!(registry.series(), 1);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
pub trait Labels {
    /// The labels in order.
    type Tuple: LabelTuple;

    /// The labels in order.
    fn tuple(self) -> Self::Tuple;
}

impl<L: Label> Labels for L {
    type Tuple = (L,);

    #[inline(always)]
    fn tuple(self) -> Self::Tuple {
        (self,)
    }
}

/// A tuple of one to six [`Label`]s. Sealed.
pub trait LabelTuple: tuple::Sealed {}

impl<T: tuple::Sealed> LabelTuple for T {}

mod tuple {
    /// Behind [`LabelTuple`](super::LabelTuple).
    pub trait Sealed {
        /// The keys in order.
        const KEYS: &'static [&'static str];
        /// The values of each key.
        const VALUES: &'static [&'static [&'static str]];
        /// How many combinations there are.
        const COMBINATIONS: usize;

        /// The number of this combination, if every label has the value that it claims: the labels are the digits, the
        /// first one counting most.
        fn combination(self) -> Option<usize>;
    }
}

macro_rules! label_tuples {
    ($($($label:ident)*;)*) => {$(
        impl<$($label: Label),*> tuple::Sealed for ($($label,)*) {
            const KEYS: &'static [&'static str] = &[$($label::KEY),*];
            const VALUES: &'static [&'static [&'static str]] = &[$($label::VALUES),*];
            const COMBINATIONS: usize = 1 $(* $label::VALUES.len())*;

            #[inline(always)]
            fn combination(self) -> Option<usize> {
                #[allow(non_snake_case, reason = "the types' names serve as those of the labels")]
                let ($($label,)*) = self;
                let combination = 0;
                $(
                    let index = $label.index();
                    if index >= $label::VALUES.len() {
                        return None;
                    }
                    let combination = combination * $label::VALUES.len() + index;
                )*
                Some(combination)
            }
        }
    )*};
}
label_tuples! {
    A;
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

macro_rules! labels_of_tuples {
    ($($($label:ident)*;)*) => {$(
        impl<$($label: Label),*> Labels for ($($label,)*) {
            type Tuple = Self;

            #[inline(always)]
            fn tuple(self) -> Self {
                self
            }
        }
    )*};
}
labels_of_tuples! {
    A B;
    A B C;
    A B C D;
    A B C D E;
    A B C D E F;
}

/// The series of an instrument by the values of [`Label`]s: the values make an index, nothing is hashed or compared.
///
/// A series is made when it is first selected, and stays: it is never removed as idle. Sixteen bytes and more are kept
/// for each combination of values, whether it is ever selected or not.
///
/// A handle: clones select the same series.
#[must_use = "a family does nothing unless something is recorded"]
pub struct TypedFamily<I, L> {
    shared: Arc<TypedShared<I>>,
    labels: PhantomData<fn(L)>,
}

struct TypedShared<I> {
    series: Arc<SeriesSet<I>>,
    handles: Box<[OnceLock<I>]>,
    /// For labels without a value, and for allocators that record while a series is being made.
    overflow: OnceLock<I>,
}

impl<I: Instrument, L: Labels> TypedFamily<I, L> {
    pub(super) fn new(series: Arc<SeriesSet<I>>) -> Self {
        let handles = (0..<L::Tuple as tuple::Sealed>::COMBINATIONS).map(|_| OnceLock::new()).collect();
        let overflow = OnceLock::new();
        Self { shared: Arc::new(TypedShared { series, handles, overflow }), labels: PhantomData }
    }

    pub(super) const fn keys() -> &'static [&'static str] {
        <L::Tuple as tuple::Sealed>::KEYS
    }

    /// The series with these labels.
    ///
    /// *Progress:* wait-free once the series is made. *Cost:* a multiplication and a load per label.
    #[inline(always)]
    pub fn with(&self, labels: L) -> &I {
        let combination = tuple::Sealed::combination(labels.tuple());
        let handle = combination.and_then(|combination| self.shared.handles.get(combination)?.get());
        handle.unwrap_or_else(|| self.make(combination))
    }

    #[cold]
    #[inline(never)]
    fn make(&self, combination: Option<usize>) -> &I {
        let TypedShared { series, handles, overflow } = &*self.shared;
        let cell = combination.filter(|_| !is_busy()).and_then(|combination| handles.get(combination));
        let Some((cell, mut digits)) = cell.zip(combination) else {
            return overflow.get_or_init(|| series.overflow());
        };
        let keys = <L::Tuple as tuple::Sealed>::KEYS;
        // Not allocated: an allocator that records would come back here for the same series, for ever.
        let mut values = [ValueRef::Str(""); MAX_LABELS];
        for (value, values) in values.iter_mut().zip(<L::Tuple as tuple::Sealed>::VALUES).rev() {
            *value = ValueRef::Str(values[digits % values.len()]);
            digits /= values.len();
        }
        // Not while busy: who is does not get a series of its own.
        let handle = series.find(keys.iter().copied().zip(values));
        quietly(|| cell.get_or_init(|| handle))
    }
}

impl<I, L> Clone for TypedFamily<I, L> {
    fn clone(&self) -> Self {
        Self { shared: self.shared.clone(), labels: PhantomData }
    }
}

impl<I, L> fmt::Debug for TypedFamily<I, L> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedFamily")
            .field("combinations", &self.shared.handles.len())
            .finish_non_exhaustive()
    }
}
