//! Shows that the collector does what its answers say, to clients that are not freewheel's.

mod encrypted;
mod over_grpc;
mod over_http;

use http_body_util::{BodyExt, Full};
use hyper::{Request, Response, body::Bytes, client::conn::http1::SendRequest};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::metrics::v1::{ExportMetricsServiceRequest, metrics_service_client::MetricsServiceClient},
    metrics::v1::{Metric, ResourceMetrics, ScopeMetrics},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
};
use tonic::transport::{Channel, Endpoint};

use crate::collector::Collector;

const PROTOBUF: &str = "application/x-protobuf";
const JSON: &str = "application/json";

/// A request with a metric of this name.
fn request(name: &str) -> ExportMetricsServiceRequest {
    let metric = Metric { name: name.to_owned(), ..Metric::default() };
    let scope_metrics = vec![ScopeMetrics { metrics: vec![metric], ..ScopeMetrics::default() }];
    let resource_metrics = vec![ResourceMetrics { scope_metrics, ..ResourceMetrics::default() }];
    ExportMetricsServiceRequest { resource_metrics }
}

/// A connection to where the collector listens, for clients that bring their own protocol.
async fn connect(collector: &Collector) -> TcpStream {
    let url = collector.url();
    let (_, address) = url.split_once("://").unwrap();
    TcpStream::connect(address).await.unwrap()
}

/// A client of gRPC over this stream.
async fn grpc_over<S>(stream: S) -> MetricsServiceClient<Channel>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut stream = Some(TokioIo::new(stream));
    let once = tower::service_fn(move |_| {
        let stream = stream.take().ok_or("one connection only");
        async move { stream }
    });
    let channel = Endpoint::from_static("http://collector").connect_with_connector(once).await;
    MetricsServiceClient::new(channel.unwrap())
}

/// A client of HTTP over this stream.
async fn http_over<S>(stream: S) -> SendRequest<Full<Bytes>>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (client, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn http(collector: &Collector) -> SendRequest<Full<Bytes>> {
    http_over(connect(collector).await).await
}

/// Posts a body to `/v1/metrics`, with these headers.
async fn post(
    client: &mut SendRequest<Full<Bytes>>,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> hyper::Result<Response<Bytes>> {
    let mut request = Request::post("/v1/metrics").header("host", "collector");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    client.ready().await?;
    let (parts, body) =
        client.send_request(request.body(Full::new(body.into())).unwrap()).await?.into_parts();
    Ok(Response::from_parts(parts, body.collect().await?.to_bytes()))
}
