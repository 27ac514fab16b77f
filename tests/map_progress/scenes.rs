//! A map with some keys that stay, and one, the target, to which something happens.

use freewheel::map::LoadOrStore;

use crate::maps::Map;

/// Its bucket is that of most others.
pub(crate) const TARGET: u64 = 1 << 40 | BUCKET;
pub(crate) const OLD: u64 = 1;
pub(crate) const NEW: u64 = 2;

/// The low bits of most keys lead there.
pub(crate) const BUCKET: u64 = 63;
/// The first bit of a hash leads to a segment if there are two, the second one if that divides.
pub(crate) const UPPER: u64 = 1 << 63;
const SECOND: u64 = 1 << 62;

/// Another key of that bucket.
pub(crate) fn neighbor(number: u64) -> u64 {
    (number + 2) << 40 | BUCKET
}

/// The value of a key that stays.
pub(crate) fn value_of(key: u64) -> u64 {
    !key
}

#[derive(Clone, Debug)]
pub(crate) struct Scene {
    /// For how many keys there is room at first.
    capacity: u64,
    pub(crate) stays: Vec<u64>,
    /// The value of the target.
    pub(crate) target: Option<u64>,
}

impl Scene {
    /// One segment of one bucket, with so many other keys.
    pub(crate) fn small(stays: u64, target: Option<u64>) -> Self {
        Self { capacity: 0, stays: (0..stays).map(neighbor).collect(), target }
    }

    /// Two segments of full size, with so many other keys in the bucket of the target, or after it if it is full.
    pub(crate) fn large<M: Map>(stays: u64, target: Option<u64>) -> Self {
        let keys = (0..stays).map(neighbor).chain((0..3).map(|number| UPPER | neighbor(number)));
        Self { capacity: M::FULL * 3 / 2, stays: keys.collect(), target }
    }

    /// The same, and the segment of the target is full: the next key divides it, and some keys move, most of which are not
    /// in the bucket where they belong.
    pub(crate) fn full<M: Map>() -> Self {
        let movers = (0..4).map(|number| SECOND | neighbor(number));
        let others = (0..M::FULL - 4 - M::SLOTS).map(|number| number << 8 | (number & 63));
        let mut scene = Self::large::<M>(M::SLOTS, None);
        scene.stays.extend(movers.chain(others));
        scene
    }

    pub(crate) fn has_other_segment(&self) -> bool {
        self.capacity > 0
    }

    pub(crate) fn map<M: Map>(&self) -> M {
        let map = M::with_capacity(self.capacity);
        // First the others, so that the target passes them.
        self.stays.iter().for_each(|&key| map.store(key, value_of(key)));
        self.target.into_iter().for_each(|value| map.store(TARGET, value));
        map
    }

    /// Some keys that stay, those in the bucket of the target among them.
    pub(crate) fn probes(&self) -> impl Iterator<Item = u64> {
        let in_bucket = self.stays.iter().filter(|&key| key & BUCKET == BUCKET);
        let others = self.stays.iter().filter(|&key| key & BUCKET != BUCKET);
        in_bucket.chain(others.step_by(20)).copied()
    }

    /// Looks in every way while nobody writes. Returns the value of the target.
    pub(crate) fn see(&self, map: &impl Map) -> Option<u64> {
        self.probes().for_each(|key| assert_eq!(by_all_ways(map, key), Some(value_of(key))));
        let target = by_all_ways(map, TARGET);
        let mut expected: Vec<_> = self.stays.iter().map(|&key| (key, value_of(key))).collect();
        expected.extend(target.map(|value| (TARGET, value)));
        expected.sort_unstable();
        listings(map).into_iter().for_each(|pairs| assert_eq!(pairs, expected));
        // Somebody may have counted the target and not have put it in, or the other way round.
        assert!((self.stays.len()..=self.stays.len() + 1).contains(&map.len()), "{}", map.len());
        target
    }
}

/// The value of a key, which does not change meanwhile.
fn by_all_ways(map: &impl Map, key: u64) -> Option<u64> {
    let value = map.load(key);
    assert_eq!((map.get(key), map.contains_key(key)), (value, value.is_some()));
    if let Some(value) = value {
        assert_eq!(map.load_or_store(key, 0), LoadOrStore::Loaded(value));
    }
    value
}

/// What there is by `iter` and by `range`, in order.
pub(crate) fn listings(map: &impl Map) -> [Vec<(u64, u64)>; 2] {
    let mut ranged = vec![];
    map.range(|key, value| {
        ranged.push((key, value));
        true
    });
    [map.iter(), ranged].map(|mut pairs| {
        pairs.sort_unstable();
        pairs
    })
}
