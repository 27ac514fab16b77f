//! Callbacks that panic or take too long disturb nobody else.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering::Relaxed},
        mpsc::{self, Receiver, Sender},
    },
    time::{Duration, Instant},
};

use freewheel::metrics::{Observer, Registry};

use crate::common::{PATIENCE, owned, patient_registry, points, value, values, wait_until};

/// How long collections wait here.
const TIMEOUT: Duration = Duration::from_secs(1);

/// A callback that panics or waits when told, and observes how often it was called.
#[derive(Clone, Debug, Default)]
struct Patient {
    calls: Arc<AtomicU64>,
    ends: Arc<AtomicU64>,
    /// The next call waits until the other end is dropped.
    wait_for: Arc<Mutex<Option<Receiver<()>>>>,
    panics: Arc<AtomicU64>,
}

impl Patient {
    fn register(registry: &Registry, name: &'static str) -> Self {
        let patient = Self::default();
        let called = patient.clone();
        registry.counter(name).observe(move |observer| called.call(observer)).unwrap();
        patient
    }

    fn call(&self, observer: &mut Observer<u64>) {
        let calls = self.calls.fetch_add(1, Relaxed) + 1;
        observer.observe(calls, &[]);
        assert_eq!(self.panics.load(Relaxed), 0, "panics as told");
        self.wait();
    }

    fn wait(&self) {
        let wait_for = self.wait_for.lock().unwrap().take();
        if let Some(wait_for) = wait_for {
            let _ = wait_for.recv();
        }
        self.ends.fetch_add(1, Relaxed);
    }

    /// The next call waits until the answer is dropped.
    fn hold(&self) -> Sender<()> {
        let (release, wait_for) = mpsc::channel();
        *self.wait_for.lock().unwrap() = Some(wait_for);
        release
    }

    fn calls(&self) -> u64 {
        self.calls.load(Relaxed)
    }

    fn ends(&self) -> u64 {
        self.ends.load(Relaxed)
    }
}

#[test]
fn a_panic_leaves_the_last_values_and_everything_else() {
    let registry = patient_registry();
    let (sick, well) = (Patient::register(&registry, "sick"), Patient::register(&registry, "well"));
    let before = registry.snapshot();

    sick.panics.store(1, Relaxed);
    for panics in 1..=2 {
        let during = registry.snapshot();
        let (last, kept) = (points::<u64>(&before, "sick"), points::<u64>(&during, "sick"));
        assert_eq!(last, kept, "with their time");
        assert_eq!(value::<u64>(&during, "well"), 1 + panics);
        let counted = values::<u64>(&during, "freewheel.callback.panics");
        assert_eq!(counted, owned([("instrument=sick", panics)]));
        let failures = registry.callback_failures("SICK");
        assert_eq!((failures.panics, failures.timeouts), (panics, 0));
    }
    assert_eq!(registry.callback_failures("well"), Default::default());
    assert_eq!(registry.callback_failures("unheard of"), Default::default());

    sick.panics.store(0, Relaxed);
    assert_eq!(value::<u64>(&registry.snapshot(), "sick"), 4, "it is called again");
    assert_eq!(well.ends(), 4);
}

#[test]
fn what_a_callback_observed_before_it_panicked_does_not_count() {
    let registry = patient_registry();
    Patient::register(&registry, "sick").panics.store(1, Relaxed);
    let snapshot = registry.snapshot();
    assert!(snapshot.metric("sick").is_none());
    assert!(snapshot.metric("freewheel.callback.panics").is_some());
}

#[test]
fn one_callback_that_panics_leaves_the_others_of_its_instrument() {
    let registry = patient_registry();
    let (first, second) = (Patient::register(&registry, "jobs"), Patient::register(&registry, "jobs"));
    assert_eq!(value::<u64>(&registry.snapshot(), "jobs"), 2);
    first.panics.store(1, Relaxed);
    assert_eq!(value::<u64>(&registry.snapshot(), "jobs"), 1 + second.calls());
}

