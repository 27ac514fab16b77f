//! What is shown: a line while the run goes on, a table or JSON at its end.

use std::{cmp::Reverse, collections::BTreeMap, fmt::Write as _, time::Duration};

use serde_json::json;

use crate::{
    cost::Cost,
    instruments::{ERROR_TYPE, EXTENSION},
    series::{Distribution, Reading, Series},
};

/// The table shows this many extensions.
const ROWS: usize = 20;

/// What there is to say about files of one extension, or about all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals {
    pub(crate) tried: i64,
    pub(crate) failed: i64,
    pub(crate) bytes: i64,
    pub(crate) durations: Option<Distribution>,
}

/// The series by what they mean.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    pub(crate) extensions: BTreeMap<String, Totals>,
    pub(crate) total: Totals,
    /// How many files and directories could not be read, by reason.
    pub(crate) errors: BTreeMap<String, i64>,
    pub(crate) passes: u64,
}

/// How the run went, apart from what the instruments say.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) took: Duration,
    pub(crate) cost: Cost,
    pub(crate) series: usize,
    pub(crate) exports: u64,
    /// `None` if what arrived is not known here.
    pub(crate) equal: Option<bool>,
}

impl Totals {
    /// How many files were read to their end.
    pub(crate) fn files(&self) -> i64 {
        self.tried - self.failed
    }

    fn add(&mut self, metric: &str, reading: &Reading) {
        match (metric, reading) {
            ("file.read.count", Reading::Integer(value)) => self.tried += value,
            ("file.read.errors", Reading::Integer(value)) => self.failed += value,
            ("file.read.bytes", Reading::Integer(value)) => self.bytes += value,
            ("file.read.duration", Reading::Distribution(new)) => match &mut self.durations {
                Some(durations) => durations.merge(new),
                none => *none = Some(new.clone()),
            },
            _ => {}
        }
    }

    fn quantile(&self, q: f64) -> String {
        let seconds = self.durations.as_ref().and_then(|durations| durations.quantile(q));
        seconds.map_or("-".to_owned(), |seconds| format!("{:.1?}", Duration::from_secs_f64(seconds)))
    }

    fn row(&self, name: &str) -> String {
        let (files, bytes, failed) = (self.files(), bytes(self.bytes), self.failed);
        let (p50, p99) = (self.quantile(0.5), self.quantile(0.99));
        format!("{name:<24} {files:>10} {bytes:>10} {failed:>8} {p50:>10} {p99:>10}\n")
    }
}

impl Summary {
    pub(crate) fn of(series: &Series) -> Self {
        let mut summary = Self::default();
        for (key, reading) in series {
            if let Some(extension) = key.attributes.get(EXTENSION) {
                summary.total.add(&key.metric, reading);
                summary.extensions.entry(extension.clone()).or_default().add(&key.metric, reading);
            }
            match (&*key.metric, key.attributes.get(ERROR_TYPE), reading) {
                ("walk.errors", Some(reason), Reading::Integer(value)) => {
                    summary.errors.insert(reason.clone(), *value);
                }
                ("walk.pass.duration", None, Reading::Distribution(passes)) => summary.passes = passes.count,
                _ => {}
            }
        }
        summary
    }

    /// How many files and directories could not be read.
    pub(crate) fn errors(&self) -> i64 {
        self.errors.values().sum()
    }

    /// How long reading took, all threads together, in seconds.
    pub(crate) fn busy(&self) -> f64 {
        self.total.durations.as_ref().map_or(0.0, |durations| durations.sum)
    }

    /// One line about the state of things.
    pub(crate) fn line(&self) -> String {
        let (files, bytes, errors) = (self.total.files(), bytes(self.total.bytes), self.errors());
        let (p99, passes) = (self.total.quantile(0.99), self.passes);
        format!("{files} files, {bytes}, {errors} errors, p99 {p99}, {passes} passes")
    }

    /// The table, by extension.
    fn table(&self) -> String {
        let mut text = format!(
            "{:<24} {:>10} {:>10} {:>8} {:>10} {:>10}\n",
            "extension", "files", "bytes", "errors", "p50", "p99"
        );
        let mut rows: Vec<_> = self.extensions.iter().collect();
        rows.sort_by_key(|(_, totals)| Reverse(totals.tried));
        for (extension, totals) in rows.iter().take(ROWS) {
            text += &totals.row(extension);
        }
        if rows.len() > ROWS {
            let _ = writeln!(text, "({} more)", rows.len() - ROWS);
        }
        text += &self.total.row("total");
        for (reason, number) in &self.errors {
            let _ = writeln!(text, "errors of type {reason}: {number}");
        }
        text
    }
}

impl Run {
    /// The share of the time spent on files that went into recording.
    pub(crate) fn recording_share(&self, summary: &Summary) -> Option<f64> {
        let recording = self.cost.nanos_per_file / 1e9 * summary.total.tried as f64;
        (summary.busy() > 0.0).then(|| recording / summary.busy())
    }

    /// The table, and what else there is to say.
    pub(crate) fn table(&self, summary: &Summary) -> String {
        let Cost { nanos_per_file, recordings } = self.cost;
        let percent = |share: f64| format!("{:.3} %", share * 100.0);
        let share = self.recording_share(summary).map_or("-".to_owned(), percent);
        format!(
            "{}\npasses: {} in {:.1?}; series: {}; exports acknowledged: {}\n\
             recording took {nanos_per_file:.0} ns per file, {share} of the time spent on files \
             (timed in a loop of {recordings} recordings after the run)\n",
            summary.table(),
            summary.passes,
            self.took,
            self.series,
            self.exports
        )
    }

    /// The totals as JSON.
    pub(crate) fn json(&self, summary: &Summary) -> String {
        let object = json!({
            "passes": summary.passes,
            "files": summary.total.files(),
            "bytes": summary.total.bytes,
            "errors": summary.errors(),
            "series": self.series,
            "exports": self.exports,
            "recorded_equals_received": self.equal,
            "seconds": self.took.as_secs_f64(),
            "recording_ns_per_file": self.cost.nanos_per_file,
            "recording_share": self.recording_share(summary).unwrap_or(0.0),
        });
        format!("{object}\n")
    }
}

/// A number of bytes for people.
fn bytes(number: i64) -> String {
    let (mut value, mut units) = (number as f64, ["kB", "MB", "GB", "TB", "PB", "EB"].iter());
    let mut unit = "B";
    while value >= 1000.0
        && let Some(larger) = units.next()
    {
        (value, unit) = (value / 1000.0, larger);
    }
    if unit == "B" { format!("{number} B") } else { format!("{value:.1} {unit}") }
}
