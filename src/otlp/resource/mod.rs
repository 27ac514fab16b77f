//! Who is speaking: the resource that goes with each request.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{Environment, Warning};
use crate::metrics::{KeyValue, Value};

mod builder;
mod detect;
mod error;
mod json;
#[cfg(feature = "otlp-sdk")]
mod sdk;
mod variable;

pub use builder::ResourceBuilder;
pub use error::ResourceError;

/// The service, process and host that metrics come from, as attributes; cheap to clone.
///
/// Two are equal if they have the same attributes and schema.
///
/// # Examples
///
/// ```
/// use freewheel::otlp::Resource;
///
/// let resource = Resource::builder()
///     .service_name("till")
///     .service_version(env!("CARGO_PKG_VERSION"))
///     .attribute("shop.id", 7)
///     .detect_host()
///     .build()?;
/// assert_eq!(resource.get("shop.id"), Some(&7.into()));
/// assert_eq!(resource.get("telemetry.sdk.language"), Some(&"rust".into()));
/// # Ok::<(), freewheel::otlp::ResourceError>(())
/// ```
#[derive(Clone)]
pub struct Resource(Arc<Inner>);

struct Inner {
    /// Sorted by key, no key twice.
    attributes: Vec<KeyValue>,
    schema_url: Option<Cow<'static, str>>,
    warnings: Vec<Warning>,
}

impl Resource {
    /// Begins a resource with what [`ResourceBuilder`] says is there by default.
    pub fn builder() -> ResourceBuilder {
        ResourceBuilder::new()
    }

    /// A resource without attributes, whatever the environment says.
    #[must_use]
    pub fn empty() -> Self {
        Self::new(Vec::new(), None, Vec::new())
    }

    /// What an exporter sends that was given no resource, by the variables of `environment`.
    pub(super) fn from_environment(environment: Environment) -> Self {
        Self::builder()
            .environment(environment)
            .build()
            .expect("nothing was given that could have an empty key")
    }

    /// Of several attributes for one key, the last stays.
    fn new(
        mut attributes: Vec<KeyValue>,
        schema_url: Option<Cow<'static, str>>,
        warnings: Vec<Warning>,
    ) -> Self {
        // The sort is stable: reversed, the last of a key comes first, and stays.
        attributes.reverse();
        attributes.sort_by(|a, b| a.key.cmp(&b.key));
        attributes.dedup_by(|later, first| later.key == first.key);
        let schema_url = schema_url.filter(|url| !url.is_empty());
        Self(Arc::new(Inner { attributes, schema_url, warnings }))
    }

    /// The attributes, sorted by key; no key is there twice.
    #[must_use]
    pub fn attributes(&self) -> &[KeyValue] {
        &self.0.attributes
    }

    /// The value of one attribute.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Value> {
        let attributes = self.attributes();
        let at = attributes.binary_search_by(|attribute| (*attribute.key).cmp(key)).ok()?;
        Some(&attributes[at].value)
    }

    /// The URL of the schema that the attributes follow, if one was given.
    #[must_use]
    pub fn schema_url(&self) -> Option<&str> {
        self.0.schema_url.as_deref()
    }

    /// The variables that should have been part of the resource and could not be read.
    #[must_use]
    pub fn warnings(&self) -> &[Warning] {
        &self.0.warnings
    }
}

/// What an exporter sends that was given no resource: [`Resource::builder`] as it is, with the variables of the process.
impl Default for Resource {
    fn default() -> Self {
        Self::from_environment(Environment::process())
    }
}

impl PartialEq for Resource {
    fn eq(&self, other: &Self) -> bool {
        self.attributes() == other.attributes() && self.schema_url() == other.schema_url()
    }
}

impl fmt::Debug for Resource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resource")
            .field("attributes", &self.attributes())
            .field("schema_url", &self.schema_url())
            .field("warnings", &self.warnings())
            .finish()
    }
}
