//! Name lookups, one at a time for each destination.
//!
//! A lookup blocks a thread, and nothing can end it early. One that hangs would be joined by another with each try, until
//! no thread is left for the other destinations; so whoever gives one up leaves it to the next who asks. That helps with
//! a name server that takes longer than a request may, too.

use std::{
    fmt, io,
    net::{SocketAddr, ToSocketAddrs},
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    vec,
};

use hyper_util::client::legacy::connect::dns::Name;
use tokio::{
    sync::Mutex,
    task::{JoinHandle, spawn_blocking},
};
use tower_service::Service;

/// Looks up one name at a time. Clones share the lookup.
#[derive(Clone, Default)]
pub(super) struct Names(Arc<Mutex<Option<Lookup>>>);

/// At work, on a thread that may block.
type Lookup = JoinHandle<io::Result<vec::IntoIter<SocketAddr>>>;

impl Service<Name> for Names {
    type Response = vec::IntoIter<SocketAddr>;
    type Error = io::Error;
    type Future = Pin<Box<dyn Future<Output = io::Result<Self::Response>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// A destination has one name, so a lookup that somebody gave up is of the same.
    fn call(&mut self, name: Name) -> Self::Future {
        let slot = Arc::clone(&self.0);
        Box::pin(async move {
            let mut slot = slot.lock().await;
            let lookup =
                slot.get_or_insert_with(|| spawn_blocking(move || (name.as_str(), 0).to_socket_addrs()));
            let found = lookup.await;
            *slot = None;
            found.map_err(io::Error::other)?
        })
    }
}

impl fmt::Debug for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Names").finish_non_exhaustive()
    }
}
