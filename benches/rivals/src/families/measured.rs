use bytes::Bytes;
use measured::{
    CounterVec, HistogramVec, LabelGroup,
    metric::{MetricFamilyEncoding, histogram::Thresholds, name::MetricName},
    text::BufferedTextEncoder,
};
use paracord::ParaCord;

use super::{Collect, Counters, Histograms, series_in_text};
use crate::setup::BOUNDS;

pub(crate) type CounterFamily = OfVec<CounterVec<RequestSet>>;
pub(crate) type HistogramFamily = OfVec<HistogramVec<RequestSet, { BOUNDS.len() }>>;

pub(crate) struct OfVec<V>(V);

/// The labels of a call; a set of texts for each key turns them into numbers.
#[derive(Clone, Copy, LabelGroup)]
#[label(set = RequestSet)]
pub(crate) struct Request<'a> {
    #[label(dynamic_with = ParaCord, default)]
    method: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    route: &'a str,
    #[label(dynamic_with = ParaCord, default)]
    status: &'a str,
}

const NAME: &MetricName = MetricName::from_str("rivals");

impl<'a> Request<'a> {
    fn new(labels: [&'a str; 3]) -> Self {
        let [method, route, status] = labels;
        Self { method, route, status }
    }
}

impl Counters for CounterFamily {
    const WHO: &'static str = "measured CounterVec";

    fn new(_series: usize) -> Self {
        Self(CounterVec::new())
    }

    #[inline(always)]
    fn add(&self, labels: [&str; 3]) {
        self.0.inc(Request::new(labels));
    }
}

impl Histograms for HistogramFamily {
    const WHO: &'static str = "measured HistogramVec (15 bounds)";

    fn new(_series: usize) -> Self {
        Self(HistogramVec::with_metadata(Thresholds::with_buckets(BOUNDS)))
    }

    fn record(&self, labels: [&str; 3], nanos: u64) {
        self.0.observe(Request::new(labels), nanos as f64 * 1e-9);
    }
}

impl<V> Collect for OfVec<V>
where
    V: MetricFamilyEncoding<BufferedTextEncoder> + Send + Sync + 'static,
{
    type Collection = (BufferedTextEncoder, Bytes);

    fn collect(&self, (encoder, text): &mut (BufferedTextEncoder, Bytes)) {
        // Its memory is then the encoder's again.
        *text = Bytes::new();
        let Ok(()) = self.0.collect_family_into(NAME, encoder);
        *text = encoder.finish();
    }

    fn series((_, text): &(BufferedTextEncoder, Bytes)) -> usize {
        series_in_text(str::from_utf8(text).expect("the text is UTF-8"))
    }
}
