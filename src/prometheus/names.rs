//! What the metrics of a snapshot are called.

use std::{collections::HashMap, sync::Arc};

use super::{Conflict, Format, text::sanitize_into, unit};
use crate::metrics::{Data, Metric, Snapshot};

/// The types of Prometheus that metrics become.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    fn of(data: &Data) -> Self {
        match data {
            Data::Counter(_) | Data::CounterF64(_) => Self::Counter,
            Data::UpDownCounter(_) | Data::GaugeI64(_) | Data::GaugeF64(_) => Self::Gauge,
            Data::Histogram(_) | Data::ExplicitHistogram(_) => Self::Histogram,
        }
    }

    /// What is appended to the name in samples and type lines. A metric needs all of these names for itself.
    fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter => &["_total"],
            Self::Gauge => &[""],
            Self::Histogram => &["", "_bucket", "_sum", "_count", "_created"],
        }
    }
}

/// The name of a metric, and what goes with it.
#[derive(Debug)]
pub(super) struct Family {
    /// Without `_total`.
    pub(super) name: String,
    /// Empty if there is none.
    pub(super) unit: String,
    pub(super) kind: Kind,
    /// Whether the name without `_total`, by which OpenMetrics calls a counter, is not another metric's.
    pub(super) has_bare_name: bool,
}

/// The families of `snapshot`, one per metric, and the conflicts among their names. With `has_target`, the names of the
/// resource's metric are taken.
pub(super) fn families(
    snapshot: &Snapshot,
    format: Format,
    has_target: bool,
) -> (Vec<Family>, Vec<Conflict>) {
    let mut names = Names::default();
    if has_target {
        names.holders.extend(["target", "target_info"].map(|name| (name.into(), "target_info".into())));
    }
    let mut families: Vec<Family> = snapshot.metrics.iter().map(|metric| names.family(metric)).collect();
    if format == Format::OpenMetrics {
        let counters =
            families.iter_mut().zip(&snapshot.metrics).filter(|(family, _)| family.kind == Kind::Counter);
        counters.for_each(|(family, metric)| names.bare(family, metric));
    }
    (families, names.conflicts)
}

#[derive(Default)]
struct Names {
    /// Which metric has a name.
    holders: HashMap<String, Arc<str>>,
    conflicts: Vec<Conflict>,
}

impl Names {
    /// Finds a name for `metric` that no other has: its own, or one with a number.
    fn family(&mut self, metric: &Metric) -> Family {
        let kind = Kind::of(&metric.data);
        let parts = Parts::new(metric, kind);
        let mut name = parts.name(None);
        if let Err(holder) = self.take(&name, kind.suffixes(), metric) {
            let wanted = name;
            let numbered = |number: u64| parts.name(Some(number));
            let is_free = |name: &String| self.take(name, kind.suffixes(), metric).is_ok();
            name = (2..).map(numbered).find(is_free).expect("there are more numbers than metrics");
            let given = name.clone();
            self.conflicts.push(Conflict::Name { metric: metric.name.clone(), holder, wanted, given });
        }
        Family { name, unit: parts.unit, kind, has_bare_name: true }
    }

    /// Finds out whether OpenMetrics can have the bare name of a counter.
    fn bare(&mut self, family: &mut Family, metric: &Metric) {
        if let Err(holder) = self.take(&family.name, &["", "_created"], metric) {
            family.has_bare_name = false;
            let name = family.name.clone();
            self.conflicts.push(Conflict::Type { metric: metric.name.clone(), holder, name });
        }
    }

    /// Takes `name` with each of `suffixes`, or none of them if one is another metric's, which is returned.
    fn take(&mut self, name: &str, suffixes: &[&str], metric: &Metric) -> Result<(), Arc<str>> {
        let names = || suffixes.iter().map(|suffix| [name, suffix].concat());
        if let Some(holder) = names().find_map(|name| self.holders.get(&name)) {
            return Err(holder.clone());
        }
        self.holders.extend(names().map(|name| (name, metric.name.clone())));
        Ok(())
    }
}

/// What a name is made of.
struct Parts {
    stem: String,
    /// Empty if there is none, or if the name consists of it.
    unit: String,
}

impl Parts {
    fn new(metric: &Metric, kind: Kind) -> Self {
        let mut name = String::with_capacity(metric.name.len());
        sanitize_into(&mut name, &metric.name);
        let mut stem = name.trim_end_matches('_');
        if kind == Kind::Counter {
            stem = without_suffix(stem, "total").unwrap_or(stem);
        }
        let mut unit =
            unit::words(&metric.unit, matches!(metric.data, Data::GaugeI64(_) | Data::GaugeF64(_)));
        if stem == unit {
            unit.clear();
        }
        Self { stem: without_suffix(stem, &unit).unwrap_or(stem).into(), unit }
    }

    fn name(&self, number: Option<u64>) -> String {
        let mut name = self.stem.clone();
        if let Some(number) = number {
            name = format!("{name}_{number}");
        }
        if !self.unit.is_empty() {
            name.push('_');
            name.push_str(&self.unit);
        }
        name
    }
}

/// What comes before `_suffix`, if `name` ends so and there is something before it.
fn without_suffix<'a>(name: &'a str, suffix: &str) -> Option<&'a str> {
    let before = name.strip_suffix(suffix)?.strip_suffix('_')?;
    (!before.is_empty()).then_some(before)
}
