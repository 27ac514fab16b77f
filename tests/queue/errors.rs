//! What the operations fail with.

use std::{error::Error, rc::Rc};

use freewheel::queue::{Closed, TryPopError, TryPushError};
use static_assertions::assert_impl_all;

assert_impl_all!(TryPushError<Rc<u8>>: Error);
assert_impl_all!(Closed<Rc<u8>>: Error);
assert_impl_all!(TryPopError: Error, Send, Sync, Copy);

#[test]
fn refused_pushes_say_why_and_give_the_value_back() {
    let (full, closed) = (TryPushError::Full(7), TryPushError::Closed(8));
    assert!(full.is_full() && !full.is_closed());
    assert!(closed.is_closed() && !closed.is_full());
    assert_eq!((full.to_string(), closed.to_string()), ("queue is full".into(), "queue is closed".into()));
    assert_eq!(format!("{full:?} {closed:?}"), "Full(..) Closed(..)");
    assert_eq!((full.into_inner(), closed.into_inner()), (7, 8));
    assert_eq!(Closed(9).to_string(), "queue is closed");
    assert_eq!(format!("{:?}", Closed(9)), "Closed(..)");
    assert_eq!(Closed(9).into_inner(), 9);
}

#[test]
fn refused_pops_say_why() {
    assert!(TryPopError::Empty.is_empty() && !TryPopError::Empty.is_closed());
    assert!(TryPopError::Closed.is_closed() && !TryPopError::Closed.is_empty());
    assert_eq!(TryPopError::Empty.to_string(), "queue is empty");
    assert_eq!(TryPopError::Closed.to_string(), "queue is closed and empty");
}
