//! What all instruments have in common.

use std::{
    borrow::Cow,
    collections::hash_map::RandomState,
    hash::{BuildHasher, Hasher},
    num::{NonZeroU32, NonZeroUsize},
    sync::{
        Arc, LazyLock,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Attributes, Buckets, KeyValue, SeriesId, Timestamp, Value,
    collection::Collection,
    digest::{self, Kept},
    view::Keys,
};
use crate::series::{self, LocalCache};

/// Defines `Sealed::cache` for one type of handle.
macro_rules! define_cache {
    ($handle:ty) => {
        fn cache() -> &'static $crate::series::LocalCache<$crate::metrics::digest::Kept, $handle> {
            thread_local! {
                static CACHE: std::cell::RefCell<$crate::series::Cache<$crate::metrics::digest::Kept, $handle>> =
                    const { std::cell::RefCell::new($crate::series::Cache::new()) };
            }
            &CACHE
        }
    };
}
pub(super) use define_cache;

/// An instrument that a [`Registry`](super::Registry) can make. Sealed: the kinds are those of this module.
pub trait Instrument: sealed::Sealed + Clone + Send + Sync + 'static {}

impl<I: sealed::Sealed + Clone + Send + Sync + 'static> Instrument for I {}

/// One series of an instrument.
#[derive(Clone, Debug)]
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
    /// That of the attributes.
    pub(super) hash: u64,
    pub(super) start: Timestamp,
}

impl SeriesKey {
    /// Takes as many identities as the instrument has parts.
    pub(super) fn new(attributes: Attributes, parts: usize) -> Self {
        // Begins at random, so that processes whose snapshots meet have different ones. Half of the range never ends.
        static NEXT: LazyLock<AtomicU64> =
            LazyLock::new(|| AtomicU64::new(RandomState::new().build_hasher().finish() >> 1));
        let hash = digest::hash(attributes.iter().map(KeyValue::as_ref));
        let id = SeriesId(NEXT.fetch_add(parts as u64, Relaxed));
        Self { id, attributes, hash, start: Timestamp::now() }
    }

    /// The identity of what the series is exported as in this part.
    pub(super) fn of_part(&self, part: usize) -> SeriesId {
        SeriesId(self.id.0 + part as u64)
    }

    /// That of a series that tells something about an instrument.
    pub(super) fn of_instrument(name: Cow<'static, str>) -> Self {
        Self::new([KeyValue::new("instrument", Value::String(name))].into(), 1)
    }
}

impl<I: Instrument> series::Series for Series<I> {
    fn hash(&self) -> u64 {
        self.key.hash
    }

    fn is_same(&self, other: &Self) -> bool {
        self.key.id == other.key.id
    }

    fn is_only_handle(&mut self) -> bool {
        self.handle.is_only_handle()
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
    use super::{Collection, Cow, Identity, Kept, LocalCache, Part, Series, Settings};

    /// Behind [`Instrument`](super::Instrument).
    pub trait Sealed: Sized {
        /// The metrics that the instrument is exported as.
        const PARTS: &'static [Part];

        /// The kind in words, as errors name it.
        fn kind(settings: &Settings) -> Cow<'static, str>;

        /// Makes a series of its own.
        fn register(settings: &Settings) -> Self;

        /// A handle that ignores what is recorded.
        fn unregistered() -> Self;

        /// The calling thread's cache of such handles.
        fn cache() -> &'static LocalCache<Kept, Self>;

        /// Whether this is the only handle on its series; if so, all that was recorded through others is visible.
        fn is_only_handle(&mut self) -> bool;

        /// Numbers that change when something is recorded, or `None` while the series must not go as idle.
        fn activity(&self) -> Option<[u64; 2]>;

        /// Adds the points of all series to a collection; `identities` are those of `PARTS`.
        fn collect(series: &[Series<Self>], identities: &[Identity], collection: &mut Collection<'_>);

        /// How many samples were not recorded.
        fn rejected(&self) -> u64 {
            0
        }
    }
}
