//! Attributes: the keys and values that tell the series of one instrument apart.

use std::{
    borrow::Cow,
    fmt,
    hash::{Hash, Hasher},
    sync::Arc,
};

use super::ValueRef;

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text; static ones are not copied.
    String(Cow<'static, str>),
}

/// An attribute: a key and its value.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::KeyValue;
///
/// let method = KeyValue::new("http.request.method", "GET");
/// let status = KeyValue::new("http.response.status_code", 200);
/// assert_eq!(method.to_string(), "http.request.method=GET");
/// assert_ne!(method, status);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct KeyValue {
    /// The name of the attribute.
    pub key: Cow<'static, str>,
    /// What it is set to.
    pub value: Value,
}

impl KeyValue {
    /// Makes an attribute. Text that is not `'static` is given as a `String`. OTLP has no unsigned 64-bit integers, so
    /// neither has this.
    #[must_use]
    pub fn new(key: impl Into<Cow<'static, str>>, value: impl Into<Value>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

impl KeyValue {
    pub(super) fn as_ref(&self) -> (&str, ValueRef<'_>) {
        (&self.key, (&self.value).into())
    }
}

impl fmt::Display for KeyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.key, self.value)
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(f),
            Self::I64(value) => value.fmt(f),
            Self::F64(value) => value.fmt(f),
            Self::String(value) => value.fmt(f),
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::I64(value)
    }
}

impl From<i32> for Value {
    fn from(value: i32) -> Self {
        Self::I64(value.into())
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::I64(value.into())
    }
}

impl From<u16> for Value {
    fn from(value: u16) -> Self {
        Self::I64(value.into())
    }
}

impl From<u8> for Value {
    fn from(value: u8) -> Self {
        Self::I64(value.into())
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::F64(value)
    }
}

impl From<&'static str> for Value {
    fn from(value: &'static str) -> Self {
        Self::String(Cow::Borrowed(value))
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(Cow::Owned(value))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(value: Cow<'static, str>) -> Self {
        Self::String(value)
    }
}

/// The attributes of one series, sorted by key, shared by everything that speaks of the series.
pub type Attributes = Arc<[KeyValue]>;

/// Why a set of attributes was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttributeError {
    /// An attribute has an empty key. Give it a name, or leave it out.
    EmptyKey,
    /// Two attributes have this key. Keep one: OpenTelemetry requires keys to be unique within a set.
    DuplicateKey(Cow<'static, str>),
}

impl fmt::Display for AttributeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyKey => f.write_str("an attribute has an empty key; give it a name or leave it out"),
            Self::DuplicateKey(key) => write!(f, "attribute key {key:?} is given twice; keep one of them"),
        }
    }
}

impl std::error::Error for AttributeError {}

/// Checks attributes that name a series.
pub(super) fn check(attributes: &[KeyValue]) -> Result<(), AttributeError> {
    check_keys(attributes.iter().map(|attribute| &attribute.key))
}

/// Sorts `attributes` by key and checks them, so that equal sets are equal slices.
#[cfg(feature = "serde")]
pub(super) fn canonical(attributes: &[KeyValue]) -> Result<Attributes, AttributeError> {
    check(attributes)?;
    let mut sorted = attributes.to_vec();
    sorted.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(sorted.into())
}

/// Checks keys that name series.
pub(super) fn check_keys<'a>(
    keys: impl Iterator<Item = &'a Cow<'static, str>> + Clone,
) -> Result<(), AttributeError> {
    for (at, key) in keys.clone().enumerate() {
        if key.is_empty() {
            return Err(AttributeError::EmptyKey);
        }
        if keys.clone().take(at).any(|earlier| earlier == key) {
            return Err(AttributeError::DuplicateKey(key.clone()));
        }
    }
    Ok(())
}

/// Whether `attributes` are those of a canonical set, in whatever order.
pub(super) fn same_in_any_order(canonical: &[KeyValue], attributes: &[KeyValue]) -> bool {
    // The keys of a canonical set differ, so none of `attributes` is found twice.
    let is_among = |wanted: &KeyValue| attributes.iter().any(|attribute| same(wanted, attribute));
    canonical.len() == attributes.len() && canonical.iter().all(is_among)
}

/// Floating-point values are compared by their bits, so that a NaN names the same series each time.
fn same(a: &KeyValue, b: &KeyValue) -> bool {
    let same_value = match (&a.value, &b.value) {
        (Value::F64(a), Value::F64(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    };
    same_value && a.key == b.key
}

/// Canonical attributes as a key: two are equal if they name the same series.
#[derive(Clone, Debug)]
pub(super) struct SetOfAttributes(pub(super) Attributes);

impl PartialEq for SetOfAttributes {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.0.iter().zip(&*other.0).all(|(a, b)| same(a, b))
    }
}

impl Eq for SetOfAttributes {}

impl Hash for SetOfAttributes {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for KeyValue { key, value } in &*self.0 {
            key.hash(state);
            match value {
                Value::Bool(value) => value.hash(state),
                Value::I64(value) => value.hash(state),
                Value::F64(value) => value.to_bits().hash(state),
                Value::String(value) => value.hash(state),
            }
        }
    }
}
