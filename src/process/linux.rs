//! Reading `/proc`.

use std::{fs, io};

use procfs::{Current, FromRead, Uptime, process::Stat};

use super::{Reading, Usage};

/// What there is to know at the moment.
pub(super) fn read() -> Reading {
    let stat = Stat::from_file("/proc/self/stat").ok();
    Reading {
        usage: stat.as_ref().map(usage),
        descriptors: descriptors().ok(),
        uptime: stat.as_ref().and_then(uptime),
    }
}

fn usage(stat: &Stat) -> Usage {
    Usage {
        user_seconds: seconds(stat.utime),
        system_seconds: seconds(stat.stime),
        resident_bytes: stat.rss.saturating_mul(procfs::page_size()),
        virtual_bytes: stat.vsize,
        threads: stat.num_threads,
        minor_faults: stat.minflt,
        major_faults: stat.majflt,
    }
}

/// How many there are open, without one that is opened for the question.
fn descriptors() -> io::Result<u64> {
    const PATH: &str = "/proc/self/fd";
    // Since Linux 6.2 the size of the directory says it.
    match fs::metadata(PATH)?.len() {
        0 => Ok(fs::read_dir(PATH)?.count().saturating_sub(1) as u64),
        count => Ok(count),
    }
}

/// The time since the start of the process, if both clocks are of the same system: a container may hide the other one.
fn uptime(stat: &Stat) -> Option<f64> {
    let uptime = Uptime::current().ok()?.uptime - seconds(stat.starttime);
    (uptime >= 0.0).then_some(uptime)
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / procfs::ticks_per_second() as f64
}
