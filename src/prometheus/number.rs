//! Numbers as both formats want them.

use std::{fmt, fmt::Write, str};

use crate::metrics::Timestamp;

/// The value of a sample.
#[derive(Clone, Copy, Debug)]
pub(super) enum Number {
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Time(Timestamp),
}

impl Number {
    pub(super) fn write(self, out: &mut impl Write) -> fmt::Result {
        match self {
            Self::Unsigned(value) => write!(out, "{value}"),
            Self::Signed(value) => write!(out, "{value}"),
            Self::Float(value) => write_float(out, value),
            Self::Time(time) => write!(out, "{time}"),
        }
    }
}

/// Writes `value` with the fewest digits that read back as the same number, in the form that OpenMetrics calls
/// canonical: Go's `%g`, with `.0` where nothing else tells that it is no integer.
pub(super) fn write_float(out: &mut impl Write, value: f64) -> fmt::Result {
    match value.abs() {
        _ if value.is_nan() => out.write_str("NaN"),
        f64::INFINITY => out.write_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
        0.0 | 1e-4..1e6 => write!(out, "{value:?}"),
        _ => write_scientific(out, value),
    }
}

/// Rust writes `1e-5`, Go `1e-05`.
fn write_scientific(out: &mut impl Write, value: f64) -> fmt::Result {
    let mut text = Text::default();
    write!(text, "{value:e}")?;
    let (digits, exponent) = text.as_str().split_once('e').ok_or(fmt::Error)?;
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    write!(out, "{digits}e{sign}{exponent:0>2}")
}

/// Room for a number in scientific form: a sign, 17 digits, a point, `e-` and three digits.
#[derive(Default)]
struct Text {
    bytes: [u8; 24],
    used: usize,
}

impl Text {
    fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.used]).unwrap_or_default()
    }
}

impl Write for Text {
    fn write_str(&mut self, piece: &str) -> fmt::Result {
        let room = self.bytes.get_mut(self.used..self.used + piece.len()).ok_or(fmt::Error)?;
        room.copy_from_slice(piece.as_bytes());
        self.used += piece.len();
        Ok(())
    }
}
