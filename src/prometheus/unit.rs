//! From UCUM to the words that Prometheus uses.

use super::text::sanitize_into;

/// UCUM code, plural, singular. `m` after a slash is a minute in the names that OpenTelemetry's own exporters make,
/// and so it is here.
const WORDS: &[(&str, &str, &str)] = &[
    ("s", "seconds", "second"),
    ("ms", "milliseconds", "millisecond"),
    ("us", "microseconds", "microsecond"),
    ("ns", "nanoseconds", "nanosecond"),
    ("min", "minutes", "minute"),
    ("h", "hours", "hour"),
    ("d", "days", "day"),
    ("wk", "weeks", "week"),
    ("w", "weeks", "week"),
    ("mo", "months", "month"),
    ("a", "years", "year"),
    ("y", "years", "year"),
    ("By", "bytes", "byte"),
    ("kBy", "kilobytes", "kilobyte"),
    ("KBy", "kilobytes", "kilobyte"),
    ("MBy", "megabytes", "megabyte"),
    ("GBy", "gigabytes", "gigabyte"),
    ("TBy", "terabytes", "terabyte"),
    ("KiBy", "kibibytes", "kibibyte"),
    ("MiBy", "mebibytes", "mebibyte"),
    ("GiBy", "gibibytes", "gibibyte"),
    ("TiBy", "tebibytes", "tebibyte"),
    ("bit", "bits", "bit"),
    ("m", "meters", "minute"),
    ("V", "volts", "volt"),
    ("A", "amperes", "ampere"),
    ("J", "joules", "joule"),
    ("W", "watts", "watt"),
    ("g", "grams", "gram"),
    ("Cel", "celsius", "celsius"),
    ("K", "kelvin", "kelvin"),
    ("Hz", "hertz", "hertz"),
    ("%", "percent", "percent"),
];

/// The unit as a suffix of a metric's name, without the underscore before it; empty if there is none.
pub(super) fn words(unit: &str, is_gauge: bool) -> String {
    let unit = without_annotations(unit);
    let unit = unit.trim();
    if unit == "1" {
        return if is_gauge { "ratio".into() } else { String::new() };
    }
    let mut words = String::new();
    for (position, part) in unit.split('/').map(str::trim).enumerate() {
        let known = WORDS.iter().find(|(code, ..)| *code == part);
        let word = match (known, position) {
            _ if part.is_empty() || part == "1" => continue,
            (Some((_, plural, _)), 0) => plural,
            (Some((_, _, singular)), _) => singular,
            (None, _) => part,
        };
        if !words.is_empty() {
            words.push('_');
        }
        if position > 0 {
            words.push_str("per_");
        }
        words.push_str(word);
    }
    let mut clean = String::with_capacity(words.len());
    sanitize_into(&mut clean, &words);
    clean.trim_matches('_').into()
}

/// `unit` without what stands in braces, the braces included.
fn without_annotations(unit: &str) -> String {
    let mut depth = 0_usize;
    let outside = |character: &char| {
        depth += usize::from(*character == '{');
        let is_outside = depth == 0;
        depth -= usize::from(*character == '}').min(depth);
        is_outside
    };
    unit.chars().filter(outside).collect()
}
