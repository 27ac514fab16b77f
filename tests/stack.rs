//! The stack: order, ownership, memory, threads.

mod history;
mod values;

use std::{
    cell::{Cell, RefCell},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    thread,
};

use freewheel::{
    Stack,
    stack::{Drain, IntoIter},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{
    history::{Pile, PileDone, check, record},
    values::{Ledger, Value},
};

assert_impl_all!(Stack<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Stack<Rc<u8>>: Send, Sync);
assert_impl_all!(IntoIter<Cell<u8>>: Send);
assert_not_impl_any!(IntoIter<Rc<u8>>: Send, Sync);
assert_impl_all!(Drain<'static, Cell<u8>>: Send);
assert_not_impl_any!(Drain<'static, Rc<u8>>: Send, Sync);

#[test]
fn last_in_is_first_out() {
    let stack = Stack::new();
    assert!(stack.is_empty());
    assert_eq!(stack.pop(), None);
    stack.push(1);
    stack.push(2);
    assert!(!stack.is_empty());
    assert_eq!(stack.pop(), Some(2));
    stack.push(3);
    assert_eq!((stack.pop(), stack.pop(), stack.pop()), (Some(3), Some(1), None));
    assert!(stack.is_empty());
}

#[test]
fn iterators_go_from_the_top_down() {
    let mut stack = Stack::from_iter(0..50);
    stack.extend(50..100);
    assert!(stack.drain().eq((0..100).rev()));
    assert!(stack.is_empty());
    stack.extend(0..100);
    let mut iterator = stack.into_iter();
    assert!(iterator.by_ref().eq((0..100).rev()));
    assert_eq!(iterator.next(), None);
}

#[test]
fn drain_takes_what_there_is_at_its_call_and_nothing_later() {
    let stack = Stack::from_iter([1, 2]);
    let mut drain = stack.drain();
    assert!(stack.is_empty());
    stack.push(3);
    assert_eq!(drain.next(), Some(2));
    assert_eq!(stack.pop(), Some(3));
    assert_eq!((drain.next(), drain.next(), drain.next()), (Some(1), None, None));
    assert_eq!(Stack::<u8>::new().drain().count(), 0);
}

#[test]
fn drain_can_end_on_another_thread() {
    let stack = Stack::from_iter(0..100);
    let mut drain = stack.drain();
    assert_eq!(drain.next(), Some(99));
    let rest: Vec<i32> = thread::scope(|scope| scope.spawn(move || drain.collect()).join().unwrap());
    assert!(rest.into_iter().eq((0..99).rev()));
}

#[test]
fn ten_million_elements_are_dropped_without_recursion() {
    const ELEMENTS: usize = 10_000_000;
    struct Counted<'a>(&'a Cell<usize>);
    impl Drop for Counted<'_> {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let work = || {
        let drops = Cell::new(0);
        drop(Stack::from_iter((0..ELEMENTS).map(|_| Counted(&drops))));
        drops.get()
    };
    // A stack of a few frames.
    let small = thread::Builder::new().stack_size(128 << 10).spawn(work).unwrap();
    assert_eq!(small.join().unwrap(), ELEMENTS);
}

#[test]
fn zero_sized_values_are_counted_and_dropped() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }
    let stack = Stack::from_iter((0..1000).map(|_| Nothing));
    assert_eq!(stack.drain().take(400).count(), 400);
    assert_eq!(DROPS.load(SeqCst), 1000);
    stack.push(Nothing);
    drop(stack);
    assert_eq!(DROPS.load(SeqCst), 1001);
}

#[test]
fn over_aligned_values_stay_aligned() {
    #[repr(align(128))]
    struct Wide(u8);
    // What the allocator returns for this many is aligned to a page by chance only.
    let stacks: Vec<_> = (0..20).map(|_| Stack::from_iter((0..100).map(Wide))).collect();
    for stack in stacks {
        for (value, expected) in stack.into_iter().zip((0..100).rev()) {
            let address = (&raw const value).addr();
            assert_eq!((value.0, address % 128), (expected, 0));
        }
    }
}

