//! Objects of all kinds of types, and what can be done with guards because of them.

use std::{
    cell::{Cell, RefCell},
    fmt::Debug,
    iter,
    rc::Rc,
    sync::{
        Arc, MutexGuard,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
};

use freewheel::{
    ObjectPool,
    object_pool::{Builder, OwnedPooled, Pooled, Stats},
};
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::maker::{Figures, figures};

assert_impl_all!(ObjectPool<Cell<u8>>: Send, Sync, Debug);
assert_not_impl_any!(ObjectPool<Rc<u8>>: Send, Sync);
assert_not_impl_any!(ObjectPool<MutexGuard<'static, u8>>: Send, Sync);
assert_impl_all!(Builder<Cell<u8>>: Send, Sync, Debug);
assert_impl_all!(Pooled<'static, u8>: Send, Sync);
assert_impl_all!(OwnedPooled<u8>: Send, Sync, Unpin);
// Whoever has a reference to a guard has one to its object.
assert_impl_all!(Pooled<'static, Cell<u8>>: Send);
assert_impl_all!(OwnedPooled<Cell<u8>>: Send);
assert_not_impl_any!(Pooled<'static, Cell<u8>>: Sync);
assert_not_impl_any!(OwnedPooled<Cell<u8>>: Sync);
assert_not_impl_any!(Pooled<'static, Rc<u8>>: Send, Sync);
assert_not_impl_any!(OwnedPooled<Rc<u8>>: Send, Sync);
// One that may be looked at from anywhere, but must not leave its thread.
assert_not_impl_any!(Pooled<'static, MutexGuard<'static, u8>>: Send, Sync);
assert_not_impl_any!(OwnedPooled<MutexGuard<'static, u8>>: Send, Sync);
assert_not_impl_any!(Pooled<'static, u8>: Clone);
assert_impl_all!(Stats: Copy, Send, Sync, Eq, Debug);

#[test]
fn objects_may_borrow() {
    let words: Vec<String> = (0..100).map(|number| number.to_string()).collect();
    let pool: ObjectPool<Vec<&str>> =
        ObjectPool::builder(|| Vec::with_capacity(8)).reset(|list| list.clear()).build();
    for chunk in words.chunks(7) {
        let mut list = pool.get();
        assert!(list.is_empty());
        list.extend(chunk.iter().map(String::as_str));
        assert_eq!(**list, *chunk);
    }
    let count = AtomicUsize::new(0);
    let counters: ObjectPool<Cell<Option<&AtomicUsize>>> = ObjectPool::default();
    counters.get().set(Some(&count));
    counters.get().get().expect("it was set").fetch_add(1, SeqCst);
    assert_eq!(count.load(SeqCst), 1);
}

#[test]
fn objects_need_not_be_sent() {
    let pool = ObjectPool::new(|| Rc::new(Cell::new(0)));
    let kept = Rc::clone(&pool.get());
    pool.get().set(7);
    assert_eq!(kept.get(), 7);
    assert_eq!(pool.into_inner(), [kept]);
}

#[test]
fn zero_sized_objects_are_counted_and_dropped() {
    static DROPS: AtomicUsize = AtomicUsize::new(0);
    struct Nothing;
    impl Drop for Nothing {
        fn drop(&mut self) {
            DROPS.fetch_add(1, SeqCst);
        }
    }
    let pool = ObjectPool::builder(|| Nothing).max(100).build();
    drop((0..150).map(|_| pool.get()).collect::<Vec<_>>());
    assert_eq!(figures(&pool), Figures { misses: 150, dropped: 50, idle: 100, ..Figures::default() });
    assert_eq!(DROPS.load(SeqCst), 50);
    drop(iter::from_fn(|| pool.try_get()).collect::<Vec<_>>());
    assert_eq!(figures(&pool).hits, 100);
    assert_eq!(pool.into_inner().len(), 100);
    assert_eq!(DROPS.load(SeqCst), 150);
}

#[test]
fn over_aligned_objects_stay_aligned() {
    #[repr(align(512))]
    #[derive(Default)]
    struct Wide(u8);
    let pool = ObjectPool::<Wide>::default();
    for round in 0..3 {
        let mut objects: Vec<_> = (0..200).map(|_| pool.get()).collect();
        for object in &mut objects {
            assert_eq!((object.0, (&raw const **object).addr() % 512), (round, 0));
            object.0 += 1;
        }
    }
    assert!(pool.into_inner().iter().all(|object| (&raw const *object).addr() % 512 == 0 && object.0 == 3));
}

#[test]
fn large_objects_are_moved_in_and_out_whole() {
    let pool = ObjectPool::new(|| [0_u64; 4096]);
    pool.get().iter_mut().zip(0..).for_each(|(word, number)| *word = number);
    assert!(pool.get().iter().copied().eq(0..4096));
    assert!(pool.into_inner()[0].iter().copied().eq(0..4096));
}

#[test]
fn objects_may_be_unsized_behind_a_box() {
    type Counter = Box<dyn FnMut() -> u32>;
    let pool = ObjectPool::new(|| -> Counter {
        let mut calls = 0;
        Box::new(move || {
            calls += 1;
            calls
        })
    });
    assert_eq!([pool.get()(), pool.get()(), pool.get()()], [1, 1, 1], "all three at once");
    assert_eq!(pool.into_inner().iter_mut().map(|count| count()).collect::<Vec<_>>(), [2, 2, 2]);
}

#[test]
fn a_guard_shows_itself_as_its_object() {
    let pool = Arc::new(ObjectPool::new(|| "text".to_owned()));
    let (mut borrowed, owned) = (pool.get(), pool.get_owned());
    assert_eq!(format!("{borrowed} {owned:?}"), "text \"text\"");
    borrowed.as_mut().push('s');
    assert_eq!((borrowed.as_ref().as_str(), borrowed.len(), owned.len()), ("texts", 5, 4));
    assert!(ptr_eq(Pooled::pool(&borrowed), OwnedPooled::pool(&owned)));
}

fn ptr_eq<T>(one: &ObjectPool<T>, other: &ObjectPool<T>) -> bool {
    std::ptr::eq(one, other)
}

#[test]
fn debug_shows_the_figures_and_no_object() {
    let pool = ObjectPool::new(|| RefCell::new(0));
    drop(pool.get());
    let shown = format!("{pool:?}");
    assert!(shown.starts_with("ObjectPool { stats: Stats { hits: 0, misses: 1, dropped: 0,"), "{shown}");
    let builder = ObjectPool::builder(|| 0).max(3).prefill(2);
    assert_eq!(format!("{builder:?}"), "Builder { max: 3, prefill: 2, .. }");
}
