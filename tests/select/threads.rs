//! Many that select at once.

use std::{sync::Arc, thread};

use freewheel::flow::{
    Select,
    channel::{self, Receiver, Sender},
};

use crate::waiting::join;

const EACH: usize = 2000;

fn channels() -> (Vec<Sender<usize>>, Vec<Receiver<usize>>) {
    [channel::bounded(1), channel::bounded(16), channel::unbounded(), channel::rendezvous()]
        .into_iter()
        .unzip()
}

fn assert_each_once(values: impl IntoIterator<Item = usize>) {
    let mut values: Vec<usize> = values.into_iter().collect();
    values.sort_unstable();
    assert!(values.into_iter().eq(0..4 * EACH));
}

fn send_plainly(senders: Vec<Sender<usize>>) -> Vec<thread::JoinHandle<()>> {
    let sends = senders.into_iter().enumerate().map(|(number, sender)| {
        thread::spawn(move || (0..EACH).for_each(|value| sender.send(number * EACH + value).unwrap()))
    });
    sends.collect()
}

#[test]
fn threads_that_select_over_channels_receive_each_value_once() {
    let (senders, receivers) = channels();
    let receivers = Arc::new(receivers);
    let sends = send_plainly(senders);
    let selects: Vec<_> = (0..3)
        .map(|_| {
            let receivers = Arc::clone(&receivers);
            thread::spawn(move || {
                std::iter::from_fn(|| Select::over(&receivers).wait().ok().map(|(_, value)| value))
                    .collect::<Vec<_>>()
            })
        })
        .collect();
    sends.into_iter().for_each(join);
    assert_each_once(selects.into_iter().flat_map(join));
    assert!(receivers.iter().all(|receiver| receiver.stats().waiting_receivers == 0));
}

#[test]
fn who_selects_and_who_only_receives_share_the_values() {
    let (senders, receivers) = channels();
    let sends = send_plainly(senders);
    let mut receives: Vec<_> = receivers
        .iter()
        .map(|receiver| {
            let receiver = receiver.clone();
            thread::spawn(move || receiver.into_iter().collect::<Vec<_>>())
        })
        .collect();
    receives.push(thread::spawn(move || {
        let [first, second, third, fourth] = &receivers[..] else { panic!("not four") };
        let one = |value| value;
        std::iter::from_fn(|| {
            let select = Select::new().recv(first, one).recv(second, one).recv(third, one).recv(fourth, one);
            select.wait().ok()
        })
        .collect()
    }));
    sends.into_iter().for_each(join);
    assert_each_once(receives.into_iter().flat_map(join));
}

#[test]
fn sends_and_receives_that_select_meet_in_a_rendezvous() {
    let [(left, from_left), (right, from_right)] = [channel::rendezvous(), channel::rendezvous()];
    let sends: Vec<_> = (0..4)
        .map(|thread| {
            let (left, right) = (left.clone(), right.clone());
            thread::spawn(move || {
                for value in thread * EACH..(thread + 1) * EACH {
                    let (mut first, mut second) = (Some(value), Some(value));
                    Select::new()
                        .send(&left, &mut first, || ())
                        .send(&right, &mut second, || ())
                        .wait()
                        .unwrap();
                    assert_ne!(first.is_some(), second.is_some());
                }
            })
        })
        .collect();
    drop((left, right));
    let receives: Vec<_> = (0..3)
        .map(|_| {
            let (from_left, from_right) = (from_left.clone(), from_right.clone());
            thread::spawn(move || {
                std::iter::from_fn(|| {
                    Select::new().recv(&from_left, |value| value).recv(&from_right, |value| value).wait().ok()
                })
                .collect::<Vec<_>>()
            })
        })
        .collect();
    sends.into_iter().for_each(join);
    assert_each_once(receives.into_iter().flat_map(join));
    assert_eq!((from_left.len(), from_right.len()), (0, 0));
}

#[test]
fn who_passes_on_selects_between_both_directions() {
    let [(first, from_first), (second, from_second)] = [channel::bounded(1), channel::rendezvous()];
    let sends = thread::spawn(move || (0..4 * EACH).for_each(|value| first.send(value).unwrap()));
    let passes = thread::spawn(move || {
        let mut held = None;
        loop {
            let is_empty = held.is_none();
            let select = Select::new().send(&second, &mut held, || None);
            // Takes another one only when it has none.
            let done = if is_empty { select.recv(&from_first, Some).wait() } else { select.wait() };
            match done {
                Ok(Some(value)) => held = Some(value),
                Ok(None) => {}
                Err(_) => break,
            }
        }
    });
    assert!(from_second.into_iter().eq(0..4 * EACH));
    join(sends);
    join(passes);
}

#[test]
fn tasks_that_take_turns_are_all_fair() {
    use crate::waiting::Task;
    let (senders, receivers): (Vec<_>, Vec<_>) = (0..4).map(|_| channel::unbounded()).unzip();
    (0..4).for_each(|number: usize| (0..500).for_each(|_| senders[number].send(number).unwrap()));
    let mut counts = [0; 4];
    for _ in 0..100 {
        for pair in [&receivers[..2], &receivers[2..]] {
            counts[Task::ready(Select::over(pair).wait_async()).unwrap().1] += 1;
        }
    }
    assert!(counts.iter().all(|&count| count >= 20), "{counts:?}");
}
