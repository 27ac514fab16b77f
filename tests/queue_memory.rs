//! Memory of the queues and the stack: what they allocate, and when they give it back.

#[cfg(freewheel_chaos)]
mod stopped;

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    sync::{
        Mutex, MutexGuard, PoisonError,
        atomic::{AtomicIsize, Ordering::Relaxed},
        mpsc,
    },
    thread,
};

use freewheel::{
    Stack,
    queue::{Bounded, Spsc, Unbounded},
};

/// Counts the allocations of each thread, and the live bytes of all slots of `Element`s.
struct Counting;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The alignment of an `Element`, which nothing else in this process has.
const ALIGNMENT: usize = 256;

static LIVE: AtomicIsize = AtomicIsize::new(0);

thread_local! {
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

fn count(layout: Layout, sign: isize) {
    if layout.align() == ALIGNMENT {
        LIVE.fetch_add(sign * layout.size() as isize, Relaxed);
    }
}

// SAFETY: every call is passed on to the system's allocator as it is.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let _ = ALLOCATIONS.try_with(|count| count.set(count.get() + 1));
        count(layout, 1);
        // SAFETY: the caller's promises are those that `System` asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(layout, -1);
        // SAFETY: as above; the pointer came from `System`.
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// So large that segments are as small as they can be by bytes.
#[derive(PartialEq)]
#[repr(align(256))]
struct Element([u64; 128]);

const ELEMENT: Element = Element([7; 128]);
/// Bytes of the largest segment, and of the room for an element in it.
const SEGMENT: isize = 32 << 10;
#[cfg(freewheel_chaos)]
const SLOT: isize = (ALIGNMENT + size_of::<Element>()) as isize;

/// Live bytes are those of the process, so one test at a time looks at them.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn allocations(during: impl FnOnce()) -> u64 {
    let before = ALLOCATIONS.get();
    during();
    ALLOCATIONS.get() - before
}

#[test]
fn unbounded_gives_memory_back_while_it_is_in_use() {
    let _alone = alone();
    let before = LIVE.load(Relaxed);
    let live = || LIVE.load(Relaxed) - before;
    let queue = Unbounded::new();
    for _ in 0..3 {
        (0..10_000).for_each(|_| assert!(queue.push(ELEMENT).is_ok()));
        let full = live();
        assert!(full >= 10_000 * size_of::<Element>() as isize, "{full} bytes hold 10000 elements");
        (0..5_000).for_each(|_| assert!(queue.try_pop().is_ok()));
        let half = live();
        assert!(half < full * 6 / 10, "{full} bytes, and {half} for half of it");
        (0..5_000).for_each(|_| assert!(queue.try_pop().is_ok()));
        // One segment, and two for this thread.
        assert!(live() <= 3 * SEGMENT, "{} bytes are left", live());
    }
    drop(queue);
    assert_eq!(live(), 0);
}

#[test]
fn unbounded_keeps_two_segments_at_most_for_each_thread_that_sleeps() {
    let _alone = alone();
    const SLEEPERS: usize = 4;
    let before = LIVE.load(Relaxed);
    let queue = Unbounded::new();
    let (ready, is_ready) = mpsc::channel();
    thread::scope(|scope| {
        let wakers: Vec<_> = (0..SLEEPERS)
            .map(|_| {
                let (waker, awake) = mpsc::channel::<()>();
                let (queue, ready) = (&queue, ready.clone());
                scope.spawn(move || {
                    (0..100).for_each(|_| assert!(queue.push(ELEMENT).is_ok()));
                    (0..50).for_each(|_| assert!(queue.try_pop().is_ok()));
                    ready.send(()).unwrap();
                    let _ = awake.recv();
                });
                is_ready.recv().unwrap();
                waker
            })
            .collect();
        // The queue goes on without those who sleep.
        for _ in 0..10 {
            (0..1000).for_each(|_| assert!(queue.push(ELEMENT).is_ok()));
            (0..1000).for_each(|_| assert!(queue.try_pop().is_ok()));
        }
        while queue.try_pop().is_ok() {}
        let left = LIVE.load(Relaxed) - before;
        assert!(left <= (2 * (SLEEPERS as isize + 1) + 1) * SEGMENT, "{left} bytes are left");
        drop(wakers);
    });
    drop(queue);
    assert_eq!(LIVE.load(Relaxed), before);
}

