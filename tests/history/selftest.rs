//! The judge can tell right from wrong.

use super::{Event, Line, LineDone, Pile, PileDone, Register, RegisterDone, check, record};

/// One operation of each thread after the other, from `(thread, called, returned, done)`.
fn history<D>(events: impl IntoIterator<Item = (usize, u64, u64, D)>) -> Vec<Event<D>> {
    let event = |(thread, called, returned, done)| Event { thread, called, returned, done };
    events.into_iter().map(event).collect()
}

#[test]
fn a_stack_that_returns_the_oldest_value_is_rejected() {
    use PileDone::{Popped, Pushed};
    let wrong = history([(0, 0, 1, Pushed(1)), (0, 2, 3, Pushed(2)), (1, 4, 5, Popped(Some(1)))]);
    assert_eq!(check(Pile::default(), &wrong).unwrap_err().called, 4);
    // The same answers, but the pushes were under way together.
    let right = history([(0, 0, 3, Pushed(1)), (2, 1, 2, Pushed(2)), (1, 4, 5, Popped(Some(1)))]);
    check(Pile::default(), &right).unwrap();
}

#[test]
fn a_stack_that_is_empty_too_early_or_drained_in_part_is_rejected() {
    use PileDone::{Drained, Popped, Pushed};
    let early = history([(0, 0, 1, Pushed(1)), (1, 2, 3, Popped(None))]);
    assert!(check(Pile::default(), &early).is_err());
    let part = history([(0, 0, 1, Pushed(1)), (0, 2, 3, Pushed(2)), (1, 4, 5, Drained(vec![2]))]);
    assert!(check(Pile::default(), &part).is_err());
}

#[test]
fn a_queue_that_returns_the_newest_value_or_one_twice_is_rejected() {
    use LineDone::{Popped, Pushed};
    let newest =
        history([(0, 0, 1, Pushed(vec![1])), (0, 2, 3, Pushed(vec![2])), (1, 4, 5, Popped(vec![2]))]);
    assert!(check(Line::new(2), &newest).is_err());
    let twice = history([(0, 0, 1, Pushed(vec![1])), (1, 2, 5, Popped(vec![1])), (2, 3, 4, Popped(vec![1]))]);
    assert!(check(Line::new(2), &twice).is_err());
}

#[test]
fn a_queue_that_outgrows_its_capacity_or_its_end_is_rejected() {
    use LineDone::{Closed, Ended, Failed, Pushed, Refused};
    let large = history([(0, 0, 1, Pushed(vec![1])), (0, 2, 3, Pushed(vec![2]))]);
    assert!(check(Line::new(1), &large).is_err());
    let late = history([(0, 0, 1, Closed(true)), (0, 2, 3, Pushed(vec![2]))]);
    assert!(check(Line::new(1), &late).is_err());
    let twice = history([(0, 0, 1, Closed(true)), (1, 2, 3, Closed(true))]);
    assert!(check(Line::new(1), &twice).is_err());
    let lost = history([(0, 0, 1, Pushed(vec![1])), (0, 2, 3, Closed(true)), (1, 4, 5, Ended)]);
    assert!(check(Line::new(1), &lost).is_err());
    let open = history([(0, 0, 1, Refused)]);
    assert!(check(Line::new(1), &open).is_err());
    let right = history([(0, 0, 1, Closed(true)), (0, 2, 3, Refused), (1, 4, 5, Failed), (1, 6, 7, Ended)]);
    check(Line::new(1), &right).unwrap();
}

#[test]
fn a_queue_that_displaces_another_than_the_oldest_value_is_rejected() {
    use LineDone::{Displaced, Pushed};
    let displaced = |old| history([(0, 0, 1, Pushed(vec![1, 2])), (1, 2, 3, Displaced(3, old))]);
    check(Line::new(2), &displaced(1)).unwrap();
    let begun = history([(0, 0, 1, LineDone::Popped(vec![5])), (0, 2, 3, LineDone::Popped(vec![6]))]);
    check(Line::with([5, 6]), &begun).unwrap();
    assert!(check(Line::with([6, 5]), &begun).is_err());
    assert!(check(Line::new(2), &displaced(2)).is_err());
}

#[test]
fn a_key_that_is_lost_or_comes_back_is_rejected() {
    use RegisterDone::{Deleted, Loaded, Stored};
    let lost = history([(0, 0, 1, Stored(1)), (1, 2, 3, Loaded(None))]);
    assert_eq!(check(Register::default(), &lost).unwrap_err().called, 2);
    let back = history([(0, 0, 1, Stored(1)), (0, 2, 3, Deleted(Some(1))), (1, 4, 5, Loaded(Some(1)))]);
    assert!(check(Register::default(), &back).is_err());
    // The same, but the delete was under way.
    let right = history([(0, 0, 1, Stored(1)), (0, 2, 5, Deleted(Some(1))), (1, 3, 4, Loaded(Some(1)))]);
    check(Register::default(), &right).unwrap();
}

#[test]
fn a_value_that_is_taken_or_stored_twice_is_rejected() {
    use RegisterDone::{Added, Compared, Computed, Deleted, Kept, Stored, Swapped};
    let wrong = [
        [Deleted(Some(1)), Deleted(Some(1))],
        [Compared(1, Some(2), true), Compared(1, None, true)],
        [Compared(1, None, true), Added(3)],
        [Swapped(2, Some(1)), Swapped(3, Some(1))],
        [Computed(Some(1), Some(2)), Computed(Some(1), Some(2))],
        [Added(2), Kept(1)],
        [Kept(2), Stored(2)],
        [Stored(1), Compared(1, Some(2), false)],
    ];
    for (number, [one, other]) in wrong.into_iter().enumerate() {
        let both = history([(0, 0, 1, Stored(1)), (1, 2, 5, one.clone()), (2, 6, 7, other.clone())]);
        // Of the third it is one order that is wrong.
        assert_eq!(check(Register::default(), &both).is_err(), number != 2, "{one:?}, {other:?}");
        let reversed = history([(0, 0, 1, Stored(1)), (1, 2, 3, other), (2, 4, 5, one)]);
        assert!(check(Register::default(), &reversed).is_err() || number > 5);
    }
    let right =
        history([(0, 0, 1, Stored(1)), (1, 2, 5, Computed(Some(1), Some(2))), (2, 3, 4, Deleted(Some(2)))]);
    check(Register::default(), &right).unwrap();
}

#[test]
fn recorded_operations_of_a_wrong_stack_are_rejected() {
    let values = std::sync::Mutex::new(std::collections::VecDeque::new());
    let history = record(3, 100, 1, |thread, random| {
        let mut values = values.lock().unwrap();
        if random.bool() {
            let value = random.u32(..1000) * 3 + thread as u32;
            values.push_back(value);
            PileDone::Pushed(value)
        } else {
            PileDone::Popped(values.pop_front())
        }
    });
    assert!(check(Pile::default(), &history).is_err(), "a queue passes for a stack");
}
