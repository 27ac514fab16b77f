//! Three texts known at run time, for fixed keys.

use super::{inputs, rotating};
use crate::{
    families::{
        Counters, Labels, borrowed, by_hand, fast_telemetry, freewheel, measured, metrics, open_telemetry,
        prometheus, prometheus_client, series,
    },
    opaque::consume,
    race::{Contestant, Race},
};

pub(crate) fn race<const N: usize>(case: &'static str) -> Race {
    of_series::<N>(case, inputs(series(N)))
}

/// Routes of 26 to 34 characters, more than freewheel keeps without copying the text.
pub(crate) fn race_with_long_routes<const N: usize>(case: &'static str) -> Race {
    let long = |[method, route, status]: Labels| [method, format!("/organisations/eu{route}"), status];
    of_series::<N>(case, inputs(series(N).into_iter().map(long)))
}

fn of_series<const N: usize>(case: &'static str, series: &'static [Labels; N]) -> Race {
    let contestants = vec![
        contestant::<freewheel::CounterFamily, N>(series),
        contestant::<open_telemetry::CounterFamily, N>(series),
        contestant::<prometheus::CounterFamily, N>(series),
        contestant::<prometheus_client::CounterFamily, N>(series),
        contestant::<metrics::CounterFamily, N>(series),
        contestant::<fast_telemetry::CounterFamily, N>(series),
        contestant::<measured::CounterFamily, N>(series),
        contestant::<by_hand::LockedTable, N>(series),
        contestant::<by_hand::SharedTable, N>(series),
        empty_loop(series),
    ];
    let mut race = Race::new(case, contestants);
    race.notes = vec![
        "the caller has three texts that it does not own: opentelemetry_sdk, metrics and prometheus-client take",
        "owned ones only, so their rows copy them in each call; with texts copied beforehand they are in pairs_3",
        "prometheus compares a hash of 64 bits, not the texts",
    ];
    race
}

fn contestant<C: Counters, const N: usize>(series: &'static [Labels; N]) -> Contestant {
    let counters = C::new(N);
    rotating(C::WHO, series, move |labels| counters.add(borrowed(labels)))
}

/// Includes reading where the texts are, as every row does.
fn empty_loop<const N: usize>(series: &'static [Labels; N]) -> Contestant {
    rotating("(empty loop)", series, |labels| {
        for text in borrowed(labels) {
            consume(text.as_ptr().addr() as u64);
            consume(text.len() as u64);
        }
    })
}