#[test]
fn dropped_stack_drops_each_value_once_also_when_a_destructor_panics() {
    let ledger = Ledger::new(100);
    let stack = Stack::new();
    for number in 0..100 {
        stack.push(if number == 60 { ledger.panicking(number) } else { ledger.value(number) });
    }
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack))).is_err());
    ledger.assert_each_once();
}

#[test]
fn dropped_iterators_drop_the_rest_once_also_when_a_destructor_panics() {
    for owned in [false, true] {
        for panics in [99, 50, 0] {
            let ledger = Ledger::new(100);
            let value =
                |number| if number == panics { ledger.panicking(number) } else { ledger.value(number) };
            let stack = Stack::from_iter((0..100).map(value));
            let ends = catch_unwind(AssertUnwindSafe(|| {
                if owned {
                    let mut values = stack.into_iter();
                    assert_eq!(values.next().map(|value| value.number), Some(99));
                } else {
                    let mut values = stack.drain();
                    assert_eq!(values.next().map(|value| value.number), Some(99));
                    drop(values);
                    assert!(stack.is_empty());
                }
            }));
            assert!(ends.is_err());
            ledger.assert_each_once();
        }
    }
}

#[test]
fn stack_goes_on_after_a_drain_that_panicked() {
    let ledger = Ledger::new(40);
    let stack = Stack::from_iter([ledger.panicking(0)]);
    stack.push(ledger.value(1));
    assert!(catch_unwind(AssertUnwindSafe(|| drop(stack.drain()))).is_err());
    assert_eq!(ledger.drops()[..3], [1, 1, 0]);
    (2..40).for_each(|number| stack.push(ledger.value(number)));
    let numbers: Vec<_> = stack.drain().map(|value| value.number).collect();
    assert!(numbers.into_iter().eq((2..40).rev()));
    assert!(ledger.drops()[2..].iter().all(|&drops| drops == 1));
}

#[test]
fn leaked_drain_leaks_its_values_and_nothing_else() {
    let ledger = Ledger::new(3);
    let stack = Stack::from_iter([ledger.value(0), ledger.value(1)]);
    let mut drain = stack.drain();
    let kept: Vec<Value> = drain.by_ref().collect();
    std::mem::forget(drain);
    stack.push(ledger.value(2));
    drop(stack);
    assert_eq!(ledger.drops(), [0, 0, 1]);
    drop(kept);
    ledger.assert_each_once();
}

#[test]
fn memory_is_used_again() {
    let stack = Stack::new();
    assert_eq!(stack.allocated_bytes(), 0);
    let fill = || (0..1000_u64).for_each(|value| stack.push(value));
    fill();
    let bytes = stack.allocated_bytes();
    assert!((16_000..100_000).contains(&bytes), "{bytes} bytes for 1000 elements");
    for _ in 0..100 {
        assert_eq!(stack.drain().count(), 1000);
        fill();
        (0..1000).for_each(|_| assert!(stack.pop().is_some()));
        fill();
    }
    assert_eq!(stack.allocated_bytes(), bytes);
}

#[test]
fn memory_is_used_again_by_other_threads() {
    let stack = Stack::from_iter(0..10_000_u64);
    let bytes = stack.allocated_bytes();
    for _ in 0..20 {
        // One that only pops, one that only pushes.
        thread::scope(|scope| {
            scope.spawn(|| (0..10_000).for_each(|_| assert!(stack.pop().is_some()))).join().unwrap();
            scope.spawn(|| (0..9_000).for_each(|value| stack.push(value))).join().unwrap();
        });
        (9_000..10_000).for_each(|value| stack.push(value));
    }
    assert!(stack.allocated_bytes() <= bytes * 2, "{bytes}, then {}", stack.allocated_bytes());
}

#[test]
fn shrink_to_fit_gives_memory_back_and_keeps_the_order() {
    let ledger = Ledger::new(100_000);
    let mut stack = Stack::from_iter((0..100_000).map(|number| ledger.value(number)));
    let large = stack.allocated_bytes();
    (100..100_000).for_each(|_| drop(stack.pop()));
    assert_eq!(stack.allocated_bytes(), large);
    stack.shrink_to_fit();
    assert!(stack.allocated_bytes() < large / 100, "{large} bytes, then {}", stack.allocated_bytes());
    assert!(ledger.drops()[..100].iter().all(|&drops| drops == 0));
    assert!(stack.into_iter().map(|value| value.number).eq((0..100).rev()));
    ledger.assert_each_once();

    let mut empty = Stack::from_iter(0..1000);
    empty.drain().for_each(drop);
    empty.shrink_to_fit();
    assert_eq!((empty.allocated_bytes(), empty.pop()), (0, None));
}

