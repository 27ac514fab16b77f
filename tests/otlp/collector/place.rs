//! Where a collector listens, and whether it speaks TLS there.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpListener, TcpSocket, UnixListener},
};
use tokio_rustls::{TlsAcceptor, rustls::ServerConfig};

use super::{Protocol, server::Connection, url};

/// A port that is taken, but nobody listens on it.
#[derive(Debug)]
pub(crate) struct ClosedPort(TcpSocket);

impl ClosedPort {
    pub(crate) fn new() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self(socket)
    }

    pub(super) fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    pub(crate) fn url(&self) -> String {
        url(self.address())
    }
}

#[derive(Debug)]
pub(super) enum Place {
    Port(ClosedPort),
    /// Of a Unix domain socket.
    Path(PathBuf),
}

/// Listens in this place, says so, and serves for ever.
pub(super) async fn serve(
    place: Place,
    tls: Option<Arc<ServerConfig>>,
    connection: Connection,
    listening: impl FnOnce(),
) {
    match place {
        Place::Port(port) => {
            let listener: TcpListener = port.0.listen(128).unwrap();
            listening();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(secure(stream, tls.clone(), connection.clone()));
            }
        }
        Place::Path(path) => {
            let listener = UnixListener::bind(&path).unwrap();
            let _file = Removed(path);
            listening();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(secure(stream, tls.clone(), connection.clone()));
            }
        }
    }
}

/// The file of a socket, which goes with it.
struct Removed(PathBuf);

impl Drop for Removed {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

async fn secure<S>(stream: S, tls: Option<Arc<ServerConfig>>, mut connection: Connection)
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let Some(tls) = tls else { return connection.serve(stream).await };
    // Clients may have reasons to refuse.
    let Ok(stream) = TlsAcceptor::from(tls).accept(stream).await else { return };
    let session = stream.get_ref().1;
    // As servers of gRPC demand it.
    if connection.protocol == Protocol::Grpc && session.alpn_protocol() != Some(b"h2") {
        return;
    }
    connection.client = session.peer_certificates().map(|chain| chain[0].clone().into_owned());
    connection.serve(stream).await;
}
