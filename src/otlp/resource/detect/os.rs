//! The operating system, by the semantic conventions `os.*`.

use std::{env::consts::OS, fs};

use super::known;
use crate::metrics::KeyValue;

pub(in super::super) fn os() -> Vec<KeyValue> {
    let release = release();
    let field = |key, name| known(key, release.as_deref().and_then(|release| value(release, name)));
    let attributes = [
        Some(KeyValue::new("os.type", kind())),
        field("os.name", "NAME"),
        field("os.version", "VERSION_ID"),
        field("os.description", "PRETTY_NAME"),
        field("os.build_id", "BUILD_ID"),
    ];
    attributes.into_iter().flatten().collect()
}

/// The names of the conventions, where they differ from Rust's.
fn kind() -> &'static str {
    match OS {
        "android" => "linux",
        "macos" | "ios" | "tvos" | "watchos" | "visionos" => "darwin",
        "dragonfly" => "dragonflybsd",
        "illumos" => "solaris",
        other => other,
    }
}

/// The file `os-release`, at the places that its manual page names.
fn release() -> Option<String> {
    let paths: &[&str] =
        if cfg!(target_os = "linux") { &["/etc/os-release", "/usr/lib/os-release"] } else { &[] };
    paths.iter().find_map(|path| fs::read_to_string(path).ok())
}

/// What `release` assigns to `name`; the last assignment counts, as in a shell.
fn value(release: &str, name: &str) -> Option<String> {
    let assigned = |line: &str| line.trim().strip_prefix(name)?.strip_prefix('=').map(unquoted);
    release.lines().rev().find_map(assigned)
}

/// A value without the quoting of shells, as far as the manual page allows for it.
fn unquoted(value: &str) -> String {
    let mut quote = None;
    let mut text = String::new();
    let mut characters = value.chars();
    while let Some(character) = characters.next() {
        match (character, quote) {
            ('\\', None | Some('"')) => text.extend(characters.next()),
            ('"' | '\'', None) => quote = Some(character),
            (closing, Some(open)) if closing == open => quote = None,
            (other, _) => text.push(other),
        }
    }
    text
}
