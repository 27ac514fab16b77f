//! What goes wrong elsewhere, and not here.

use std::{thread, time::Duration};

use freewheel::flow::{
    Context, Select,
    channel::{self, Receiver, Sender},
    context::ContextError,
    select::SelectError,
};

use crate::waiting::{NEVER, Task, eventually, join};

fn waiting(channels: &[(Sender<u32>, Receiver<u32>)]) -> Vec<usize> {
    channels.iter().map(|(sender, _)| sender.stats().waiting_receivers).collect()
}

#[test]
fn nobody_is_left_in_line_after_selects_have_ended_or_were_dropped() {
    let channels = [channel::bounded(1), channel::unbounded(), channel::rendezvous()];
    let receivers: Vec<_> = channels.iter().map(|(_, receiver)| receiver.clone()).collect();
    let (context, handle) = Context::background().with_cancel();
    for _ in 0..100 {
        let [first, second] = [0, 1].map(|_| Task::waiting(Select::over(&receivers).wait_async()));
        let third = Task::waiting(Select::over(&receivers).context(&context).all_async());
        assert_eq!(waiting(&channels), [3; 3]);
        channels[0].0.send(1).unwrap();
        drop((second, third));
        assert_eq!(first.woken(), Ok((0, 1)));
        assert_eq!(waiting(&channels), [0; 3]);
        let late = Select::over(&receivers).timeout(Duration::from_micros(50)).wait();
        assert_eq!((late, waiting(&channels)), (Err(SelectError::Timeout), vec![0; 3]));
    }
    let waits = Task::waiting(Select::over(&receivers).context(&context).wait_async());
    handle.cancel();
    assert!(waits.woken().is_err());
    assert_eq!(waiting(&channels), [0; 3]);
}

#[test]
fn a_sender_whose_receiver_has_timed_out_does_not_hang_for_ever() {
    // In Go: the answer goes into a channel without room that nobody receives from any more.
    let (answer, answered) = channel::rendezvous();
    let works = thread::spawn(move || answer.send("late"));
    eventually(|| answered.len() == 1);
    let (_never, other) = channel::bounded::<()>(1);
    assert!(Select::new().recv(&other, drop).timeout(Duration::from_millis(1)).wait().is_err());
    drop(answered);
    assert_eq!(join(works).unwrap_err().into_inner(), "late");
}

#[test]
fn one_deadline_for_a_whole_loop_ends_it_although_values_keep_coming() {
    let (sender, receiver) = channel::bounded(1);
    let context = Context::background().with_timeout(Duration::from_millis(20));
    let feeds = thread::spawn(move || while sender.send(()).is_ok() {});
    let mut turns = 0;
    let end = loop {
        match Select::new().recv(&receiver, drop).context(&context).wait() {
            Ok(()) => turns += 1,
            Err(end) => break end,
        }
    };
    assert_eq!(end, SelectError::Ended(ContextError::DeadlineExceeded));
    assert!(turns > 0);
    drop(receiver);
    join(feeds);
}

#[test]
fn a_channel_that_is_closed_does_not_make_a_loop_turn_without_end() {
    let [(first, from_first), (second, from_second)] = [channel::bounded(4), channel::bounded(4)];
    first.send(1).unwrap();
    drop(first);
    let selects = thread::spawn(move || {
        let mut turns = 0;
        while Select::new().recv(&from_first, drop).recv(&from_second, drop).wait().is_ok() {
            turns += 1;
        }
        turns
    });
    for value in 0..3 {
        eventually(|| second.stats().waiting_receivers == 1);
        second.send(value).unwrap();
    }
    drop(second);
    // One for each value.
    assert_eq!(join(selects), 4);
}

#[test]
fn a_task_that_waits_beside_a_closed_channel_is_not_woken_for_nothing() {
    let [(first, from_first), (second, from_second)] = [channel::bounded::<u32>(4), channel::bounded(4)];
    let select = Select::new().recv(&from_first, |value| value).recv(&from_second, |value| value);
    let mut waits = Task::waiting(select.wait_async());
    drop(first);
    assert!(waits.was_woken() && waits.poll().is_pending());
    assert_eq!(from_first.stats().waiting_receivers, 0);
    assert!(!waits.was_woken() && waits.poll().is_pending() && !waits.was_woken());
    second.send(1).unwrap();
    assert_eq!(waits.woken(), Ok(1));
}

#[test]
fn a_select_with_priority_ends_with_its_context_although_the_first_one_is_always_ready() {
    let ((sender, receiver), (_low, from_low)) = (channel::bounded(8), channel::bounded::<()>(1));
    let (context, handle) = Context::background().with_cancel();
    let feeds = thread::spawn(move || while sender.send(()).is_ok() {});
    let selects = {
        let context = context.clone();
        thread::spawn(move || {
            let mut turns = 0;
            loop {
                let select = Select::new().recv(&receiver, drop).recv(&from_low, drop).biased();
                match select.context(&context).wait() {
                    Ok(()) => turns += 1,
                    Err(end) => break (end, turns),
                }
            }
        })
    };
    thread::sleep(Duration::from_millis(10));
    handle.cancel();
    let (end, turns) = join(selects);
    assert_eq!(end, SelectError::Ended(ContextError::Cancelled));
    assert!(turns > 0);
    join(feeds);
}

#[test]
fn the_first_answer_of_several_is_taken_and_the_others_end() {
    let (answer, answers) = channel::bounded(1);
    let (context, handle) = Context::background().with_cancel();
    let replicas: Vec<_> = (0..3)
        .map(|replica| {
            let (answer, context) = (answer.clone(), context.clone());
            thread::spawn(move || {
                let takes = if replica == 1 { Duration::ZERO } else { NEVER };
                match context.wait_timeout(takes) {
                    None => answer.send_ctx(&context, replica).is_ok(),
                    Some(_) => false,
                }
            })
        })
        .collect();
    assert_eq!(Select::new().recv(&answers, |answer| answer).timeout(NEVER).wait(), Ok(1));
    handle.cancel();
    assert_eq!(replicas.into_iter().map(join).collect::<Vec<_>>(), [false, true, false]);
}
