//! `Spsc`, of numbers that are copied.

use std::collections::VecDeque;

use arbitrary::Arbitrary;
use freewheel::queue::{Spsc, TryPopError};

use crate::{Few, LONGEST};

#[derive(Arbitrary, Clone, Copy, Debug)]
pub enum Operation {
    PushSlice(Few),
    PopSlice(Few),
    TryPush,
    TryPop,
}

pub fn alone(capacity: usize, operations: Vec<Operation>) {
    let (mut producer, mut consumer) = Spsc::new(capacity).split();
    let mut model = VecDeque::new();
    let mut numbers = 0_u32..;
    for operation in operations.into_iter().take(LONGEST) {
        let room = capacity - model.len();
        match operation {
            Operation::PushSlice(count) => {
                let values: Vec<u32> = numbers.by_ref().take(count.get()).collect();
                let fit = room.min(values.len());
                assert_eq!(producer.push_slice(&values), fit);
                model.extend(&values[..fit]);
            }
            Operation::PopSlice(count) => {
                let mut values = vec![u32::MAX; count.get()];
                let popped = consumer.pop_slice(&mut values);
                let mut expected: Vec<u32> = model.drain(..count.get().min(model.len())).collect();
                assert_eq!(popped, expected.len());
                // The rest is not touched.
                expected.resize(values.len(), u32::MAX);
                assert_eq!(values, expected);
            }
            Operation::TryPush => {
                let number = numbers.next().expect("there are more numbers than operations");
                assert_eq!(producer.try_push(number).is_ok(), room > 0);
                model.extend((room > 0).then_some(number));
            }
            Operation::TryPop => {
                assert_eq!(consumer.try_pop(), model.pop_front().ok_or(TryPopError::Empty));
            }
        }
        assert_eq!((producer.len(), consumer.len()), (model.len(), model.len()));
    }
}
