//! OTLP as lines of JSON, into a file or whatever else can be written to: the form of the OTLP file exporter
//! specification.

use std::{
    fmt,
    io::{self, Write},
};

use bytes::Bytes;
use tokio::task::{JoinHandle, spawn_blocking};

use crate::otlp::{answer::Accepted, retry::Failure};

pub(in crate::otlp) type Writer = Box<dyn Write + Send>;

/// Where the writer is. It never is in two places, so a writer that hangs holds one thread and not more.
enum State {
    Here(Writer),
    /// At work, on a thread that may block.
    Away(JoinHandle<(Writer, io::Result<()>)>),
    /// It panicked.
    Gone,
}

pub(in crate::otlp) struct Lines {
    state: State,
    /// The last line may lack its end.
    is_torn: bool,
}

impl Lines {
    pub(in crate::otlp) fn new(writer: Writer) -> Self {
        Self { state: State::Here(writer), is_torn: false }
    }

    /// Writes one line. If this is dropped before it ends, the line may have been written; the next one waits for it.
    pub(super) async fn send(&mut self, line: Bytes) -> Result<Accepted, Failure> {
        // One that was given up may still be at work.
        self.come_back().await.ok();
        let State::Here(writer) = std::mem::replace(&mut self.state, State::Gone) else {
            return Err(Failure::Final { reason: "the writer has panicked".into() });
        };
        let is_torn = self.is_torn;
        self.state = State::Away(spawn_blocking(move || write(writer, &line, is_torn)));
        self.come_back()
            .await
            .map_err(|error| Failure::passing(format!("the line was not written: {error}")))?;
        Ok(Accepted::default())
    }

    /// Drops the writer, on a thread that may block; one that is at work is dropped there after that.
    pub(super) async fn close(self) {
        if let State::Here(writer) = self.state {
            // A panic has been told by its hook.
            let _ = spawn_blocking(move || drop(writer)).await;
        }
    }

    /// Waits for the writer, if it is at work.
    async fn come_back(&mut self) -> io::Result<()> {
        let State::Away(work) = &mut self.state else { return Ok(()) };
        let (state, outcome) = match work.await {
            Ok((writer, outcome)) => (State::Here(writer), outcome),
            Err(error) => (State::Gone, Err(io::Error::other(error))),
        };
        self.state = state;
        self.is_torn = outcome.is_err();
        outcome
    }
}

/// After a line that may be torn, the rest of it is ended first: a reader loses that one alone.
fn write(mut writer: Writer, line: &[u8], is_torn: bool) -> (Writer, io::Result<()>) {
    let before: &[u8] = if is_torn { b"\n" } else { b"" };
    let text = [before, line, b"\n"].concat();
    let written = writer.write_all(&text).and_then(|()| writer.flush());
    (writer, written)
}

impl fmt::Debug for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lines").finish_non_exhaustive()
    }
}
