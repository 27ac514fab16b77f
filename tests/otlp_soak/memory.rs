//! How much memory the process has.

use std::{
    fmt, fs, thread,
    time::{Duration, Instant},
};

/// Of the process, once a second, in bytes.
#[derive(Default)]
pub(crate) struct Memory {
    samples: Vec<f64>,
}

impl Memory {
    pub(crate) fn watch_until(&mut self, ends: Instant) {
        while Instant::now() < ends {
            self.samples.push(resident());
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// By how much the last third of the time needed more than the second.
    pub(crate) fn growth(&self) -> f64 {
        let (second, last) = self.thirds();
        last / second - 1.0
    }

    fn thirds(&self) -> (f64, f64) {
        let third = self.samples.len() / 3;
        assert!(third > 0, "that was too short to tell");
        let mean = |samples: &[f64]| samples.iter().sum::<f64>() / samples.len() as f64;
        (mean(&self.samples[third..2 * third]), mean(&self.samples[2 * third..]))
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (second, last) = self.thirds();
        let growth = 100.0 * self.growth();
        write!(f, "{:.2} MB, then {:.2} MB resident ({growth:+.2} %)", second / 1e6, last / 1e6)
    }
}

/// Linux: proc_pid_status(5).
fn resident() -> f64 {
    let text = fs::read_to_string("/proc/self/status").unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    let kilobytes: f64 = line.trim().strip_suffix("kB").unwrap().trim().parse().unwrap();
    kilobytes * 1024.0
}
