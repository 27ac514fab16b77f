//! Metrics of channels, as a snapshot has them.

use std::{thread, time::Duration};

use freewheel::{
    flow::channel,
    metrics::{Buckets, KeyValue, Registry, Snapshot},
};

use crate::waiting::{Task, eventually, join};

fn named(name: &'static str) -> [KeyValue; 1] {
    [KeyValue::new("freewheel.channel.name", name)]
}

/// What is sent, received and rejected, how much is there, and for how much there is room.
fn figures(snapshot: &Snapshot, name: &'static str) -> ([Option<u64>; 3], [Option<i64>; 2]) {
    let counter = |figure: &str| snapshot.counter(&format!("freewheel.channel.{figure}"), &named(name));
    let level = |figure: &str| snapshot.up_down_counter(&format!("freewheel.channel.{figure}"), &named(name));
    (["sent", "received", "rejected"].map(counter), ["size", "capacity"].map(level))
}

/// How often somebody has waited, and how long in all, in seconds.
fn waits(registry: &Registry, name: &'static str, operation: &'static str) -> (u64, f64) {
    let snapshot = registry.snapshot();
    let attributes = [
        KeyValue::new("freewheel.channel.name", name),
        KeyValue::new("freewheel.channel.operation", operation),
    ];
    snapshot
        .histogram("freewheel.channel.wait_time", &attributes)
        .map_or((0, 0.0), |times| (times.count(), times.sum()))
}

#[test]
fn all_figures_are_observed() {
    let registry = Registry::new();
    let (sender, receiver) = channel::builder("jobs").capacity(3).metrics(&registry).unwrap().build();
    assert_eq!(figures(&registry.snapshot(), "jobs"), ([Some(0); 3], [Some(0), Some(3)]));
    (0..3).for_each(|value| sender.send(value).unwrap());
    assert!(sender.try_send(3).is_err() && sender.try_reserve().is_err());
    receiver.recv().unwrap();
    let expected = ([Some(3), Some(1), Some(2)], [Some(2), Some(3)]);
    assert_eq!(figures(&registry.snapshot(), "jobs"), expected);
    // Nobody has waited.
    assert_eq!([waits(&registry, "jobs", "send"), waits(&registry, "jobs", "receive")], [(0, 0.0); 2]);
}

#[test]
fn units_are_as_documented() {
    let registry = Registry::new();
    let (sender, receiver) = channel::builder("units").capacity(1).metrics(&registry).unwrap().build();
    assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
    sender.send(1).unwrap();
    let snapshot = registry.snapshot();
    for figure in ["sent", "received", "rejected", "size", "capacity"] {
        let metric = snapshot.metric(&format!("freewheel.channel.{figure}")).unwrap();
        assert_eq!(&*metric.unit, "{message}", "{figure}");
    }
    assert_eq!(&*snapshot.metric("freewheel.channel.wait_time").unwrap().unit, "s");
}

#[test]
fn there_is_no_capacity_where_there_is_room_for_any_number() {
    let registry = Registry::new();
    let (unbounded, _receiver) = channel::builder("any").metrics(&registry).unwrap().build();
    let (_sender, _receiver) = channel::builder::<u8>("none").capacity(0).metrics(&registry).unwrap().build();
    unbounded.send(1).unwrap();
    let snapshot = registry.snapshot();
    assert_eq!(figures(&snapshot, "any").1, [Some(1), None]);
    assert_eq!(figures(&snapshot, "none").1, [Some(0), Some(0)]);
}

#[test]
fn channels_of_the_same_name_add_up() {
    let registry = Registry::new();
    let channels = [2, 3]
        .map(|capacity| channel::builder("same").capacity(capacity).metrics(&registry).unwrap().build());
    channels.iter().for_each(|(sender, _)| sender.send(1).unwrap());
    channels[1].1.recv().unwrap();
    let expected = ([Some(2), Some(1), Some(0)], [Some(1), Some(5)]);
    assert_eq!(figures(&registry.snapshot(), "same"), expected);
}

#[test]
fn a_channel_that_is_gone_is_observed_no_more() {
    let registry = Registry::new();
    let channel = channel::builder("gone").capacity(3).metrics(&registry).unwrap().build();
    channel.0.send(1).unwrap();
    drop(channel);
    let (_, levels) = figures(&registry.snapshot(), "gone");
    assert!(levels.into_iter().flatten().all(|level| level == 0), "{levels:?}");
}

#[test]
fn a_receiver_that_had_to_wait_is_in_the_wait_time() {
    let registry = Registry::new();
    let (sender, receiver) = channel::builder("slow").capacity(1).metrics(&registry).unwrap().build();
    let receives = {
        let receiver = receiver.clone();
        thread::spawn(move || receiver.recv())
    };
    eventually(|| receiver.stats().waiting_receivers == 1);
    thread::sleep(Duration::from_millis(5));
    sender.send(1).unwrap();
    assert_eq!(join(receives), Ok(1));
    let (count, sum) = waits(&registry, "slow", "receive");
    assert!(count == 1 && sum >= 0.005, "{count} {sum}");

    let task = Task::waiting(receiver.recv_async());
    sender.send(2).unwrap();
    task.woken().unwrap();
    assert_eq!(waits(&registry, "slow", "receive").0, 2);
    // In vain is a wait as well, for a thread.
    assert!(receiver.recv_timeout(Duration::from_millis(1)).is_err());
    assert_eq!((waits(&registry, "slow", "receive").0, waits(&registry, "slow", "send").0), (3, 0));
}

#[test]
fn a_sender_that_had_to_wait_is_in_the_wait_time() {
    for capacity in [0, 1] {
        let registry = Registry::new();
        let (sender, receiver) =
            channel::builder("full").capacity(capacity).metrics(&registry).unwrap().build();
        let fills = Task::new(sender.send_async(0)).poll().is_ready();
        assert_eq!(fills, capacity == 1);
        let before = waits(&registry, "full", "send").0;
        let sends = {
            let sender = sender.clone();
            thread::spawn(move || sender.send(1))
        };
        eventually(|| sender.stats().waiting_senders == 1 || (capacity == 0 && sender.len() == 1));
        receiver.recv().unwrap();
        join(sends).unwrap();
        assert_eq!(waits(&registry, "full", "send").0, before + 1);
    }
}

#[test]
fn who_reserves_and_had_to_wait_is_in_the_wait_time() {
    let registry = Registry::new();
    let (sender, receiver) = channel::builder("full").capacity(1).metrics(&registry).unwrap().build();
    sender.send(0).unwrap();
    let reserves = Task::waiting(sender.reserve_async());
    let thread = {
        let sender = sender.clone();
        thread::spawn(move || sender.reserve().map(drop))
    };
    eventually(|| sender.stats().waiting_senders == 2);
    receiver.recv().unwrap();
    drop(reserves.woken());
    join(thread).unwrap();
    assert_eq!(waits(&registry, "full", "send").0, 2);
}

#[test]
fn a_name_that_is_something_else_is_a_conflict() {
    let registry = Registry::new();
    let times = registry.histogram::<u64>("freewheel.channel.sent");
    let _times = times.buckets(Buckets::explicit([1.0]).unwrap()).build().unwrap();
    assert!(channel::builder::<u8>("late").metrics(&registry).is_err());
}
