//! What can be found out without being told. Whatever cannot be is left out.

use std::{env, path::Path, sync::LazyLock};

use uuid::Uuid;

use crate::metrics::KeyValue;

mod host;
mod os;
mod process;

pub(super) use host::host;
pub(super) use os::os;
pub(super) use process::{command_args, process};

/// One for the process, so that all its exporters name the same instance.
static INSTANCE: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().to_string());

/// What every resource has that does not refuse it.
pub(super) fn defaults() -> Vec<KeyValue> {
    vec![
        KeyValue::new("service.name", service_name()),
        KeyValue::new("service.instance.id", INSTANCE.as_str()),
        KeyValue::new("telemetry.sdk.name", "freewheel"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ]
}

/// What the semantic conventions say for a service that was given no name.
fn service_name() -> String {
    let executable = env::current_exe().ok();
    let file = executable.as_deref().and_then(Path::file_name);
    file.map_or("unknown_service".into(), |file| format!("unknown_service:{}", file.to_string_lossy()))
}

/// An attribute that may not be known.
fn known(key: &'static str, value: Option<String>) -> Option<KeyValue> {
    value.filter(|value| !value.is_empty()).map(|value| KeyValue::new(key, value))
}
