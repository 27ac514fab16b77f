//! Metrics of object pools.

use std::{borrow::Cow, sync::Arc};

use super::{Counter, KeyValue, Observer, RegisterError, Registry, UpDownCounter};
use crate::object_pool::Stats;

/// Says which pool it is.
const NAME: &str = "freewheel.object_pool.name";

impl Registry {
    /// Registers the metrics of an [`ObjectPool`](crate::ObjectPool), which `stats` reads; a pool that is gone says `None`.
    ///
    /// | metric                         | kind            | unit       | attribute                                    |
    /// |--------------------------------|-----------------|------------|----------------------------------------------|
    /// | `freewheel.object_pool.gets`   | counter         | `{get}`    | `freewheel.object_pool.result`: `hit`, `miss` |
    /// | `freewheel.object_pool.dropped`| counter         | `{object}` |                                              |
    /// | `freewheel.object_pool.objects`| up-down counter | `{object}` | `freewheel.object_pool.state`: `idle`, `used` |
    ///
    /// All of them have `freewheel.object_pool.name` too. Figures of pools of the same name add up.
    ///
    /// *Cost:* nothing where the pool is used; for each collection as that of
    /// [observed instruments](super::InstrumentBuilder::observe).
    ///
    /// # Errors
    ///
    /// [`RegisterError::Conflict`] if one of the names is registered as something else. None of the metrics is collected
    /// then.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use freewheel::{
    ///     ObjectPool,
    ///     metrics::{KeyValue, Registry},
    /// };
    ///
    /// let registry = Registry::new();
    /// let buffers = Arc::new(ObjectPool::new(Vec::<u8>::new));
    /// let observed = Arc::downgrade(&buffers);
    /// registry.observe_object_pool("buffers", move || Some(observed.upgrade()?.stats()))?;
    ///
    /// drop(buffers.get());
    /// let attributes =
    ///     [KeyValue::new("freewheel.object_pool.name", "buffers"), KeyValue::new("freewheel.object_pool.result", "miss")];
    /// assert_eq!(registry.snapshot().counter("freewheel.object_pool.gets", &attributes), Some(1));
    /// # Ok::<(), freewheel::metrics::RegisterError>(())
    /// ```
    pub fn observe_object_pool(
        &self,
        name: impl Into<Cow<'static, str>>,
        stats: impl Fn() -> Option<Stats> + Send + Sync + 'static,
    ) -> Result<(), RegisterError> {
        let gets = self.counter("freewheel.object_pool.gets").unit("{get}");
        let gets = gets.description("Objects taken from a pool.").observed::<Counter>()?;
        let dropped = self.counter("freewheel.object_pool.dropped").unit("{object}");
        let dropped =
            dropped.description("Objects that came back and were not kept.").observed::<Counter>()?;
        let objects = self.up_down_counter("freewheel.object_pool.objects").unit("{object}");
        let objects = objects.description("Objects of a pool.").observed::<UpDownCounter>()?;

        let pool = Arc::new(Observed { name: name.into(), stats: Box::new(stats) });
        gets.add(pool.observe(|pool, stats, observer| {
            observer.observe(stats.hits, &pool.with("freewheel.object_pool.result", "hit"));
            observer.observe(stats.misses, &pool.with("freewheel.object_pool.result", "miss"));
        }));
        dropped.add(pool.observe(|pool, stats, observer| observer.observe(stats.dropped, &[pool.named()])));
        objects.add(pool.observe(|pool, stats, observer| {
            let signed = |objects| i64::try_from(objects).unwrap_or(i64::MAX);
            observer.observe(signed(stats.idle), &pool.with("freewheel.object_pool.state", "idle"));
            observer.observe(signed(stats.in_use), &pool.with("freewheel.object_pool.state", "used"));
        }));
        Ok(())
    }
}

/// A pool, as its callbacks see it.
struct Observed {
    name: Cow<'static, str>,
    stats: Box<dyn Fn() -> Option<Stats> + Send + Sync>,
}

impl Observed {
    fn named(&self) -> KeyValue {
        KeyValue::new(NAME, self.name.clone())
    }

    fn with(&self, key: &'static str, value: &'static str) -> [KeyValue; 2] {
        [self.named(), KeyValue::new(key, value)]
    }

    /// A callback that observes what `observe` makes of the figures.
    fn observe<V>(
        self: &Arc<Self>,
        observe: impl Fn(&Self, Stats, &mut Observer<V>) + Send + 'static,
    ) -> impl FnMut(&mut Observer<V>) + Send + 'static {
        let pool = Arc::clone(self);
        move |observer| {
            if let Some(stats) = (pool.stats)() {
                observe(&pool, stats, observer);
            }
        }
    }
}
