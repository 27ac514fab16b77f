//! An OTLP receiver inside this process, so that the example needs nothing but itself to show what arrives.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard},
    thread,
};

use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::{MetricsService, MetricsServiceServer},
};
use tokio::{runtime, sync::oneshot};
use tonic::{
    Request, Response, Status,
    transport::server::{Server, TcpIncoming},
};

use crate::series::{self, Series};

/// A running receiver. It stops when this is dropped.
pub(crate) struct Receiver {
    endpoint: String,
    store: Store,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Receiver {
    /// Starts a receiver on a free port of the loopback interface, in a thread of its own.
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let incoming = {
            let _inside = runtime.enter();
            TcpIncoming::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)))?
        };
        let endpoint = format!("http://{}", incoming.local_addr()?);
        let store = Store::default();
        let service = MetricsServiceServer::new(store.clone());
        let (stop, stopped) = oneshot::channel();
        let serve = async move {
            // Either message means the same: sent, or the sender is gone.
            let stopped = async { drop(stopped.await) };
            Server::builder().add_service(service).serve_with_incoming_shutdown(incoming, stopped).await
        };
        let thread = thread::Builder::new().name("receiver".to_owned()).spawn(move || {
            if let Err(error) = runtime.block_on(serve) {
                eprintln!("the receiver stopped: {error}");
            }
        })?;
        Ok(Self { endpoint, store, stop: Some(stop), thread: Some(thread) })
    }

    /// Where to export to.
    pub(crate) fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// What arrived so far: the newest point of every series.
    pub(crate) fn series(&self) -> Series {
        self.store.lock().clone()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(Err(_)) = self.thread.take().map(thread::JoinHandle::join) {
            eprintln!("the receiver panicked");
        }
    }
}

/// What the receiver keeps.
#[derive(Clone, Default)]
struct Store(Arc<Mutex<Series>>);

impl Store {
    fn lock(&self) -> MutexGuard<'_, Series> {
        self.0.lock().expect("nobody panics while holding this lock")
    }
}

#[tonic::async_trait]
impl MetricsService for Store {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let resources = request.into_inner().resource_metrics;
        let scopes = resources.into_iter().flat_map(|resource| resource.scope_metrics);
        let mut store = self.lock();
        for metric in scopes.flat_map(|scope| scope.metrics) {
            series::receive(&mut store, metric).map_err(Status::invalid_argument)?;
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}
