//! The series of one instrument, whatever its kind.

use std::{
    any::Any,
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use super::{
    Attributes, Instrument, KeyValue, SeriesId, ValueRef,
    collection::Collection,
    digest,
    instrument::{Identity, Series, SeriesKey, Settings},
    observe::{Callback, Failures},
};
use crate::series::{Directory, Found, forget_everywhere};

/// How many series an instrument has at most unless told otherwise: OpenTelemetry specification, metrics SDK,
/// "Cardinality limits".
pub(super) const DEFAULT_LIMIT: usize = 2000;

/// All series of an instrument, shared by the registry and everything that looks up series.
#[derive(Debug)]
pub(crate) struct SeriesSet<I> {
    settings: Settings,
    directory: Directory<Series<I>>,
    /// How many lookups ended in the overflow series.
    overflowed: AtomicU64,
    /// What the last sweep found; empty unless idle series are removed.
    quiet: Mutex<HashMap<SeriesId, Quiet>>,
    /// How many samples were not recorded in series that are gone. Locked while series go and while they are listed,
    /// so that each sample is counted in one place.
    rejected_before: Mutex<u64>,
}

/// How long a series has not changed.
#[derive(Clone, Copy, Debug)]
struct Quiet {
    activity: Option<[u64; 2]>,
    rounds: u32,
}

/// [`SeriesSet`] of an instrument of whatever kind.
pub(super) trait AnySeriesSet: Any + Send + Sync {
    /// The series that there are now, and how many samples were not recorded, in these and in those that are gone.
    fn list(&self) -> (Arc<dyn AnySeries>, u64);
    fn len(&self) -> usize;
    fn remove(&self, attributes: &[KeyValue]) -> bool;
    /// Removes what is idle; a round of collections is over.
    fn sweep(&self);
    fn overflowed(&self) -> u64;

    /// What is to be called before the series are collected.
    fn callbacks(&self) -> Vec<Weak<Callback>> {
        Vec::new()
    }
}

/// Some series of an instrument of whatever kind.
pub(super) trait AnySeries: Send + Sync {
    fn collect(&self, identities: &[Identity], collection: &mut Collection<'_>);

    /// How often callbacks failed, if the instrument has any.
    fn failures(&self) -> Option<&Failures> {
        None
    }
}

impl<I: Instrument> SeriesSet<I> {
    pub(super) fn new(settings: Settings) -> Self {
        let limit = limit(&settings);
        let attributes = [overflow_attribute()].into();
        let key = SeriesKey::new(attributes, I::PARTS.len());
        let overflow = Series { key, handle: I::register(&settings) };
        Self {
            directory: Directory::new(limit, overflow),
            settings,
            overflowed: AtomicU64::new(0),
            quiet: Mutex::default(),
            rejected_before: Mutex::default(),
        }
    }

    /// A handle on the series with these attributes, in any order, made if there is room for it; else one on the
    /// overflow series. Of attributes with the same key the last one counts, and those without a key do not.
    pub(crate) fn find<'a, A>(&self, attributes: A) -> I
    where
        A: Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
    {
        if self.settings.is_off {
            return I::unregistered();
        }
        let attributes = self.kept(attributes);
        let found = self.directory.find_or_make(
            digest::hash(attributes.clone()),
            |series| is_set_of(&series.key.attributes, attributes.clone()),
            || {
                let key = SeriesKey::new(to_attributes(attributes.clone()), I::PARTS.len());
                Series { key, handle: I::register(&self.settings) }
            },
        );
        if matches!(found, Found::Overflow(_)) {
            self.overflowed.fetch_add(1, Relaxed);
        }
        found.into_series().handle
    }

    /// The overflow series, for what has no series by its nature.
    pub(super) fn overflow(&self) -> I {
        if self.settings.is_off {
            return I::unregistered();
        }
        self.overflowed.fetch_add(1, Relaxed);
        self.directory.overflow().handle
    }

    /// The attributes that make the series: see `find`, and the view may leave some out.
    fn kept<'a, A>(&self, attributes: A) -> impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone
    where
        A: Iterator<Item = (&'a str, ValueRef<'a>)> + Clone,
    {
        let all = attributes.clone();
        attributes.enumerate().filter_map(move |(at, (key, value))| {
            let is_repeated = all.clone().skip(at + 1).any(|(later, _)| later == key);
            let is_kept =
                self.settings.kept_keys.as_ref().is_none_or(|kept| kept.iter().any(|kept| kept == key));
            (is_kept && !is_repeated && !key.is_empty()).then_some((key, value))
        })
    }

    fn with_quiet<R>(&self, change: impl FnOnce(&mut HashMap<SeriesId, Quiet>) -> R) -> R {
        change(&mut self.quiet.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn with_rejected_before<R>(&self, change: impl FnOnce(&mut u64) -> R) -> R {
        change(&mut self.rejected_before.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl<I: Instrument> AnySeriesSet for SeriesSet<I> {
    fn list(&self) -> (Arc<dyn AnySeries>, u64) {
        self.with_rejected_before(|before| {
            let list = self.directory.list();
            let rejected = list.iter().map(|series| series.handle.rejected()).sum::<u64>();
            (list as Arc<dyn AnySeries>, *before + rejected)
        })
    }

    fn len(&self) -> usize {
        self.directory.list().len()
    }

    fn remove(&self, attributes: &[KeyValue]) -> bool {
        let attributes = attributes.iter().map(KeyValue::as_ref);
        let is = |series: &Series<I>| is_set_of(&series.key.attributes, attributes.clone());
        let is_removed = self.with_rejected_before(|before| {
            let removed = self.directory.remove(digest::hash(attributes.clone()), is);
            *before += removed.as_ref().map_or(0, |series| series.handle.rejected());
            removed.is_some()
        });
        forget_everywhere();
        is_removed
    }

    fn sweep(&self) {
        let Some(patience) = self.settings.idle_after else { return };
        let list = self.directory.list();
        let is_due = self.with_quiet(|quiet| {
            let mut still = HashMap::with_capacity(list.len());
            for Series { key, handle } in list.iter() {
                let activity = handle.activity();
                let before =
                    quiet.get(&key.id).filter(|before| before.activity == activity && activity.is_some());
                let rounds = before.map_or(0, |before| before.rounds.saturating_add(1));
                still.insert(key.id, Quiet { activity, rounds });
            }
            *quiet = still;
            quiet.values().any(|quiet| quiet.rounds >= patience.get())
        });
        drop(list);
        if is_due {
            // The handles in caches go at their threads' next lookups, so some series wait for a later round.
            forget_everywhere();
            self.with_quiet(|quiet| {
                self.with_rejected_before(|before| {
                    let is_due = |series: &Series<I>| {
                        quiet.get(&series.key.id).is_some_and(|quiet| quiet.rounds >= patience.get())
                    };
                    let may_go = |Series { key, handle }: &Series<I>| {
                        let goes = quiet[&key.id].activity == handle.activity();
                        *before += if goes { handle.rejected() } else { 0 };
                        goes
                    };
                    self.directory.remove_unheld(is_due, may_go)
                })
            });
        }
    }

    fn overflowed(&self) -> u64 {
        self.overflowed.load(Relaxed)
    }
}

impl<I: Instrument> AnySeries for Vec<Series<I>> {
    fn collect(&self, identities: &[Identity], collection: &mut Collection<'_>) {
        I::collect(self, identities, collection);
    }
}

/// How many series there may be, that of the overflow included.
pub(super) fn limit(settings: &Settings) -> usize {
    settings.cardinality_limit.map_or(DEFAULT_LIMIT, |limit| limit.get())
}

/// What the series is called that takes what is over the limit.
pub(super) fn overflow_attribute() -> KeyValue {
    KeyValue::new("otel.metric.overflow", true)
}

/// Whether `set` has exactly the given attributes, which have different keys.
fn is_set_of<'a>(set: &[KeyValue], mut given: impl Iterator<Item = (&'a str, ValueRef<'a>)> + Clone) -> bool {
    set.len() == given.clone().count()
        && given.all(|(key, value)| {
            let mut same_key = set.iter().filter(|attribute| attribute.key == key);
            same_key.next().is_some_and(|attribute| ValueRef::from(&attribute.value).is(value))
        })
}

fn to_attributes<'a>(given: impl Iterator<Item = (&'a str, ValueRef<'a>)>) -> Attributes {
    let owned = given.map(|(key, value)| KeyValue::new(key.to_owned(), value.to_value()));
    let mut owned: Vec<KeyValue> = owned.collect();
    owned.sort_by(|a, b| a.key.cmp(&b.key));
    owned.into()
}
