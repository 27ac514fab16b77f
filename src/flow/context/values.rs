//! What a context carries.

use std::{
    any::{Any, type_name},
    fmt, iter,
    sync::Arc,
};

/// Some values, of which those that came later are found first.
#[derive(Clone, Default)]
pub(super) struct Values(Option<Arc<Carried>>);

struct Carried {
    value: Box<dyn Any + Send + Sync>,
    type_name: &'static str,
    others: Values,
}

impl Values {
    pub(super) const NONE: Self = Self(None);

    pub(super) fn with<T: Any + Send + Sync>(&self, value: T) -> Self {
        let carried = Carried { value: Box::new(value), type_name: type_name::<T>(), others: self.clone() };
        Self(Some(Arc::new(carried)))
    }

    fn iter(&self) -> impl Iterator<Item = &Carried> {
        iter::successors(self.0.as_deref(), |carried| carried.others.0.as_deref())
    }

    pub(super) fn get<T: Any>(&self) -> Option<&T> {
        self.iter().find_map(|carried| carried.value.downcast_ref())
    }
}

impl Drop for Carried {
    fn drop(&mut self) {
        // One by one: a long chain would overflow the stack.
        let mut others = self.others.0.take();
        while let Some(mut carried) = others.and_then(Arc::into_inner) {
            others = carried.others.0.take();
        }
    }
}

impl fmt::Debug for Values {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter().map(|carried| carried.type_name)).finish()
    }
}
