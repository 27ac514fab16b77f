//! A snapshot as a table for people.

use std::{fmt, time::Duration};

use super::{Metric, PointRef, PointValue, Snapshot};
use crate::metrics::KeyValue;

impl fmt::Display for Snapshot {
    /// A line for each series: name, attributes, value and unit; of a histogram the count, mean, quantiles and maximum.
    /// Floating-point seconds are written as durations. No line ends with a space, and the last not with a line feed.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Row> = self.points().map(|(metric, point)| row(metric, &point)).collect();
        if rows.is_empty() { f.write_str("no series") } else { write_table(f, &rows) }
    }
}

impl fmt::Display for Metric {
    /// A line for each series, as a [`Snapshot`] has them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: Vec<Row> = self.points().map(|point| row(self, &point)).collect();
        if rows.is_empty() {
            write!(f, "{}: no series", in_one_line(&self.name))
        } else {
            write_table(f, &rows)
        }
    }
}

/// The cells of a line: name, attributes, [number](NUMBER), then the unit, or the figures of a distribution.
type Row = Vec<String>;

/// The column that is aligned to the right.
const NUMBER: usize = 2;

fn write_table(f: &mut fmt::Formatter<'_>, rows: &[Row]) -> fmt::Result {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    for (line, row) in rows.iter().enumerate() {
        if line > 0 {
            f.write_str("\n")?;
        }
        let last = row.iter().rposition(|cell| !cell.is_empty()).unwrap_or(0);
        let cells = row.iter().zip(&widths).enumerate().take(last + 1);
        for (column, (cell, &width)) in cells.filter(|(_, (_, width))| **width > 0) {
            let gap = if column > 0 { "  " } else { "" };
            match column {
                NUMBER => write!(f, "{gap}{cell:>width$}")?,
                _ if column == last => write!(f, "{gap}{cell}")?,
                _ => write!(f, "{gap}{cell:width$}")?,
            }
        }
    }
    Ok(())
}

fn row(metric: &Metric, point: &PointRef<'_>) -> Row {
    let attributes: Vec<String> = point.attributes.iter().map(KeyValue::to_string).collect();
    let unit = unit(&metric.unit);
    let (number, rest) = match point.value {
        PointValue::Counter(sum) => (sum.to_string(), vec![unit]),
        PointValue::UpDownCounter(value) | PointValue::GaugeI64(value) => (value.to_string(), vec![unit]),
        PointValue::CounterF64(value) | PointValue::GaugeF64(value) => match seconds(value, &unit) {
            Some(duration) => (duration, Vec::new()),
            None => (shortest(value), vec![unit]),
        },
        PointValue::Histogram(histogram) => (
            histogram.count().to_string(),
            figures(histogram.mean(), |q| histogram.quantile(q), histogram.max(), &unit),
        ),
        PointValue::ExplicitHistogram(histogram) => (
            histogram.count().to_string(),
            figures(histogram.mean(), |q| histogram.quantile(q), histogram.max(), &unit),
        ),
    };
    [in_one_line(&metric.name), in_one_line(&attributes.join(" ")), number].into_iter().chain(rest).collect()
}

/// Mean, quantiles and maximum, of those that there are.
fn figures(
    mean: Option<f64>,
    quantile: impl Fn(f64) -> Option<f64>,
    max: Option<f64>,
    unit: &str,
) -> Vec<String> {
    let figures = [
        ("mean", mean),
        ("p50", quantile(0.5)),
        ("p90", quantile(0.9)),
        ("p99", quantile(0.99)),
        ("max", max),
    ];
    let figure = |(name, value): (&str, Option<f64>)| {
        let value = value?;
        let value = seconds(value, unit).unwrap_or_else(|| format!("{} {unit}", rounded(value)));
        Some(format!("{name} {}", value.trim_end()))
    };
    figures.into_iter().filter_map(figure).collect()
}

/// Without the braces that UCUM puts around things that are counted, and without the unit one.
fn unit(ucum: &str) -> String {
    if ucum == "1" { String::new() } else { in_one_line(&ucum.replace(['{', '}'], "")) }
}

/// The duration, if the unit is that of durations.
fn seconds(value: f64, unit: &str) -> Option<String> {
    let duration = Duration::try_from_secs_f64(value.abs()).ok().filter(|_| unit == "s")?;
    Some(format!("{}{duration:.1?}", if value < 0.0 { "-" } else { "" }))
}

/// The shortest text that stands for this number.
fn shortest(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// The number to four digits, which is more than a quantile is exact to.
fn rounded(value: f64) -> String {
    let four_digits = format!("{value:.3e}");
    four_digits.parse().map_or(four_digits, shortest)
}

/// The text with its line feeds and other control characters escaped.
fn in_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}
