//! What the connections of a collector share.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use tokio::sync::Notify;

use super::{Answer, Arrival};

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) script: Mutex<VecDeque<Answer>>,
    pub(super) arrivals: Mutex<Vec<Arrival>>,
    inside: AtomicUsize,
    pub(super) most_inside: AtomicUsize,
    pub(super) reset: Notify,
    pub(super) freeze: Notify,
}

impl State {
    pub(super) fn next_answer(&self) -> Answer {
        self.script.lock().unwrap().pop_front().unwrap_or(Answer::Accept)
    }
}

/// Counts a request as in work for as long as it lives.
pub(super) struct Inside(Arc<State>);

impl Inside {
    pub(super) fn enter(state: &Arc<State>) -> Self {
        let inside = state.inside.fetch_add(1, SeqCst) + 1;
        state.most_inside.fetch_max(inside, SeqCst);
        Self(Arc::clone(state))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, SeqCst);
    }
}
