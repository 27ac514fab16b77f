//! The lines of an exposition.

use std::{
    collections::HashSet,
    fmt,
    fmt::Write,
    hash::{DefaultHasher, Hash, Hasher},
};

use super::{
    Conflict, Encoder, Format, buckets,
    labels::{self, DUPLICATE, LE, Labels, SCOPE_NAME, SCOPE_VERSION},
    names::{Family, Kind, families},
    number::{Number, write_float},
    text::{write_escaped, write_escaped_but_quotes},
};
use crate::metrics::{Data, Exemplar, Metric, Point, Snapshot, Timestamp};

/// Names of labels that the exposition uses itself: the first in histograms only, the last two if there is a scope.
const RESERVED: [&str; 4] = [LE, DUPLICATE, SCOPE_NAME, SCOPE_VERSION];

/// Writes `snapshot` to `out` and returns what could not be called by its own name.
pub(super) fn write(
    encoder: &Encoder,
    snapshot: &Snapshot,
    out: &mut impl Write,
) -> Result<Vec<Conflict>, fmt::Error> {
    let (families, conflicts) = families(snapshot, encoder.format, !encoder.resource.is_empty());
    let scope = labels::of_scope(&encoder.scope.0, &encoder.scope.1)?;
    let (labels, earlier, seen) = Default::default();
    let (exemplars, below) = (Vec::new(), f64::NEG_INFINITY);
    let mut exposition =
        Exposition { encoder, out, scope, labels, earlier, seen, conflicts, exemplars, below };
    exposition.target()?;
    for (metric, family) in snapshot.metrics.iter().zip(&families) {
        exposition.metric(metric, family)?;
    }
    if encoder.format == Format::OpenMetrics {
        exposition.out.write_str("# EOF\n")?;
    }
    Ok(exposition.conflicts)
}

struct Exposition<'a, W> {
    encoder: &'a Encoder,
    out: &'a mut W,
    /// Labels that each series has.
    scope: String,
    /// Those of the series that is being written.
    labels: Labels,
    /// Those of an earlier series of the metric, to compare with.
    earlier: Labels,
    /// Hashes of the labels of the metric's series so far.
    seen: HashSet<u64>,
    conflicts: Vec<Conflict>,
    /// Those of the histogram that is being written.
    exemplars: Vec<Exemplar>,
    /// The bound of its last bucket.
    below: f64,
}

