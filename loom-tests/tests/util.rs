//! Models of `src/util`: seats that change hands, buckets that two threads make at once.
#![cfg(freewheel_loom)]

use freewheel::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        cell::UnsafeCell,
        thread,
    },
    util::{Buckets, Zeroed, seat, seats::Seats},
};
use loom_tests::{check, explore};

/// Cells at seats: whoever has a seat uses its cell without an atomic step.
struct Desk {
    seats: Seats,
    cells: [UnsafeCell<u32>; 3],
}

// SAFETY: a cell is used by whoever has its seat (ALONE); the checker holds us to it.
unsafe impl Sync for Desk {}

impl Desk {
    fn new() -> Self {
        Self { seats: Seats::default(), cells: [(); 3].map(|()| UnsafeCell::new(0)) }
    }

    /// Adds one to the cell of a seat, and returns what stood there.
    fn count(&self, seat: usize) -> u32 {
        self.cells[seat].with_mut(|count| {
            // SAFETY: by ALONE nobody else uses the cell.
            let count = unsafe { &mut *count };
            *count += 1;
            *count - 1
        })
    }

    /// Takes a seat, counts there and leaves.
    fn visit(&self) -> (usize, u32) {
        let seat = self.seats.take();
        let before = self.count(seat);
        self.seats.leave(seat);
        (seat, before)
    }
}

#[test]
fn a_seat_is_left_with_all_that_was_done_there() {
    explore(3, [(0, 0, 0, 1), (0, 1, 0, 0), (0, 0, 1, 0), (1, 0, 0, 0)], || {
        let desk = Arc::new(Desk::new());
        let other = thread::spawn({
            let desk = Arc::clone(&desk);
            move || desk.visit()
        });
        let (seat, before) = desk.visit();
        let (others_seat, others_before) = other.join().unwrap();
        (seat, before, others_seat, others_before)
    });
}

/// Whoever looks at a seat in passing has it alone for that time, and sees what was done there before.
#[test]
fn a_vacant_seat_is_taken_for_a_moment_or_left_alone() {
    explore(3, [(None, (0, 0)), (Some(0), (0, 1)), (Some(0), (1, 0)), (Some(1), (0, 0))], || {
        let desk = Arc::new(Desk::new());
        let other = thread::spawn({
            let desk = Arc::clone(&desk);
            move || desk.visit()
        });
        let passing = desk.seats.take_vacant(0).then(|| {
            let before = desk.count(0);
            desk.seats.leave(0);
            before
        });
        (passing, other.join().unwrap())
    });
}

#[test]
fn three_threads_are_never_on_one_seat_together() {
    explore(2, [0, 1, 2], || {
        let desk = Arc::new(Desk::new());
        let others = [(); 2].map(|()| {
            let desk = Arc::clone(&desk);
            thread::spawn(move || desk.visit().0)
        });
        let seat = desk.visit().0;
        others.into_iter().map(|other| other.join().unwrap()).fold(seat, usize::max)
    });
}

/// What a thread has left at its seat when it ends, the next one finds there; nobody waits for its end.
#[test]
fn a_thread_leaves_its_seat_when_it_ends() {
    explore(3, [(0, 0, 1), (0, 1, 0), (1, 0, 0)], || {
        let desk = Arc::new(Desk::new());
        let sit = |desk: &Arc<Desk>| {
            let desk = Arc::clone(desk);
            thread::spawn(move || seat::with(|seat| (seat.number(), desk.count(seat.number()))))
        };
        let (first, second) = (sit(&desk), sit(&desk));
        let (first, second) = (first.join().unwrap(), second.join().unwrap());
        (first.0, second.0, first.1.max(second.1))
    });
}

/// A number that counts on its own, zero at first.
#[derive(Default)]
struct Number(AtomicUsize);

// SAFETY: an atomic integer, which is zero by default.
unsafe impl Zeroed for Number {}

#[test]
fn two_threads_that_make_one_bucket_get_the_same() {
    check(3, || {
        let numbers = Arc::new(Buckets::<Number, 1, 3>::default());
        let other = thread::spawn({
            let numbers = Arc::clone(&numbers);
            move || {
                // The second of three buckets; the others are never made.
                numbers.at(1).0.fetch_add(1, Relaxed);
                std::ptr::from_ref(numbers.at(2)).addr()
            }
        });
        numbers.at(1).0.fetch_add(1, Relaxed);
        let here = std::ptr::from_ref(numbers.at(2)).addr();
        assert_eq!(other.join().unwrap(), here);
        assert_eq!(
            numbers.iter().map(|(index, number)| (index, number.0.load(Relaxed))).collect::<Vec<_>>(),
            [(1, 2), (2, 0)]
        );
    });
}

#[test]
fn a_bucket_that_is_seen_is_whole() {
    explore(3, [0, 1], || {
        let numbers = Arc::new(Buckets::<Number, 1, 3>::default());
        let other = thread::spawn({
            let numbers = Arc::clone(&numbers);
            move || {
                let _ = numbers.at(0);
            }
        });
        let seen = numbers.iter().inspect(|(_, number)| assert_eq!(number.0.load(Relaxed), 0)).count();
        other.join().unwrap();
        seen
    });
}
