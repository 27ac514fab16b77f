//! Names and units as OpenTelemetry wants them.

use ::metrics::Unit;

/// What OpenTelemetry specifies.
const LONGEST_NAME: usize = 255;

/// The name that an instrument gets which the macros call `name`.
pub(super) fn instrument_name(name: &str) -> String {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '/');
    let mut valid: String = name.chars().map(|c| if allowed(c) { c } else { '_' }).collect();
    if !valid.starts_with(|first: char| first.is_ascii_alphabetic()) {
        valid.insert_str(0, "metric_");
    }
    valid.truncate(LONGEST_NAME);
    valid
}

/// The unit in UCUM notation. A count is not `1`, which stands for ratios.
pub(super) fn ucum(unit: Unit) -> &'static str {
    match unit {
        Unit::Count => "{count}",
        Unit::Percent => "%",
        Unit::Seconds => "s",
        Unit::Milliseconds => "ms",
        Unit::Microseconds => "us",
        Unit::Nanoseconds => "ns",
        Unit::Tebibytes => "TiBy",
        Unit::Gibibytes => "GiBy",
        Unit::Mebibytes => "MiBy",
        Unit::Kibibytes => "KiBy",
        Unit::Bytes => "By",
        Unit::TerabitsPerSecond => "Tbit/s",
        Unit::GigabitsPerSecond => "Gbit/s",
        Unit::MegabitsPerSecond => "Mbit/s",
        Unit::KilobitsPerSecond => "kbit/s",
        Unit::BitsPerSecond => "bit/s",
        Unit::CountPerSecond => "{count}/s",
    }
}
