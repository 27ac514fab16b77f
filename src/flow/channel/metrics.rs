//! Metrics of channels.

use std::{
    borrow::Cow,
    sync::{Arc, Weak},
    time::Duration,
};

use super::{
    ChannelBuilder, ChannelStats,
    core::{Core, OnWaited, Side},
};
use crate::metrics::{Counter, Histogram, KeyValue, Observer, RegisterError, Registry, UpDownCounter};

/// Says which channel it is.
const NAME: &str = "freewheel.channel.name";
/// Says who has waited.
const OPERATION: &str = "freewheel.channel.operation";

impl<T: Send + 'static> ChannelBuilder<T> {
    /// Observes the channel.
    ///
    /// | metric                        | kind            | unit        | attribute                                          |
    /// |-------------------------------|-----------------|-------------|----------------------------------------------------|
    /// | `freewheel.channel.sent`      | counter         | `{message}` |                                                    |
    /// | `freewheel.channel.received`  | counter         | `{message}` |                                                    |
    /// | `freewheel.channel.rejected`  | counter         | `{message}` |                                                    |
    /// | `freewheel.channel.size`      | up-down counter | `{message}` |                                                    |
    /// | `freewheel.channel.capacity`  | up-down counter | `{message}` |                                                    |
    /// | `freewheel.channel.wait_time` | histogram       | `s`         | `freewheel.channel.operation`: `send`, `receive`   |
    ///
    /// All of them have `freewheel.channel.name` too. Figures of channels of the same name add up; there is no capacity where
    /// there is room for any number. `wait_time` has an entry for each time that a thread or a task had to wait, and no other;
    /// of those that waited for nothing, too, except for tasks.
    ///
    /// *Cost:* nothing where the channel is used, but for those who wait: they read the clock twice. For each collection as
    /// that of [observed instruments](crate::metrics::InstrumentBuilder::observe). The registry keeps some hundred bytes when
    /// the channel is gone: this is for channels that live about as long.
    ///
    /// # Errors
    /// [`RegisterError::Conflict`] if one of the names is registered as something else.
    ///
    /// # Examples
    ///
    /// ```
    /// use freewheel::{
    ///     flow::channel,
    ///     metrics::{KeyValue, Registry},
    /// };
    ///
    /// let registry = Registry::new();
    /// let (sender, receiver) = channel::builder("jobs").capacity(8).metrics(&registry)?.build();
    /// sender.send("a")?;
    /// sender.send("b")?;
    /// receiver.recv()?;
    ///
    /// let jobs = [KeyValue::new("freewheel.channel.name", "jobs")];
    /// assert_eq!(registry.snapshot().counter("freewheel.channel.sent", &jobs), Some(2));
    /// assert_eq!(registry.snapshot().counter("freewheel.channel.received", &jobs), Some(1));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn metrics(mut self, registry: &Registry) -> Result<Self, RegisterError> {
        let counter = |name: &'static str, description: &'static str| {
            registry.counter(name).unit("{message}").description(description).observed::<Counter>()
        };
        let level = |name: &'static str, description: &'static str| {
            registry
                .up_down_counter(name)
                .unit("{message}")
                .description(description)
                .observed::<UpDownCounter>()
        };
        let sent = counter("freewheel.channel.sent", "Messages sent through a channel.")?;
        let received = counter("freewheel.channel.received", "Messages received from a channel.")?;
        let rejected = counter("freewheel.channel.rejected", "Messages for which a channel had no room.")?;
        let size = level("freewheel.channel.size", "Messages in a channel.")?;
        let capacity = level("freewheel.channel.capacity", "Messages for which a channel has room.")?;
        let name = self.label.name.clone();
        self.on_waited = Some(on_waited(registry, name.clone())?);
        self.observe = Some(Box::new(move |core: &Arc<Core<_>>| {
            let core: Arc<dyn Observed> = Arc::<Core<_>>::clone(core);
            let channel = Channel { name, core: Arc::downgrade(&core) };
            sent.add(channel.observe(|stats| Some(stats.sent)));
            received.add(channel.observe(|stats| Some(stats.received)));
            rejected.add(channel.observe(|stats| Some(stats.rejected)));
            size.add(channel.observe(|stats| i64::try_from(stats.size).ok()));
            capacity.add(channel.observe(|stats| i64::try_from(stats.capacity?).ok()));
        }));
        Ok(self)
    }
}

/// What records how long somebody has waited.
fn on_waited(registry: &Registry, name: Cow<'static, str>) -> Result<OnWaited, RegisterError> {
    let times = registry.histogram::<Duration>("freewheel.channel.wait_time");
    let times = times.description("Time that was spent waiting for a channel.");
    let of = |operation: &'static str| {
        times.bind(&[KeyValue::new(NAME, name.clone()), KeyValue::new(OPERATION, operation)])
    };
    let (send, receive): (Histogram<Duration>, Histogram<Duration>) = (of("send")?, of("receive")?);
    Ok(Box::new(move |side, time| match side {
        Side::Send => send.record(time),
        Side::Receive => receive.record(time),
    }))
}

/// A channel of any type of values.
trait Observed: Send + Sync {
    fn stats(&self) -> ChannelStats;
}

impl<M: Send> Observed for Core<M> {
    fn stats(&self) -> ChannelStats {
        ChannelStats::of(self)
    }
}

/// A channel, as its callbacks see it.
struct Channel {
    name: Cow<'static, str>,
    core: Weak<dyn Observed>,
}

impl Channel {
    /// A callback that observes what `figure` takes from the figures.
    fn observe<V: Copy + 'static>(
        &self,
        figure: fn(ChannelStats) -> Option<V>,
    ) -> impl FnMut(&mut Observer<V>) + Send + use<V> {
        let (core, named) = (Weak::clone(&self.core), [KeyValue::new(NAME, self.name.clone())]);
        move |observer| {
            if let Some(value) = core.upgrade().and_then(|core| figure(core.stats())) {
                observer.observe(value, &named);
            }
        }
    }
}
