//! The line that tells how the run is going.

use std::{
    io::{self, IsTerminal, Write},
    sync::mpsc::{Receiver, RecvTimeoutError},
    time::{Duration, Instant},
};

/// Shows what `line` says every `interval`, until `running` is closed: on a terminal in place, otherwise one line
/// after another, and then no more than one per second.
pub(crate) fn show(interval: Duration, running: &Receiver<()>, line: impl Fn() -> String) {
    let started = Instant::now();
    let terminal = io::stderr().is_terminal();
    let interval = interval.max(Duration::from_millis(if terminal { 100 } else { 1000 }));
    // Exports start at the same intervals. Look a moment later, when the newest has arrived.
    let _ = running.recv_timeout(interval / 4);
    while running.recv_timeout(interval) == Err(RecvTimeoutError::Timeout) {
        let text = format!("{:6.1} s  {}", started.elapsed().as_secs_f64(), line());
        // Clear to the end of the line: the line before may have been longer.
        let text = if terminal { format!("\r{text}\x1b[K") } else { text + "\n" };
        write(&text);
    }
    if terminal {
        write("\r\x1b[K");
    }
}

fn write(text: &str) {
    // Whoever closed stderr does not want to see progress; the run is worth finishing all the same.
    let _ = io::stderr().write_all(text.as_bytes());
}