impl<W: Write> Exposition<'_, W> {
    /// What is known of the resource, as labels of a metric that is always 1.
    fn target(&mut self) -> fmt::Result {
        self.labels.render("", &self.encoder.resource, &[])?;
        if self.labels.as_str().is_empty() {
            return Ok(());
        }
        self.out.write_str(match self.encoder.format {
            Format::Text => "# HELP target_info Target metadata\n# TYPE target_info gauge\n",
            Format::OpenMetrics => "# TYPE target info\n# HELP target Target metadata\n",
        })?;
        self.sample("target", "_info", Number::Unsigned(1))
    }

    fn metric(&mut self, metric: &Metric, family: &Family) -> fmt::Result {
        self.head(metric, family)?;
        let name = &*family.name;
        match &metric.data {
            Data::Counter(points) => self.points(metric, family, points, |this, point| {
                this.sample(name, "_total", Number::Unsigned(point.value))?;
                this.created(family, point.start)
            }),
            Data::CounterF64(points) => self.points(metric, family, points, |this, point| {
                this.sample(name, "_total", Number::Float(point.value))?;
                this.created(family, point.start)
            }),
            Data::UpDownCounter(points) | Data::GaugeI64(points) => {
                self.points(metric, family, points, |this, point| {
                    this.sample(name, "", Number::Signed(point.value))
                })
            }
            Data::GaugeF64(points) => self.points(metric, family, points, |this, point| {
                this.sample(name, "", Number::Float(point.value))
            }),
            Data::Histogram(points) => self.points(metric, family, points, |this, point| {
                let histogram = &point.value;
                buckets::of_exponential(histogram, this.encoder.histogram_scale, |bound, up_to| {
                    this.bucket(name, bound, up_to)
                })?;
                let rises = histogram.negative_buckets().is_empty();
                this.totals(family, histogram.count(), rises.then(|| histogram.sum()), point.start)
            }),
            Data::ExplicitHistogram(points) => self.points(metric, family, points, |this, point| {
                let histogram = &point.value;
                buckets::of_explicit(histogram, |bound, up_to| this.bucket(name, bound, up_to))?;
                let lowest = histogram.bounds().first().copied().into_iter().chain(histogram.min());
                let rises = lowest.into_iter().all(|value| value >= 0.0);
                this.totals(family, histogram.count(), rises.then(|| histogram.sum()), point.start)
            }),
        }
    }

    /// Type, unit and description.
    fn head(&mut self, metric: &Metric, family: &Family) -> fmt::Result {
        let Family { name, unit, kind, has_bare_name } = family;
        let kind_word = match kind {
            _ if !has_bare_name => "unknown",
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let description = &*metric.description;
        match self.encoder.format {
            Format::Text => {
                let suffix = if *kind == Kind::Counter { "_total" } else { "" };
                if !description.is_empty() {
                    write!(self.out, "# HELP {name}{suffix} ")?;
                    write_escaped_but_quotes(self.out, description)?;
                    self.out.write_char('\n')?;
                }
                writeln!(self.out, "# TYPE {name}{suffix} {kind_word}")
            }
            Format::OpenMetrics => {
                let suffix = if *has_bare_name { "" } else { "_total" };
                writeln!(self.out, "# TYPE {name}{suffix} {kind_word}")?;
                if !unit.is_empty() && *has_bare_name {
                    writeln!(self.out, "# UNIT {name} {unit}")?;
                }
                if !description.is_empty() {
                    write!(self.out, "# HELP {name}{suffix} ")?;
                    write_escaped(self.out, description)?;
                    self.out.write_char('\n')?;
                }
                Ok(())
            }
        }
    }

    fn points<T>(
        &mut self,
        metric: &Metric,
        family: &Family,
        points: &[Point<T>],
        mut lines: impl FnMut(&mut Self, &Point<T>) -> fmt::Result,
    ) -> fmt::Result {
        let start = if family.kind == Kind::Histogram { 0 } else { 1 };
        let end = if self.scope.is_empty() { 2 } else { 4 };
        let reserved = &RESERVED[start..end];
        self.seen.clear();
        for (at, point) in points.iter().enumerate() {
            self.labels.render(&self.scope, &point.attributes, reserved)?;
            self.tell_apart(metric, &points[..at], reserved)?;
            self.exemplars.clone_from(&point.exemplars);
            self.below = f64::NEG_INFINITY;
            lines(self, point)?;
        }
        Ok(())
    }

    /// Gives the series that is being written a label of its own if one before it has the same labels.
    fn tell_apart<T>(&mut self, metric: &Metric, before: &[Point<T>], reserved: &[&str]) -> fmt::Result {
        let mut hasher = DefaultHasher::new();
        self.labels.as_str().hash(&mut hasher);
        if self.seen.insert(hasher.finish()) {
            return Ok(());
        }
        let mut duplicate = 1;
        for point in before {
            self.earlier.render(&self.scope, &point.attributes, reserved)?;
            duplicate += u64::from(self.earlier.as_str() == self.labels.as_str());
        }
        if duplicate > 1 {
            let labels = self.labels.as_str().to_owned();
            self.conflicts.push(Conflict::Series { metric: metric.name.clone(), labels, duplicate });
            self.labels.push(DUPLICATE, duplicate)?;
        }
        Ok(())
    }

    /// What comes after the other buckets of a histogram. Without a sum, as one that can fall is no counter,
    /// OpenMetrics wants no count either; it is in the last bucket.
    fn totals(&mut self, family: &Family, count: u64, sum: Option<f64>, start: Timestamp) -> fmt::Result {
        self.bucket(&family.name, f64::INFINITY, count)?;
        if let Some(sum) = sum {
            self.sample(&family.name, "_sum", Number::Float(sum))?;
        }
        if sum.is_some() || self.encoder.format == Format::Text {
            self.sample(&family.name, "_count", Number::Unsigned(count))?;
        }
        self.created(family, start)
    }

    /// The time that the series began, where it is wanted and there is a line for it.
    fn created(&mut self, family: &Family, start: Timestamp) -> fmt::Result {
        let is_wanted = self.encoder.has_created && self.encoder.format == Format::OpenMetrics;
        if is_wanted && family.has_bare_name {
            self.sample(&family.name, "_created", Number::Time(start))?;
        }
        Ok(())
    }

    fn bucket(&mut self, name: &str, bound: f64, up_to: u64) -> fmt::Result {
        self.out.write_str(name)?;
        self.out.write_str("_bucket{")?;
        if !self.labels.as_str().is_empty() {
            self.out.write_str(self.labels.as_str())?;
            self.out.write_char(',')?;
        }
        self.out.write_str("le=\"")?;
        write_float(self.out, bound)?;
        self.out.write_str("\"} ")?;
        Number::Unsigned(up_to).write(self.out)?;
        let below = std::mem::replace(&mut self.below, bound);
        if self.encoder.format == Format::OpenMetrics {
            let in_bucket = self.exemplars.iter().filter(|one| below < one.value && one.value <= bound);
            if let Some(newest) = in_bucket.max_by_key(|exemplar| exemplar.time) {
                write_exemplar(self.out, newest)?;
            }
        }
        self.out.write_char('\n')
    }

    fn sample(&mut self, name: &str, suffix: &str, value: Number) -> fmt::Result {
        self.out.write_str(name)?;
        self.out.write_str(suffix)?;
        if !self.labels.as_str().is_empty() {
            self.out.write_char('{')?;
            self.out.write_str(self.labels.as_str())?;
            self.out.write_char('}')?;
        }
        self.out.write_char(' ')?;
        self.end(value)
    }

    /// What all samples end with.
    fn end(&mut self, value: Number) -> fmt::Result {
        value.write(self.out)?;
        self.out.write_char('\n')
    }
}

/// OpenMetrics 1.0, "Exemplars".
fn write_exemplar(out: &mut impl Write, exemplar: &Exemplar) -> fmt::Result {
    out.write_str(" # {trace_id=\"")?;
    exemplar.trace_id.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
    out.write_str("\",span_id=\"")?;
    exemplar.span_id.iter().try_for_each(|byte| write!(out, "{byte:02x}"))?;
    out.write_str("\"} ")?;
    write_float(out, exemplar.value)?;
    write!(out, " {}", exemplar.time)
}
