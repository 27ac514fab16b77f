//! One list of atomic operations for the worlds that watch each of them, `chaos` and `loom`.
//!
//! Such a world brings a `Probe`. It is told of each operation before it runs, and answers with the order to use.

/// What an operation does to its atomic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Access {
    /// Reads.
    Load,
    /// Writes.
    Store,
    /// Reads and writes, always.
    Update,
    /// Reads, and writes if it read the expected value.
    Exchange,
    /// The half of an exchange that only read.
    ExchangeFailure,
    /// Touches no atomic.
    Fence,
}

/// An atomic of any type: `probed_atomic!(const AtomicBool, plain::AtomicBool, bool)`, `const` where the inner `new` is.
macro_rules! probed_atomic {
    ($($const:ident)? / $name:ident $([$parameter:ident])?, $inner:ty, $value:ty) => {
        #[doc = concat!("`", stringify!($name), "` of `std`, as far as the crate uses it.")]
        pub struct $name $(<$parameter>)? {
            inner: $inner,
            probe: Probe,
        }

        #[allow(clippy::missing_errors_doc, reason = "the operations are those of `std` and documented there")]
        impl $(<$parameter>)? $name $(<$parameter>)? {
            #[track_caller]
            pub $($const)? fn new(value: $value) -> Self {
                Self { inner: <$inner>::new(value), probe: Probe::new() }
            }

            #[track_caller]
            pub fn load(&self, order: Ordering) -> $value {
                let order = self.probe.before(Access::Load, order);
                self.inner.load(order)
            }

            #[track_caller]
            pub fn store(&self, value: $value, order: Ordering) {
                let order = self.probe.before(Access::Store, order);
                self.inner.store(value, order);
            }

            #[track_caller]
            pub fn swap(&self, value: $value, order: Ordering) -> $value {
                let order = self.probe.before(Access::Update, order);
                self.inner.swap(value, order)
            }

            #[track_caller]
            pub fn compare_exchange(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let failure = self.probe.order(Access::ExchangeFailure, failure);
                let success = self.probe.before(Access::Exchange, success);
                self.inner.compare_exchange(current, new, success, failure)
            }

            #[track_caller]
            pub fn compare_exchange_weak(
                &self,
                current: $value,
                new: $value,
                success: Ordering,
                failure: Ordering,
            ) -> Result<$value, $value> {
                let failure = self.probe.order(Access::ExchangeFailure, failure);
                let success = self.probe.before(Access::Exchange, success);
                self.inner.compare_exchange_weak(current, new, success, failure)
            }
        }

        impl $(<$parameter>)? fmt::Debug for $name $(<$parameter>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    };
}

/// The arithmetic of an integer atomic: `probed_arithmetic!(AtomicU64, u64, [fetch_add, fetch_sub])`.
macro_rules! probed_arithmetic {
    ($name:ident, $value:ty, [$($operation:ident),*]) => {
        impl $name {
            $(
                #[track_caller]
                pub fn $operation(&self, value: $value, order: Ordering) -> $value {
                    let order = self.probe.before(Access::Update, order);
                    self.inner.$operation(value, order)
                }
            )*

            /// As that of `std`: a load and compare-exchanges, which are steps of their own.
            #[allow(clippy::missing_errors_doc, reason = "as above")]
            #[track_caller]
            pub fn fetch_update(
                &self,
                success: Ordering,
                failure: Ordering,
                mut update: impl FnMut($value) -> Option<$value>,
            ) -> Result<$value, $value> {
                let mut current = self.load(failure);
                while let Some(new) = update(current) {
                    match self.compare_exchange_weak(current, new, success, failure) {
                        Ok(_) => return Ok(current),
                        Err(now) => current = now,
                    }
                }
                Err(current)
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self::new(<$value>::default())
            }
        }
    };
}

pub(super) use {probed_arithmetic, probed_atomic};
