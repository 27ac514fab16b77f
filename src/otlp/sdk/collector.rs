//! Makes one SDK collect when it is asked to, on a thread of its own: the SDK blocks for as long as it likes.
//!
//! Whoever asks draws a ticket. One collection answers all tickets that were drawn before it began, so there are never two
//! at once, and while one hangs nothing queues but a number.

use std::{
    io,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

use opentelemetry_sdk::{error::OTelSdkError, metrics::SdkMeterProvider};
use tokio::{
    sync::watch,
    time::{Instant, timeout_at},
};

use super::{super::Foreign, SdkMetrics, state::State};

/// How long an SDK that is being shut down may take to collect one last time: as long as it gives itself.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// All destinations share it. The thread ends after the last of them.
#[derive(Debug)]
pub(super) struct Collector {
    state: Arc<State>,
    timeout: Duration,
    desk: Arc<Desk>,
    answers: watch::Receiver<Answer>,
}

/// A request to collect.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ticket {
    number: u64,
    drawn: Instant,
}

#[derive(Debug, Default)]
struct Desk {
    asked: Mutex<Asked>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Asked {
    /// The number of the last ticket.
    tickets: u64,
    is_over: bool,
}

/// How the last collection went.
#[derive(Clone, Debug, Default)]
struct Answer {
    /// It began after this ticket was drawn.
    ticket: u64,
    failure: Option<Arc<str>>,
}

impl Collector {
    pub(super) fn start(sdk: SdkMetrics, provider: SdkMeterProvider) -> io::Result<Self> {
        let SdkMetrics { state, timeout } = sdk;
        let desk = Arc::<Desk>::default();
        let (answer, answers) = watch::channel(Answer::default());
        let (its_desk, its_state) = (Arc::clone(&desk), Arc::clone(&state));
        thread::Builder::new()
            .name("freewheel-sdk".into())
            // The provider ends here as well: the last reference shuts the SDK down, which takes its time.
            .spawn(move || serve(&provider, &its_desk, &its_state, &answer))?;
        Ok(Self { state, timeout, desk, answers })
    }

    /// Asks for a collection that begins from now on.
    pub(super) fn ask(&self) -> Ticket {
        let mut asked = self.desk.asked();
        asked.tickets += 1;
        self.desk.changed.notify_one();
        Ticket { number: asked.tickets, drawn: Instant::now() }
    }

    /// Waits for the collection, at most until then or for the timeout, and gives what was collected last; and why, if
    /// that is not what was asked for.
    pub(super) async fn collected(&self, ticket: Ticket, by: Instant) -> (Vec<Foreign>, Option<String>) {
        let begun = ticket.drawn;
        let patience = self.timeout.min(by.saturating_duration_since(begun) / 2);
        let mut answers = self.answers.clone();
        let answer = answers.wait_for(|answer| answer.ticket >= ticket.number);
        let problem = match timeout_at(begun + patience, answer).await {
            Ok(Ok(answer)) => answer.failure.as_ref().map(|failure| failure.to_string()),
            Ok(Err(_)) => Some("the thread that collects from it has panicked".to_owned()),
            Err(_) => Some(format!("it has not collected within {patience:?}")),
        };
        (self.state.pieces(), problem)
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.desk.asked().is_over = true;
        self.desk.changed.notify_one();
    }
}

impl Desk {
    /// Waits for a ticket after `answered`; none if there will be no more.
    fn next(&self, answered: u64) -> Option<u64> {
        let asked =
            self.changed.wait_while(self.asked(), |asked| !asked.is_over && asked.tickets == answered);
        let asked = asked.unwrap_or_else(PoisonError::into_inner);
        (!asked.is_over).then_some(asked.tickets)
    }

    /// No code that can panic runs under this lock, so a poisoned one is as good as any.
    fn asked(&self) -> MutexGuard<'_, Asked> {
        self.asked.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The body of the thread.
fn serve(provider: &SdkMeterProvider, desk: &Desk, state: &State, answer: &watch::Sender<Answer>) {
    let mut answered = 0;
    while let Some(ticket) = desk.next(answered) {
        let failure = collect(provider, state).map(Into::into);
        answered = ticket;
        answer.send_replace(Answer { ticket, failure });
    }
}

/// Makes the SDK collect; tells what went wrong.
fn collect(provider: &SdkMeterProvider, state: &State) -> Option<String> {
    if state.is_final() {
        return None;
    }
    let collections = state.collections();
    match provider.force_flush() {
        Ok(()) => {
            // A reader that has collected nothing does not say so.
            state.clear_since(collections);
            None
        }
        Err(OTelSdkError::AlreadyShutdown) if state.wait_for_end(SHUTDOWN) => None,
        // Another reader of the provider has failed; ours has what it needs.
        Err(_) if state.is_final() || state.collections() > collections => None,
        Err(error) => Some(error.to_string()),
    }
}
