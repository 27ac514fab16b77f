//! What all instruments have in common.

use std::{borrow::Cow, sync::Arc};

use super::{Attributes, SeriesId, Timestamp, collection::Collection};

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
    pub(super) id: SeriesId,
    pub(super) attributes: Attributes,
    pub(super) start: Timestamp,
}

/// Name, unit and description as registered.
#[derive(Clone, Debug)]
pub struct Identity {
    pub(super) name: Arc<str>,
    pub(super) unit: Arc<str>,
    pub(super) description: Arc<str>,
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
    use super::{Collection, Cow, Identity, Part, Series};

    /// Behind [`Instrument`](super::Instrument).
    pub trait Sealed: Sized {
        /// The metrics that the instrument is exported as.
        const PARTS: &'static [Part];

        /// The kind in words, as errors name it.
        fn kind() -> Cow<'static, str>;

        /// Makes a series of its own.
        fn register() -> Self;

        /// Adds the points of all series to a collection; `identities` are those of `PARTS`.
        fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>);

        /// How many samples were not recorded.
        fn rejected(&self) -> u64 {
            0
        }
    }
}
