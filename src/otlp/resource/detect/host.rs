//! The host, by the semantic conventions `host.*`.

use std::env::consts::ARCH;

use gethostname::gethostname;

use super::known;
use crate::metrics::KeyValue;

pub(in super::super) fn host() -> Vec<KeyValue> {
    let name = gethostname().to_string_lossy().into_owned();
    let attributes =
        [known("host.name", Some(name)), Some(KeyValue::new("host.arch", arch())), known("host.id", id())];
    attributes.into_iter().flatten().collect()
}

/// The names of the conventions, where they differ from Rust's.
fn arch() -> &'static str {
    match ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "arm" => "arm32",
        "powerpc" => "ppc32",
        "powerpc64" => "ppc64",
        other => other,
    }
}

/// The machine ID: 32 hexadecimal digits. Before the first start of a system has ended, the file says otherwise.
#[cfg(target_os = "linux")]
fn id() -> Option<String> {
    let read = |path| std::fs::read_to_string(path).ok().map(|id| id.trim().to_owned());
    let is_id = |id: &String| id.len() == 32 && id.bytes().all(|digit| digit.is_ascii_hexdigit());
    ["/etc/machine-id", "/var/lib/dbus/machine-id"].into_iter().filter_map(read).find(is_id)
}

#[cfg(not(target_os = "linux"))]
fn id() -> Option<String> {
    None
}
