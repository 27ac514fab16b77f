//! Three labels whose values are known: enums.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crossbeam_utils::CachePadded;
use fast_telemetry::{LabelEnum, LabeledCounter};
use freewheel::metrics::{Label, Labels, Registry};
use measured::{CounterVec, FixedCardinalityLabel, LabelGroup};
use prometheus::{IntCounterVec, Opts};

use super::{inputs, rotating};
use crate::{
    families::KEYS,
    opaque::consume,
    race::{Contestant, Race},
    setup::SHARDS,
};

pub(crate) fn race<const N: usize>(case: &'static str) -> Race {
    // Seven and the number of combinations have no common factor: the first N are different, and not neighbours.
    let calls: &'static [Call; N] = inputs((0..N).map(|number| Call::of(number * 7 % COMBINATIONS)));
    let contestants = vec![
        ours(calls),
        fast_telemetry(calls),
        measured(calls),
        metriken(calls),
        prometheus(calls),
        array(calls),
        rotating("(empty loop)", calls, |call| consume(call.combination() as u64)),
    ];
    let mut race = Race::new(case, contestants);
    race.notes = vec![
        "fast-telemetry takes one enum: here it stands for all three; metriken takes an index; prometheus, texts",
        "the array has its counters side by side, so that several share a cache line",
    ];
    race
}

#[derive(Clone, Copy, Debug, FixedCardinalityLabel)]
enum Method {
    Get,
    Post,
    Put,
    Delete,
}

#[derive(Clone, Copy, Debug, FixedCardinalityLabel)]
enum Route {
    Orders,
    Invoices,
    Customers,
    Products,
    Carts,
    Payments,
    Reports,
    Health,
}

#[derive(Clone, Copy, Debug, FixedCardinalityLabel)]
enum Class {
    Success,
    Redirect,
    ClientError,
    ServerError,
}

const METHODS: [Method; 4] = [Method::Get, Method::Post, Method::Put, Method::Delete];
const ROUTES: [Route; 8] = [
    Route::Orders,
    Route::Invoices,
    Route::Customers,
    Route::Products,
    Route::Carts,
    Route::Payments,
    Route::Reports,
    Route::Health,
];
const CLASSES: [Class; 4] = [Class::Success, Class::Redirect, Class::ClientError, Class::ServerError];
const COMBINATIONS: usize = METHODS.len() * ROUTES.len() * CLASSES.len();

#[derive(Clone, Copy, Debug, LabelGroup)]
#[label(set = CallSet)]
struct Call {
    method: Method,
    route: Route,
    status: Class,
}

impl Call {
    fn of(combination: usize) -> Self {
        let (rest, class) = (combination / CLASSES.len(), combination % CLASSES.len());
        let (method, route) = (rest / ROUTES.len(), rest % ROUTES.len());
        Self { method: METHODS[method], route: ROUTES[route], status: CLASSES[class] }
    }

    #[inline(always)]
    fn combination(self) -> usize {
        (self.method as usize * ROUTES.len() + self.route as usize) * CLASSES.len() + self.status as usize
    }
}

impl Label for Method {
    const KEY: &'static str = KEYS[0];
    const VALUES: &'static [&'static str] = &["GET", "POST", "PUT", "DELETE"];

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

impl Label for Route {
    const KEY: &'static str = KEYS[1];
    const VALUES: &'static [&'static str] =
        &["/orders", "/invoices", "/customers", "/products", "/carts", "/payments", "/reports", "/health"];

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

impl Label for Class {
    const KEY: &'static str = KEYS[2];
    const VALUES: &'static [&'static str] = &["2xx", "3xx", "4xx", "5xx"];

    #[inline(always)]
    fn index(self) -> usize {
        self as usize
    }
}

impl Labels for Call {
    type Tuple = (Method, Route, Class);

    #[inline(always)]
    fn tuple(self) -> Self::Tuple {
        (self.method, self.route, self.status)
    }
}

impl LabelEnum for Call {
    const CARDINALITY: usize = COMBINATIONS;
    const LABEL_NAME: &'static str = "call";

    #[inline(always)]
    fn as_index(self) -> usize {
        self.combination()
    }

    fn from_index(index: usize) -> Self {
        Self::of(index % COMBINATIONS)
    }

    fn variant_name(self) -> &'static str {
        <Route as Label>::VALUES[self.route as usize]
    }
}

fn ours<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let family = Registry::new().counter("requests").typed_family::<Call>().expect("the name is free");
    rotating("freewheel TypedFamily", calls, move |call| family.with(*call).add(1))
}

fn fast_telemetry<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let counters = LabeledCounter::<Call>::new(SHARDS);
    rotating("fast-telemetry LabeledCounter", calls, move |call| counters.inc(*call))
}

fn measured<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let counters = CounterVec::<CallSet>::new();
    rotating("measured CounterVec (dense)", calls, move |call| counters.inc(*call))
}

fn metriken<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let counters = metriken::ShardedCounterGroup::new(COMBINATIONS);
    rotating("metriken ShardedCounterGroup", calls, move |call| _ = counters.increment(call.combination()))
}

fn prometheus<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let counters = IntCounterVec::new(Opts::new("requests", "requests"), &KEYS).expect("the names are valid");
    rotating("prometheus IntCounterVec", calls, move |call| {
        let Call { method, route, status } = *call;
        let method = <Method as Label>::VALUES[method as usize];
        let route = <Route as Label>::VALUES[route as usize];
        let status = <Class as Label>::VALUES[status as usize];
        counters.with_label_values(&[method, route, status]).inc();
    })
}

fn array<const N: usize>(calls: &'static [Call; N]) -> Contestant {
    let counters = CachePadded::new([const { AtomicU64::new(0) }; COMBINATIONS]);
    rotating("array of shared atomics", calls, move |call| {
        counters[call.combination()].fetch_add(1, Relaxed);
    })
}
