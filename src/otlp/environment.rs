//! Where variables are read from, and what is said of those that make no sense.

use std::{borrow::Cow, collections::BTreeMap, env, ffi::OsStr, fmt, sync::Arc};

/// The variables that are read where the code says nothing: those of the process, or given ones.
///
/// A variable that is empty counts as unset, as OpenTelemetry demands. Values may be secrets: `Debug` shows names only.
///
/// # Examples
///
/// ```
/// use freewheel::otlp::{Environment, Resource};
///
/// let environment = Environment::from_variables([("OTEL_SERVICE_NAME", "till")]);
/// let resource = Resource::builder().environment(environment).build()?;
/// assert_eq!(resource.get("service.name"), Some(&"till".into()));
/// # Ok::<(), freewheel::otlp::ResourceError>(())
/// ```
#[derive(Clone, Default)]
pub struct Environment(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    Process,
    Given(Arc<BTreeMap<String, String>>),
}

impl Environment {
    /// The variables of the process, as they are when something reads them.
    #[must_use]
    pub fn process() -> Self {
        Self(Source::Process)
    }

    /// No variables at all: the code alone decides.
    #[must_use]
    pub fn none() -> Self {
        Self(Source::Given(Arc::default()))
    }

    /// These variables and no others. Of several values for one name, the last stays.
    #[must_use]
    pub fn from_variables<K: Into<String>, V: Into<String>>(
        variables: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let variables = variables.into_iter().map(|(name, value)| (name.into(), value.into()));
        Self(Source::Given(Arc::new(variables.collect())))
    }

    /// The value of a variable; none if it is unset, empty or no Unicode. [`read`](Self::read) warns of the last.
    pub(super) fn get(&self, name: &str) -> Option<String> {
        self.raw(name)?.to_str().map(str::to_owned)
    }

    /// As [`get`](Self::get), and warns of a value that is no Unicode.
    pub(super) fn read(&self, name: &'static str, warnings: &mut Warnings) -> Option<String> {
        let value = self.get(name);
        if value.is_none() && self.raw(name).is_some() {
            warnings.add(name, "it is not valid Unicode; write it in UTF-8");
        }
        value
    }

    fn raw(&self, name: &str) -> Option<Cow<'_, OsStr>> {
        let value = match &self.0 {
            Source::Process => Cow::<OsStr>::Owned(env::var_os(name)?),
            Source::Given(variables) => Cow::Borrowed(OsStr::new(variables.get(name)?)),
        };
        Some(value).filter(|value| !value.is_empty())
    }
}

impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Process => f.write_str("Environment::process()"),
            Source::Given(variables) => {
                f.write_str("Environment ")?;
                f.debug_set().entries(variables.keys()).finish()
            }
        }
    }
}

/// Something in the configuration that was not taken as given.
///
/// `Display` names the variable and what it accepts. Neither shows the value, which may be a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Warning {
    /// The variable that was not taken.
    pub variable: Cow<'static, str>,
    /// What is wrong with it, and what it accepts.
    pub problem: Cow<'static, str>,
}

impl Warning {
    pub(super) fn new(variable: impl Into<Cow<'static, str>>, problem: impl Into<Cow<'static, str>>) -> Self {
        Self { variable: variable.into(), problem: problem.into() }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is ignored: {}", self.variable, self.problem)
    }
}

/// The warnings so far, handed along by whoever reads variables; each once, however many destinations read it.
#[derive(Clone, Debug, Default)]
pub(super) struct Warnings(pub(super) Vec<Warning>);

impl Warnings {
    pub(super) fn add(
        &mut self,
        variable: impl Into<Cow<'static, str>>,
        problem: impl Into<Cow<'static, str>>,
    ) {
        let warning = Warning::new(variable, problem);
        if !self.0.contains(&warning) {
            self.0.push(warning);
        }
    }
}