#[test]
fn a_callback_that_takes_too_long_holds_up_nobody_and_recovers() {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let slow = Patient::register(&registry, "slow");
    let others = ["behind", "last"].map(|name| Patient::register(&registry, name));
    let before = registry.snapshot();

    let release = slow.hold();
    let begun = Instant::now();
    let during = registry.snapshot();
    let took = begun.elapsed();
    assert!(took >= TIMEOUT && took < PATIENCE, "{took:?}");
    assert_eq!(points::<u64>(&before, "slow"), points::<u64>(&during, "slow"), "with their time");
    assert_eq!((value::<u64>(&during, "behind"), value::<u64>(&during, "last")), (2, 2));
    assert_eq!(values::<u64>(&during, "freewheel.callback.timeouts"), owned([("instrument=slow", 1)]));

    // Nobody waits for it any longer, and it is not called again.
    let begun = Instant::now();
    let again = registry.snapshot();
    assert!(begun.elapsed() < TIMEOUT);
    assert_eq!((value::<u64>(&again, "slow"), value::<u64>(&again, "last")), (1, 3));
    assert_eq!((slow.calls(), slow.ends()), (2, 1));
    assert_eq!(registry.callback_failures("slow").timeouts, 2);

    drop(release);
    wait_until("it is back", || slow.ends() == 2);
    let mut after = registry.snapshot();
    // It may be on its last few instructions yet.
    wait_until("it is called again", || {
        after = registry.snapshot();
        value::<u64>(&after, "slow") > 2
    });
    assert!(points::<u64>(&after, "slow")[0].time > points::<u64>(&before, "slow")[0].time);
    assert_eq!(registry.callback_failures("slow").panics, 0);
    assert!(others.iter().all(|other| other.ends() == other.calls()));
}

#[test]
fn values_that_come_late_are_seen_at_the_next_collection() {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let slow = Patient::register(&registry, "slow");
    let release = slow.hold();
    assert!(registry.snapshot().metric("slow").is_none());
    let late = registry.snapshot().taken_at;
    drop(release);
    wait_until("they are there", || registry.series() == 1);

    let release = slow.hold();
    let snapshot = registry.snapshot();
    let [point] = points::<u64>(&snapshot, "slow") else { panic!("{snapshot:?}") };
    assert!(point.value == 1 && point.time > late, "{point:?}");
    drop(release);
}

/// A registry whose counter `taken` observes what stands there: another total, nothing, and a wait before the end.
fn totals_that_may_wait() -> (Registry, Patient, Arc<Mutex<Option<u64>>>) {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let (patient, total) = (Patient::default(), Arc::new(Mutex::new(Some(100))));
    let (called, observed) = (patient.clone(), total.clone());
    let observe = move |observer: &mut Observer<u64>| {
        let total = *observed.lock().unwrap();
        called.wait();
        total.into_iter().for_each(|total| observer.observe(total, &[]));
    };
    registry.counter("taken").observe(observe).unwrap();
    (registry, patient, total)
}

/// Has the callback observe this total after the collection that asked for it.
fn observe_late(registry: &Registry, patient: &Patient, total: &Mutex<Option<u64>>, late: u64) {
    *total.lock().unwrap() = Some(late);
    let (release, timeouts) = (patient.hold(), registry.callback_failures("taken").timeouts);
    let ends = patient.ends();
    assert_eq!(value::<u64>(&registry.snapshot(), "taken"), 100);
    assert_eq!(registry.callback_failures("taken").timeouts, timeouts + 1);
    drop(release);
    wait_until("it is back", || patient.ends() > ends);
    // The last instructions of the callback, and of what called it.
    std::thread::sleep(Duration::from_millis(300));
}

#[test]
fn what_rose_late_is_not_lost_when_the_total_falls() {
    let (registry, patient, total) = totals_that_may_wait();
    let before = registry.snapshot();
    observe_late(&registry, &patient, &total, 150);
    *total.lock().unwrap() = Some(20);
    let after = registry.snapshot();
    let [before, after] = [&before, &after].map(|snapshot| &points::<u64>(snapshot, "taken")[0]);
    assert_ne!(before.series(), after.series());
    assert_eq!((after.value, after.start), (50 + 20, before.time));
}

