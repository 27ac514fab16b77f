//! The export thread: when to export, and for whom.

use std::{
    io,
    sync::{Arc, mpsc::SyncSender},
    time::Duration,
};

use tokio::{
    runtime, select,
    time::{Instant, sleep_until},
};

use super::{
    destination::{Destination, far_from},
    mailbox::{Mailbox, Orders, Report},
};
use crate::metrics::Reader;

/// What the thread works on.
#[derive(Debug)]
pub(super) struct Driver {
    /// Idle series wait until what it read is answered for.
    reader: Reader,
    destination: Destination,
    interval: Duration,
    mailbox: Arc<Mailbox>,
}

/// Closes the mailbox at the end of the thread, a panic included, so that nobody waits for it any longer.
struct Closing(Arc<Mailbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// The body of the thread. Tells `started` whether there is a runtime to work with.
pub(super) fn run(
    reader: Reader,
    destination: impl FnOnce() -> Destination,
    interval: Duration,
    mailbox: Arc<Mailbox>,
    started: &SyncSender<io::Result<()>>,
) {
    let _closing = Closing(Arc::clone(&mailbox));
    let mut builder = runtime::Builder::new_current_thread();
    // Name lookups block; those that hang must not pile up.
    builder.enable_all().thread_name("freewheel-names").max_blocking_threads(2);
    let runtime = match builder.build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let _ = started.try_send(Err(error));
            return;
        }
    };
    let _ = started.try_send(Ok(()));
    runtime.block_on(async {
        Driver { reader, destination: destination(), interval, mailbox }.serve().await;
    });
    // A name lookup that hangs must not hold the thread.
    runtime.shutdown_background();
}

impl Driver {
    async fn serve(mut self) {
        let mut due = far_from(Instant::now(), self.interval);
        loop {
            let orders = self.next_orders(due).await;
            if due <= Instant::now() {
                due = far_from(Instant::now(), self.interval);
            }
            let report = match orders.stop {
                None => self.export().await,
                Some(stop) => self.destination.export(self.reader.peek(), Some(stop.into())).await,
            };
            if report.unacknowledged == 0 {
                self.reader.acknowledge();
            }
            let stopped = orders.stop.is_some();
            orders.answer(&report);
            if stopped {
                return;
            }
        }
    }

    /// Waits until an export is due, or asked for.
    async fn next_orders(&self, due: Instant) -> Orders {
        loop {
            let orders = self.mailbox.take();
            if !orders.are_none() {
                return orders;
            }
            select! {
                () = self.mailbox.woken() => {}
                () = sleep_until(due) => return self.mailbox.take(),
            }
        }
    }

    /// Exports, unless a shutdown comes up meanwhile and nothing has come of it in half of the time left.
    async fn export(&mut self) -> Report {
        select! {
            report = self.destination.export(self.reader.peek(), None) => return report,
            () = self.mailbox.half_way_to_stop() => {}
        }
        self.destination.abandon()
    }
}
