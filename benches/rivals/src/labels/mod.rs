//! Adding one to a counter whose series is looked up by its labels in each call, with several series in rotation.

mod dynamic;
mod fixed;
mod pairs;

use crate::race::{Contestant, Race};

pub(crate) fn races() -> Vec<Race> {
    vec![
        dynamic::race::<1>("dynamic_3/1_series"),
        dynamic::race::<8>("dynamic_3/8_series"),
        dynamic::race::<64>("dynamic_3/64_series"),
        dynamic::race::<2000>("dynamic_3/2000_series"),
        dynamic::race_with_long_routes::<64>("dynamic_3_long/64_series"),
        fixed::race::<1>("static_3/1_series"),
        fixed::race::<64>("static_3/64_series"),
        pairs::race::<8>("pairs_3/8_series"),
        pairs::race::<2000>("pairs_3/2000_series"),
    ]
}

/// A contestant that does `add` with one of `inputs` after the other. The series are made, and what a thread remembers
/// of them, in the slices that are not counted.
///
/// `N` is a constant so that its division costs everybody, the empty loop too, next to nothing.
fn rotating<T: Sync, const N: usize>(
    who: &'static str,
    inputs: &'static [T; N],
    add: impl Fn(&T) + Send + Sync + 'static,
) -> Contestant {
    Contestant::new(who, move |index| add(&inputs[index % N]))
}

/// Makes the inputs of a race, for ever.
fn inputs<T, const N: usize>(inputs: impl IntoIterator<Item = T>) -> &'static [T; N] {
    let inputs: Box<[T]> = inputs.into_iter().collect();
    let Ok(inputs) = <Box<[T; N]>>::try_from(inputs) else { panic!("not {N} inputs") };
    Box::leak(inputs)
}
