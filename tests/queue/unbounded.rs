//! The queue without a capacity.

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

use freewheel::queue::{Closed, TryPopError, Unbounded};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::{
    history::{Line, LineDone, check, record},
    values::{Ledger, Value},
};

assert_impl_all!(Unbounded<Cell<u8>>: Send, Sync);
assert_not_impl_any!(Unbounded<Rc<u8>>: Send, Sync);

#[test]
fn values_come_out_in_order_however_many_segments_they_fill() {
    let queue = Unbounded::new();
    assert_eq!((queue.try_pop(), queue.len()), (Err(TryPopError::Empty), 0));
    let (mut pushed, mut popped) = (0, 0);
    // The queue grows by a third on every round, over the ends of segments, and is emptied now and then.
    for round in 1..200 {
        for _ in 0..3 * round {
            queue.push(pushed).unwrap();
            pushed += 1;
        }
        assert_eq!(queue.len(), pushed - popped);
        let rest = if round % 50 == 0 { pushed - popped } else { 2 * round };
        for _ in 0..rest {
            assert_eq!(queue.try_pop(), Ok(popped));
            popped += 1;
        }
        assert_eq!((queue.len(), queue.is_empty()), (pushed - popped, pushed == popped));
    }
    while let Ok(value) = queue.try_pop() {
        assert_eq!(value, popped);
        popped += 1;
    }
    assert_eq!((pushed, queue.try_pop()), (popped, Err(TryPopError::Empty)));
}

#[test]
fn iterators_of_any_length_become_a_queue() {
    for len in [0, 1, 15, 16, 17, 48, 49, 5000] {
        let mut queue = Unbounded::from_iter(0..len);
        queue.extend(len..len + 3);
        assert_eq!(queue.len(), len + 3);
        assert!((0..len + 3).all(|value| queue.try_pop() == Ok(value)));
        assert!(queue.is_empty());
    }
}

#[test]
fn closed_queue_takes_nothing_and_gives_what_it_has() {
    for len in [0, 1, 15, 16, 17, 1000] {
        let mut queue = Unbounded::from_iter(0..len);
        assert!(!queue.is_closed());
        assert!(queue.close());
        assert!(!queue.close());
        assert!(queue.is_closed());
        assert_eq!(queue.push(99), Err(Closed(99)));
        assert_eq!(queue.len(), len);
        assert!((0..len).all(|value| queue.try_pop() == Ok(value)));
        assert_eq!(queue.try_pop(), Err(TryPopError::Closed));
        assert_eq!(queue.push(99), Err(Closed(99)));
        queue.extend([0; 0]);
        assert!(catch_unwind(AssertUnwindSafe(|| queue.extend([1]))).is_err());
    }
}

#[test]
fn each_value_is_dropped_once_also_when_a_destructor_panics() {
    for panics in [30, 31, 70, 99] {
        let ledger = Ledger::new(100);
        let queue = Unbounded::new();
        for number in 0..100 {
            let value = if number == panics { ledger.panicking(number) } else { ledger.value(number) };
            queue.push(value).unwrap();
        }
        for number in 0..30 {
            assert_eq!(queue.try_pop().unwrap().number, number);
        }
        queue.close();
        assert!(ledger.drops()[30..].iter().all(|&drops| drops == 0));
        assert!(catch_unwind(AssertUnwindSafe(|| drop(queue))).is_err());
        ledger.assert_each_once();
    }
}

#[test]
fn refused_values_come_back_whole() {
    let ledger = Ledger::new(1);
    let queue = Unbounded::new();
    queue.close();
    let back: Value = queue.push(ledger.value(0)).unwrap_err().into_inner();
    assert_eq!((back.number, ledger.drops()), (0, vec![0]));
    drop((queue, back));
    ledger.assert_each_once();
}

#[test]
fn zero_sized_over_aligned_and_borrowing_values_are_no_exception() {
    #[repr(align(128))]
    struct Wide(u8);
    let words: Vec<_> = (0..200_u8).map(|number| number.to_string()).collect();
    let nothing = Unbounded::from_iter([(); 200]);
    let wide = Unbounded::from_iter((0..200).map(Wide));
    let borrowing = Unbounded::from_iter(words.iter().map(String::as_str));
    for number in 0..200 {
        assert_eq!(nothing.try_pop(), Ok(()));
        let Ok(value) = wide.try_pop() else { panic!("value {number} is lost") };
        assert_eq!((value.0, (&raw const value).addr() % 128), (number, 0));
        assert_eq!(borrowing.try_pop(), Ok(words[usize::from(number)].as_str()));
    }
    assert_eq!(nothing.try_pop(), Err(TryPopError::Empty));
}

