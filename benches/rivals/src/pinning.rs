//! What only the operating system knows: which core a thread runs on, and whether it was preempted.
//!
//! On systems other than Linux threads are not pinned and preemption goes unnoticed: expect wider spreads.

#[cfg(target_os = "linux")]
mod linux {
    use std::mem::zeroed;

    /// Binds the calling thread to one of the cores that this process may use; `number` counts around them.
    pub(crate) fn pin_to_core(number: usize) {
        let allowed = allowed_cores();
        if allowed.is_empty() {
            return;
        }
        let core = allowed[number % allowed.len()];
        let mut set = empty_set();
        // SAFETY: `core` came from a set of the same size, so it is within it.
        unsafe { libc::CPU_SET(core, &mut set) };
        // SAFETY: the set is initialised and the size is its own. If refused, the thread stays where it may run.
        unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) };
    }

    /// How often the kernel has taken the core away from the calling thread, not counting when it went to
    /// sleep itself.
    pub(crate) fn preemptions() -> i64 {
        // SAFETY: `rusage` is plain integers, for which zero is a value.
        let mut usage: libc::rusage = unsafe { zeroed() };
        // SAFETY: the pointer is to a live `rusage`.
        unsafe { libc::getrusage(libc::RUSAGE_THREAD, &raw mut usage) };
        usage.ru_nivcsw
    }

    fn allowed_cores() -> Vec<usize> {
        let mut set = empty_set();
        // SAFETY: the pointer is to a live set and the size is its own.
        let result = unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), &raw mut set) };
        let is_allowed = |core: &usize| {
            // SAFETY: the range below ends with the set.
            result == 0 && unsafe { libc::CPU_ISSET(*core, &set) }
        };
        (0..libc::CPU_SETSIZE as usize).filter(is_allowed).collect()
    }

    fn empty_set() -> libc::cpu_set_t {
        // SAFETY: the set is plain integers, for which zero is a value: no core.
        unsafe { zeroed() }
    }
}

#[cfg(target_os = "linux")]
pub(crate) use linux::{pin_to_core, preemptions};

#[cfg(not(target_os = "linux"))]
pub(crate) fn pin_to_core(_number: usize) {}

#[cfg(not(target_os = "linux"))]
pub(crate) fn preemptions() -> i64 {
    0
}
