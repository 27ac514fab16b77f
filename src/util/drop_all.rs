//! Dropping values one by one.

/// Drops everything that `next` returns until it returns `None`, also if a destructor panics: the panic goes on after
/// the last of them.
pub fn drop_all<T, F: FnMut() -> Option<T>>(next: F) {
    struct Rest<T, F: FnMut() -> Option<T>>(F);

    impl<T, F: FnMut() -> Option<T>> Drop for Rest<T, F> {
        fn drop(&mut self) {
            while let Some(value) = (self.0)() {
                drop(value);
            }
        }
    }

    let mut rest = Rest(next);
    while let Some(value) = (rest.0)() {
        drop(value);
    }
}