/// A thread can be stopped at a chosen step only in the chaos world: `RUSTFLAGS="--cfg freewheel_chaos"`.
#[cfg(freewheel_chaos)]
mod while_a_thread_is_stopped {
    use super::*;
    use crate::stopped::at_each_step;

    /// As long as the queue is open.
    fn push(queue: &Unbounded<Element>, many: usize) {
        (0..many).for_each(|_| drop(queue.push(ELEMENT)));
    }

    fn pop_all(queue: &Unbounded<Element>) {
        while queue.try_pop().is_ok() {}
    }

    /// Pushes and pops more than some segments hold, again and again, and returns the most bytes that were live after the
    /// pops, without those of what is hidden in the queue.
    fn go_on(queue: &Unbounded<Element>, before: isize) -> isize {
        pop_all(queue);
        let lives = [(); 4].map(|()| {
            push(queue, 100);
            pop_all(queue);
            let hidden = queue.len() as isize * SLOT;
            LIVE.load(Relaxed) - before - hidden
        });
        lives.into_iter().max().expect("there are some")
    }

    #[test]
    fn unbounded_keeps_two_segments_for_it_at_most() {
        let _alone = alone();
        let before = LIVE.load(Relaxed);
        let operations: [fn(&Unbounded<Element>); 5] = [
            |queue| assert!(queue.push(ELEMENT).is_ok()),
            |queue| drop(queue.try_pop()),
            |queue| assert!(queue.close()),
            |queue| assert!(!queue.is_closed()),
            |queue| assert!(queue.len() < 1000),
        ];
        for operation in operations {
            // Into what the first segment holds, and the second, and from the first that is empty.
            for (pushed, popped) in [(10, 0), (16, 0), (20, 16), (200, 100)] {
                at_each_step(|stops| {
                    let queue = Unbounded::new();
                    let past = || {
                        push(&queue, pushed);
                        (0..popped).for_each(|_| assert!(queue.try_pop().is_ok()));
                    };
                    thread::scope(|scope| scope.spawn(past).join().unwrap());
                    let ((), live) = stops.during(|| (), || operation(&queue), || go_on(&queue, before));
                    // One segment, two for each of the two threads, and what is hidden begins and ends in the middle of one.
                    assert!(live <= 7 * SEGMENT, "{live} bytes are live");
                });
                assert_eq!(LIVE.load(Relaxed), before);
            }
        }
    }

    #[test]
    fn unbounded_keeps_what_it_is_about_to_free_and_no_more() {
        const SLEEPERS: usize = 4;
        let _alone = alone();
        let before = LIVE.load(Relaxed);
        let lives = at_each_step(|stops| {
            let queue = Unbounded::new();
            thread::scope(|scope| {
                let mut sleepers: Vec<_> = (0..SLEEPERS).map(|_| Sleeper::start(scope, &queue)).collect();
                sleepers.iter_mut().for_each(Sleeper::keep_two_segments);
                pop_all(&queue);
                push(&queue, 100);
                let pop = |many| (0..many).for_each(|_| drop(queue.try_pop()));
                let others = || {
                    sleepers.iter_mut().for_each(Sleeper::keep_two_segments);
                    go_on(&queue, before)
                };
                // Past the end of a segment: it frees that, and all those that the sleepers have let go of.
                let ((), live) = stops.during(|| pop(20), || pop(8), others);
                live
            })
        });
        // One segment, and two for each thread.
        let usually = (1 + 2 * (SLEEPERS as isize + 2)) * SEGMENT;
        let most = lives.into_iter().max().expect("it has steps");
        assert!((usually..=usually + 2 * SLEEPERS as isize * SEGMENT).contains(&most), "{most} bytes");
    }

    /// A thread that uses the queue when it is told to, and then sleeps.
    struct Sleeper {
        wake: mpsc::Sender<()>,
        sleeps: mpsc::Receiver<()>,
    }

