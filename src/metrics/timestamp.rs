//! Points in time as the wire wants them, read from the fast clock.

use std::{
    fmt,
    sync::LazyLock,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use quanta::{Clock, Instant};

use crate::cell::saturating_nanos;

/// A point in time: nanoseconds since the Unix epoch, in a `u64` (enough until the year 2554).
///
/// [`now`](Self::now) reads the processor's time stamp counter where that is invariant, at less than half the
/// price of [`SystemTime::now`]. It is tied to the system clock once, at first use, and runs monotonically from
/// there: later corrections of the system clock do not move it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp(u64);

/// A reading of the fast clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tick(Instant);

/// Where the fast clock and the system clock were tied together.
struct Anchor {
    clock: Clock,
    tick: Tick,
    unix_nanos: u64,
}

static ANCHOR: LazyLock<Anchor> = LazyLock::new(|| {
    let clock = Clock::new();
    let tick = Tick(clock.now());
    Anchor { clock, tick, unix_nanos: Timestamp::from(SystemTime::now()).as_unix_nanos() }
});

impl Tick {
    #[inline]
    pub(super) fn now() -> Self {
        Self(ANCHOR.clock.now())
    }

    /// The time from `earlier` to this; zero if the clock of another core is behind.
    pub(super) fn since(self, earlier: Self) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }
}

impl From<Tick> for Timestamp {
    #[inline]
    fn from(tick: Tick) -> Self {
        let anchor = &*ANCHOR;
        Self(anchor.unix_nanos.saturating_add(saturating_nanos(tick.since(anchor.tick))))
    }
}

impl Timestamp {
    /// The present.
    ///
    /// *Cost:* one read of the time stamp counter. The very first call in a process calibrates the clock, which
    /// can take some milliseconds; registering [`RequestMetrics`](super::RequestMetrics) does that ahead of time.
    #[must_use]
    pub fn now() -> Self {
        Tick::now().into()
    }

    /// Makes a timestamp from nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn from_unix_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_unix_nanos(self) -> u64 {
        self.0
    }

    /// The time that passed since `earlier`, or zero if `earlier` is later.
    #[must_use]
    pub const fn duration_since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for Timestamp {
    /// Times before the epoch become the epoch.
    fn from(time: SystemTime) -> Self {
        Self(time.duration_since(UNIX_EPOCH).map_or(0, saturating_nanos))
    }
}

impl From<Timestamp> for SystemTime {
    fn from(timestamp: Timestamp) -> Self {
        UNIX_EPOCH + Duration::from_nanos(timestamp.0)
    }
}

impl fmt::Display for Timestamp {
    /// Seconds since the Unix epoch with nine decimals.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}", self.0 / 1_000_000_000, self.0 % 1_000_000_000)
    }
}
