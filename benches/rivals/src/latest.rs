//! One value that all threads read and few replace.

use std::sync::{Arc, RwLock};

use arc_swap::ArcSwap;
use crossbeam_utils::CachePadded;
use freewheel::Latest;

use crate::{
    opaque::consume,
    race::{Contestant, Race},
};

pub(crate) fn races() -> Vec<Race> {
    vec![
        Race {
            notes: vec!["nobody writes meanwhile; the rows with (load_full) and <Arc> yield a value to keep"],
            ..Race::new(
                "load",
                vec![
                    load(),
                    load_full(),
                    swapped_load(),
                    swapped_load_full(),
                    locked_clone(),
                    locked_read(),
                    Contestant::empty_loop(),
                ],
            )
        },
        Race {
            notes: vec!["nobody reads meanwhile; all but the last lock allocate, as a value to keep must"],
            ..Race::new(
                "store",
                vec![
                    store(),
                    update(),
                    swapped_store(),
                    locked_store(),
                    locked_write(),
                    Contestant::empty_loop(),
                ],
            )
        },
    ]
}

/// A value that is read as a whole: its words agree.
struct Config {
    limits: [u64; 8],
}

impl Config {
    #[inline(always)]
    fn of(index: usize) -> Self {
        Self { limits: [index as u64; 8] }
    }

    #[inline(always)]
    fn read(&self) {
        consume(self.limits[0]);
        consume(self.limits[7]);
    }
}

fn ours() -> CachePadded<Latest<Config>> {
    CachePadded::new(Latest::new(Config::of(0)))
}

fn load() -> Contestant {
    let latest = ours();
    Contestant::new("freewheel", move |_| latest.load().read())
}

fn load_full() -> Contestant {
    let latest = ours();
    Contestant::new("freewheel (load_full)", move |_| latest.load_full().read())
}

fn store() -> Contestant {
    let latest = ours();
    Contestant::new("freewheel", move |index| latest.store(Config::of(index)))
}

fn update() -> Contestant {
    let latest = ours();
    Contestant::new("freewheel (update)", move |_| {
        latest.update(|config| Config { limits: config.limits.map(|limit| limit + 1) });
    })
}

fn swapped() -> CachePadded<ArcSwap<Config>> {
    CachePadded::new(ArcSwap::from_pointee(Config::of(0)))
}

fn swapped_load() -> Contestant {
    let swapped = swapped();
    Contestant::new("arc-swap", move |_| swapped.load().read())
}

fn swapped_load_full() -> Contestant {
    let swapped = swapped();
    Contestant::new("arc-swap (load_full)", move |_| swapped.load_full().read())
}

fn swapped_store() -> Contestant {
    let swapped = swapped();
    Contestant::new("arc-swap", move |index| swapped.store(Arc::new(Config::of(index))))
}

fn locked() -> CachePadded<parking_lot::RwLock<Arc<Config>>> {
    CachePadded::new(parking_lot::RwLock::new(Arc::new(Config::of(0))))
}

fn locked_clone() -> Contestant {
    let locked = locked();
    Contestant::new("parking_lot RwLock<Arc>", move |_| {
        let config = Arc::clone(&locked.read());
        config.read();
    })
}

fn locked_store() -> Contestant {
    let locked = locked();
    Contestant::new("parking_lot RwLock<Arc>", move |index| *locked.write() = Arc::new(Config::of(index)))
}

fn locked_in_place() -> CachePadded<RwLock<Config>> {
    CachePadded::new(RwLock::new(Config::of(0)))
}

fn locked_read() -> Contestant {
    let locked = locked_in_place();
    Contestant::new("std RwLock", move |_| locked.read().expect("no holder panics").read())
}

fn locked_write() -> Contestant {
    let locked = locked_in_place();
    Contestant::new("std RwLock", move |index| {
        *locked.write().expect("no holder panics") = Config::of(index);
    })
}
