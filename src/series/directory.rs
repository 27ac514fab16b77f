//! All series of one instrument.

// Of the list, which is only touched under the mutex or by who alone has it; loom's own lacks `make_mut`.
use std::sync::Arc as ListArc;
use std::{fmt, mem};

use hashbrown::HashTable;

use crate::{
    cell::{is_busy, quietly},
    sync::{
        Arc, Mutex, Swap,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

/// Recent series are settled when there is one for this many that are settled: so each series is copied a bounded
/// number of times, and the series of a small instrument are never recent.
const SETTLED_FOR_EACH_RECENT: usize = 4;

/// What a directory lists. Clones are handles on one series.
pub trait Series: Clone {
    /// The hash of what the series is looked up by.
    fn hash(&self) -> u64;

    /// Whether both are handles on the same series.
    fn is_same(&self, other: &Self) -> bool;

    /// Whether this handle is the only one on the series. If so, what was recorded through the others is visible to
    /// the caller (LEASE).
    fn is_only_handle(&mut self) -> bool;
}

/// The series of one instrument, by attributes, and the one for what is over the limit.
pub struct Directory<T> {
    settled: Swap<Table<T>>,
    state: Mutex<State<T>>,
    limit: usize,
    overflow: T,
    is_overflow_used: AtomicBool,
}

struct State<T> {
    recent: HashTable<T>,
    /// All series in the order of their making; the overflow series once it was found used.
    list: ListArc<Vec<T>>,
    is_overflow_listed: bool,
}

impl<T> State<T> {
    /// How many series there are, without that of the overflow.
    fn len(&self) -> usize {
        self.list.len() - usize::from(self.is_overflow_listed)
    }
}

/// What the settled table says.
enum Look<T> {
    Series(T),
    /// There is no such series, and no room for it.
    Full,
    /// It may be recent.
    Unknown,
}

struct Table<T> {
    series: HashTable<T>,
    /// There is no room for others (FULL).
    is_full: bool,
}

/// Where a lookup ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found<T> {
    /// The series itself.
    Series(T),
    /// There is no room for it: the overflow series.
    Overflow(T),
}

impl<T> Found<T> {
    /// The series, whichever it is.
    pub fn into_series(self) -> T {
        match self {
            Self::Series(series) | Self::Overflow(series) => series,
        }
    }
}

impl<T: Series> Directory<T> {
    /// A directory for `limit` series, `overflow` included.
    pub fn new(limit: usize, overflow: T) -> Self {
        let limit = limit.saturating_sub(1);
        let list = ListArc::default();
        let state = State { recent: HashTable::new(), list, is_overflow_listed: false };
        Self {
            settled: Swap::new(Arc::new(Table::new([].iter(), &overflow, limit == 0))),
            state: Mutex::new(state),
            limit,
            overflow,
            is_overflow_used: AtomicBool::new(false),
        }
    }

    /// Finds the series with that hash for which `is` holds, or makes it if there is room.
    ///
    /// *Progress:* lock-free if the series has settled or the directory is full; else takes the mutex.
    pub fn find_or_make(&self, hash: u64, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> Found<T> {
        match self.look(hash, &is) {
            Look::Series(series) => Found::Series(series),
            Look::Full => Found::Overflow(self.overflow()),
            // An allocator that records; the thread may hold the mutex already.
            Look::Unknown if is_busy() => Found::Overflow(self.overflow()),
            Look::Unknown => self.find_recent_or_make(hash, is, make),
        }
    }

    #[cold]
    fn find_recent_or_make(&self, hash: u64, is: impl Fn(&T) -> bool, make: impl FnOnce() -> T) -> Found<T> {
        quietly(|| {
            let mut state = self.state.lock();
            // It may have been made and settled while we waited.
            match self.look(hash, &is) {
                Look::Series(series) => return Found::Series(series),
                Look::Full => return Found::Overflow(self.overflow()),
                Look::Unknown => {}
            }
            if let Some(series) = state.recent.find(hash, &is) {
                return Found::Series(series.clone());
            }
            let series = make();
            state.recent.insert_unique(hash, series.clone(), T::hash);
            ListArc::make_mut(&mut state.list).push(series.clone());
            let settled = state.len() - state.recent.len();
            if state.len() >= self.limit || state.recent.len() * SETTLED_FOR_EACH_RECENT >= settled {
                self.settle_all(&mut state);
            }
            Found::Series(series)
        })
    }

    /// Looks into the settled table.
    fn look(&self, hash: u64, is: impl Fn(&T) -> bool) -> Look<T> {
        let look = |table: &Table<T>| match table.series.find(hash, is) {
            // Whoever asks for it by its attributes uses it too.
            Some(series) if series.is_same(&self.overflow) => Look::Series(self.overflow()),
            Some(series) => Look::Series(series.clone()),
            None if table.is_full => Look::Full,
            None => Look::Unknown,
        };
        // Quietly: an allocator that comes here from inside does not get to look, and must not be remembered as having.
        quietly(|| self.settled.with(look)).unwrap_or(Look::Unknown)
    }

    /// The overflow series.
    pub fn overflow(&self) -> T {
        if !self.is_overflow_used.load(Relaxed) {
            self.is_overflow_used.store(true, Relaxed);
        }
        self.overflow.clone()
    }

    /// All series that there are now, in the order of their making; the overflow series only if it was used.
    pub fn list(&self) -> ListArc<Vec<T>> {
        quietly(|| {
            let mut state = self.state.lock();
            if self.is_overflow_used.load(Relaxed) && !state.is_overflow_listed {
                state.is_overflow_listed = true;
                ListArc::make_mut(&mut state.list).push(self.overflow.clone());
            }
            state.list.clone()
        })
    }

    /// Takes the series with that hash, for which `is` holds, off the directory. The overflow series stays.
    pub fn remove(&self, hash: u64, is: impl Fn(&T) -> bool) -> Option<T> {
        if hash == self.overflow.hash() && is(&self.overflow) {
            return None;
        }
        quietly(|| {
            let mut state = self.state.lock();
            let at = state.list.iter().position(|series| series.hash() == hash && is(series))?;
            let removed = ListArc::make_mut(&mut state.list).remove(at);
            self.settle_all(&mut state);
            Some(removed)
        })
    }

    /// Removes those series that `is_candidate` names, nobody else has a handle on, and `may_go` agrees to once it is
    /// certain that nobody has. Says how many are gone.
    pub fn remove_unheld(
        &self,
        is_candidate: impl Fn(&T) -> bool,
        mut may_go: impl FnMut(&T) -> bool,
    ) -> usize {
        quietly(|| {
            let mut state = self.state.lock();
            if !state.list.iter().any(&is_candidate) {
                return 0;
            }
            let before = state.list.len();
            let list = ListArc::unwrap_or_clone(mem::take(&mut state.list));
            let (mut kept, mut candidates) = (Vec::with_capacity(before), Vec::new());
            for (at, series) in list.into_iter().enumerate() {
                if is_candidate(&series) {
                    candidates.push((at, series));
                } else {
                    kept.push((at, series));
                }
            }
            // Out of both tables first: from here on nobody gets another handle, they wait for the mutex.
            state.recent.clear();
            self.settle(kept.iter().map(|(_, series)| series), false);
            candidates.retain_mut(|(_, series)| !(series.is_only_handle() && may_go(series)));
            kept.append(&mut candidates);
            kept.sort_unstable_by_key(|(at, _)| *at);
            let gone = before - kept.len();
            state.list = ListArc::new(kept.into_iter().map(|(_, series)| series).collect());
            self.settle_all(&mut state);
            gone
        })
    }

    /// Settles everything in the list.
    fn settle_all(&self, state: &mut State<T>) {
        state.recent.clear();
        self.settle(state.list.iter(), state.len() >= self.limit);
    }

    fn settle<'a>(&self, series: impl ExactSizeIterator<Item = &'a T>, is_full: bool)
    where
        T: 'a,
    {
        self.settled.replace(Arc::new(Table::new(series, &self.overflow, is_full)));
    }
}

impl<T: Series> Table<T> {
    fn new<'a>(all: impl ExactSizeIterator<Item = &'a T>, overflow: &T, is_full: bool) -> Self
    where
        T: 'a,
    {
        let mut series = HashTable::with_capacity(all.len() + 1);
        series.insert_unique(overflow.hash(), overflow.clone(), T::hash);
        for one in all.filter(|one| !one.is_same(overflow)) {
            series.insert_unique(one.hash(), one.clone(), T::hash);
        }
        Self { series, is_full }
    }
}

impl<T> fmt::Debug for Directory<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Directory").field("limit", &self.limit).finish_non_exhaustive()
    }
}