#[test]
fn thread_can_use_it_in_the_destructors_of_its_thread_locals() {
    struct AtExit(RefCell<Option<Arc<Unbounded<u32>>>>);
    impl Drop for AtExit {
        fn drop(&mut self) {
            let queue = self.0.take().expect("it was set");
            // Over the end of a segment, and the seat may be gone already.
            (0..100).for_each(|value| queue.push(value).unwrap());
            assert!(queue.try_pop().is_ok());
        }
    }
    thread_local! {
        static BEFORE: AtExit = const { AtExit(RefCell::new(None)) };
        static AFTER: AtExit = const { AtExit(RefCell::new(None)) };
    }
    let queue = Arc::new(Unbounded::new());
    for _ in 0..50 {
        let theirs = Arc::clone(&queue);
        let user = thread::spawn(move || {
            BEFORE.with(|exit| exit.0.replace(Some(Arc::clone(&theirs))));
            theirs.push(7).unwrap();
            AFTER.with(|exit| exit.0.replace(Some(theirs)));
        });
        user.join().unwrap();
    }
    // 201 in and 2 out, by each.
    assert_eq!(queue.len(), 50 * 199);
    assert_eq!(std::iter::from_fn(|| queue.try_pop().ok()).count(), 50 * 199);
}

#[test]
fn debug_says_how_long_it_is() {
    let queue = Unbounded::from_iter([Rc::new(1)]);
    assert_eq!(format!("{queue:?}"), "Unbounded { len: 1, is_closed: false, .. }");
    assert_eq!(format!("{:?}", Unbounded::<u8>::default()), "Unbounded { len: 0, is_closed: false, .. }");
}

#[test]
fn every_value_is_accounted_for_with_four_threads() {
    const EACH: usize = 20_000;
    let ledger = Ledger::new(2 * EACH);
    let queue = Unbounded::new();
    let (popped, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
    thread::scope(|scope| {
        let (queue, popped, done, ledger) = (&queue, &popped, &done, &ledger);
        for producer in 0..2 {
            scope.spawn(move || {
                for number in producer * EACH..(producer + 1) * EACH {
                    queue.push(ledger.value(number)).unwrap();
                }
                if done.fetch_add(1, SeqCst) == 1 {
                    assert!(queue.close());
                }
            });
            scope.spawn(move || {
                let mut last = [None; 2];
                loop {
                    match queue.try_pop() {
                        Ok(value) => {
                            let last = &mut last[value.number / EACH];
                            assert!(*last < Some(value.number), "{} after {last:?}", value.number);
                            *last = Some(value.number);
                            popped.fetch_add(1, SeqCst);
                        }
                        Err(TryPopError::Empty) => thread::yield_now(),
                        Err(TryPopError::Closed) => break,
                    }
                }
            });
        }
    });
    assert_eq!(popped.load(SeqCst), 2 * EACH);
    ledger.assert_each_once();
}

#[test]
fn histories_of_three_threads_are_those_of_a_queue() {
    for round in 0..300 {
        // Nearly as long as the first segment, so that it is left; and soon shorter, for the order of values that were
        // pushed side by side is open until they are popped.
        let queue = Unbounded::from_iter(0..15);
        let history = record(3, 24, round, |thread, random| match random.u32(..256) {
            0..85 if queue.len() < 18 => {
                let value = random.u32(..1 << 20) * 4 + thread as u32;
                match queue.push(value) {
                    Ok(()) => LineDone::Pushed(vec![value]),
                    Err(Closed(_)) => LineDone::Refused,
                }
            }
            0..255 => match queue.try_pop() {
                Ok(value) => LineDone::Popped(vec![value]),
                Err(TryPopError::Empty) => LineDone::Failed,
                Err(TryPopError::Closed) => LineDone::Ended,
            },
            _ => LineDone::Closed(queue.close()),
        });
        if let Err(event) = check(Line::with(0..15), &history) {
            panic!("round {round}: no order explains {event:?} in {history:#?}");
        }
    }
}
