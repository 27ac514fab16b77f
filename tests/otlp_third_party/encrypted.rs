//! Through TLS: what is right arrives, what is wrong is refused, and arrives once it is mended.

use std::{fs, time::Duration};

use freewheel::{
    metrics::Registry,
    otlp::{Exporter, Temporality, Tls, Undelivered},
};

use crate::{
    case::{Case, PATIENCE, Way, exporter, flush_now_and_then},
    certificates::{Authority, Identity},
    receiver::{Receiver, Setup, file, lines},
    recording,
};

/// A receiver that presents `server`, and demands certificates of `clients` if there is such an authority.
fn encrypted(case: &Case, server: &Identity, clients: Option<&Authority>) -> Setup {
    let write = |kind: &str, text: &str| {
        let path = file(case.name, kind);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (certificate, key) = (write("certificate.pem", &server.certificate), write("key.pem", &server.key));
    let setup = Setup::new(case.name).option(&["--certificate", &certificate]).option(&["--key", &key]);
    match clients {
        Some(authority) => {
            setup.option(&["--client-authority", &write("authority.pem", &authority.certificate)])
        }
        None => setup,
    }
}

fn trusting(authority: &Authority) -> Tls {
    Tls::default().authority(authority.certificate.clone())
}

fn started(case: &Case, receiver: &Receiver, tls: Tls) -> (Registry, Exporter) {
    let registry = Registry::new();
    let exporter = exporter(&registry, [case.destination(receiver).tls(tls)]);
    (registry, exporter)
}

fn case(name: &'static str, way: Way) -> Case {
    Case::new(name, way, Temporality::Delta, &[])
}

/// What is recorded arrives through TLS; returns who the clients were.
fn arrives(case: Case, setup: Setup, tls: Tls) -> Vec<bool> {
    let receiver = setup.start();
    let (registry, exporter) = started(&case, &receiver, tls);
    recording::record(&registry, || flush_now_and_then(&exporter));
    case.finish(exporter, &receiver);
    let lines = lines(&receiver.received);
    assert!(lines.iter().all(|line| line["tls"] == true));
    lines.iter().map(|line| line["client"].is_string()).collect()
}

#[test]
fn delta_windows_are_read_as_recorded_through_tls() {
    let authority = Authority::new("an authority");
    for (name, way) in [("tls-grpc", Way::Grpc), ("tls-protobuf", Way::Protobuf), ("tls-json", Way::Json)] {
        let case = case(name, way);
        let clients = arrives(case, encrypted(&case, &authority.server(), None), trusting(&authority));
        assert!(clients.iter().all(|is_known| !is_known));
    }
}

#[test]
fn receivers_that_demand_a_certificate_see_it() {
    let (authority, clients) = (Authority::new("an authority"), Authority::new("of clients"));
    for (name, way) in [("mutual-grpc", Way::Grpc), ("mutual-http", Way::Protobuf)] {
        let case = case(name, way);
        let Identity { certificate, key } = clients.client();
        let tls = trusting(&authority).identity(certificate, key);
        let seen = arrives(case, encrypted(&case, &authority.server(), Some(&clients)), tls);
        assert!(seen.iter().all(|is_known| *is_known));
    }
}

/// With a receiver that is wrong nothing arrives, and the reason names the problem; with one that is right on the same
/// ports, all does.
fn is_refused(case: Case, wrong: Setup, authority: &Authority, problem: &str) {
    let case = Case { timeout: Duration::from_secs(1), ..case };
    let receiver = wrong.start();
    let (registry, exporter) = started(&case, &receiver, trusting(authority));
    let mut receiver = Some(receiver);
    recording::record(&registry, || {
        let error = exporter.force_flush(PATIENCE).unwrap_err();
        let Undelivered::Unacknowledged { reason, .. } = error.cause() else { panic!("{error}") };
        assert!(reason.contains(problem), "{}: {reason:?} does not say {problem:?}", case.name);
        let old = receiver.take().unwrap();
        assert!(lines(&old.received).is_empty(), "nothing goes to whom we do not trust");
        let ports = old.ports;
        drop(old);
        receiver = Some(encrypted(&case, &authority.server(), None).ports(ports).start());
    });
    let stats = case.finish(exporter, &receiver.unwrap());
    assert!(stats.failed_exports > 0, "{stats:?}");
}

#[test]
fn a_receiver_of_an_unknown_authority_is_refused() {
    let (authority, stranger) = (Authority::new("an authority"), Authority::new("a stranger"));
    for (name, way) in [("stranger-grpc", Way::Grpc), ("stranger-http", Way::Protobuf)] {
        let case = case(name, way);
        let wrong = encrypted(&case, &stranger.server(), None);
        is_refused(case, wrong, &authority, "UnknownIssuer");
    }
}

#[test]
fn a_receiver_with_an_expired_certificate_is_refused() {
    let authority = Authority::new("an authority");
    for (name, way) in [("expired-grpc", Way::Grpc), ("expired-http", Way::Protobuf)] {
        let case = case(name, way);
        is_refused(case, encrypted(&case, &authority.expired_server(), None), &authority, "expired");
    }
}

#[test]
fn a_receiver_of_another_name_is_refused() {
    let authority = Authority::new("an authority");
    for (name, way) in [("misnamed-grpc", Way::Grpc), ("misnamed-http", Way::Protobuf)] {
        let case = case(name, way);
        let wrong = encrypted(&case, &authority.other_server(), None);
        is_refused(case, wrong, &authority, "not valid for name");
    }
}

#[test]
fn a_receiver_refuses_clients_without_a_certificate() {
    let (authority, clients) = (Authority::new("an authority"), Authority::new("of clients"));
    // Over gRPC the receiver breaks the connection without a word: Python's asyncio drops the alert.
    for (name, way, problem) in [
        ("anonymous-http", Way::Protobuf, "CertificateRequired"),
        ("anonymous-grpc", Way::Grpc, "connection"),
    ] {
        let case = case(name, way);
        let wrong = encrypted(&case, &authority.server(), Some(&clients));
        is_refused(case, wrong, &authority, problem);
    }
}
