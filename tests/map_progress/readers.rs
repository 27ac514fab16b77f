//! A reader that is stopped.

use std::collections::HashSet;

use freewheel::map::LoadOrStore;

use crate::{
    maps::{Map, Sharded, Words},
    scenes::{NEW, OLD, Scene, TARGET, neighbor, value_of},
    stopped::{at_each_step, at_each_two_steps},
};

/// Keys that come and go, in the bucket of the target.
const FIRST_GUEST: u64 = 1000;

fn guest(number: u64) -> u64 {
    neighbor(FIRST_GUEST + number)
}

/// Stores the target anew, and what it replaces is freed, if nobody looks at it.
fn replace(map: &impl Map) {
    map.store(TARGET, NEW);
    map.flush();
}

/// Another key comes into the place of the target.
fn displace(map: &impl Map) {
    map.delete(TARGET);
    map.store(guest(0), value_of(guest(0)));
    map.flush();
}

/// The target leaves its place to another key, and comes back elsewhere; or if that is there already, in its place.
fn move_away(map: &impl Map) {
    displace(map);
    map.store(TARGET, NEW);
    map.delete(guest(0));
}

/// So many keys come that a small map grows, more than once; and go.
fn enlarge<M: Map>(map: &M) {
    (0..2 * M::FIRST).for_each(|number| map.store(guest(number), value_of(guest(number))));
    (0..2 * M::FIRST).for_each(|number| assert!(map.delete(guest(number))));
    map.flush();
}

/// All segments become larger and divide.
fn reserve<M: Map>(map: &M) {
    map.reserve(3 * M::FULL);
}

/// Everything goes that may.
fn retain<M: Map>(map: &M, scene: &Scene) {
    map.retain(|key| scene.stays.contains(&key));
    map.flush();
}

/// What a key that stays is while others write.
fn look_for_what_stays<M: Map>(map: &M, scene: &Scene) {
    let key = *scene.stays.last().expect("some stay");
    let value = value_of(key);
    assert_eq!((map.load(key), map.get(key), map.contains_key(key)), (Some(value), Some(value), true));
    assert_eq!(map.load_or_store(key, 0), LoadOrStore::Loaded(value));
}

/// What the target is while others write.
fn look_for_target<M: Map>(map: &M, _: &Scene) {
    for value in [map.load(TARGET), map.get(TARGET)] {
        assert!([None, Some(OLD), Some(NEW)].contains(&value), "{value:?}");
    }
}

/// What is listed while others write.
fn list<M: Map>(map: &M, scene: &Scene) {
    let mut pairs = map.iter();
    pairs.sort_unstable();
    assert!(pairs.is_sorted_by(|one, next| one.0 < next.0), "a key came twice: {pairs:?}");
    let is_right =
        |(key, value)| if key == TARGET { value == OLD || value == NEW } else { value == value_of(key) };
    assert!(pairs.iter().copied().all(is_right), "{pairs:?}");
    let stays: HashSet<_> = scene.stays.iter().collect();
    assert_eq!(pairs.iter().filter(|(key, _)| stays.contains(key)).count(), stays.len(), "{pairs:?}");
}

/// How many there are, about.
fn count<M: Map>(map: &M, scene: &Scene) {
    let most = scene.stays.len() + 1 + 2 * M::FIRST as usize;
    assert!(map.len() <= most, "{} of {most}", map.len());
}

#[test]
fn a_reader_that_is_stopped_is_in_nobodys_way_and_sees_what_is_there() {
    fn check<M: Map>() {
        let changes = [replace, displace, move_away, enlarge, reserve::<M>];
        let small = Scene::small(M::FIRST - 1, Some(OLD));
        let grown = Scene::small(3 * M::FIRST, Some(OLD));
        for scene in [small, grown] {
            for look in [look_for_what_stays, look_for_target, list, count] {
                for change in changes {
                    let _steps = at_each_step(|stops| {
                        let map = scene.map::<M>();
                        stops.during(|| (), || look(&map, &scene), || change(&map));
                        retain(&map, &scene);
                        assert_eq!(scene.see(&map), None);
                    });
                }
            }
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_reader_that_is_stopped_twice_sees_what_is_there() {
    fn check<M: Map>() {
        let scene = Scene::small(M::FIRST - 1, Some(OLD));
        let changes = [replace, displace, move_away, enlarge];
        for look in [look_for_what_stays, look_for_target, list] {
            for (first, second) in [(1, 2), (2, 1), (1, 3), (3, 2)] {
                at_each_two_steps(|stops| {
                    let map = scene.map::<M>();
                    let mut changes = [changes[first], changes[second]].into_iter();
                    let others = || changes.next().expect("there are two stops")(&map);
                    stops.during(|| (), || look(&map, &scene), others);
                    retain(&map, &scene);
                    assert_eq!(scene.see(&map), None);
                });
            }
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_reader_that_is_stopped_while_the_segment_divides_sees_each_key_once() {
    fn check<M: Map>() {
        let scene = Scene::full::<M>();
        for look in [look_for_what_stays, look_for_target, list] {
            let _steps = at_each_step(|stops| {
                let map = scene.map::<M>();
                let divide = || map.store(TARGET, NEW);
                stops.during(|| (), || look(&map, &scene), divide);
                assert_eq!(scene.see(&map), Some(NEW));
            });
        }
    }
    check::<Sharded>();
    check::<Words>();
}

/// Steps of a look for the target, which is not there, in a map to which `past` has happened.
fn steps_after<M: Map>(past: fn(&M)) -> usize {
    // Its bucket is full.
    let scene = Scene::large::<M>(M::SLOTS, None);
    let map = scene.map::<M>();
    past(&map);
    at_each_step(|stops| stops.during(|| (), || assert_eq!(map.load(TARGET), None), || ())).len()
}

#[test]
fn who_looks_goes_no_further_than_there_is_something_to_find() {
    fn check<M: Map>() {
        let before = steps_after::<M>(|_| ());
        let meanwhile =
            steps_after::<M>(|map| (0..2 * M::SLOTS).for_each(|number| map.store(guest(number), 0)));
        let after = steps_after::<M>(|map| {
            (0..2 * M::SLOTS).for_each(|number| map.store(guest(number), 0));
            (0..2 * M::SLOTS).for_each(|number| assert!(map.delete(guest(number))));
        });
        assert!(meanwhile > before, "{meanwhile} and {before} steps");
        assert_eq!(after, before);
    }
    check::<Sharded>();
    check::<Words>();
}
