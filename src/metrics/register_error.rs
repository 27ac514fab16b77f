//! Why an instrument could not be registered, and the syntax of names and units.

use std::{error::Error, fmt};

use super::{
    AttributeError,
    faults::{CALLBACK_PANICS, CALLBACK_TIMEOUTS, REJECTED},
};

/// Why [`build`](super::InstrumentBuilder::build) or [`bind`](super::InstrumentBuilder::bind) made no instrument.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The name breaks OpenTelemetry's "instrument name syntax".
    InvalidName {
        /// The name as exported, with what the instrument appends to it; cut after 300 characters.
        name: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The unit breaks OpenTelemetry's rules for units.
    InvalidUnit {
        /// The unit that was asked for.
        unit: String,
        /// The rule that it breaks.
        rule: &'static str,
    },
    /// The attributes cannot name a series.
    InvalidAttributes(AttributeError),
    /// The name is registered already, as something else. Names differ if they differ in more than ASCII case.
    Conflict {
        /// The name.
        name: String,
        /// What it is registered as: kind and unit.
        registered: String,
        /// What was asked for.
        requested: String,
    },
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::InvalidName { name, rule } => write!(f, "instrument name {name:?}: {rule}"),
            Self::InvalidUnit { unit, rule } => write!(f, "unit {unit:?}: {rule}"),
            Self::InvalidAttributes(error) => error.fmt(f),
            Self::Conflict { name, registered, requested } => write!(
                f,
                "instrument {name:?} is registered already as {registered}, not as {requested}; use another name \
                 or register it the same way"
            ),
        }
    }
}

impl Error for RegisterError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::InvalidAttributes(error) => Some(error),
            _ => None,
        }
    }
}

impl From<AttributeError> for RegisterError {
    fn from(error: AttributeError) -> Self {
        Self::InvalidAttributes(error)
    }
}

/// Checks a name: OpenTelemetry specification, metrics API, "Instrument name syntax".
pub(super) fn check_name(name: &str) -> Result<(), RegisterError> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let rule = if name.is_empty() {
        "a name must not be empty"
    } else if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        "a name must begin with an ASCII letter"
    } else if !name.chars().all(allowed) {
        "a name has only ASCII letters, digits, '_', '.', '-' and '/'"
    } else if name.len() > 255 {
        "a name has at most 255 characters"
    } else if name.eq_ignore_ascii_case(REJECTED) {
        "this name is that of the samples that were not recorded"
    } else if [CALLBACK_PANICS, CALLBACK_TIMEOUTS].iter().any(|taken| name.eq_ignore_ascii_case(taken)) {
        "this name is that of the callbacks that failed"
    } else {
        return Ok(());
    };
    // Long enough to recognise it.
    let name = name.chars().take(300).collect();
    Err(RegisterError::InvalidName { name, rule })
}

/// Checks a unit: OpenTelemetry specification, metrics API, "Instrument unit"; and that the instrument leaves the
/// choice.
pub(super) fn check_unit(unit: &str, fixed: Option<&'static str>) -> Result<(), RegisterError> {
    let rule = if !unit.is_ascii() {
        "a unit has only ASCII characters"
    } else if unit.len() > 63 {
        "a unit has at most 63 characters"
    } else if fixed.is_some_and(|fixed| unit != fixed) {
        "this instrument sets its unit itself; leave it out (durations are always in \"s\")"
    } else {
        return Ok(());
    };
    Err(RegisterError::InvalidUnit { unit: unit.to_owned(), rule })
}
