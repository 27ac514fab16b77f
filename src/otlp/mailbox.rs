//! What the exporter and its driver thread tell each other.

use std::{
    sync::{
        Mutex, MutexGuard, PoisonError,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::{Duration, Instant},
};

use tokio::{
    runtime::Handle,
    sync::{Notify, oneshot},
    task::JoinSet,
};

use super::Stats;

/// How an export ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Report {
    /// Points that nobody acknowledged; they are in the next export.
    pub(super) unacknowledged: u64,
    /// Points that were refused for good.
    pub(super) refused: u64,
    /// What went wrong last; empty if nothing did.
    pub(super) reason: String,
    /// Why the figures of an SDK in it are not the newest, if so.
    pub(super) late: Option<String>,
}

/// Somebody who waits for the next export to end.
#[derive(Debug)]
struct Waiter {
    ticket: u64,
    reply: Reply,
}

/// How a report reaches who waits for it.
#[derive(Debug)]
enum Reply {
    Thread(SyncSender<Report>),
    Task(oneshot::Sender<Report>),
}

#[derive(Debug, Default)]
struct Desk {
    waiting: Vec<Waiter>,
    /// An export was asked for since the last began, by somebody who may have given up meanwhile.
    is_wanted: bool,
    tickets: u64,
    stop: Option<Instant>,
    /// The driver is gone.
    closed: bool,
}

/// Both sides hold it. Its size is bounded by the number of threads and tasks that wait at the moment: whoever gives up
/// takes the wait back, and the export takes place all the same.
#[derive(Debug, Default)]
pub(super) struct Mailbox {
    desk: Mutex<Desk>,
    /// Somebody waits, or the exporter is to stop.
    wake: Notify,
    /// The exporter is to stop.
    stopping: Notify,
    stats: Mutex<Stats>,
}

/// What the driver is to do.
#[derive(Debug)]
pub(super) struct Orders {
    waiting: Vec<Waiter>,
    is_wanted: bool,
    /// This export is the last, and must end by then.
    pub(super) stop: Option<Instant>,
}

impl Orders {
    pub(super) fn are_none(&self) -> bool {
        !self.is_wanted && self.stop.is_none()
    }

    /// Tells everybody who waits. Who no longer does is none of our business.
    pub(super) fn answer(self, report: &Report) {
        for waiter in self.waiting {
            match waiter.reply {
                Reply::Thread(reply) => drop(reply.try_send(report.clone())),
                Reply::Task(reply) => drop(reply.send(report.clone())),
            }
        }
    }
}

/// A request that was handed in.
#[derive(Debug)]
pub(super) struct Request {
    ticket: u64,
    answer: Receiver<Report>,
}

/// As [`Request`], of a task.
#[derive(Debug)]
pub(super) struct AsyncRequest {
    ticket: u64,
    answer: oneshot::Receiver<Report>,
}

/// A task that waits. Its end, however it comes, ends the wait.
struct Waiting<'a> {
    mailbox: &'a Mailbox,
    ticket: u64,
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.mailbox.withdraw(self.ticket);
    }
}

/// Why there is no report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoReport {
    Late,
    Stopped,
}

impl Mailbox {
    /// Asks for an export that begins from now on; with `stop`, for the last one, which must end by then.
    pub(super) fn ask(&self, stop: Option<Instant>) -> Request {
        let (reply, answer) = sync_channel(1);
        Request { ticket: self.hand_in(Reply::Thread(reply), stop), answer }
    }

    /// As [`ask`](Self::ask), for a task.
    pub(super) fn ask_async(&self, stop: Option<Instant>) -> AsyncRequest {
        let (reply, answer) = oneshot::channel();
        AsyncRequest { ticket: self.hand_in(Reply::Task(reply), stop), answer }
    }

    fn hand_in(&self, reply: Reply, stop: Option<Instant>) -> u64 {
        let mut desk = self.desk();
        desk.tickets += 1;
        let ticket = desk.tickets;
        desk.is_wanted = true;
        if !desk.closed {
            desk.waiting.push(Waiter { ticket, reply });
        }
        if stop.is_some() {
            desk.stop = stop;
            self.stopping.notify_one();
        }
        drop(desk);
        self.wake.notify_one();
        ticket
    }

    /// Waits at most so long for the end of the export that was asked for.
    pub(super) fn wait(&self, request: Request, timeout: Duration) -> Result<Report, NoReport> {
        use std::sync::mpsc::RecvTimeoutError::{Disconnected, Timeout};
        match request.answer.recv_timeout(timeout) {
            Ok(report) => Ok(report),
            Err(Disconnected) => Err(NoReport::Stopped),
            Err(Timeout) => {
                self.withdraw(request.ticket);
                Err(NoReport::Late)
            }
        }
    }

    /// As [`wait`](Self::wait), for a task of whatever runtime: `driver` has the timer. If this is dropped before it ends,
    /// the export takes place all the same.
    pub(super) async fn wait_async(
        &self,
        request: AsyncRequest,
        deadline: Instant,
        driver: &Handle,
    ) -> Result<Report, NoReport> {
        let AsyncRequest { ticket, mut answer } = request;
        let _waiting = Waiting { mailbox: self, ticket };
        // The timer ends with this future, also if it is dropped.
        let mut timer = JoinSet::new();
        // Made within the task: made here, it would look for a timer in the runtime of the caller.
        timer.spawn_on(async move { tokio::time::sleep_until(deadline.into()).await }, driver);
        tokio::select! {
            biased;
            report = &mut answer => report.map_err(|_| NoReport::Stopped),
            timer = timer.join_next() => match timer {
                Some(Ok(())) => Err(NoReport::Late),
                // The driver has ended; the last it did was to answer.
                _ => answer.await.map_err(|_| NoReport::Stopped),
            },
        }
    }

    /// Nobody waits any longer for the answer to this request.
    fn withdraw(&self, ticket: u64) {
        self.desk().waiting.retain(|waiter| waiter.ticket != ticket);
    }

    /// Takes what was asked for so far.
    pub(super) fn take(&self) -> Orders {
        let mut desk = self.desk();
        let (waiting, is_wanted) = (std::mem::take(&mut desk.waiting), std::mem::take(&mut desk.is_wanted));
        Orders { waiting, is_wanted, stop: desk.stop }
    }

    /// Ends when something was asked for; may end once more for what was taken already.
    pub(super) async fn woken(&self) {
        self.wake.notified().await;
    }

    /// How many requests were made so far.
    pub(super) fn requests(&self) -> u64 {
        self.desk().tickets
    }

    /// Ends when more than `heard` requests were made, with their number.
    pub(super) async fn more_requests(&self, heard: u64) -> u64 {
        loop {
            let requests = self.requests();
            if requests > heard {
                return requests;
            }
            self.wake.notified().await;
        }
    }

    /// Ends when half of the time is gone that a request to stop leaves. Whatever is under way then should make
    /// room for the last export.
    pub(super) async fn half_way_to_stop(&self) {
        self.stopping.notified().await;
        let stop = self.desk().stop;
        let left = stop.map_or(Duration::ZERO, |stop| stop.saturating_duration_since(Instant::now()));
        tokio::time::sleep(left / 2).await;
    }

    /// From now on every request ends with [`NoReport::Stopped`], those of the past included.
    pub(super) fn close(&self) {
        let mut desk = self.desk();
        desk.closed = true;
        desk.waiting.clear();
    }

    /// Reads or changes the statistics.
    pub(super) fn stats<T>(&self, access: impl FnOnce(&mut Stats) -> T) -> T {
        access(&mut self.stats.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// No code that can panic runs under this lock, so a poisoned one is as good as any.
    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
