//! How a channel is made.

use std::{borrow::Cow, fmt};

#[cfg(feature = "trace")]
use super::SpanPolicy;
use super::{
    Message, Receiver, Sender,
    core::{Core, OnWaited},
    message::Label,
};
use crate::{sync::Arc, wait::WaitStrategy};

/// Is given the channel once it is made.
type Observe<T> = Box<dyn FnOnce(&Arc<Core<Message<T>>>)>;

/// Makes a channel; see [`builder`](super::builder()).
#[must_use = "it makes nothing before `build`"]
pub struct ChannelBuilder<T> {
    capacity: Option<usize>,
    pub(super) label: Label,
    strategy: WaitStrategy,
    pub(super) on_waited: Option<OnWaited>,
    pub(super) observe: Option<Observe<T>>,
}

impl<T> ChannelBuilder<T> {
    pub(super) fn new(name: Cow<'static, str>) -> Self {
        Self {
            capacity: None,
            label: Label::new(name),
            strategy: WaitStrategy::default(),
            on_waited: None,
            observe: None,
        }
    }

    /// Room for so many values; with 0 it is a [rendezvous](super::rendezvous()). [Unbounded](super::unbounded) unless set.
    pub fn capacity(mut self, values: usize) -> Self {
        self.capacity = Some(values);
        self
    }

    /// What threads do before they park. They look again for some microseconds unless set.
    pub fn wait_strategy(mut self, strategy: WaitStrategy) -> Self {
        self.strategy = strategy;
        self
    }

    /// For which messages there are spans; for none unless set.
    #[cfg(feature = "trace")]
    #[cfg_attr(docsrs, doc(cfg(feature = "trace")))]
    pub fn spans(mut self, spans: SpanPolicy) -> Self {
        self.label.spans = spans;
        self
    }

    /// Makes the channel.
    ///
    /// # Panics
    /// If there is no memory for so many values.
    #[must_use]
    pub fn build(self) -> (Sender<T>, Receiver<T>) {
        let core = Arc::new(Core::new(self.capacity, self.label, self.strategy, self.on_waited));
        if let Some(observe) = self.observe {
            observe(&core);
        }
        (Sender { core: Arc::clone(&core) }, Receiver { core })
    }
}

impl<T> fmt::Debug for ChannelBuilder<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelBuilder")
            .field("capacity", &self.capacity)
            .field("label", &self.label)
            .field("strategy", &self.strategy)
            .finish_non_exhaustive()
    }
}
