//! No race loses an update, gives a version twice, parts a value from its version, or drops a value twice or never.

use std::{
    iter,
    panic::{self, AssertUnwindSafe, catch_unwind},
    sync::{
        Arc, Barrier, Mutex,
        atomic::{AtomicBool, AtomicU8, AtomicU64, AtomicUsize, Ordering::Relaxed, Ordering::SeqCst},
    },
    thread,
};

use freewheel::{Latest, latest::Guard};

/// Ends the other threads of a test, also when an assertion fails: a scope waits for them.
struct SetOnDrop<'a>(&'a AtomicBool);

impl Drop for SetOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// Runs `work` in `threads` threads that begin together, told their numbers; `read` in two more, over and over, until
/// the others are done and at least once.
fn race<R: Send>(
    threads: usize,
    work: impl Fn(usize) -> R + Sync,
    read: impl Fn() -> Box<dyn FnMut()> + Sync,
) -> Vec<R> {
    let (begin, done) = (&Barrier::new(threads + 2), &AtomicBool::new(false));
    let (work, read) = (&work, &read);
    thread::scope(|scope| {
        let ends_readers = SetOnDrop(done);
        for _ in 0..2 {
            scope.spawn(move || {
                let mut read = read();
                begin.wait();
                while !done.load(Relaxed) {
                    read();
                }
                read();
            });
        }
        let start = |number| {
            scope.spawn(move || {
                begin.wait();
                work(number)
            })
        };
        let workers: Vec<_> = (0..threads).map(start).collect();
        let results = workers.into_iter().map(|worker| worker.join().unwrap()).collect();
        drop(ends_readers);
        results
    })
}

#[test]
fn no_update_is_lost() {
    const THREADS: usize = 4;
    const UPDATES: u64 = 20_000;
    let latest = &Latest::new(0_u64);
    let old: Vec<Vec<u64>> =
        race(THREADS, |_| (0..UPDATES).map(|_| *latest.update(|n| n + 1)).collect(), || Box::new(|| ()));
    let all = THREADS as u64 * UPDATES;
    assert_eq!((*latest.load(), latest.version()), (all, all));
    let mut old = old.concat();
    old.sort_unstable();
    assert!(old.into_iter().eq(0..all), "each value was replaced by exactly one update");
}

#[test]
fn a_value_comes_with_its_own_version_and_versions_never_go_back() {
    /// A value that knows its version, large enough to be seen torn.
    struct Stamped([u64; 32]);
    let latest = Arc::new(Latest::new(Stamped([0; 32])));
    let check = |guard: &Guard<Stamped>| {
        let version = guard.version();
        assert!(guard.0.iter().all(|&word| word == version), "version {version}: {:?}", guard.0);
        version
    };
    let read = || -> Box<dyn FnMut()> {
        let (latest, mut seen) = (Arc::clone(&latest), 0);
        let mut held = iter::repeat_with(|| None).take(12).collect::<Vec<_>>();
        Box::new(move || {
            for place in &mut held {
                let bare = latest.version();
                assert!(bare >= seen, "version() {bare} after {seen}");
                let guard = latest.load();
                let version = check(&guard);
                assert!(version >= bare, "load() {version} after version() {bare}");
                let full = latest.load_full();
                assert!(full.version() >= version && full.0[31] == full.version());
                seen = full.version();
                // The ones held longest are far behind and still whole.
                if let Some(old) = place.replace(guard) {
                    check(&old);
                }
            }
        })
    };
    race(
        3,
        |_| (0..10_000).for_each(|_| drop(latest.update(|old| Stamped(old.0.map(|word| word + 1))))),
        read,
    );
    assert_eq!((latest.version(), latest.load().0[0]), (30_000, 30_000));
}