#[test]
fn what_rose_late_is_shown_once_when_the_series_ends() {
    let (registry, patient, total) = totals_that_may_wait();
    let before = registry.snapshot();
    observe_late(&registry, &patient, &total, 150);
    *total.lock().unwrap() = None;
    let last = registry.snapshot();
    let [before, last] = [&before, &last].map(|snapshot| &points::<u64>(snapshot, "taken")[0]);
    assert_eq!((last.series(), last.value), (before.series(), 150));
    assert!(registry.snapshot().metric("taken").is_none());
    *total.lock().unwrap() = Some(160);
    assert_eq!(value::<u64>(&registry.snapshot(), "taken"), 10);
}

#[test]
fn several_that_take_too_long_leave_the_others_their_time() {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let slow = ["a", "b", "c"].map(|name| Patient::register(&registry, name));
    let well = Patient::register(&registry, "well");
    let releases = slow.each_ref().map(Patient::hold);
    let snapshot = registry.snapshot();
    assert_eq!(value::<u64>(&snapshot, "well"), 1);
    assert_eq!(values::<u64>(&snapshot, "freewheel.callback.timeouts").len(), 3);
    drop(releases);
    wait_until("all are back", || slow.iter().all(|slow| slow.ends() == 1));
    assert_eq!(well.ends(), 1);
}

#[test]
fn what_had_no_time_left_behind_others_is_not_called_later() {
    const NAMES: [&str; 16] =
        ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n", "o", "p"];
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let slow = NAMES.map(|name| Patient::register(&registry, name));
    let releases = slow.each_ref().map(Patient::hold);
    let snapshot = registry.snapshot();
    assert_eq!(values::<u64>(&snapshot, "freewheel.callback.timeouts").len(), NAMES.len());
    let called = slow.iter().filter(|slow| slow.calls() == 1).count();
    assert!((1..NAMES.len()).contains(&called), "{called} were called");

    drop(releases);
    wait_until("all are back", || slow.iter().all(|slow| slow.ends() == slow.calls()));
    std::thread::sleep(Duration::from_millis(100));
    assert_eq!(slow.iter().filter(|slow| slow.calls() == 1).count(), called);
    assert_eq!(value::<u64>(&registry.snapshot(), "p"), 1);
}

#[test]
fn a_callback_that_is_unregistered_while_it_runs_ends_in_vain() {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let slow = Patient::register(&registry, "slow");
    let release = slow.hold();
    assert!(registry.snapshot().metric("slow").is_none());
    assert!(registry.unregister("slow"));
    // The name is free for another.
    let other = Patient::register(&registry, "slow");
    assert_eq!(value::<u64>(&registry.snapshot(), "slow"), 1);

    drop(release);
    wait_until("the callback is gone", || Arc::strong_count(&slow.calls) == 1);
    assert_eq!((slow.calls(), slow.ends()), (1, 1));
    assert_eq!(value::<u64>(&registry.snapshot(), "slow"), other.calls());
}

#[test]
fn a_registry_may_go_while_a_callback_runs() {
    let registry = Registry::builder().observe_timeout(TIMEOUT).build();
    let (slow, idle) = (Patient::register(&registry, "slow"), Patient::register(&registry, "idle"));
    let release = slow.hold();
    assert!(registry.snapshot().metric("idle").is_some());
    drop(registry);
    assert_eq!(Arc::strong_count(&idle.calls), 1, "what does not run is gone at once");
    assert_eq!(Arc::strong_count(&slow.calls), 2);
    drop(release);
    wait_until("the callback is gone, too", || Arc::strong_count(&slow.calls) == 1);
    assert_eq!((slow.calls(), slow.ends()), (1, 1));
}

#[test]
fn a_value_of_a_panic_that_panics_once_more_does_no_harm() {
    struct Worse;
    impl Drop for Worse {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("once more");
            }
        }
    }
    let registry = patient_registry();
    registry.counter("sick").observe(|_| std::panic::panic_any(Worse)).unwrap();
    let well = Patient::register(&registry, "well");
    for calls in 1..=2 {
        assert_eq!(value::<u64>(&registry.snapshot(), "well"), calls);
        assert_eq!(registry.callback_failures("sick").panics, calls);
    }
    assert_eq!(well.ends(), 2);
}
