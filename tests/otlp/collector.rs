//! A collector on a free loopback port. Each request takes the next answer of a script; after its end all is well.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, ExporterBuilder},
};
use opentelemetry_proto::tonic::collector::metrics::v1::{
    ExportMetricsPartialSuccess, ExportMetricsServiceRequest, ExportMetricsServiceResponse,
    metrics_service_server::{MetricsService, MetricsServiceServer},
};
use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{Notify, oneshot},
};
use tonic::{
    Code, Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};
use tonic_types::{ErrorDetails, StatusExt};

/// Long enough for anything that is to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// What the collector does with a request.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Accept,
    AcceptAfter(Duration),
    /// Accepts, but rejects so many points, for this reason.
    Partial(i64, &'static str),
    Fail(Code),
    /// Fails, and asks to come back after so long.
    Throttle(Code, Duration),
    /// Never answers.
    Hang,
    /// Breaks all connections.
    Reset,
    /// Leaves all connections open, and nothing passes through them any longer.
    Freeze,
}

/// A request that arrived.
#[derive(Clone, Debug)]
pub(crate) struct Arrival {
    pub(crate) at: Instant,
    pub(crate) request: ExportMetricsServiceRequest,
    pub(crate) user_agent: String,
    /// Whether it was acknowledged.
    pub(crate) accepted: bool,
}

#[derive(Debug, Default)]
struct State {
    script: Mutex<VecDeque<Answer>>,
    arrivals: Mutex<Vec<Arrival>>,
    inside: AtomicUsize,
    most_inside: AtomicUsize,
    reset: Notify,
    freeze: Notify,
}

#[derive(Debug)]
pub(crate) struct Collector {
    address: SocketAddr,
    state: Arc<State>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Collector {
    pub(crate) fn start(script: impl IntoIterator<Item = Answer>) -> Self {
        Self::start_on(ClosedPort::new(), script)
    }

    pub(crate) fn start_on(port: ClosedPort, script: impl IntoIterator<Item = Answer>) -> Self {
        let address = port.address();
        let state = Arc::new(State { script: Mutex::new(script.into_iter().collect()), ..State::default() });
        let (stop, stopped) = oneshot::channel();
        let (ready, is_ready) = mpsc::channel();
        let service = Service(Arc::clone(&state));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let front = port.0.listen(128).unwrap();
                ready.send(()).unwrap();
                tokio::select! {
                    () = serve(front, service) => {}
                    _ = stopped => {}
                }
            });
            runtime.shutdown_background();
        });
        is_ready.recv().unwrap();
        Self { address, state, stop: Some(stop), thread: Some(thread) }
    }

    pub(crate) fn url(&self) -> String {
        url(self.address)
    }

    /// An exporter that talks to this collector, and exports only when told.
    pub(crate) fn exporter(&self, registry: &Registry) -> ExporterBuilder {
        idle_exporter(registry).endpoint(self.url())
    }

    /// Goes on with this script from now on.
    pub(crate) fn follow(&self, script: impl IntoIterator<Item = Answer>) {
        *self.state.script.lock().unwrap() = script.into_iter().collect();
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

/// A port that is taken, but nobody listens on it.
#[derive(Debug)]
pub(crate) struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        url(self.address())
    }
}

/// Runs the service behind a proxy that can break connections.
async fn serve(front: TcpListener, service: Service) {
    let back = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = back.local_addr().unwrap();
    let state = Arc::clone(&service.0);
    let server = Server::builder()
        .add_service(MetricsServiceServer::new(service).max_decoding_message_size(usize::MAX))
        .serve_with_incoming(TcpIncoming::from(back));
    let proxy = async {
        loop {
            let (client, _) = front.accept().await.unwrap();
            tokio::spawn(forward(client, address, Arc::clone(&state)));
        }
    };
    tokio::select! {
        outcome = server => outcome.unwrap(),
        () = proxy => {}
    }
}

async fn forward(mut client: TcpStream, address: SocketAddr, state: Arc<State>) {
    let mut server = TcpStream::connect(address).await.unwrap();
    tokio::select! {
        _ = tokio::io::copy_bidirectional(&mut client, &mut server) => {}
        () = state.reset.notified() => {}
        () = state.freeze.notified() => std::future::pending().await,
    }
}

struct Service(Arc<State>);

/// Counts a request as in work for as long as it lives.
struct Inside(Arc<State>);

impl Inside {
    fn enter(state: &Arc<State>) -> Self {
        let inside = state.inside.fetch_add(1, SeqCst) + 1;
        state.most_inside.fetch_max(inside, SeqCst);
        Self(Arc::clone(state))
    }
}

impl Drop for Inside {
    fn drop(&mut self) {
        self.0.inside.fetch_sub(1, SeqCst);
    }
}

#[tonic::async_trait]
impl MetricsService for Service {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let state = &self.0;
        let _inside = Inside::enter(state);
        // A request that its sender gives up at the moment of sending is not to arrive: it would be accepted here and
        // unacknowledged there.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let answer = state.script.lock().unwrap().pop_front().unwrap_or(Answer::Accept);
        let accepted = matches!(answer, Answer::Accept | Answer::AcceptAfter(_) | Answer::Partial(..));
        let user_agent = request.metadata().get("user-agent").unwrap().to_str().unwrap().to_owned();
        let request = request.into_inner();
        state.arrivals.lock().unwrap().push(Arrival { at: Instant::now(), request, user_agent, accepted });
        let mut response = ExportMetricsServiceResponse::default();
        match answer {
            Answer::Accept => {}
            Answer::AcceptAfter(delay) => tokio::time::sleep(delay).await,
            Answer::Partial(rejected_data_points, message) => {
                let error_message = message.to_owned();
                response.partial_success =
                    Some(ExportMetricsPartialSuccess { rejected_data_points, error_message });
            }
            Answer::Fail(code) => return Err(Status::new(code, "as scripted")),
            Answer::Throttle(code, delay) => {
                let details = ErrorDetails::with_retry_info(Some(delay));
                return Err(Status::with_error_details(code, "as scripted", details));
            }
            Answer::Hang => std::future::pending().await,
            Answer::Reset => {
                state.reset.notify_waiters();
                std::future::pending().await
            }
            Answer::Freeze => {
                state.freeze.notify_waiters();
                std::future::pending().await
            }
        }
        Ok(Response::new(response))
    }
}
