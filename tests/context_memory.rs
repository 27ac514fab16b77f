//! Memory of contexts: what comes and goes leaves nothing behind with one that stays.

use std::{
    alloc::{GlobalAlloc, Layout, System},
    future::Future,
    pin::pin,
    sync::atomic::{AtomicIsize, Ordering::Relaxed},
    task::{self, Waker},
    thread,
    time::{Duration, Instant},
};

use freewheel::flow::Context;

/// Counts live bytes.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

static BYTES: AtomicIsize = AtomicIsize::new(0);

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size() as isize, Relaxed);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size() as isize, Relaxed);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

const LONG: Duration = Duration::from_secs(3600);
const PATIENCE: Duration = Duration::from_secs(20);

/// One test, for it counts the bytes of the whole process.
#[test]
fn a_million_short_contexts_leave_nothing_behind_with_the_long_one() {
    let (context, _handle) = Context::background().with_cancel();
    let poll = || {
        let mut done = pin!(context.done());
        assert!(done.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    };
    let rounds: [(&str, u32, &dyn Fn()); 6] = [
        ("dropped", 1_000_000, &|| drop(context.with_cancel())),
        ("cancelled", 100_000, &|| context.with_value([0; 10]).with_cancel().1.cancel()),
        ("with a deadline", 100_000, &|| drop(context.with_timeout(LONG).with_cancel())),
        ("callbacks that were called off", 100_000, &|| assert!(context.after(|_| ()).stop())),
        ("waiting for it", 100_000, &poll),
        ("many at a time", 10, &|| drop((0..10_000).map(|_| context.with_cancel()).collect::<Vec<_>>())),
    ];
    for (what, times, round) in rounds {
        round();
        let before = BYTES.load(Relaxed);
        (0..times).for_each(|_| round());
        let more = BYTES.load(Relaxed) - before;
        assert!(more < 1000, "{what}: {more} bytes are left");
    }
    timers_go_with_their_contexts();
}

/// When their thread comes to it.
fn timers_go_with_their_contexts() {
    let round = || {
        let context = Context::background().with_timeout(LONG);
        let mut done = pin!(context.done());
        assert!(done.as_mut().poll(&mut task::Context::from_waker(Waker::noop())).is_pending());
    };
    round();
    let before = BYTES.load(Relaxed);
    (0..10_000).for_each(|_| round());
    let begin = Instant::now();
    while BYTES.load(Relaxed) - before > 100_000 {
        assert!(begin.elapsed() < PATIENCE, "{} bytes are left", BYTES.load(Relaxed) - before);
        thread::sleep(Duration::from_millis(1));
    }
}
