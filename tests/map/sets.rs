//! The set.

use std::{cell::Cell, hash::Hash, hash::Hasher, thread};

use freewheel::ShardedSet;

use crate::hashers::BuildConstant;

#[test]
fn a_member_is_one_until_it_is_removed() {
    let set = ShardedSet::new();
    assert!(set.is_empty());
    assert!(set.insert("one".to_owned()));
    assert!(!set.insert("one".to_owned()));
    assert!(set.contains("one"));
    assert_eq!(set.get("one").as_deref().map(String::as_str), Some("one"));
    assert_eq!(set.len(), 1);
    assert!(set.remove("one"));
    assert!(!set.remove("one"));
    assert!(!set.contains("one"));
    assert!(set.get("one").is_none());
    assert!(set.is_empty());
    set.flush();
}

#[test]
fn the_member_that_is_there_stays() {
    #[derive(Debug)]
    struct Word(&'static str);
    impl PartialEq for Word {
        fn eq(&self, other: &Self) -> bool {
            self.0.eq_ignore_ascii_case(other.0)
        }
    }
    impl Eq for Word {}
    impl Hash for Word {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.to_ascii_lowercase().hash(state);
        }
    }
    let set = ShardedSet::new();
    assert!(set.insert(Word("Word")));
    assert!(!set.insert(Word("word")));
    let member = set.get(&Word("WORD")).expect("it is one");
    assert_eq!((member.0, format!("{member:?}").as_str()), ("Word", r#"Word("Word")"#));
}

#[test]
fn a_set_is_made_of_members_and_becomes_them() {
    let mut set: ShardedSet<u32> = (0..1000).chain(0..1000).collect();
    assert_eq!(set.len(), 1000);
    set.extend(900..1100);
    let mut members: Vec<u32> = set.into_iter().collect();
    members.sort_unstable();
    assert!(members.into_iter().eq(0..1100));
    let few: ShardedSet<u32, BuildConstant> = ShardedSet::with_hasher(BuildConstant::default());
    few.insert(1);
    assert_eq!(format!("{few:?}"), "{1}");
    assert!(ShardedSet::<u32>::with_capacity(1000).is_empty());
}

#[test]
fn range_retain_and_clear_see_all_members() {
    let set: ShardedSet<u32> = (0..1000).collect();
    let mut seen = Vec::new();
    set.range(|&member| {
        seen.push(member);
        true
    });
    seen.sort_unstable();
    assert!(seen.into_iter().eq(0..1000));
    let calls = Cell::new(0);
    set.range(|_| {
        calls.set(calls.get() + 1);
        calls.get() < 10
    });
    assert_eq!(calls.get(), 10);
    set.retain(|member| member % 2 == 0);
    assert_eq!((set.len(), set.contains(&1), set.contains(&2)), (500, false, true));
    set.clear();
    assert!(set.is_empty());
}

#[test]
fn each_member_is_new_to_one_of_four_threads() {
    let set = ShardedSet::new();
    let insert_all = || (0..10_000_u32).filter(|&member| set.insert(member)).count();
    let new: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(insert_all)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!((new, set.len()), (10_000, 10_000));
    let remove_all = || (0..10_000_u32).filter(|member| set.remove(member)).count();
    let removed: usize = thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(remove_all)).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).sum()
    });
    assert_eq!((removed, set.len()), (10_000, 0));
}
