//! What all instruments have in common.

use std::{
    borrow::Cow,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
};

use super::{Attributes, Buckets, SeriesId, Timestamp, collection::Collection, view::Keys};

/// An instrument that a [`Registry`](super::Registry) can make. Sealed: the kinds are those of this module.
pub trait Instrument: sealed::Sealed + Clone + Send + Sync + 'static {}

impl<I: sealed::Sealed + Clone + Send + Sync + 'static> Instrument for I {}

/// One series of an instrument.
#[derive(Debug)]
pub struct Series<I> {
    pub(super) key: SeriesKey,
    pub(super) handle: I,
}

/// What tells a series apart.
#[derive(Clone, Debug)]
pub(super) struct SeriesKey {
    /// Of the first part; those of the others follow.
    pub(super) id: SeriesId,
    pub(super) attributes: Attributes,
    pub(super) start: Timestamp,
}

impl SeriesKey {
    /// The identity of what the series is exported as in this part.
    pub(super) fn of_part(&self, part: usize) -> SeriesId {
        SeriesId(self.id.0 + part as u64)
    }
}

/// Name, unit and description as registered.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) name: Arc<str>,
    pub(super) unit: Arc<str>,
    pub(super) description: Arc<str>,
}

/// What can be chosen about an instrument, by the code that registers it or by a [`View`](super::View).
#[derive(Clone, Debug, Default)]
pub struct Settings {
    pub(super) is_off: bool,
    pub(super) buckets: Option<Buckets>,
    /// Other attributes are left out.
    pub(super) kept_keys: Option<Keys>,
    pub(super) cardinality_limit: Option<NonZeroUsize>,
    pub(super) idle_after: Option<NonZeroU32>,
}

/// One metric that an instrument is exported as; most have one, with the instrument's own name.
#[derive(Debug)]
pub struct Part {
    /// What is appended to the name.
    pub(super) suffix: &'static str,
    /// The unit, where the user has no say in it.
    pub(super) unit: Option<&'static str>,
    /// The description, where the user has no say in it.
    pub(super) description: Option<&'static str>,
}

impl Part {
    /// The instrument itself.
    pub(super) const WHOLE: Self = Self { suffix: "", unit: None, description: None };
}

pub(super) mod sealed {
    use super::{Collection, Cow, Identity, Part, Series, Settings};

    /// Behind [`Instrument`](super::Instrument).
    pub trait Sealed: Sized {
        /// The metrics that the instrument is exported as.
        const PARTS: &'static [Part];

        /// The kind in words, as errors name it.
        fn kind(settings: &Settings) -> Cow<'static, str>;

        /// Makes a series of its own.
        fn register(settings: &Settings) -> Self;

        /// Adds the points of all series to a collection; `identities` are those of `PARTS`.
        fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>);

        /// How many samples were not recorded.
        fn rejected(&self) -> u64 {
            0
        }
    }
}
