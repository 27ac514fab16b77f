//! [`Exemplar`]: a value together with the span that it was recorded in.

use std::fmt;

use super::Timestamp;

/// One of the values behind a point of a histogram, and the sampled span that was active when it was recorded: the way
/// from a slow bucket to a trace.
///
/// Histograms keep exemplars with feature `trace`: for each bucket with given bounds the last one, of exponential
/// buckets up to 20, each value of the time between two collections being as likely to stay as any other.
#[derive(Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Exemplar {
    /// The value, in the unit of the instrument.
    pub value: f64,
    /// When it was recorded.
    pub time: Timestamp,
    /// The trace.
    pub trace_id: [u8; 16],
    /// The span.
    pub span_id: [u8; 8],
}

impl fmt::Debug for Exemplar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { value, time, trace_id, span_id } = self;
        f.debug_struct("Exemplar")
            .field("value", value)
            .field("time", time)
            .field("trace_id", &format_args!("{:032x}", u128::from_be_bytes(*trace_id)))
            .field("span_id", &format_args!("{:016x}", u64::from_be_bytes(*span_id)))
            .finish()
    }
}

/// The exemplars of one series. Without feature `trace` there are none, and this is nothing.
#[derive(Clone, Debug, Default)]
pub(super) struct Exemplars {
    #[cfg(feature = "trace")]
    reservoir: Option<std::sync::Arc<sampled::Exemplars>>,
}

impl Exemplars {
    /// None, ever.
    pub(super) const fn none() -> Self {
        Self {
            #[cfg(feature = "trace")]
            reservoir: None,
        }
    }
}

#[cfg(not(feature = "trace"))]
impl Exemplars {
    pub(super) const fn new(_: &super::Buckets) -> Self {
        Self::none()
    }

    #[inline(always)]
    pub(super) fn offer(&self, _: impl Iterator<Item = f64>) {}

    pub(super) const fn collect(&self) -> Vec<Exemplar> {
        Vec::new()
    }
}

#[cfg(feature = "trace")]
impl Exemplars {
    pub(super) fn new(buckets: &super::Buckets) -> Self {
        Self { reservoir: Some(std::sync::Arc::new(sampled::Exemplars::new(buckets))) }
    }

    /// Offers values, if a sampled span is active.
    #[inline(always)]
    pub(super) fn offer(&self, values: impl Iterator<Item = f64>) {
        if sampled::is_span_sampled() {
            values.for_each(|value| self.offer_sampled(value));
        }
    }

    #[cold]
    #[inline(never)]
    fn offer_sampled(&self, value: f64) {
        if let Some((reservoir, span)) = self.reservoir.as_ref().zip(sampled::span()) {
            reservoir.offer(value, &span);
        }
    }

    pub(super) fn collect(&self) -> Vec<Exemplar> {
        self.reservoir.as_ref().map_or_else(Vec::new, |reservoir| reservoir.collect())
    }
}

#[cfg(feature = "trace")]
mod sampled {
    use std::{cell::Cell, panic, sync::Arc};

    use opentelemetry::{
        Context,
        trace::{SpanContext, TraceContextExt},
    };

    use super::Exemplar;
    use crate::{
        cell::Reservoir,
        metrics::{Buckets, Timestamp, buckets::Kind},
    };

    /// How many exemplars are kept of exponential buckets: OpenTelemetry specification, metrics SDK,
    /// "SimpleFixedSizeExemplarReservoir".
    const OF_EXPONENTIAL: usize = 20;

    thread_local! {
        static CONTEXT: Cell<Asking> = const { Cell::new(Asking::First) };
        /// Made after OpenTelemetry's own thread-local, it goes before it at thread exit.
        static AT_EXIT: AtExit = const { AtExit };
    }

    /// Whether the thread can ask for its context.
    #[derive(Clone, Copy)]
    enum Asking {
        /// For the first time. That allocates, and an allocator that records must not come here too.
        First,
        Possible,
        /// It is asking for the first time, or its thread-locals are gone: OpenTelemetry would panic.
        Impossible,
    }

    struct AtExit;

    impl Drop for AtExit {
        fn drop(&mut self) {
            CONTEXT.set(Asking::Impossible);
        }
    }

    #[inline(always)]
    fn with_context<R>(f: impl FnOnce(&Context) -> R) -> Option<R> {
        match CONTEXT.get() {
            Asking::Possible => Some(Context::map_current(f)),
            Asking::First if ask_first() => Some(Context::map_current(f)),
            Asking::First | Asking::Impossible => None,
        }
    }

    #[cold]
    #[inline(never)]
    fn ask_first() -> bool {
        CONTEXT.set(Asking::Impossible);
        let is_possible =
            panic::catch_unwind(|| Context::map_current(|_| ())).is_ok() && AT_EXIT.try_with(|_| ()).is_ok();
        if is_possible {
            CONTEXT.set(Asking::Possible);
        }
        is_possible
    }

    #[inline(always)]
    pub(super) fn is_span_sampled() -> bool {
        let is_sampled =
            |context: &Context| context.has_active_span() && context.span().span_context().is_sampled();
        with_context(is_sampled).unwrap_or(false)
    }

    pub(super) fn span() -> Option<SpanContext> {
        with_context(|context| context.span().span_context().clone())
    }

    #[derive(Debug)]
    pub(super) struct Exemplars {
        reservoir: Reservoir<Exemplar>,
        /// Upper bounds of buckets: then each bucket has a place of its own.
        bounds: Option<Arc<[f64]>>,
    }

    impl Exemplars {
        pub(super) fn new(buckets: &Buckets) -> Self {
            match &buckets.0 {
                Kind::Exponential(_) => Self { reservoir: Reservoir::new(OF_EXPONENTIAL), bounds: None },
                Kind::Explicit(bounds) => {
                    let reservoir = Reservoir::new(bounds.len() + 1);
                    Self { reservoir, bounds: Some(bounds.clone()) }
                }
            }
        }

        pub(super) fn offer(&self, value: f64, span: &SpanContext) {
            if !value.is_finite() {
                return;
            }
            let sample = || Exemplar {
                value,
                time: Timestamp::now(),
                trace_id: span.trace_id().to_bytes(),
                span_id: span.span_id().to_bytes(),
            };
            // Not taken, it is as if it had not been drawn.
            let _taken = match &self.bounds {
                Some(bounds) => self.reservoir.put(bounds.partition_point(|&bound| bound < value), sample()),
                None => self.reservoir.offer(|below| fastrand::u64(..below), sample),
            };
        }

        pub(super) fn collect(&self) -> Vec<Exemplar> {
            self.reservoir.collect()
        }
    }
}
