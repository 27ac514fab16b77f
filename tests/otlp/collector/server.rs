//! One connection of a collector: a proxy that can break it, and hyper behind that.

use std::{future, sync::Arc, time::Duration};

use http_body_util::BodyExt;
use hyper::{
    Request, Response, StatusCode,
    body::Incoming,
    header::LOCATION,
    server::conn::{http1, http2},
    service::service_fn,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite, DuplexStream};
use tokio_rustls::rustls::pki_types::CertificateDer;

pub(super) use tonic::body::Body;

use super::{
    Answer, Protocol,
    arrival::Unread,
    grpc, http,
    state::{Inside, State},
};

/// How much the proxy holds in either direction.
const PIPE: usize = 1 << 16;

/// Where a request came through.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    pub(super) protocol: Protocol,
    pub(super) client: Option<CertificateDer<'static>>,
    pub(super) state: Arc<State>,
}

impl Connection {
    /// Serves until the client leaves or the connection is broken.
    pub(super) async fn serve(self, mut stream: impl AsyncRead + AsyncWrite + Unpin) {
        let state = Arc::clone(&self.state);
        let (mut near, far) = tokio::io::duplex(PIPE);
        let server = tokio::spawn(self.hyper(far));
        tokio::select! {
            _ = tokio::io::copy_bidirectional(&mut stream, &mut near) => {}
            () = state.reset.notified() => {}
            () = state.freeze.notified() => future::pending().await,
        }
        server.abort();
    }

    async fn hyper(self, stream: DuplexStream) {
        let stream = TokioIo::new(stream);
        let protocol = self.protocol;
        let service = service_fn(move |request| {
            let connection = self.clone();
            async move { connection.answer(request).await }
        });
        // Clients may leave at any moment, and bodies may break as scripted.
        let _ = match protocol {
            Protocol::Grpc => {
                http2::Builder::new(TokioExecutor::new()).serve_connection(stream, service).await
            }
            Protocol::Http => http1::Builder::new().serve_connection(stream, service).await,
        };
    }

    async fn answer(self, request: Request<Incoming>) -> Result<Response<Body>, hyper::Error> {
        let _inside = Inside::enter(&self.state);
        let (parts, body) = request.into_parts();
        let unread = Unread { parts, body: body.collect().await?.to_bytes(), client: self.client.clone() };
        // A request that its sender gives up at the moment of sending is not to arrive: it would be accepted here and
        // unacknowledged there.
        tokio::time::sleep(Duration::from_millis(10)).await;
        let read = match self.protocol {
            Protocol::Grpc => grpc::read(&unread),
            Protocol::Http => http::read(&unread),
        };
        let understood = match read {
            Ok(understood) => understood,
            Err(refusal) => return Ok(*refusal),
        };
        let answer = self.state.next_answer();
        let response = match self.protocol {
            Protocol::Grpc => grpc::respond(&answer),
            Protocol::Http => http::respond(&answer, &unread),
        };
        self.state.arrivals.lock().unwrap().push(unread.arrived(understood, answer.clone()));
        match answer {
            Answer::AcceptAfter(delay) => tokio::time::sleep(delay).await,
            Answer::Hang => future::pending().await,
            Answer::Reset => {
                self.state.reset.notify_waiters();
                future::pending().await
            }
            Answer::Freeze => {
                self.state.freeze.notify_waiters();
                future::pending().await
            }
            _ => {}
        }
        Ok(response)
    }
}

/// Sends the client elsewhere, with the same method and body.
pub(super) fn moved() -> Response<Body> {
    let response = Response::builder().status(StatusCode::TEMPORARY_REDIRECT);
    response.header(LOCATION, "/elsewhere").body(Body::default()).unwrap()
}
