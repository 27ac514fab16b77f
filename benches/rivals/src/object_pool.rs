//! Taking a buffer of a kibibyte from a pool, writing a byte into it, and putting it back.

use std::{hint::black_box, ops::DerefMut, sync::Mutex};

use crossbeam_queue::ArrayQueue;
use freewheel::ObjectPool;

use crate::{
    race::{Contestant, Race},
    transfer::{MESSAGES, operations},
};

type Buffer = Vec<u8>;

/// Objects that a pool keeps at most, where one has to say it.
const MAX: usize = 2048;

pub(crate) fn races() -> Vec<Race> {
    vec![race::<1>("hold_1"), race::<64>("hold_64")]
}

/// Each thread takes `HELD` objects before it puts them back.
fn race<const HELD: usize>(case: &'static str) -> Race {
    let contestants = vec![
        Contestant::weighed("freewheel ObjectPool", {
            let pool = leaked(ObjectPool::builder(buffer).reset(Buffer::clear).max(MAX).build());
            held_by_guards::<HELD, _>(move || pool.get())
        }),
        Contestant::weighed("the allocator", buffers::<HELD>(buffer, drop)),
        Contestant::weighed("lockfree-object-pool, linear", {
            let pool = leaked(lockfree_object_pool::LinearObjectPool::new(buffer, Buffer::clear));
            held_by_guards::<HELD, _>(move || pool.pull())
        }),
        Contestant::weighed("opool", {
            let pool = leaked(opool::Pool::new(MAX, Allocator));
            held_by_guards::<HELD, _>(move || pool.get())
        }),
        Contestant::weighed("object-pool", {
            let pool = leaked(object_pool::Pool::new(0, buffer));
            held_by_guards::<HELD, _>(move || pool.pull(buffer))
        }),
        Contestant::weighed("crossbeam ArrayQueue", {
            let queue = leaked(ArrayQueue::new(MAX));
            let get = || queue.pop().unwrap_or_else(buffer);
            buffers::<HELD>(get, |buffer| drop(queue.push(cleared(buffer))))
        }),
        Contestant::weighed("std Mutex<Vec>", {
            let idle = leaked(Mutex::new(Vec::new()));
            let get = || idle.lock().expect("nobody panics").pop().unwrap_or_else(buffer);
            buffers::<HELD>(get, |buffer| idle.lock().expect("nobody panics").push(cleared(buffer)))
        }),
    ];
    let notes = vec![
        "nanoseconds for a buffer taken and put back, all threads together: half of it with twice the threads is perfect",
    ];
    Race { threads: &[1, 2, 4], notes, ..Race::new(case, contestants) }
}

fn leaked<P>(pool: P) -> &'static P {
    Box::leak(Box::new(pool))
}

fn buffer() -> Buffer {
    Vec::with_capacity(1024)
}

fn cleared(mut buffer: Buffer) -> Buffer {
    buffer.clear();
    buffer
}

struct Allocator;

impl opool::PoolAllocator<Buffer> for Allocator {
    fn allocate(&self) -> Buffer {
        buffer()
    }

    fn reset(&self, buffer: &mut Buffer) {
        buffer.clear();
    }
}

fn held_by_guards<const HELD: usize, G: DerefMut<Target = Buffer> + 'static>(
    get: impl Fn() -> G + Sync + 'static,
) -> impl Fn(usize) -> f64 {
    passes::<HELD, _>(get, |guard| &mut *guard, drop)
}

fn buffers<const HELD: usize>(
    get: impl Fn() -> Buffer + Sync + 'static,
    put: impl Fn(Buffer) + Sync + 'static,
) -> impl Fn(usize) -> f64 {
    passes::<HELD, _>(get, |buffer| buffer, put)
}

/// Takes `HELD` objects, writes to each, and puts them back, over and over; returns the nanoseconds for one object.
fn passes<const HELD: usize, O: 'static>(
    get: impl Fn() -> O + Sync + 'static,
    buffer: impl Fn(&mut O) -> &mut Buffer + Sync + 'static,
    put: impl Fn(O) + Sync + 'static,
) -> impl Fn(usize) -> f64 {
    move |threads| {
        let get = |byte: usize| {
            let mut object = get();
            buffer(&mut object).push(byte as u8);
            black_box(buffer(&mut object));
            object
        };
        operations(threads, &|_| {
            let mut objects = Vec::with_capacity(HELD);
            for byte in 0..MESSAGES / threads / HELD {
                // One alone is not moved to and fro: the pool is measured, not that.
                if HELD == 1 {
                    put(get(byte));
                } else {
                    objects.extend((0..HELD).map(&get));
                    objects.drain(..).for_each(&put);
                }
            }
        })
    }
}
