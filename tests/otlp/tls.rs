//! https: whom an exporter trusts, and who it says it is.

use freewheel::{
    metrics::Registry,
    otlp::{Destination, Exporter, StartError, Temporality, Tls, Undelivered},
};
use std::time::Duration;
use tokio_rustls::rustls::ServerConfig;

use crate::{
    certificates::{Authority, demanding_server_config, server_config},
    collector::{Collector, PATIENCE, Protocol, idle_exporter},
    reading::sum_of_windows,
};

const PROTOCOLS: [Protocol; 2] = [Protocol::Grpc, Protocol::Http];

fn destination(protocol: Protocol, collector: &Collector) -> Destination {
    match protocol {
        Protocol::Grpc => Destination::grpc(collector.url()),
        Protocol::Http => Destination::http(collector.url()),
    }
}

fn registry() -> Registry {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(3);
    registry
}

fn start(registry: &Registry, destination: Destination, tls: Tls) -> Exporter {
    let destination =
        destination.tls(tls).temporality(Temporality::Delta).timeout(Duration::from_millis(700));
    idle_exporter(registry).destination(destination).start().unwrap()
}

/// The collector must be refused for this reason, and nothing may be lost by that.
fn is_refused(config: impl Fn() -> ServerConfig, tls: &Tls, reason: &str) {
    for protocol in PROTOCOLS {
        let collector = Collector::over(protocol).tls(config()).start([]);
        let exporter = start(&registry(), destination(protocol, &collector), tls.clone());
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        let Undelivered::Unacknowledged { points: 1, reason: why } = error.cause() else { panic!("{error}") };
        assert!(why.contains(reason), "{protocol:?}: {why}");
        assert!(collector.arrivals().is_empty(), "{protocol:?}");
        let stats = exporter.stats();
        assert_eq!((stats.points_accepted, stats.dropped_points), (0, 0), "{protocol:?}: it is kept");
    }
}

#[test]
fn a_collector_with_a_certificate_of_the_given_authority_is_trusted() {
    let authority = Authority::new("ours");
    for protocol in PROTOCOLS {
        let collector = Collector::over(protocol).tls(server_config(&authority.server())).start([]);
        let tls = Tls::default().authority(authority.certificate.clone());
        let exporter = start(&registry(), destination(protocol, &collector), tls);
        exporter.force_flush(PATIENCE).unwrap();
        assert_eq!(sum_of_windows(&collector.accepted(), "events"), 3, "{protocol:?}");
    }
}

#[test]
fn a_collector_with_a_certificate_of_another_authority_is_not_trusted() {
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let server = other.server();
    let tls = Tls::default().authority(ours.certificate);
    is_refused(|| server_config(&server), &tls, "UnknownIssuer");
    // Nor is one that the system does not know, without an authority.
    is_refused(|| server_config(&server), &Tls::default(), "UnknownIssuer");
}

#[test]
fn an_expired_certificate_is_not_trusted() {
    let authority = Authority::new("ours");
    let server = authority.expired_server();
    let tls = Tls::default().authority(authority.certificate);
    is_refused(|| server_config(&server), &tls, "expired");
}

#[test]
fn a_certificate_for_another_name_is_trusted_only_if_that_name_is_expected() {
    let authority = Authority::new("ours");
    let server = authority.other_server();
    let tls = Tls::default().authority(authority.certificate);
    is_refused(|| server_config(&server), &tls, "not valid for name");
    for protocol in PROTOCOLS {
        let collector = Collector::over(protocol).tls(server_config(&server)).start([]);
        let tls = tls.clone().server_name("other.example");
        start(&registry(), destination(protocol, &collector), tls).force_flush(PATIENCE).unwrap();
        assert_eq!(collector.arrivals().len(), 1, "{protocol:?}");
    }
}

#[test]
fn a_client_certificate_is_shown_where_it_is_demanded() {
    let authority = Authority::new("ours");
    let (server, client) = (authority.server(), authority.client());
    let demanding = || demanding_server_config(&server, &authority);
    let tls = Tls::default().authority(authority.certificate.clone());
    for protocol in PROTOCOLS {
        let collector = Collector::over(protocol).tls(demanding()).start([]);
        let tls = tls.clone().identity(client.certificate.clone(), client.key.clone());
        start(&registry(), destination(protocol, &collector), tls).force_flush(PATIENCE).unwrap();
        assert_eq!(collector.arrivals()[0].client, Some(client.certificate_der()), "{protocol:?}");
    }
    for protocol in PROTOCOLS {
        let collector = Collector::over(protocol).tls(demanding()).start([]);
        let exporter = start(&registry(), destination(protocol, &collector), tls.clone());
        assert!(exporter.force_flush(PATIENCE).is_err(), "{protocol:?}");
        assert!(collector.arrivals().is_empty(), "{protocol:?}");
    }
}

#[test]
fn certificates_and_keys_that_are_none_are_refused_at_the_start() {
    let (ours, other) = (Authority::new("ours").client(), Authority::new("other").client());
    let secret = "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n";
    let cases = [
        (Tls::default().authority("no pem"), "authority", "no certificate in PEM"),
        (Tls::default().authority_file("/nowhere/ca.pem"), "authority", "No such file"),
        (Tls::default().identity("no pem", ours.key.clone()), "certificate", "no certificate in PEM"),
        (Tls::default().identity(ours.certificate.clone(), secret), "key", "of no known kind"),
        (Tls::default().identity(ours.certificate.clone(), "no pem"), "key", "no private key in PEM"),
        (Tls::default().identity(ours.certificate, other.key), "key", "not the key of the certificate"),
        (Tls::default().server_name("no name!"), "server name", "no name"),
    ];
    for (tls, expected, problem) in cases {
        assert!(!format!("{tls:?}").contains("hunter2"));
        for destination in
            [Destination::grpc("https://127.0.0.1:1"), Destination::http("https://127.0.0.1:1")]
        {
            let Err(error) =
                idle_exporter(&Registry::new()).destination(destination.tls(tls.clone())).start()
            else {
                panic!("{tls:?}")
            };
            let text = error.to_string();
            assert!(matches!(error, StartError::Tls { what, .. } if what == expected), "{text}");
            assert!(text.contains(problem) && !format!("{text}{error:?}").contains("hunter2"), "{text}");
        }
    }
}
