//! Which of several branches that can be done is done.

use freewheel::flow::{
    Select,
    channel::{self, Receiver, Sender},
};

use crate::waiting::Task;

fn filled(value: usize) -> (Sender<usize>, Receiver<usize>) {
    let (sender, receiver) = channel::bounded(1000);
    (0..1000).for_each(|_| sender.send(value).unwrap());
    (sender, receiver)
}

#[test]
fn biased_does_the_first_one_that_can_be_done() {
    let [(_first, from_first), (_second, from_second), (_third, from_third)] =
        [channel::bounded(1), filled(1), filled(2)];
    for _ in 0..1000 {
        let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
        assert_eq!(select.recv(&from_third, |value| value).biased().wait(), Ok(1));
    }
    let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
    assert_eq!(select.recv(&from_third, |value| value).biased().wait(), Ok(2));
}

#[test]
fn biased_over_many_does_the_first_one() {
    let (_senders, receivers): (Vec<_>, Vec<_>) = (0..20).map(filled).unzip();
    for number in 0..3 {
        for _ in 0..1000 {
            assert_eq!(Select::over(&receivers).biased().wait(), Ok((number, number)));
        }
    }
}

#[test]
fn of_two_that_can_always_be_done_both_are_done_within_a_few_turns() {
    let [(_first, from_first), (_second, from_second)] = [filled(0), filled(1)];
    let taken: Vec<usize> = (0..400)
        .map(|_| {
            Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value).wait().unwrap()
        })
        .collect();
    assert!(taken.windows(8).all(|turns| turns.contains(&0) && turns.contains(&1)));
}

#[test]
fn receiving_and_sending_take_turns() {
    let ((_sender, receiver), (out, _outgoing)) = (filled(0), channel::unbounded());
    let taken: Vec<usize> = (0..400)
        .map(|_| Select::new().recv(&receiver, |value| value).send(&out, &mut Some(1), || 1).wait().unwrap())
        .collect();
    assert!(taken.windows(8).all(|turns| turns.contains(&0) && turns.contains(&1)));
}

#[test]
fn of_many_that_can_always_be_done_each_is_done() {
    let (_senders, receivers): (Vec<_>, Vec<_>) = (0..20).map(filled).unzip();
    let mut counts = [0; 20];
    for _ in 0..2000 {
        let (number, value) = Select::over(&receivers).try_wait().unwrap();
        assert_eq!(number, value);
        counts[number] += 1;
    }
    assert!(counts.iter().all(|&count| count >= 20), "{counts:?}");
}

#[test]
fn tasks_take_turns_too() {
    let [(_first, from_first), (_second, from_second)] = [filled(0), filled(1)];
    let mut taken = [0; 2];
    for _ in 0..200 {
        let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
        if let std::task::Poll::Ready(value) = Task::new(select.wait_async()).poll() {
            taken[value.unwrap()] += 1;
        }
    }
    assert!(taken.iter().all(|&count| count >= 20), "{taken:?}");
}

#[test]
fn two_selects_of_one_loop_are_both_fair() {
    let (_senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(filled).unzip();
    let mut counts = [0; 4];
    for _ in 0..200 {
        for pair in [0, 2] {
            let select = Select::new().recv(&receivers[pair], |value| value);
            counts[select.recv(&receivers[pair + 1], |value| value).wait().unwrap()] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count >= 20), "{counts:?}");
}
