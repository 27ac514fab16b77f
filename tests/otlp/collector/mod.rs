//! A collector in this process. Each request takes the next answer of a script; after its end all is well.

mod answer;
mod arrival;
mod encoding;
mod grpc;
mod half;
mod http;
mod place;
mod server;
mod state;

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, atomic::Ordering::SeqCst, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, ExporterBuilder},
};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use tokio::sync::oneshot;
use tokio_rustls::rustls::ServerConfig;

pub(crate) use answer::{Answer, GARBAGE};
pub(crate) use arrival::Arrival;
pub(crate) use place::ClosedPort;

use place::Place;
use server::Connection;
use state::State;

/// Long enough for anything that is to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What a collector speaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Protocol {
    Grpc,
    /// Protobuf and JSON, as each request says.
    Http,
}

/// A collector that is to start.
#[derive(Debug)]
pub(crate) struct Setup {
    protocol: Protocol,
    place: Place,
    tls: Option<Arc<ServerConfig>>,
}

impl Setup {
    pub(crate) fn on(self, port: ClosedPort) -> Self {
        Self { place: Place::Port(port), ..self }
    }

    /// Encrypts, as `certificates::server_config` sets it up.
    pub(crate) fn tls(self, mut config: ServerConfig) -> Self {
        config.alpn_protocols = match self.protocol {
            Protocol::Grpc => vec![b"h2".to_vec()],
            Protocol::Http => vec![b"http/1.1".to_vec()],
        };
        Self { tls: Some(Arc::new(config)), ..self }
    }

    pub(crate) fn start(self, script: impl IntoIterator<Item = Answer>) -> Collector {
        let url = self.url();
        let state = Arc::new(State::default());
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let connection = Connection { protocol: self.protocol, client: None, state: Arc::clone(&state) };
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                tokio::select! {
                    () = place::serve(self.place, self.tls, connection, move || ready.send(()).unwrap()) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        is_ready.recv().expect("the collector must come up");
        let protocol = self.protocol;
        let collector = Collector { protocol, url, state, stop: Some(stop), thread: Some(thread) };
        collector.follow(script);
        collector
    }

    fn url(&self) -> String {
        match &self.place {
            Place::Port(port) if self.tls.is_some() => format!("https://{}", port.address()),
            Place::Port(port) => port.url(),
            Place::Path(path) => format!("unix://{}", path.display()),
        }
    }
}

#[derive(Debug)]
pub(crate) struct Collector {
    protocol: Protocol,
    url: String,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    /// One of gRPC.
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::over(Protocol::Grpc).start(script)
    }

    /// One of HTTP.
    pub(crate) fn http(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::over(Protocol::Http).start(script)
    }

    /// One of gRPC, on a Unix domain socket.
    pub(crate) fn unix(path: impl Into<PathBuf>, script: impl IntoIterator<Item = Answer>) -> Self {
        Setup { place: Place::Path(path.into()), ..Self::over(Protocol::Grpc) }.start(script)
    }

    pub(crate) fn start_on(port: ClosedPort, script: impl IntoIterator<Item = Answer>) -> Self {
        Self::over(Protocol::Grpc).on(port).start(script)
    }

    /// What can be started otherwise than above.
    pub(crate) fn over(protocol: Protocol) -> Setup {
        Setup { protocol, place: Place::Port(ClosedPort::new()), tls: None }
    }

    #[allow(dead_code, reason = "only some of the tests ask")]
    pub(crate) fn is_grpc(&self) -> bool {
        self.protocol == Protocol::Grpc
    }

    /// Where it listens: `http://127.0.0.1:...`, `https://127.0.0.1:...` or `unix:///...`.
    pub(crate) fn url(&self) -> String {
        self.url.clone()
    }

    /// An exporter that talks to this collector, and exports only when told.
    pub(crate) fn exporter(&self, registry: &Registry) -> ExporterBuilder {
        idle_exporter(registry).endpoint(self.url())
    }

    /// Goes on with this script from now on.
    pub(crate) fn follow(&self, script: impl IntoIterator<Item = Answer>) {
        let script = script.into_iter().inspect(|answer| answer.must_suit(self.protocol)).collect();
        *self.state.script.lock().unwrap() = script;
    }

    pub(crate) fn arrivals(&self) -> Vec<Arrival> {
        self.state.arrivals.lock().unwrap().clone()
    }

    /// The requests that were acknowledged.
    pub(crate) fn accepted(&self) -> Vec<ExportMetricsServiceRequest> {
        self.arrivals()
            .into_iter()
            .filter(|arrival| arrival.accepted)
            .map(|arrival| arrival.request)
            .collect()
    }

    /// The most requests that were in work at the same time.
    pub(crate) fn most_at_once(&self) -> usize {
        self.state.most_inside.load(SeqCst)
    }

    pub(crate) fn wait_for_arrivals(&self, count: usize) {
        let begun = Instant::now();
        while self.arrivals().len() < count {
            assert!(begun.elapsed() < PATIENCE, "only {} of {count} requests arrived", self.arrivals().len());
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        drop(self.stop.take());
        let outcome = self.thread.take().unwrap().join();
        if !std::thread::panicking() {
            outcome.expect("the collector must not panic");
        }
    }
}

/// An exporter whose interval never ends within a test.
pub(crate) fn idle_exporter(registry: &Registry) -> ExporterBuilder {
    Exporter::builder(registry.clone()).interval(Duration::from_secs(3600))
}

pub(crate) fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}
