//! Concurrent maps whose reads never wait: [`ShardedMap`], and [`WordMap`] for numbers; and a set, [`ShardedSet`].
//!
//! | | keys and values | a look | a change |
//! |---|---|---|---|
//! | [`ShardedMap`] | of any kind | keeps what is deleted meanwhile (a few nanoseconds, or once for many looks) | allocates an entry |
//! | [`WordMap`] | a word each | writes nothing | allocates nothing |
//!
//! BENCHMARKS.md compares them with others.
//!
//! # How it works
//!
//! The first bits of a hash lead, by way of a *directory*, to a *segment*: up to 64 buckets of one cache line, with a word of
//! tags and seven pointers to entries. A segment that is full divides in two and leaves everything else where it is
//! (extendible hashing: R. Fagin, J. Nievergelt, N. Pippenger, H. R. Strong, ACM TODS 4(3), 1979). So growth costs each
//! time what one segment costs, and nobody waits for a table to be copied.
//!
//! Writers lock the segment of their key. Readers know nothing of locks: they read a word of tags, follow a pointer, and
//! compare the key. An entry is never changed, and moves only when its segment grows; so what they find is good, and if they
//! find nothing they only make sure that the segment was still the right one, and that nothing has moved in it. What is
//! replaced or deleted is freed when everybody has gone who may look at it (intervals of eras: H. Wen and others,
//! *Interval-Based Memory Reclamation*, PPoPP 2018).
//!
//! In a [`WordMap`] a bucket has three keys with their values instead of the pointers, and the state of a bucket counts how
//! often a slot was vacated. A reader takes a value and makes sure that its slot was not vacated meanwhile.
//!
//! # Progress
//!
//! | operation | |
//! |---|---|
//! | `get`, `load`, `contains_key`, `range`, `iter`, `pin` and what it offers | lock-free: they look again only if a segment grew, memory came to be freed, or in a `WordMap` a slot was vacated, meanwhile |
//! | `load_or_store`, `load_or_store_with` of a key that is there | lock-free |
//! | `len`, `is_empty` | wait-free |
//! | what changes something | takes the lock of one segment, for some nanoseconds; microseconds if it divides |
//! | what makes a segment grow: a key for which there is no room, `reserve` | takes beside that a lock of the map: one segment grows at a time |
//!
//! So a thread that stops while it writes is in the way of writers of its segment alone; if it stops while its segment grows,
//! writers of other segments go on until those have to grow too.
//!
//! # No deadlocks
//!
//! No lock is ever handed out: not by a reference, not by an iterator. So holding one, across whatever, stops nobody. Code of
//! the user's runs under a lock in few places: the function for [`compute`](ShardedMap::compute), `eq` of keys and values,
//! `clone` of the key in [`compare_and_swap`](ShardedMap::compare_and_swap), and the hasher of a [`WordMap`] that grows. There, reading the map is fine, and changing
//! the same map panics at once with a message, always, instead of waiting for itself now and then. (Two maps whose
//! functions for `compute` change each other can wait for each other, as any two locks can.)
//!
//! # Memory
//!
//! An empty map has allocated nothing. Each key takes an allocation for its entry, with eight bytes for its hash and its age,
//! and eleven bytes in a segment, on average. A thread keeps up to 64 entries that it has deleted or replaced before it looks
//! whether somebody looks at them, and the memory of as many for those that it stores later, but no more than eight KiB; see
//! [`flush`](ShardedMap::flush). A reference, or a thread that is stopped in a look, keeps
//! entries that were there when it last looked from being freed, and some thousand that came soon after, in all maps: however long it
//! lasts and whatever is stored meanwhile, no more than that wait for it, and as many again that nobody has looked through.
//!
//! # Memory ordering
//! | edge      | Release side                          | Acquire side                       | what becomes visible |
//! |-----------|---------------------------------------|------------------------------------|----------------------|
//! | `PUT`     | `Pointers::{put, replace}`: `entries.store`; `set_tags`; `Words::{set_value, set_state}` | `Pointers::{entry, tags}`, `Words::state`; `Words::is_as`: `fence` | the entry, or the pair; that it is counted where it passed |
//! | `TAKEN`   | `Segment::take`: `taken.store`; `Pointers::{take, change_passing}`, `Words::set_state` | `Pointers::tags`, `Words::state`, `Segment::taken` | that the directory leads elsewhere, and the depth, or that `moves` is another, if it was moved; that something was taken |
//! | `MOVED`   | `Segment::move_nearer`: `moves.store`  | `Segment::moves`                   | the items where they have moved to |
//! | `REUSED`  | `Words::put`: `key.store`, `value.store` | `Words::{is_as, glance}`: `fence` | that the slot was vacated before |
//! | `PLACED`  | `Segment::store`                      | `Segment::load`                    | the segment          |
//! | `DOUBLED` | `Table::{make_first, double}`: `directory.store` | `Table::directory`: load | the directory        |
//! | `LOCK`    | `Lock::unlock`                        | `Lock::{try_lock, is_taken}`       | what the writer before has done |
//!
//! When entries are freed is the matter of the module `reclaim`, which has edges of its own.
//!
//! # Invariants
//! * **WHOLE**: a slot points to an entry that is whole, or to nothing; an entry does not change.
//! * **ONE PLACE**: while an item stands in two slots, because its segment divides or is replaced by a larger one, the segments
//!   of both are locked.
//! * **ALONE**: what stands at a seat is used by whoever has the seat, alone (`util::seat`).
//! * **KEPT**: segments and directories that were replaced are freed with the map.

mod block;
mod collect;
mod entry;
mod hasher;
mod iter;
mod limbo;
mod local;
mod lock;
mod locked;
mod outcome;
mod pinned;
mod pointers;
mod segment;
#[cfg(feature = "serde")]
mod serde;
mod set;
mod sharded_map;
mod table;
mod tags;
mod word;
mod word_map;
mod words;
mod write;

pub use self::{
    collect::IntoIter,
    hasher::DefaultHashBuilder,
    outcome::{Action, LoadOrStore},
    pinned::{Pinned, Ref},
    set::{IntoMembers, Member, ShardedSet},
    sharded_map::ShardedMap,
    word::Word,
    word_map::WordMap,
};