#[test]
fn readers_see_only_what_was_stored_and_nothing_older_than_what_was_finished() {
    const WRITERS: usize = 3;
    const WRITES: usize = 10_000;
    let latest = Arc::new(Latest::new((usize::MAX, 0)));
    let finished = Arc::new(AtomicU64::new(0));
    let seen = Arc::new(Mutex::new(Vec::new()));
    let write = |writer| {
        let mut history = Vec::with_capacity(WRITES);
        for write in 0..WRITES {
            let value = (writer, write);
            let old = if write % 2 == 0 { latest.swap(value) } else { latest.update(|_| value) };
            let version = old.version() + 1;
            finished.fetch_max(version, SeqCst);
            history.push((version, value, *old));
        }
        history
    };
    let read = || -> Box<dyn FnMut()> {
        let (latest, finished, seen) = (Arc::clone(&latest), Arc::clone(&finished), Arc::clone(&seen));
        let mut last = None;
        Box::new(move || {
            let at_least = finished.load(SeqCst);
            let current = latest.load();
            assert!(current.version() >= at_least, "{} after {at_least}", current.version());
            let pair = (current.version(), *current);
            assert!(last.is_none_or(|(version, _)| version <= pair.0), "{pair:?} after {last:?}");
            if last.replace(pair) != Some(pair) {
                seen.lock().unwrap().push(pair);
            }
        })
    };
    let mut history = race(WRITERS, write, read).concat();
    history.sort_unstable();
    let mut before = (usize::MAX, 0);
    for (expected, &(version, value, old)) in (1..).zip(&history) {
        assert_eq!((version, old), (expected, before), "each version replaces the one before");
        before = value;
    }
    assert_eq!((history.len() as u64, before), (latest.version(), *latest.load()));
    let seen = seen.lock().unwrap();
    assert!(!seen.is_empty());
    for &(version, value) in seen.iter().filter(|(version, _)| *version > 0) {
        assert_eq!(history[version as usize - 1].1, value, "version {version}");
    }
}

/// The drops of every value ever made, by number.
struct Ledger {
    made: AtomicUsize,
    drops: Vec<AtomicU8>,
}

struct Entry<'a> {
    ledger: &'a Ledger,
    number: usize,
}

impl Ledger {
    fn entry(&self) -> Entry<'_> {
        Entry { ledger: self, number: self.made.fetch_add(1, Relaxed) }
    }
}

impl Drop for Entry<'_> {
    fn drop(&mut self) {
        self.ledger.drops[self.number].fetch_add(1, Relaxed);
    }
}

#[test]
fn every_value_is_dropped_exactly_once_also_when_updates_panic() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 5_000;
    /// Room for the retries of updates, each of which makes a value.
    const ROOM: usize = 1 << 20;
    // Quiet: thousands of panics are on purpose. The other tests of this file do not look at messages.
    let print = panic::take_hook();
    panic::set_hook(Box::new(move |info| {
        if info.payload_as_str() != Some("on purpose") {
            print(info);
        }
    }));
    let ledger = Ledger {
        made: AtomicUsize::new(0),
        drops: iter::repeat_with(AtomicU8::default).take(ROOM).collect(),
    };
    let latest = Latest::new(ledger.entry());
    let work = |thread| {
        let mut kept = Vec::new();
        for round in 0..ROUNDS {
            match (round + thread) % 5 {
                0 => latest.store(ledger.entry()),
                1 => kept.push(latest.swap(ledger.entry())),
                2 => drop(latest.update(|_| ledger.entry())),
                3 => {
                    let panicking = AssertUnwindSafe(|| {
                        latest.update(|_| {
                            let _half_made = ledger.entry();
                            panic!("on purpose")
                        })
                    });
                    assert!(catch_unwind(panicking).is_err());
                }
                _ => {
                    let guards: Vec<_> = (0..10).map(|_| latest.load()).collect();
                    kept.extend(guards.into_iter().map(Guard::into_shared).take(2));
                }
            }
            if kept.len() > 50 {
                kept.clear();
            }
        }
        kept.iter().for_each(|kept| assert_eq!(ledger.drops[kept.number].load(Relaxed), 0));
    };
    race(THREADS, work, || Box::new(|| ()));
    // Of five rounds, three replace the value.
    assert_eq!(latest.version(), (THREADS * ROUNDS * 3 / 5) as u64);
    drop(latest);
    let (made, rest) = ledger.drops.split_at(ledger.made.load(Relaxed));
    assert!(made.len() > THREADS * ROUNDS * 4 / 5);
    assert!(made.iter().all(|drops| drops.load(Relaxed) == 1));
    assert!(rest.iter().all(|drops| drops.load(Relaxed) == 0));
}
