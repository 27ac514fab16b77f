//! The same two families in every crate: a counter and a histogram whose series have three text labels.
//!
//! A library has a type for each; what the subjects do with them is the same for all.

pub(crate) mod by_hand;
pub(crate) mod fast_telemetry;
pub(crate) mod freewheel;
pub(crate) mod measured;
pub(crate) mod metrics;
pub(crate) mod open_telemetry;
pub(crate) mod prometheus;
pub(crate) mod prometheus_client;

/// The keys, in alphabetical order, which is what opentelemetry_sdk finds fastest.
pub(crate) const KEYS: [&str; 3] = ["method", "route", "status"];

/// The values of a series.
pub(crate) type Labels = [String; 3];

/// The labels of so many series, made at run time. Routes have 8 to 16 characters.
pub(crate) fn series(count: usize) -> Vec<Labels> {
    const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
    const STATUSES: [&str; 5] = ["200", "201", "404", "429", "500"];
    let labels = |number: usize| {
        // Not all routes of one length, and none twice: the number is in it.
        let padding = "abcdefgh".get(..number % 9).expect("the padding has eight characters");
        let route = format!("/{padding}/{number:06}");
        [METHODS[number % METHODS.len()].to_owned(), route, STATUSES[number % STATUSES.len()].to_owned()]
    };
    (0..count).map(labels).collect()
}

/// A counter whose series are looked up in every call.
pub(crate) trait Counters: Send + Sync + 'static {
    /// Who it is, as the tables call it.
    const WHO: &'static str;

    /// A counter for so many series: its limit is at least that, and it will never have more.
    fn new(series: usize) -> Self;

    /// Adds one. The caller has the texts, but does not own them.
    fn add(&self, labels: [&str; 3]);
}

/// A histogram whose series are looked up in every call.
pub(crate) trait Histograms: Send + Sync + 'static {
    /// Who it is, as the tables call it.
    const WHO: &'static str;

    /// A histogram for so many series, see [`Counters::new`].
    fn new(series: usize) -> Self;

    /// Records a duration.
    fn record(&self, labels: [&str; 3], nanos: u64);

    /// What the library has done now and then by a timer or a thread of its own.
    fn upkeep(&self) {}
}

/// Something that can be read with names, labels and values.
pub(crate) trait Collect: Send + Sync + 'static {
    /// What a collection yields, and may use again.
    type Collection: Default + 'static;

    /// Collects all series.
    fn collect(&self, into: &mut Self::Collection);

    /// How many series there are in it.
    fn series(collection: &Self::Collection) -> usize;
}

/// How many counters or histograms there are in a text that Prometheus understands.
fn series_in_text(text: &str) -> usize {
    let is_part = |line: &str| line.contains("_bucket{") || line.contains("_sum{");
    text.lines().filter(|line| line.contains('{') && !is_part(line)).count()
}

/// The texts of a series, borrowed.
pub(crate) fn borrowed(labels: &Labels) -> [&str; 3] {
    labels.each_ref().map(String::as_str)
}
