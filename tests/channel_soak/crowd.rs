//! More threads than processors.

use std::thread;

use freewheel::flow::channel;

use crate::waiting::join;

const EACH: usize = 1000;

#[test]
fn eight_threads_get_done_whatever_they_do_while_they_wait() {
    for (sender, receiver) in
        [channel::bounded(1), channel::bounded(16), channel::unbounded(), channel::rendezvous()]
    {
        let sends: Vec<_> = (0..4)
            .map(|thread| {
                let sender = sender.clone();
                thread::spawn(move || {
                    for value in thread * EACH..(thread + 1) * EACH {
                        let mut unsent = Some(value);
                        // Half of them never sleep.
                        while thread % 2 == 0
                            && let Some(value) = unsent.take()
                        {
                            unsent = sender.try_send(value).err().map(|full| full.into_inner());
                            thread::yield_now();
                        }
                        unsent.into_iter().for_each(|value| sender.send(value).unwrap());
                    }
                })
            })
            .collect();
        drop(sender);
        let receives: Vec<_> = (0..4)
            .map(|thread| {
                let receiver = receiver.clone();
                thread::spawn(move || {
                    let mut values = Vec::new();
                    loop {
                        let received = match receiver.try_recv() {
                            Err(error) if thread % 2 == 0 && error.is_empty() => {
                                thread::yield_now();
                                continue;
                            }
                            Err(error) if error.is_empty() => receiver.recv().ok(),
                            received => received.ok(),
                        };
                        match received {
                            Some(value) => values.push(value),
                            None => return values,
                        }
                    }
                })
            })
            .collect();
        sends.into_iter().for_each(join);
        let mut values: Vec<usize> = receives.into_iter().flat_map(join).collect();
        values.sort_unstable();
        assert!(values.into_iter().eq(0..4 * EACH));
    }
}
