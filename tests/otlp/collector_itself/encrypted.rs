//! TLS, to clients of rustls.

use std::{io, sync::Arc};

use prost::Message;
use tokio::{io::AsyncReadExt, net::TcpStream};
use tokio_rustls::{
    TlsConnector,
    client::TlsStream,
    rustls::{ClientConfig, crypto::ring, pki_types::ServerName},
};

use super::{PROTOBUF, connect, grpc_over, http_over, post, request};
use crate::{
    certificates::{Authority, Identity, demanding_server_config, server_config},
    collector::{Collector, Protocol},
};

/// What clients of gRPC and of HTTP/1.1 offer.
const H2: &[u8] = b"h2";
const HTTP1: &[u8] = b"http/1.1";

fn client_config(authority: &Authority, identity: Option<&Identity>, protocol: &[u8]) -> ClientConfig {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let config = config.with_root_certificates(authority.roots());
    let mut config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            config.with_client_auth_cert(vec![identity.certificate_der()], identity.key_der()).unwrap()
        }
    };
    config.alpn_protocols = vec![protocol.to_vec()];
    config
}

async fn secured(
    collector: &Collector,
    name: &'static str,
    config: ClientConfig,
) -> io::Result<TlsStream<TcpStream>> {
    let name = ServerName::try_from(name).unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, connect(collector).await).await
}

/// Why a client that trusts `authority` refuses this server.
async fn refusal(server: &Identity, authority: &Authority) -> String {
    let collector = Collector::over(Protocol::Grpc).tls(server_config(server)).start([]);
    let config = client_config(authority, None, H2);
    secured(&collector, "localhost", config).await.expect_err("a refusal").to_string()
}

#[tokio::test]
async fn both_protocols_are_encrypted() {
    let authority = Authority::new("ours");
    let server = authority.server();
    for name in ["localhost", "127.0.0.1"] {
        let collector = Collector::over(Protocol::Grpc).tls(server_config(&server)).start([]);
        assert!(collector.url().starts_with("https://127.0.0.1:"));
        let stream = secured(&collector, name, client_config(&authority, None, H2)).await.unwrap();
        grpc_over(stream).await.export(request("events")).await.unwrap();
        assert_eq!(collector.accepted(), [request("events")]);
        assert!(collector.arrivals()[0].client.is_none());

        let collector = Collector::over(Protocol::Http).tls(server_config(&server)).start([]);
        let stream = secured(&collector, name, client_config(&authority, None, HTTP1)).await.unwrap();
        let headers = [("content-type", PROTOBUF)];
        let body = request("events").encode_to_vec();
        assert_eq!(post(&mut http_over(stream).await, &headers, body).await.unwrap().status(), 200);
        assert_eq!(collector.accepted(), [request("events")]);
    }
}

#[tokio::test]
async fn each_wrong_certificate_is_refused_for_what_is_wrong_with_it() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("another"));
    let unknown = refusal(&stranger.server(), &authority).await;
    assert!(unknown.contains("UnknownIssuer"), "{unknown}");
    let expired = refusal(&authority.expired_server(), &authority).await;
    assert!(expired.contains("expired"), "{expired}");
    let other = refusal(&authority.other_server(), &authority).await;
    assert!(other.contains("not valid for name"), "{other}");
}

#[tokio::test]
async fn client_certificates_are_demanded_and_kept() {
    let (authority, stranger) = (Authority::new("ours"), Authority::new("another"));
    let (client, impostor) = (authority.client(), stranger.client());
    let config = demanding_server_config(&authority.server(), &authority);
    let collector = Collector::over(Protocol::Grpc).tls(config).start([]);
    let stream = secured(&collector, "localhost", client_config(&authority, Some(&client), H2)).await;
    grpc_over(stream.unwrap()).await.export(request("events")).await.unwrap();
    assert_eq!(collector.arrivals()[0].client, Some(client.certificate_der()));
    for identity in [None, Some(&impostor)] {
        // In TLS 1.3 the client learns it only when it reads.
        let stream = secured(&collector, "localhost", client_config(&authority, identity, H2)).await;
        let refused = match stream {
            Ok(mut stream) => stream.read_u8().await.map(drop),
            Err(error) => Err(error),
        };
        assert!(refused.unwrap_err().to_string().contains("alert"), "{identity:?}");
    }
    assert_eq!(collector.arrivals().len(), 1);
}

#[tokio::test]
async fn the_protocol_must_be_agreed_upon() {
    let authority = Authority::new("ours");
    let collector = Collector::over(Protocol::Grpc).tls(server_config(&authority.server())).start([]);
    let error = secured(&collector, "localhost", client_config(&authority, None, HTTP1)).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    let mut silent = client_config(&authority, None, H2);
    silent.alpn_protocols.clear();
    let mut stream = secured(&collector, "localhost", silent).await.unwrap();
    assert!(stream.read_u8().await.is_err());
}