    impl Sleeper {
        fn start<'scope>(
            scope: &'scope thread::Scope<'scope, '_>,
            queue: &'scope Unbounded<Element>,
        ) -> Self {
            let (wake, awake) = mpsc::channel();
            let (sleep, sleeps) = mpsc::channel();
            scope.spawn(move || {
                while awake.recv().is_ok() {
                    push(queue, 100);
                    (0..50).for_each(|_| assert!(queue.try_pop().is_ok()));
                    sleep.send(()).expect("somebody waits");
                }
            });
            Self { wake, sleeps }
        }

        fn keep_two_segments(&mut self) {
            self.wake.send(()).expect("it sleeps");
            self.sleeps.recv().expect("it uses the queue");
        }
    }
}

#[test]
fn unbounded_frees_its_segments_also_if_a_destructor_panics() {
    struct Panics(Element);
    impl Drop for Panics {
        fn drop(&mut self) {
            assert!(self.0 == ELEMENT || thread::panicking(), "one destructor panics");
        }
    }
    let _alone = alone();
    let before = LIVE.load(Relaxed);
    let queue = Unbounded::new();
    for number in 0..1000 {
        let pushed = queue.push(Panics(if number == 0 { Element([0; 128]) } else { ELEMENT }));
        assert!(pushed.is_ok());
    }
    assert!(thread::scope(|scope| scope.spawn(|| drop(queue)).join().is_err()));
    assert_eq!(LIVE.load(Relaxed), before);
}

#[test]
fn empty_structures_allocate_nothing() {
    let made = allocations(|| {
        drop(Unbounded::<u64>::new());
        drop(Stack::<u64>::new());
    });
    assert_eq!(made, 0);
}

#[test]
fn bounded_allocates_when_it_is_made_and_never_again() {
    let queue = Bounded::new(64);
    let mut values = Vec::with_capacity(64);
    let used = allocations(|| {
        for _ in 0..100 {
            (0..70_u64).for_each(|value| assert!(queue.force_push(value).is_ok()));
            assert_eq!(queue.pop_many(&mut values, 64), Ok(64));
            assert_eq!(queue.push_many(&mut values), Ok(64));
            (0..64).for_each(|_| assert!(queue.try_pop().is_ok()));
            assert!(queue.try_pop().is_err());
        }
        queue.close();
    });
    assert_eq!(used, 0);
    assert!(allocations(|| drop(Bounded::<u64>::new(64))) > 0, "the counter counts");
}

#[test]
fn spsc_allocates_when_it_is_made_and_never_again() {
    let (mut producer, mut consumer) = Spsc::new(64).split();
    let mut values = Vec::with_capacity(64);
    let used = allocations(|| {
        for _ in 0..100 {
            (0..70_u64).for_each(|value| assert_eq!(producer.try_push(value).is_ok(), value < 64));
            assert_eq!(consumer.pop_many(&mut values, 64), Ok(64));
            assert_eq!(producer.push_many(&mut values), Ok(64));
            assert_eq!(consumer.discard(10), 10);
            assert_eq!(producer.push_slice(&[1; 10]), 10);
            assert_eq!(consumer.pop_slice(&mut [0; 70]), 64);
        }
    });
    assert_eq!(used, 0);
}

#[test]
fn unbounded_allocates_nothing_as_long_as_a_segment_is_enough() {
    let queue = Unbounded::new();
    queue.push(0_u64).unwrap();
    queue.try_pop().unwrap();
    let used = allocations(|| {
        for _ in 0..1000 {
            (0..16).for_each(|value| queue.push(value).unwrap());
            (0..16).for_each(|value| assert_eq!(queue.try_pop(), Ok(value)));
            assert!(queue.try_pop().is_err());
        }
    });
    assert_eq!(used, 0);
    assert!(allocations(|| (0..17).for_each(|value| queue.push(value).unwrap())) > 0, "the counter counts");
}

#[test]
fn stack_allocates_nothing_up_to_its_largest_size() {
    let stack = Stack::from_iter(0..1000_u64);
    let used = allocations(|| {
        for _ in 0..10 {
            assert_eq!(stack.drain().count(), 1000);
            (0..1000).for_each(|value| stack.push(value));
            (0..700).for_each(|_| assert!(stack.pop().is_some()));
            (0..700).for_each(|value| stack.push(value));
        }
    });
    assert_eq!(used, 0);
}
