//! More threads than slabs. In a process of its own, since the limit is the process's.

use std::{num::NonZeroUsize, sync::Barrier, thread, time::Duration};

use freewheel::metrics::{Buckets, Outcome, Registry, Timestamp, set_max_slabs};

#[test]
fn threads_beyond_the_limit_share_cells_and_every_count_stays_exact() {
    const THREADS: usize = 6;
    const ADDS: u64 = 20_000;
    set_max_slabs(NonZeroUsize::new(2).unwrap());
    let registry = Registry::new();
    let counter = registry.counter("c").build().unwrap();
    let depth = registry.up_down_counter("d").build().unwrap();
    let histogram = registry.histogram::<u64>("h").build().unwrap();
    let floats = registry.histogram::<f64>("f").build().unwrap();
    let bounded = registry.histogram::<u64>("b").buckets(Buckets::explicit([9.0]).unwrap()).build().unwrap();
    let requests = registry.requests("r").build().unwrap();
    let all_alive = Barrier::new(THREADS);
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(|| {
                counter.add(0);
                all_alive.wait();
                for i in 0..ADDS {
                    counter.add(1);
                    depth.add(if i % 2 == 0 { 3 } else { -1 });
                    histogram.record(i);
                    floats.record(i as f64 - 10.0);
                    bounded.record(i);
                    let at = Timestamp::from_unix_nanos(i);
                    requests.record_at(Duration::from_nanos(i), Outcome::Error, at);
                }
                all_alive.wait();
            });
        }
    });
    let recorded = THREADS as u64 * ADDS;
    assert_eq!((counter.total(), depth.total()), (recorded, recorded as i64));
    let distribution = histogram.snapshot();
    assert_eq!((distribution.count(), distribution.max()), (recorded, Some((ADDS - 1) as f64)));
    assert_eq!(distribution.sum(), (recorded * (ADDS - 1) / 2) as f64);
    let (floats, bounded) = (floats.snapshot(), bounded.snapshot());
    assert_eq!(
        (floats.count(), floats.min(), floats.max()),
        (recorded, Some(-10.0), Some(ADDS as f64 - 11.0))
    );
    let below_ten = THREADS as u64 * 10;
    assert_eq!(bounded.into_explicit().unwrap().buckets(), [below_ten, recorded - below_ten]);
    let seen = requests.snapshot();
    assert_eq!((seen.requests, seen.errors, seen.durations.count()), (recorded, recorded, recorded));
    assert_eq!(seen.last.unwrap().duration, Duration::from_nanos(ADDS - 1));

    // A thread that found no slab asks again: once it has one, its records are in it, and the next thread's are too.
    set_max_slabs(NonZeroUsize::new(100).unwrap());
    (0..5000).for_each(|_| counter.add(1));
    assert_eq!(counter.total(), recorded + 5000);
}
