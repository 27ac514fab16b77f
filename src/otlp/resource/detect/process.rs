//! The process, by the semantic conventions `process.*`.

use std::{env, path::Path, process};

use super::{super::json, known};
use crate::metrics::KeyValue;

pub(in super::super) fn process() -> Vec<KeyValue> {
    let path = env::current_exe().ok();
    let name = path.as_deref().and_then(Path::file_name).map(|name| name.to_string_lossy().into_owned());
    let path = path.as_deref().map(|path| path.to_string_lossy().into_owned());
    let attributes = [
        Some(KeyValue::new("process.pid", process::id())),
        known("process.executable.name", name),
        known("process.executable.path", path),
        known("process.owner", owner()),
        known("process.creation.time", creation_time()),
    ];
    attributes.into_iter().flatten().collect()
}

/// The arguments, the name of the program included.
pub(in super::super) fn command_args() -> Option<KeyValue> {
    let arguments = env::args_os().map(|argument| json::string(&argument.to_string_lossy()));
    known("process.command_args", Some(json::array(arguments)))
}

/// The name of the effective user, if `/etc/passwd` has one.
#[cfg(target_os = "linux")]
fn owner() -> Option<String> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    // The real user, the effective, the saved and that of the file system.
    let user = status.lines().find_map(|line| line.strip_prefix("Uid:"))?.split_whitespace().nth(1)?;
    let users = std::fs::read("/etc/passwd").ok()?;
    String::from_utf8_lossy(&users).lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next()?;
        (fields.nth(1)? == user).then(|| name.to_owned())
    })
}

#[cfg(not(target_os = "linux"))]
fn owner() -> Option<String> {
    None
}

/// When the process began, as RFC 3339 has it.
#[cfg(all(target_os = "linux", feature = "process"))]
fn creation_time() -> Option<String> {
    use std::time::{Duration, SystemTime};

    use procfs::{FromRead, process::Stat};

    let ticks = Stat::from_file("/proc/self/stat").ok()?.starttime;
    let after_boot = Duration::from_secs_f64(ticks as f64 / procfs::ticks_per_second() as f64);
    let booted = SystemTime::UNIX_EPOCH + Duration::from_secs(procfs::boot_time_secs().ok()?);
    Some(prost_types::Timestamp::from(booted + after_boot).to_string())
}

#[cfg(not(all(target_os = "linux", feature = "process")))]
fn creation_time() -> Option<String> {
    None
}
