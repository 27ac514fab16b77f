//! Linearizability, by just-in-time linearization (G. Lowe, *Testing for linearizability*, Concurrency and
//! Computation: Practice and Experience 29(4), 2017).

use std::{collections::HashSet, mem};

use super::{Event, Specification};

/// A way in which it may have gone so far: the state, and the threads whose running operations have taken effect.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Branch<S> {
    state: S,
    effective: u64,
}

/// The operations that were called and have not returned, one at most of each thread.
struct Running<'a, D>(Vec<Option<&'a D>>);

impl<D> Running<'_, D> {
    /// All that `branch` leads to by one more operation taking effect.
    fn steps<S: Specification<Done = D>>(&self, branch: &Branch<S>) -> Vec<Branch<S>> {
        let waiting = self.0.iter().enumerate().filter(|(thread, _)| branch.effective >> thread & 1 == 0);
        waiting
            .filter_map(|(thread, done)| {
                let state = branch.state.after((*done)?)?;
                Some(Branch { state, effective: branch.effective | 1 << thread })
            })
            .collect()
    }

    /// The branches in which the operation of `thread` has taken effect by the time at which it returns.
    fn returns<S: Specification<Done = D>>(
        &mut self,
        thread: usize,
        branches: HashSet<Branch<S>>,
    ) -> HashSet<Branch<S>> {
        let mut explained = HashSet::new();
        let mut seen = branches.clone();
        let mut open: Vec<_> = branches.into_iter().collect();
        while let Some(mut branch) = open.pop() {
            if branch.effective >> thread & 1 == 1 {
                branch.effective &= !(1 << thread);
                explained.insert(branch);
                continue;
            }
            let new = self.steps(&branch).into_iter().filter(|step| seen.insert(step.clone()));
            open.extend(new);
        }
        self.0[thread] = None;
        explained
    }
}

/// Whether whole operations, one after the other, each between its call and its return, explain `history`.
///
/// # Errors
/// The first operation that none of the possible orders explains.
///
/// # Panics
/// If there are more than 64 threads.
pub(crate) fn check<S: Specification>(begin: S, history: &[Event<S::Done>]) -> Result<(), Event<S::Done>> {
    let threads = history.iter().map(|event| event.thread + 1).max().unwrap_or(0);
    assert!(threads <= 64, "a word has a bit for each of 64 threads, and not for {threads}");
    let calls = history.iter().map(|event| (event.called, false, event));
    let returns = history.iter().map(|event| (event.returned, true, event));
    let mut moments: Vec<_> = calls.chain(returns).collect();
    moments.sort_by_key(|&(time, returned, _)| (time, returned));
    let mut running = Running(vec![None; threads]);
    let mut branches = HashSet::from([Branch { state: begin, effective: 0 }]);
    for (_, returned, event) in moments {
        if returned {
            branches = running.returns(event.thread, mem::take(&mut branches));
            if branches.is_empty() {
                return Err(event.clone());
            }
        } else {
            running.0[event.thread] = Some(&event.done);
        }
    }
    Ok(())
}
