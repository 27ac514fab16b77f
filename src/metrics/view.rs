//! [`View`]: what an operator changes about instruments without touching the code that records.

use std::{
    borrow::Cow,
    num::{NonZeroU32, NonZeroUsize},
    sync::Arc,
};

use super::{Buckets, instrument::Settings};

/// Changes the instruments whose names match a pattern; given to [`RegistryBuilder::view`](super::RegistryBuilder::view).
///
/// What a view sets goes before what the code that registers the instrument asks for. If several views match, all of
/// them apply in the order in which they were given, and the last one wins where they disagree.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{Buckets, Registry, View};
///
/// let registry = Registry::builder()
///     .view(View::new("http.server.*").buckets(Buckets::request_seconds()))
///     .view(View::new("*.internal.*").off())
///     .build();
/// # let _ = registry;
/// ```
#[derive(Clone, Debug)]
#[must_use = "a view does nothing before a registry has it"]
pub struct View {
    pattern: Cow<'static, str>,
    settings: Settings,
}

impl View {
    /// A view of the instruments whose names match `pattern`: `*` stands for any number of characters, `?` for one.
    /// ASCII case does not matter, as in names.
    pub fn new(pattern: impl Into<Cow<'static, str>>) -> Self {
        Self { pattern: pattern.into(), settings: Settings::default() }
    }

    /// Sets the buckets of histograms; not those of [`RequestMetrics`](super::RequestMetrics), which are the default ones.
    pub fn buckets(mut self, buckets: Buckets) -> Self {
        self.settings.buckets = Some(buckets);
        self
    }

    /// Keeps only attributes with these keys. Series that differ in others only become one.
    pub fn keep_attributes<K: Into<Cow<'static, str>>>(mut self, keys: impl IntoIterator<Item = K>) -> Self {
        self.settings.kept_keys = Some(keys.into_iter().map(K::into).collect());
        self
    }

    /// Sets how many series an instrument may have, as
    /// [`InstrumentBuilder::cardinality_limit`](super::InstrumentBuilder::cardinality_limit).
    pub fn cardinality_limit(mut self, series: NonZeroUsize) -> Self {
        self.settings.cardinality_limit = Some(series);
        self
    }

    /// Removes idle series, as
    /// [`InstrumentBuilder::remove_idle_after`](super::InstrumentBuilder::remove_idle_after).
    pub fn remove_idle_after(mut self, collections: NonZeroU32) -> Self {
        self.settings.idle_after = Some(collections);
        self
    }

    /// Switches the instruments off: they register, and ignore what is recorded.
    pub fn off(mut self) -> Self {
        self.settings.is_off = true;
        self
    }

    fn matches(&self, name: &str) -> bool {
        matches(self.pattern.as_bytes(), name.as_bytes())
    }
}

/// Whether `name` matches `pattern`. Goes back to the last `*` only, so the time is the product of the lengths at most.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut in_pattern, mut in_name) = (0, 0);
    // Where to go on if what follows the last star does not fit: behind the star, and one character later.
    let mut retry: Option<(usize, usize)> = None;
    while in_name < name.len() {
        match pattern.get(in_pattern) {
            Some(b'*') => {
                retry = Some((in_pattern + 1, in_name));
                in_pattern += 1;
            }
            Some(c) if *c == b'?' || c.eq_ignore_ascii_case(&name[in_name]) => {
                in_pattern += 1;
                in_name += 1;
            }
            _ => {
                let Some((after_star, tried)) = retry else { return false };
                retry = Some((after_star, tried + 1));
                (in_pattern, in_name) = (after_star, tried + 1);
            }
        }
    }
    pattern[in_pattern..].iter().all(|c| *c == b'*')
}

/// What the builder of an instrument called `name` asked for, with what the views make of it.
pub(super) fn apply(views: &[View], name: &str, asked: &Settings) -> Settings {
    let mut settings = asked.clone();
    for View { settings: view, .. } in views.iter().filter(|view| view.matches(name)) {
        settings = Settings {
            is_off: settings.is_off || view.is_off,
            buckets: view.buckets.clone().or(settings.buckets),
            kept_keys: view.kept_keys.clone().or(settings.kept_keys),
            cardinality_limit: view.cardinality_limit.or(settings.cardinality_limit),
            idle_after: view.idle_after.or(settings.idle_after),
        };
    }
    settings
}

/// Keys of attributes that are kept.
pub(super) type Keys = Arc<[Cow<'static, str>]>;