#[test]
fn values_may_borrow_and_come_from_any_thread() {
    let words: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let stack = Stack::new();
    thread::scope(|scope| {
        for chunk in words.chunks(25) {
            let stack = &stack;
            scope.spawn(move || chunk.iter().for_each(|word| stack.push(word.as_str())));
        }
    });
    let mut popped: Vec<u32> = stack.drain().map(|word| word.parse().unwrap()).collect();
    popped.sort_unstable();
    assert!(popped.into_iter().eq(0..100));
}

#[test]
fn thread_can_use_it_in_the_destructors_of_its_thread_locals() {
    struct AtExit(RefCell<Option<Arc<Stack<u32>>>>, u32);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let stack = self.0.take().expect("it was set");
            // The seat may be gone already.
            let popped = stack.pop().expect("there is something");
            stack.push(self.1);
            stack.push(popped + 1);
        }
    }
    thread_local! {
        static BEFORE: AtExit = const { AtExit(RefCell::new(None), 100) };
        static AFTER: AtExit = const { AtExit(RefCell::new(None), 200) };
    }
    let stack = Arc::new(Stack::from_iter([0]));
    for round in 0..100 {
        let theirs = Arc::clone(&stack);
        let user = thread::spawn(move || {
            BEFORE.with(|exit| exit.0.replace(Some(Arc::clone(&theirs))));
            // The thread's first use of a stack, so that one destructor comes before that of its seat and one after.
            let top = theirs.pop().expect("there is something");
            theirs.push(top);
            AFTER.with(|exit| exit.0.replace(Some(Arc::clone(&theirs))));
        });
        user.join().unwrap();
        assert_eq!(stack.pop(), Some(2 * round + 2));
        let mut pushed = [stack.pop().unwrap(), stack.pop().unwrap()];
        pushed.sort_unstable();
        assert_eq!(pushed, [100, 200]);
        stack.push(2 * round + 2);
    }
}

#[test]
fn debug_says_whether_it_is_empty() {
    let stack = Stack::from_iter([1]);
    assert_eq!(format!("{stack:?}"), "Stack { is_empty: false, .. }");
    assert_eq!(format!("{:?}", Stack::<Rc<u8>>::default()), "Stack { is_empty: true, .. }");
    assert_eq!(format!("{:?}", stack.drain()), "Drain { .. }");
}

#[test]
fn every_value_is_accounted_for_with_four_threads() {
    const EACH: usize = 20_000;
    let ledger = Ledger::new(4 * EACH);
    let stack = Stack::new();
    let popped = AtomicUsize::new(0);
    thread::scope(|scope| {
        for thread in 0..4 {
            let (stack, popped, ledger) = (&stack, &popped, &ledger);
            scope.spawn(move || {
                for number in thread * EACH..(thread + 1) * EACH {
                    stack.push(ledger.value(number));
                    let gone = match number % 64 {
                        0 => stack.drain().count(),
                        number if number % 3 == 0 => 0,
                        _ => usize::from(stack.pop().is_some()),
                    };
                    popped.fetch_add(gone, SeqCst);
                }
            });
        }
    });
    let left = stack.drain().count();
    assert_eq!(popped.load(SeqCst) + left, 4 * EACH);
    ledger.assert_each_once();
}

#[test]
fn histories_of_three_threads_are_those_of_a_stack() {
    for round in 0..300 {
        let stack = Stack::new();
        let history = record(3, 24, round, |thread, random| match random.u32(..16) {
            0..8 => {
                let value = random.u32(..1 << 20) * 4 + thread as u32;
                stack.push(value);
                PileDone::Pushed(value)
            }
            8..15 => PileDone::Popped(stack.pop()),
            _ => PileDone::Drained(stack.drain().collect()),
        });
        if let Err(event) = check(Pile::default(), &history) {
            panic!("round {round}: no order explains {event:?} in {history:#?}");
        }
    }
}
