//! Values in a channel that nobody receives from any more.

use freewheel::{
    flow::channel::{Receiver, Sender},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
        thread,
    },
};

/// Says that it was dropped.
#[derive(Debug)]
pub struct Told(Arc<AtomicUsize>);

impl Drop for Told {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

/// Two values are sent while the last receiver is dropped; they are dropped too, though there are senders still.
///
/// # Panics
/// If one is not.
pub fn is_dropped((sender, receiver): (Sender<Told>, Receiver<Told>)) {
    let dropped = Arc::new(AtomicUsize::new(0));
    let (other, told) = (sender.clone(), Told(Arc::clone(&dropped)));
    let sent = thread::spawn(move || {
        let _ = other.try_send(told);
        other
    });
    let _ = sender.try_send(Told(Arc::clone(&dropped)));
    drop(receiver);
    let other = sent.join().unwrap();
    assert_eq!(dropped.load(Relaxed), 2);
    drop((sender, other));
}
