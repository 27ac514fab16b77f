//! Keeps the compiler from carrying anything from one operation to the next.

use std::arch::asm;

/// Returns `reference` by a way that the compiler cannot see through.
///
/// The compiler then has to read again, in every iteration, whatever it stands for, as code does that comes
/// from somewhere else to record one value. The empty assembly also counts as touching all memory, so that no
/// store of one iteration is merged with that of the next.
#[inline(always)]
pub(crate) fn hidden<T>(reference: &T) -> &T {
    let mut pointer: *const T = reference;
    // SAFETY: the assembly has no instructions, so it changes neither the pointer nor memory.
    unsafe { asm!("/* {} */", inout(reg) pointer, options(nostack, preserves_flags)) };
    // SAFETY: the pointer is still the one of `reference`.
    unsafe { &*pointer }
}

/// [`hidden`] for what only one thread uses.
#[inline(always)]
pub(crate) fn hidden_mut<T>(reference: &mut T) -> &mut T {
    let mut pointer: *mut T = reference;
    // SAFETY: the assembly has no instructions, so it changes neither the pointer nor memory.
    unsafe { asm!("/* {} */", inout(reg) pointer, options(nostack, preserves_flags)) };
    // SAFETY: the pointer is still the one of `reference`, which nobody uses meanwhile.
    unsafe { &mut *pointer }
}

/// Has `value` computed, without a detour through memory.
#[inline(always)]
pub(crate) fn consume(value: u64) {
    // SAFETY: the assembly has no instructions.
    unsafe { asm!("/* {} */", in(reg) value, options(nomem, nostack, preserves_flags)) };
}
