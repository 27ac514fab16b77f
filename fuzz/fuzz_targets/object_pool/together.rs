//! Several threads at once.

use std::{
    collections::BTreeSet,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use arbitrary::Arbitrary;
use freewheel::{
    ObjectPool, Stack,
    object_pool::{Guard, OwnedPooled},
};

use crate::{
    Settings,
    common::{Census, Name, Source, together},
    object::{Fate, Object, pool},
};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Step {
    /// So many times.
    Get(u8),
    TryGet(u8),
    GiveBack(u8, Fate),
    /// Leaves so many to other threads, or takes as many of theirs.
    PassOn(u8),
    TakeOver(u8),
    Detach(u8),
    Put(u8, Fate),
    Clear,
}

/// What one thread has seen of its script.
#[derive(Default)]
struct Seen {
    used: Vec<OwnedPooled<Object>>,
    detached: Vec<Object>,
    gets: usize,
    hits: usize,
    puts: usize,
}

struct Bench {
    pool: Arc<ObjectPool<Object>>,
    exchange: Stack<OwnedPooled<Object>>,
}

impl Bench {
    fn run(&self, script: Vec<Step>, mut source: Source) -> Seen {
        let mut seen = Seen::default();
        script.into_iter().for_each(|step| self.step(step, &mut seen, &mut source));
        seen
    }

    fn step(&self, step: Step, seen: &mut Seen, source: &mut Source) {
        match step {
            Step::Get(count) => {
                seen.gets += usize::from(count);
                seen.used.extend((0..count).map(|_| self.pool.get_owned()));
            }
            Step::TryGet(count) => {
                let found = (0..count).filter_map(|_| self.pool.try_get()).map(Guard::detach);
                let before = seen.detached.len();
                seen.detached.extend(found);
                seen.hits += seen.detached.len() - before;
            }
            Step::GiveBack(count, fate) => {
                (0..count).filter_map(|_| seen.used.pop()).for_each(|mut guard| {
                    guard.fate = fate;
                    expect(fate, || drop(guard));
                })
            }
            Step::PassOn(count) => {
                (0..count).filter_map(|_| seen.used.pop()).for_each(|guard| self.exchange.push(guard))
            }
            Step::TakeOver(count) => seen.used.extend((0..count).filter_map(|_| self.exchange.pop())),
            Step::Detach(count) => {
                let detached = (0..count).filter_map(|_| seen.used.pop()).map(Guard::detach);
                seen.detached.extend(detached);
            }
            Step::Put(count, fate) => (0..count).for_each(|_| {
                let mut object = Object::new(source.make());
                object.fate = fate;
                seen.puts += 1;
                expect(fate, || self.pool.put(object));
            }),
            Step::Clear => self.pool.clear(),
        }
    }
}

/// An object of that fate comes back.
fn expect(fate: Fate, act: impl FnOnce()) {
    let panicked = catch_unwind(AssertUnwindSafe(act)).is_err();
    assert_eq!(panicked, matches!(fate, Fate::KeepPanics | Fate::ResetPanics));
}

fn names<'a>(objects: impl IntoIterator<Item = &'a Object>) -> Vec<Name> {
    objects.into_iter().map(Object::name).collect()
}

pub fn run(settings: Settings, scripts: [Vec<Step>; 3]) {
    let census = Census::default();
    let bench = Bench { pool: Arc::new(pool(settings, &census, 3)), exchange: Stack::new() };
    let clearing = scripts.iter().flatten().any(|step| matches!(step, Step::Clear));
    let scripts = scripts.into_iter().filter(|script| !script.is_empty()).collect();
    let mut seen = together(scripts, |thread, script| bench.run(script, census.source(thread)));
    let Bench { pool, exchange } = bench;

    let stats = pool.stats();
    let in_use = seen.iter().flat_map(|seen| &seen.used).count();
    let detached = seen.iter().flat_map(|seen| &seen.detached).count();
    let exchanged: Vec<_> = exchange.into_iter().collect();
    assert_eq!(stats.in_use as usize, in_use + exchanged.len());
    assert_eq!(stats.live() as usize + detached, census.living());
    let sum = |count: fn(&Seen) -> usize| seen.iter().map(count).sum::<usize>();
    assert_eq!((stats.hits + stats.misses) as usize, sum(|seen| seen.gets) + sum(|seen| seen.hits));
    let made = stats.misses as usize + settings.prefill().min(settings.max()) + sum(|seen| seen.puts);
    let gone = made - census.living();
    assert!(
        stats.dropped as usize == gone || clearing && stats.dropped as usize <= gone,
        "{gone}: {stats:?}"
    );
    assert!(stats.idle as usize <= settings.max(), "{stats:?}");

    // Nobody has an object that anybody else has.
    let mut out: Vec<Name> = exchanged.iter().map(|guard| guard.name()).collect();
    for seen in &mut seen {
        out.extend(seen.used.iter().map(|guard| guard.name()));
        out.extend(names(&seen.detached));
        // Whatever is still in use does not come back.
        seen.detached.extend(seen.used.drain(..).map(Guard::detach));
    }
    let exchanged: Vec<Object> = exchanged.into_iter().map(Guard::detach).collect();
    let idle = Arc::into_inner(pool).expect("nobody else has it").into_inner();
    assert_eq!(idle.len(), stats.idle as usize);
    out.extend(names(&idle));
    let distinct: BTreeSet<Name> = out.iter().copied().collect();
    assert_eq!(distinct.len(), out.len(), "an object is in two places: {out:?}");
    assert_eq!(census.living(), out.len());
    drop((seen, exchanged, idle));
    assert_eq!(census.living(), 0, "the pool has leaked objects");
}
