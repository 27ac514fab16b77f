//! A header and an array after it, in one piece of memory that begins with a cache line.
//!
//! The pointer to it is thin, and its lowest bits are zero: room for a small number beside it, which tells what one would
//! else have to look up in the block.

use std::{
    alloc::{self, Layout},
    fmt,
    marker::PhantomData,
    ptr::NonNull,
};

use crate::sync::atomic::{AtomicPtr, Ordering};

/// How many low bits of a pointer to a block are zero.
const FREE_BITS: u32 = 6;

/// Where an array begins that is not of this type.
#[repr(C, align(64))]
struct Head<H> {
    header: H,
    len: usize,
}

/// A pointer to a block; whoever has it knows that the block is still there.
pub(super) struct Block<'a, H, T> {
    head: NonNull<Head<H>>,
    /// As long as this it is there; what is in it may borrow for less.
    there: PhantomData<&'a ()>,
    elements: PhantomData<fn() -> T>,
}

impl<H, T> Clone for Block<'_, H, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<H, T> Copy for Block<'_, H, T> {}

impl<H, T> PartialEq for Block<'_, H, T> {
    fn eq(&self, other: &Self) -> bool {
        self.head == other.head
    }
}

impl<'a, H, T> Block<'a, H, T> {
    /// The layout of a block of that length, and where its array begins.
    fn layout(len: usize) -> (Layout, usize) {
        let array = Layout::array::<T>(len).expect("a block is small");
        Layout::new::<Head<H>>().extend(array).expect("a block is small")
    }

    /// Makes a block that is there until it is [freed](Self::free).
    pub(super) fn new(header: H, elements: impl ExactSizeIterator<Item = T>) -> Self {
        let len = elements.len();
        let (layout, begin) = Self::layout(len);
        // SAFETY: a head has a size.
        let memory = unsafe { alloc::alloc(layout) };
        let Some(head) = NonNull::new(memory.cast::<Head<H>>()) else { alloc::handle_alloc_error(layout) };
        // SAFETY: the memory was made for it.
        unsafe { head.write(Head { header, len }) };
        // SAFETY: that is within the memory.
        let array = unsafe { memory.add(begin) }.cast::<T>();
        for (index, element) in elements.take(len).enumerate() {
            // SAFETY: the array has room for `len` elements.
            let place = unsafe { array.add(index) };
            // SAFETY: as above.
            unsafe { place.write(element) };
        }
        Self { head, there: PhantomData, elements: PhantomData }
    }

    /// # Safety
    /// Nobody uses the block any more, and it is freed once.
    pub(super) unsafe fn free(self) {
        let (layout, _) = Self::layout(self.len());
        for index in 0..self.len() {
            // SAFETY: there are `len` elements.
            let element = unsafe { self.place(index) };
            // SAFETY: nobody uses it any more.
            unsafe { element.drop_in_place() };
        }
        // SAFETY: nobody uses it any more.
        unsafe { self.head.drop_in_place() };
        // SAFETY: it was made with that layout.
        unsafe { alloc::dealloc(self.head.as_ptr().cast(), layout) };
    }

    /// # Safety
    /// The block is there as long as `'b`.
    pub(super) unsafe fn until<'b>(self) -> Block<'b, H, T> {
        Block { head: self.head, there: PhantomData, elements: PhantomData }
    }

    #[inline]
    pub(super) fn header(self) -> &'a H
    where
        H: 'a,
    {
        // SAFETY: whoever has `self` knows that the block is there.
        let head = unsafe { self.head.as_ref() };
        &head.header
    }

    pub(super) fn len(self) -> usize {
        // SAFETY: whoever has `self` knows that the block is there.
        unsafe { self.head.as_ref() }.len
    }

    /// # Safety
    /// `index` is less than the length.
    #[inline]
    unsafe fn place(self, index: usize) -> NonNull<T> {
        let begin = size_of::<Head<H>>().next_multiple_of(align_of::<T>());
        // SAFETY: the array begins there.
        let array = unsafe { self.head.byte_add(begin) }.cast::<T>();
        // SAFETY: the caller vouches for the index.
        unsafe { array.add(index) }
    }

    /// # Safety
    /// `index` is less than the length.
    #[inline]
    pub(super) unsafe fn at(self, index: usize) -> &'a T
    where
        T: 'a,
    {
        debug_assert!(index < self.len());
        // SAFETY: the caller vouches for the index.
        let place = unsafe { self.place(index) };
        // SAFETY: whoever has `self` knows that the block is there.
        unsafe { place.as_ref() }
    }

    pub(super) fn iter(self) -> impl Iterator<Item = &'a T>
    where
        T: 'a,
    {
        // SAFETY: the index is less than the length.
        (0..self.len()).map(move |index| unsafe { self.at(index) })
    }
}

impl<H, T> fmt::Debug for Block<'_, H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Pointer::fmt(&self.head, f)
    }
}

/// A place for a [`Block`] and a number less than 64, or for nothing.
pub(super) struct AtomicBlock<H, T> {
    word: AtomicPtr<Head<H>>,
    elements: PhantomData<T>,
}

impl<H, T> AtomicBlock<H, T> {
    pub(super) fn new(block: Option<(Block<'_, H, T>, u32)>) -> Self {
        Self { word: AtomicPtr::new(Self::word(block)), elements: PhantomData }
    }

    fn word(block: Option<(Block<'_, H, T>, u32)>) -> *mut Head<H> {
        block.map_or(std::ptr::null_mut(), |(block, number)| {
            debug_assert!(number < 1 << FREE_BITS);
            block.head.as_ptr().map_addr(|address| address | number as usize)
        })
    }

    /// # Safety
    /// The block that stands here is there as long as `'a`.
    #[inline]
    pub(super) unsafe fn load<'a>(&self, order: Ordering) -> Option<(Block<'a, H, T>, u32)> {
        const NUMBER: usize = (1 << FREE_BITS) - 1;
        let word = self.word.load(order);
        let head = NonNull::new(word.map_addr(|address| address & !NUMBER))?;
        Some((Block { head, there: PhantomData, elements: PhantomData }, (word.addr() & NUMBER) as u32))
    }

    #[inline]
    pub(super) fn store(&self, block: Block<'_, H, T>, number: u32, order: Ordering) {
        self.word.store(Self::word(Some((block, number))), order);
    }
}

impl<H, T> fmt::Debug for AtomicBlock<H, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AtomicBlock").finish_non_exhaustive()
    }
}
