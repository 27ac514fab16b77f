//! How a map hashes.

/// Hashes with a key of its own for each map, so that nobody who chooses keys knows which of them collide.
pub type DefaultHashBuilder = foldhash::quality::RandomState;
