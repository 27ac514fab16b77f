//! How a resource comes together.

use std::borrow::Cow;

use super::{Resource, ResourceError, detect, variable};
use crate::{
    metrics::{KeyValue, Value},
    otlp::{Environment, environment::Warnings},
};

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";

/// The parts of a [`Resource`] to be; made by [`Resource::builder`].
///
/// # Which value stays
///
/// Where several sources set one key, the higher one in this table stays; within a source, the last value.
///
/// | source                                                            | sets                                      |
/// |-------------------------------------------------------------------|-------------------------------------------|
/// | [`attribute`](Self::attribute), [`service_name`](Self::service_name) and so on | what it says                 |
/// | the variable `OTEL_SERVICE_NAME`                                  | `service.name`                            |
/// | the variable `OTEL_RESOURCE_ATTRIBUTES`                           | what it says                              |
/// | [`detect`](Self::detect), [`detect_host`](Self::detect_host) and so on | what it finds                        |
/// | defaults, if not [switched off](Self::without_defaults)           | `service.name`, `service.instance.id`, `telemetry.sdk.*` |
///
/// By default `service.name` is `unknown_service:` and the name of the executable, and `service.instance.id` a random
/// UUID, the same for all resources of the process.
///
/// # `OTEL_RESOURCE_ATTRIBUTES`
///
/// It reads `key1=value1,key2=value2`; all values are text. Bytes may be percent-encoded; `,`, `%`, and in keys `=`,
/// have to be, as have spaces at either end. If one attribute cannot be read, the variable is ignored as a whole, as
/// OpenTelemetry demands, and [`Resource::warnings`] says so.
#[derive(Clone, Debug)]
#[must_use = "a builder does nothing until it builds"]
pub struct ResourceBuilder {
    environment: Environment,
    has_defaults: bool,
    detected: Vec<KeyValue>,
    given: Vec<KeyValue>,
    schema_url: Option<Cow<'static, str>>,
}

impl ResourceBuilder {
    pub(super) fn new() -> Self {
        Self {
            environment: Environment::process(),
            has_defaults: true,
            detected: Vec::new(),
            given: Vec::new(),
            schema_url: None,
        }
    }

    /// Adds an attribute.
    pub fn attribute(mut self, key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        self.given.push(KeyValue::new(key, value));
        self
    }

    /// Adds attributes.
    pub fn attributes(mut self, attributes: impl IntoIterator<Item = KeyValue>) -> Self {
        self.given.extend(attributes);
        self
    }

    /// The name of the service, the same for all its instances: `service.name`.
    pub fn service_name(self, name: impl Into<Cow<'static, str>>) -> Self {
        self.attribute("service.name", name.into())
    }

    /// The version of the service: `service.version`.
    pub fn service_version(self, version: impl Into<Cow<'static, str>>) -> Self {
        self.attribute("service.version", version.into())
    }

    /// What the name of the service is unique within: `service.namespace`.
    pub fn service_namespace(self, namespace: impl Into<Cow<'static, str>>) -> Self {
        self.attribute("service.namespace", namespace.into())
    }

    /// The URL of the schema that the attributes follow; none unless given.
    pub fn schema_url(mut self, url: impl Into<Cow<'static, str>>) -> Self {
        self.schema_url = Some(url.into());
        self
    }

    /// Where to read variables from; the process, unless given.
    pub fn environment(mut self, environment: Environment) -> Self {
        self.environment = environment;
        self
    }

    /// Leaves out the lowest row of the table. Collectors expect a `service.name`: give one.
    pub fn without_defaults(mut self) -> Self {
        self.has_defaults = false;
        self
    }

    /// Adds what `detector` finds; variables and attributes in code override it.
    ///
    /// *Cost:* calls `detector` at once.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::{metrics::KeyValue, otlp::Resource};
    ///
    /// fn in_the_cloud() -> Option<KeyValue> {
    ///     let region = std::env::var("AWS_REGION").ok()?;
    ///     Some(KeyValue::new("cloud.region", region))
    /// }
    ///
    /// let resource = Resource::builder().service_name("till").detect(in_the_cloud).build()?;
    /// # Ok::<(), freewheel::otlp::ResourceError>(())
    /// ```
    pub fn detect<A: IntoIterator<Item = KeyValue>>(mut self, detector: impl FnOnce() -> A) -> Self {
        self.detected.extend(detector());
        self
    }

    /// Adds what is known of process, host and operating system; no arguments of the command, which may be secret.
    pub fn detect_all(self) -> Self {
        self.detect_process().detect_host().detect_os()
    }

    /// Adds `process.pid`, `process.executable.name` and `process.executable.path`; on Linux `process.owner`, if
    /// `/etc/passwd` has a name for it; and, on Linux with the feature `process`, `process.creation.time`.
    ///
    /// *Cost:* reads a few small files, at once.
    pub fn detect_process(self) -> Self {
        self.detect(detect::process)
    }

    /// Adds `process.command_args`: the arguments that the process was started with, as the text of a JSON array.
    ///
    /// **They may hold secrets**, which then go to whoever may see the metrics.
    pub fn detect_command_args(self) -> Self {
        self.detect(detect::command_args)
    }

    /// Adds `host.name`, `host.arch` (the one that the program was compiled for) and, on Linux, `host.id`: the machine
    /// ID. A container has a machine ID of its own, that of its image, or none.
    ///
    /// *Cost:* reads a small file, at once.
    pub fn detect_host(self) -> Self {
        self.detect(detect::host)
    }

    /// Adds `os.type` and, on Linux, what `os-release` says: `os.name`, `os.version`, `os.description`,
    /// `os.build_id`.
    ///
    /// *Cost:* reads a small file, at once.
    pub fn detect_os(self) -> Self {
        self.detect(detect::os)
    }

    /// Builds the resource. Variables that cannot be read are no error: [`Resource::warnings`] has them.
    ///
    /// # Errors
    ///
    /// [`ResourceError`] if an attribute has an empty key.
    pub fn build(self) -> Result<Resource, ResourceError> {
        let mut warnings = Warnings::default();
        // Lowest first: the last value for a key stays.
        let mut attributes = if self.has_defaults { detect::defaults() } else { Vec::new() };
        attributes.extend(self.detected);
        attributes.extend(variable::attributes(&self.environment, &mut warnings));
        let service_name = self.environment.read(SERVICE_NAME, &mut warnings);
        attributes.extend(service_name.map(|name| KeyValue::new("service.name", name)));
        attributes.extend(self.given);
        if attributes.iter().any(|attribute| attribute.key.is_empty()) {
            return Err(ResourceError::EmptyKey);
        }
        Ok(Resource::new(attributes, self.schema_url, warnings.0))
    }
}
