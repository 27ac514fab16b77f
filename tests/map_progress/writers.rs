//! A writer that is stopped.

use freewheel::map::Action;

use crate::{
    maps::{Map, Sharded, Words},
    scenes::{NEW, OLD, Scene, TARGET, UPPER, listings, neighbor},
    stopped::at_each_step,
};

/// Stops `change` at each step, and checks that others meanwhile read everything, and write to other segments. Returns what
/// they find at the target, step by step.
///
/// The thread has run `past` before.
fn steps_of<M: Map>(scene: &Scene, past: fn(&M), change: impl Fn(&M) + Sync) -> Vec<Option<u64>> {
    let found_and_left = at_each_step(|stops| {
        let map = scene.map::<M>();
        let others = || {
            if scene.has_other_segment() {
                write_elsewhere(&map);
            }
            scene.see(&map)
        };
        let ((), found) = stops.during(|| past(&map), || change(&map), others);
        let left = scene.see(&map);
        // And everything can be written again.
        use_once(&map);
        assert_eq!((map.load(TARGET), map.len()), (left, scene.stays.len() + left.iter().count()));
        (found, left)
    });
    let (found, left): (Vec<_>, Vec<_>) = found_and_left.into_iter().unzip();
    assert!(left.iter().all(|left| left == found.last().expect("it ends")), "{left:?}");
    found
}

/// The same for a thread that uses the map for the first time, and for one that does not, without what repeats itself.
fn stages_of<M: Map>(scene: &Scene, change: impl Fn(&M) + Sync) -> Vec<Option<u64>> {
    let [mut first, mut later] = [|_: &M| (), use_once].map(|past| steps_of(scene, past, &change));
    assert!(first.len() > later.len(), "a thread that is new has to take a seat");
    first.dedup();
    later.dedup();
    assert_eq!(first, later);
    later
}

/// Writes to the segment of the target, and leaves it as it was.
fn use_once(map: &impl Map) {
    match map.load(TARGET) {
        Some(value) => map.store(TARGET, value),
        None => assert!(!map.delete(TARGET)),
    }
}

/// Writes to the other segment, and leaves it as it was.
fn write_elsewhere(map: &impl Map) {
    let key = UPPER | neighbor(100);
    map.store(key, OLD);
    map.store(key, NEW);
    assert_eq!(map.compute(key, |value| Action::Store(value.unwrap_or(0) + 1)), Some(NEW + 1));
    assert!(map.delete(key));
}

/// Maps with the target, and without, in a bucket that has room for it, and after one that has none.
fn scenes<M: Map>(target: Option<u64>) -> [Scene; 3] {
    [
        Scene::small(M::FIRST - 1, target),
        Scene::large::<M>(1, target),
        Scene::large::<M>(M::SLOTS + 1, target),
    ]
}

#[test]
fn a_store_that_is_stopped_shows_the_old_value_or_the_new_one() {
    fn check<M: Map>() {
        for target in [None, Some(OLD)] {
            for scene in scenes::<M>(target) {
                let stages = stages_of::<M>(&scene, |map| map.store(TARGET, NEW));
                assert_eq!(stages, [target, Some(NEW)], "{scene:?}");
            }
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_load_or_store_that_is_stopped_shows_nothing_or_the_value() {
    fn check<M: Map>() {
        for scene in scenes::<M>(None) {
            let stages = stages_of::<M>(&scene, |map| _ = map.load_or_store(TARGET, NEW));
            assert_eq!(stages, [None, Some(NEW)], "{scene:?}");
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_delete_that_is_stopped_shows_the_value_or_nothing() {
    fn check<M: Map>() {
        for scene in scenes::<M>(Some(OLD)) {
            let stages = stages_of::<M>(&scene, |map| assert!(map.delete(TARGET)));
            assert_eq!(stages, [Some(OLD), None], "{scene:?}");
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_compute_that_is_stopped_shows_what_was_before_it_or_what_is_after_it() {
    fn check<M: Map>() {
        for target in [None, Some(OLD)] {
            for scene in scenes::<M>(target) {
                for action in [Action::Keep, Action::Store(NEW), Action::Delete] {
                    let after = match action {
                        Action::Keep => target,
                        Action::Store(value) => Some(value),
                        Action::Delete => None,
                    };
                    let change = |map: &M| {
                        let decide = |value| {
                            // It may look while it decides.
                            assert_eq!((value, map.load(TARGET)), (target, target));
                            action
                        };
                        assert_eq!(map.compute(TARGET, decide), after);
                    };
                    let mut expected = vec![target, after];
                    expected.dedup();
                    assert_eq!(stages_of::<M>(&scene, change), expected, "{action:?} {scene:?}");
                }
            }
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_store_that_is_stopped_while_the_segment_becomes_larger_hides_nothing() {
    fn check<M: Map>() {
        let scene = Scene::small(M::FIRST, None);
        let steps_without =
            steps_of::<M>(&Scene::small(M::FIRST - 1, None), use_once, |map| map.store(TARGET, NEW)).len();
        let mut steps = steps_of::<M>(&scene, use_once, |map| map.store(TARGET, NEW));
        assert!(steps.len() > 2 * steps_without, "that was no growth");
        steps.dedup();
        assert_eq!(steps, [None, Some(NEW)]);
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_store_that_is_stopped_while_the_segment_divides_hides_nothing() {
    fn check<M: Map>() {
        let mut steps = steps_of::<M>(&Scene::full::<M>(), use_once, |map| map.store(TARGET, NEW));
        assert!(steps.len() > M::FULL as usize, "that was no division");
        steps.dedup();
        assert_eq!(steps, [None, Some(NEW)]);
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_reserve_that_is_stopped_hides_nothing() {
    fn check<M: Map>() {
        // A segment becomes larger, and then divides, and both halves do.
        let mut scene = Scene::small(2, Some(OLD));
        scene.stays.extend([0, 1, 2, 3].map(|quarter| quarter << 62 | 5));
        let steps = steps_of::<M>(&scene, use_once, |map| map.reserve(3 * M::FULL));
        assert!(steps.into_iter().all(|target| target == Some(OLD)));
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_retain_that_is_stopped_shows_what_stays() {
    fn check<M: Map>() {
        for scene in [Scene::small(M::FIRST - 1, Some(OLD)), Scene::small(3 * M::FIRST, Some(OLD))] {
            let stages = stages_of::<M>(&scene, |map| map.retain(|key| key != TARGET));
            assert_eq!(stages, [Some(OLD), None], "{scene:?}");
        }
    }
    check::<Sharded>();
    check::<Words>();
}

#[test]
fn a_clear_that_is_stopped_shows_what_is_left() {
    fn check<M: Map>() {
        let keys = 2 * M::FIRST;
        let scene = Scene::small(keys, None);
        let mut stages = at_each_step(|stops| {
            let map = scene.map::<M>();
            let others = || {
                let [listed, ranged] = listings(&map);
                assert_eq!(listed, ranged);
                let found = scene.stays.iter().filter_map(|&key| Some((key, map.load(key)?)));
                assert!(found.eq(listed.iter().copied()));
                // Each is counted no more before it is taken out.
                assert!([0, 1].contains(&(listed.len() - map.len())), "{} of {listed:?}", map.len());
                listed.len() as u64
            };
            let ((), left) = stops.during(|| (), || map.clear(), others);
            assert_eq!((map.len(), map.iter()), (0, vec![]));
            left
        });
        stages.dedup();
        assert!(stages.into_iter().eq((0..=keys).rev()));
    }
    check::<Sharded>();
    check::<Words>();
}
