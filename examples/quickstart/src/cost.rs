//! What recording costs.

use std::{
    hint,
    time::{Duration, Instant},
};

use freewheel::metrics::{RegisterError, Registry};

use crate::instruments::Instruments;

/// Limits of the measurement: whichever is reached first.
const MAX_RECORDINGS: u32 = 1_000_000;
const MAX_TIME: Duration = Duration::from_millis(500);
/// Recordings between two looks at the clock.
const BATCH: u32 = 1000;

/// The price of recording one file, and how it was found.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) nanos_per_file: f64,
    pub(crate) recordings: u32,
}

/// Does what a worker does for a file, only without the file, in a loop: with the same instruments, in a registry
/// of their own, and going round as many `extensions` as the run met, so that the loop touches as much memory as
/// the run did. Caches are warmer here than between two files; this is a lower bound.
pub(crate) fn measure(extensions: &[String]) -> Result<Cost, RegisterError> {
    let instruments = Instruments::register(&Registry::new())?;
    let mut files = vec![instruments.files("(none)")?];
    for extension in extensions {
        files.push(instruments.files(extension)?);
    }
    let mut next = files.iter().cycle();
    let (started, mut recordings) = (Instant::now(), 0);
    while recordings < MAX_RECORDINGS && started.elapsed() < MAX_TIME {
        for file in next.by_ref().take(BATCH as usize) {
            let read = instruments.measure(file, || Ok(hint::black_box(Some(4096))));
            debug_assert!(matches!(read, Ok(Some(_))), "measuring hands the outcome on");
        }
        recordings += BATCH;
    }
    Ok(Cost { nanos_per_file: started.elapsed().as_nanos() as f64 / f64::from(recordings), recordings })
}
