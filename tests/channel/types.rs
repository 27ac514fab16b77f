//! What the types are, and what they print; values of unusual sizes.

use std::{cell::Cell, error::Error, rc::Rc, thread};

use freewheel::flow::{
    channel::{
        self, ChannelBuilder, ChannelStats, Drain, IntoIter, Iter, Permit, Receiver, RecvContextError,
        RecvError, RecvFuture, RecvManyFuture, RecvTimeoutError, ReserveFuture, SendContextError, SendError,
        SendFuture, SendTimeoutError, Sender, TryRecvError, TrySendError,
    },
    context::ContextError,
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::waiting::join;

assert_impl_all!(Sender<Cell<u8>>: Send, Sync, Unpin, Clone);
assert_impl_all!(Receiver<Cell<u8>>: Send, Sync, Unpin, Clone, IntoIterator<Item = Cell<u8>>);
assert_not_impl_any!(Sender<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Receiver<Rc<u8>>: Send, Sync);
assert_impl_all!(Permit<'static, Cell<u8>>: Send, Sync, Unpin);
assert_not_impl_any!(Permit<'static, Rc<u8>>: Send, Sync);
assert_impl_all!(SendFuture<'static, Cell<u8>>: Send, Unpin);
assert_impl_all!(ReserveFuture<'static, Cell<u8>>: Send, Unpin);
assert_impl_all!(RecvFuture<'static, Cell<u8>>: Send, Unpin);
assert_impl_all!(RecvManyFuture<'static, Cell<u8>>: Send, Unpin);
assert_not_impl_any!(SendFuture<'static, Rc<u8>>: Send);
assert_not_impl_any!(RecvFuture<'static, Rc<u8>>: Send);
assert_impl_all!(SendFuture<'static, std::marker::PhantomPinned>: Unpin);
assert_impl_all!(Iter<'static, Cell<u8>>: Send, Sync, Unpin);
assert_impl_all!(IntoIter<Cell<u8>>: Send, Sync, Unpin);
assert_impl_all!(Drain<'static, Cell<u8>>: Send, Sync, Unpin);
assert_impl_all!(ChannelStats: Send, Sync, Unpin, Copy);
assert_impl_all!(SendError<u8>: Error, Send, Sync, Copy);
assert_impl_all!(TrySendError<Cell<u8>>: Error, Send);

/// Has no `Debug`.
struct Plain;

#[test]
fn ends_print_their_name_and_how_full_they_are() {
    let (sender, receiver) = channel::builder("orders").capacity(2).build();
    sender.send(Plain).unwrap();
    let debug = "Sender { name: \"orders\", len: 1, capacity: Some(2), is_closed: false, .. }";
    assert_eq!(format!("{sender:?}"), debug);
    receiver.close();
    let debug = "Receiver { name: \"orders\", len: 1, capacity: Some(2), is_closed: true, .. }";
    assert_eq!(format!("{receiver:?}"), debug);
    let (sender, _receiver) = channel::unbounded::<Plain>();
    assert_eq!(format!("{sender:?}"), "Sender { len: 0, capacity: None, is_closed: false, .. }");
}

#[test]
fn futures_and_the_like_print_what_they_are() {
    let (sender, receiver) = channel::bounded(1);
    let printed = [
        format!("{:?}", sender.send_async(Plain)),
        format!("{:?}", sender.reserve_async()),
        format!("{:?}", sender.try_reserve().unwrap()),
        format!("{:?}", receiver.recv_async()),
        format!("{:?}", receiver.recv_many_async(&mut Vec::new(), 1)),
    ];
    let names = ["SendFuture", "ReserveFuture", "Permit", "RecvFuture", "RecvManyFuture"];
    assert_eq!(printed, names.map(|name| format!("{name} {{ .. }}")));
    let printed = [
        format!("{:?}", channel::builder::<u8>("orders").capacity(3)),
        format!("{:?}", channel::bounded::<u8>(1).1.iter()),
        format!("{:?}", channel::bounded::<u8>(1).1.drain()),
        format!("{:?}", channel::bounded::<u8>(1).1.into_iter()),
        format!("{:?}", sender.stats()),
    ];
    let names = ["ChannelBuilder {", "Iter(Receiver {", "Drain {", "IntoIter(Receiver {", "ChannelStats {"];
    for (printed, name) in printed.iter().zip(names) {
        assert!(printed.starts_with(name), "{printed}");
    }
    assert!(printed[0].contains("capacity: Some(3)") && printed[0].contains("orders"), "{}", printed[0]);
    drop::<ChannelBuilder<Plain>>(channel::builder("unused"));
}

#[test]
fn errors_of_senders_say_why_and_print_no_value() {
    let ended = SendContextError::Ended(Plain, ContextError::Cancelled);
    let errors: [(Box<dyn Error>, _, _); 7] = [
        (Box::new(SendError(Plain)), "SendError(..)", "the channel is closed"),
        (Box::new(TrySendError::Full(Plain)), "Full(..)", "the channel is full"),
        (Box::new(TrySendError::Closed(Plain)), "Closed(..)", "the channel is closed"),
        (Box::new(SendTimeoutError::Timeout(Plain)), "Timeout(..)", "the channel had no room in time"),
        (Box::new(SendTimeoutError::Closed(Plain)), "Closed(..)", "the channel is closed"),
        (Box::new(ended), "Ended(.., Cancelled)", "the context was cancelled"),
        (Box::new(SendContextError::Closed(Plain)), "Closed(..)", "the channel is closed"),
    ];
    for (error, debug, display) in errors {
        assert_eq!((format!("{error:?}").as_str(), error.to_string().as_str()), (debug, display));
    }
}

#[test]
fn errors_of_receivers_say_why() {
    let end = "the channel is closed and empty";
    let ended = RecvContextError::Ended(ContextError::DeadlineExceeded);
    let errors: [(Box<dyn Error>, _); 7] = [
        (Box::new(RecvError), end),
        (Box::new(TryRecvError::Empty), "the channel is empty"),
        (Box::new(TryRecvError::Closed), end),
        (Box::new(RecvTimeoutError::Timeout), "nothing came through the channel in time"),
        (Box::new(RecvTimeoutError::Closed), end),
        (Box::new(ended), "the deadline of the context has passed"),
        (Box::new(RecvContextError::Closed), end),
    ];
    for (error, display) in errors {
        assert_eq!(error.to_string(), display);
    }
}

#[test]
fn errors_know_what_they_are_and_give_the_value_back() {
    assert!(TrySendError::Full(1).is_full() && !TrySendError::Full(1).is_closed());
    assert!(TrySendError::Closed(1).is_closed() && !TrySendError::Closed(1).is_full());
    assert!(SendTimeoutError::Timeout(1).is_timeout() && !SendTimeoutError::Closed(1).is_timeout());
    assert!(TryRecvError::Empty.is_empty() && !TryRecvError::Empty.is_closed());
    assert!(TryRecvError::Closed.is_closed() && !TryRecvError::Closed.is_empty());
    assert_eq!([TrySendError::Full(1).into_inner(), TrySendError::Closed(2).into_inner()], [1, 2]);
    assert_eq!([SendTimeoutError::Timeout(1).into_inner(), SendTimeoutError::Closed(2).into_inner()], [1, 2]);
    let ended = SendContextError::Ended(1, ContextError::Cancelled);
    assert_eq!([ended.into_inner(), SendContextError::Closed(2).into_inner()], [1, 2]);
}

#[test]
fn values_without_size_are_counted() {
    for (sender, receiver) in [channel::bounded(3), channel::unbounded(), channel::rendezvous()] {
        let sends = thread::spawn(move || (0..5000).for_each(|_| sender.send(()).unwrap()));
        assert_eq!(receiver.iter().count(), 5000);
        join(sends);
    }
}

#[test]
fn large_values_arrive_whole() {
    for (sender, receiver) in [channel::bounded(3), channel::unbounded(), channel::rendezvous()] {
        let sends = thread::spawn(move || {
            for number in 0..2000_u64 {
                sender.send([number; 512]).unwrap();
            }
        });
        for (number, value) in receiver.iter().enumerate() {
            assert_eq!(value, [number as u64; 512]);
        }
        assert_eq!(receiver.stats().received, 2000);
        join(sends);
    }
}
