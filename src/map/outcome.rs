//! What operations are told, and tell.

/// What [`ShardedMap::compute`](super::ShardedMap::compute) is to do with a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action<V> {
    /// Leave everything as it is.
    Keep,
    /// Store this value.
    Store(V),
    /// Delete the key, if it is there.
    Delete,
}

/// The value that is in the map after a `load_or_store`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoadOrStore<V> {
    /// It was there.
    Loaded(V),
    /// It was not, so this was stored.
    Stored(V),
}

impl<V> LoadOrStore<V> {
    /// The value, wherever it comes from.
    pub fn into_inner(self) -> V {
        match self {
            Self::Loaded(value) | Self::Stored(value) => value,
        }
    }

    pub(super) fn map<R>(self, map: impl FnOnce(V) -> R) -> LoadOrStore<R> {
        match self {
            Self::Loaded(value) => LoadOrStore::Loaded(map(value)),
            Self::Stored(value) => LoadOrStore::Stored(map(value)),
        }
    }

    /// Whether it was there.
    #[must_use]
    pub const fn is_loaded(&self) -> bool {
        matches!(self, Self::Loaded(_))
    }
}
