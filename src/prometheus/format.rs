//! [`Format`]: the two text formats.

use std::fmt;

/// A text format that Prometheus reads.
///
/// # Examples
///
/// ```
/// use freewheel::prometheus::Format;
///
/// let accept = "application/openmetrics-text;version=1.0.0;q=0.6,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
/// assert_eq!(Format::from_accept(accept), Format::OpenMetrics);
/// assert_eq!(Format::from_accept("text/html,*/*"), Format::Text);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// The Prometheus text format, version 0.0.4. What everything that scrapes can read.
    #[default]
    Text,
    /// OpenMetrics, version 1.0.0: units, exact begin of series and an end mark by which a cut exposition is noticed.
    OpenMetrics,
}

impl Format {
    /// The value of the HTTP header `Content-Type`.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; version=0.0.4; charset=utf-8",
            Self::OpenMetrics => "application/openmetrics-text; version=1.0.0; charset=utf-8",
        }
    }

    /// The format that the HTTP header `Accept` prefers (RFC 9110, section 12.5.1); [`Text`](Self::Text) if it prefers
    /// none, or asks for neither.
    #[must_use]
    pub fn from_accept(accept: &str) -> Self {
        let weight = |format: Self| {
            let matches = accept.split(',').filter_map(|range| format.matches(range));
            let (_, weight) = matches.max_by_key(|(precision, _)| *precision).unwrap_or_default();
            weight
        };
        if weight(Self::OpenMetrics) > weight(Self::Text) { Self::OpenMetrics } else { Self::Text }
    }

    /// How precisely a media range names this format, and its weight, if it names it at all.
    fn matches(self, range: &str) -> Option<(u8, f32)> {
        let (kind, subtype, version) = match self {
            Self::Text => ("text", "plain", "0.0.4"),
            Self::OpenMetrics => ("application", "openmetrics-text", "1.0.0"),
        };
        let mut parts = range.split(';').map(str::trim);
        let (range_kind, range_subtype) = parts.next()?.split_once('/')?;
        let mut precision = match (range_kind, range_subtype) {
            ("*", "*") => 0,
            (given, "*") if given.eq_ignore_ascii_case(kind) => 1,
            (given, also) if given.eq_ignore_ascii_case(kind) && also.eq_ignore_ascii_case(subtype) => 2,
            _ => return None,
        };
        let mut weight = 1.0;
        for (name, value) in parts.filter_map(|part| part.split_once('=')) {
            if name.eq_ignore_ascii_case("q") {
                weight = value.parse().unwrap_or(0.0);
            } else if name.eq_ignore_ascii_case("version") {
                if value.trim_matches('"') != version {
                    return None;
                }
                precision = 3;
            }
        }
        Some((precision, weight))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Text => "Prometheus text 0.0.4",
            Self::OpenMetrics => "OpenMetrics 1.0.0",
        })
    }
}
