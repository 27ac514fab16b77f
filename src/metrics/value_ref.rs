//! [`ValueRef`]: the value of an attribute, borrowed, and what can be one.

use super::Value;

/// The value of an attribute, borrowed for the time of a lookup: text need not be `'static`.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum ValueRef<'a> {
    /// A truth value.
    Bool(bool),
    /// A signed integer.
    I64(i64),
    /// A floating-point number.
    F64(f64),
    /// A text.
    Str(&'a str),
}

impl ValueRef<'_> {
    /// The value, owned.
    #[must_use]
    pub fn to_value(self) -> Value {
        match self {
            Self::Bool(value) => Value::Bool(value),
            Self::I64(value) => Value::I64(value),
            Self::F64(value) => Value::F64(value),
            Self::Str(value) => Value::String(value.to_owned().into()),
        }
    }

    /// Whether both name the same series: floating-point numbers are compared by their bits, so that NaN does too.
    pub(super) fn is(self, other: Self) -> bool {
        match (self, other) {
            (Self::F64(a), Self::F64(b)) => a.to_bits() == b.to_bits(),
            (a, b) => a == b,
        }
    }
}

impl<'a> From<&'a Value> for ValueRef<'a> {
    fn from(value: &'a Value) -> Self {
        match value {
            Value::Bool(value) => Self::Bool(*value),
            Value::I64(value) => Self::I64(*value),
            Value::F64(value) => Self::F64(*value),
            Value::String(value) => Self::Str(value),
        }
    }
}

/// What can be the value of an attribute in a lookup: texts, truth values, numbers, and whatever can be shown as one
/// of them.
///
/// # Examples
///
/// ```
/// use freewheel::metrics::{AttributeValue, Registry, ValueRef};
///
/// struct Route(&'static str);
///
/// impl AttributeValue for Route {
///     fn value(&self) -> ValueRef<'_> {
///         ValueRef::Str(self.0)
///     }
/// }
///
/// let registry = Registry::new();
/// let hits = registry.counter("hits").family(["route", "cached"])?;
/// hits.with((Route("/orders"), true)).add(1);
/// # Ok::<(), freewheel::metrics::RegisterError>(())
/// ```
pub trait AttributeValue {
    /// The value.
    fn value(&self) -> ValueRef<'_>;
}

impl<V: AttributeValue + ?Sized> AttributeValue for &V {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        V::value(self)
    }
}

impl AttributeValue for ValueRef<'_> {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        *self
    }
}

impl AttributeValue for Value {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        self.into()
    }
}

impl AttributeValue for str {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Str(self)
    }
}

impl AttributeValue for String {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Str(self)
    }
}

impl AttributeValue for bool {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        ValueRef::Bool(*self)
    }
}

impl AttributeValue for f64 {
    #[inline(always)]
    fn value(&self) -> ValueRef<'_> {
        ValueRef::F64(*self)
    }
}

macro_rules! integers {
    ($($integer:ty),*) => {$(
        impl AttributeValue for $integer {
            #[inline(always)]
            fn value(&self) -> ValueRef<'_> {
                ValueRef::I64((*self).into())
            }
        }
    )*};
}
integers!(i64, i32, u32, i16, u16, i8, u8);
