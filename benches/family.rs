//! freewheel's families beside the same lookups in a table under a mutex, for one and two threads.
//!
//! Times are per operation and thread. For the comparison with other crates see `benches/rivals`.

mod side_by_side;

use std::{hint::black_box, num::NonZeroUsize};

use criterion::Criterion;
use foldhash::fast::RandomState;
use freewheel::metrics::{Label, Labels, Registry};
use hashbrown::{Equivalent, HashMap};
use parking_lot::Mutex;

use side_by_side::compare;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    family::<8>(&mut criterion);
    family::<2000>(&mut criterion);
    typed_family(&mut criterion);
    criterion.final_summary();
}

const KEYS: [&str; 3] = ["method", "route", "status"];
const METHODS: [&str; 4] = ["GET", "POST", "PUT", "DELETE"];
const STATUSES: [&str; 5] = ["200", "201", "404", "429", "500"];

/// The values of three labels, made at run time.
fn series<const N: usize>() -> Box<[[String; 3]; N]> {
    let labels = |number: usize| {
        let (method, status) = (METHODS[number % METHODS.len()], STATUSES[number % STATUSES.len()]);
        [method.to_owned(), format!("/orders/{number:06}"), status.to_owned()]
    };
    Box::new(std::array::from_fn(labels))
}

/// `N` series take turns.
fn family<const N: usize>(criterion: &mut Criterion) {
    let series = series::<N>();
    let labels = |index: u64| black_box(&series)[index as usize % N].each_ref().map(String::as_str);
    let what = format!("family/add/{N}_series");

    let builder = Registry::new().counter("requests").cardinality_limit(beyond(N));
    let ours = builder.family(KEYS).expect("the name is free");
    compare(criterion, &what, "freewheel", |index| ours.with(labels(index)).add(1));
    let locked = Mutex::new(Table::default());
    compare(criterion, &what, "mutex", |index| count_in(&mut locked.lock(), labels(index)));
}

fn typed_family(criterion: &mut Criterion) {
    let requests: [Request; 64] =
        std::array::from_fn(|at| Request { method: at % METHODS.len(), status: at % STATUSES.len() });
    let request = |index: u64| black_box(&requests)[index as usize % requests.len()];
    let ours = Registry::new().counter("requests").typed_family::<Request>().expect("the name is free");
    compare(criterion, "typed_family/add", "freewheel", |index| ours.with(request(index)).add(1));
    let locked = Mutex::new([[0_u64; STATUSES.len()]; METHODS.len()]);
    compare(criterion, "typed_family/add", "mutex", |index| {
        let Request { method, status } = request(index);
        locked.lock()[method][status] += 1;
    });
}

/// Room for so many series, and the one for what is beyond.
fn beyond(series: usize) -> NonZeroUsize {
    NonZeroUsize::MIN.saturating_add(series)
}

/// Counts by labels, with the hash that freewheel uses too.
type Table = HashMap<[String; 3], u64, RandomState>;

/// Adds one in a table, without allocating if the series is there.
fn count_in(table: &mut Table, labels: [&str; 3]) {
    match table.get_mut(&Borrowed(labels)) {
        Some(count) => *count += 1,
        None => _ = table.insert(labels.map(str::to_owned), 1),
    }
}

/// Labels to look up.
#[derive(Hash)]
struct Borrowed<'a>([&'a str; 3]);

impl Equivalent<[String; 3]> for Borrowed<'_> {
    fn equivalent(&self, key: &[String; 3]) -> bool {
        key.iter().eq(self.0)
    }
}

/// A request by numbers of its method and status.
#[derive(Clone, Copy)]
struct Request {
    method: usize,
    status: usize,
}

#[derive(Clone, Copy)]
struct Method(usize);

impl Label for Method {
    const KEY: &'static str = KEYS[0];
    const VALUES: &'static [&'static str] = &METHODS;

    fn index(self) -> usize {
        self.0
    }
}

#[derive(Clone, Copy)]
struct Status(usize);

impl Label for Status {
    const KEY: &'static str = KEYS[2];
    const VALUES: &'static [&'static str] = &STATUSES;

    fn index(self) -> usize {
        self.0
    }
}

impl Labels for Request {
    type Tuple = (Method, Status);

    fn tuple(self) -> Self::Tuple {
        (Method(self.method), Status(self.status))
    }
}
