//! Who is speaking: the resource that goes with each request.

use std::{env, path::Path, sync::LazyLock};

use opentelemetry_proto::tonic::resource::v1::Resource;
use uuid::Uuid;

use super::{StartError, encode};
use crate::metrics::KeyValue;

/// One for the process, so that all its exporters name the same instance.
static INSTANCE: LazyLock<String> = LazyLock::new(|| Uuid::new_v4().to_string());

/// The defaults, overridden by `given`; of several values for one key, the last stays.
pub(super) fn resource(given: &[KeyValue]) -> Result<Resource, StartError> {
    let mut attributes = vec![
        KeyValue::new("service.name", service_name()),
        KeyValue::new("service.instance.id", INSTANCE.as_str()),
        KeyValue::new("telemetry.sdk.name", "freewheel"),
        KeyValue::new("telemetry.sdk.language", "rust"),
        KeyValue::new("telemetry.sdk.version", env!("CARGO_PKG_VERSION")),
    ];
    for attribute in given {
        if attribute.key.is_empty() {
            return Err(StartError::EmptyResourceKey);
        }
        match attributes.iter_mut().find(|known| known.key == attribute.key) {
            Some(known) => known.value = attribute.value.clone(),
            None => attributes.push(attribute.clone()),
        }
    }
    Ok(Resource { attributes: encode::attributes(&attributes), ..Resource::default() })
}

/// What the semantic conventions say for a service that was given no name.
fn service_name() -> String {
    let from_environment = env::var("OTEL_SERVICE_NAME").ok().filter(|name| !name.is_empty());
    from_environment.unwrap_or_else(|| {
        let executable = env::current_exe().ok();
        let file = executable.as_deref().and_then(Path::file_name);
        file.map_or("unknown_service".into(), |file| format!("unknown_service:{}", file.to_string_lossy()))
    })
}
