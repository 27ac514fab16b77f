//! What can be done with snapshots: windows, merging, looking up, printing, and as text for other programs.

mod looking;
