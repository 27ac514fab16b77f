//! Every way with every compression that the receiver has, each to three destinations side by side: one for each
//! temporality.

use freewheel::{
    metrics::Registry,
    otlp::{
        Compression::{self, Gzip, None, Zstd},
        Temporality,
    },
};

use crate::{
    case::{Case, PATIENCE, Way, exporter, flush_now_and_then, flush_to_the_end},
    receiver::{Receiver, Setup},
    recording,
};

const TEMPORALITIES: [Temporality; 3] = [Temporality::Cumulative, Temporality::Delta, Temporality::LowMemory];

/// All that is recorded is read as recorded, at each of three destinations with these names.
fn is_read_as_recorded(way: Way, compression: Compression, names: [&'static str; 3]) {
    let cases: Vec<Case> = names
        .into_iter()
        .zip(TEMPORALITIES)
        .map(|(name, temporality)| Case { compression, ..Case::new(name, way, temporality, &[]) })
        .collect();
    let receivers: Vec<Receiver> = cases.iter().map(|case| Setup::new(case.name).start()).collect();
    let registry = Registry::new();
    let destinations = cases.iter().zip(&receivers).map(|(case, receiver)| case.destination(receiver));
    let exporter = exporter(&registry, destinations);
    recording::record(&registry, || flush_now_and_then(&exporter));
    flush_to_the_end(&exporter);

    assert_eq!(exporter.destinations().map(|(name, _)| name).collect::<Vec<_>>(), names);
    for ((case, receiver), (_, stats)) in cases.iter().zip(&receivers).zip(exporter.destinations()) {
        assert_eq!((stats.failed_attempts, stats.failed_exports), (0, 0), "{}: {stats:?}", case.name);
        case.check(&stats, receiver, recording::expected());
    }
    exporter.shutdown(PATIENCE).unwrap();
}

#[test]
fn grpc() {
    is_read_as_recorded(Way::Grpc, None, ["grpc-cumulative", "grpc-delta", "grpc-lowmemory"]);
}

#[test]
fn grpc_with_gzip() {
    let names = ["grpc-gzip-cumulative", "grpc-gzip-delta", "grpc-gzip-lowmemory"];
    is_read_as_recorded(Way::Grpc, Gzip, names);
}

#[test]
fn protobuf_over_http() {
    let names = ["protobuf-cumulative", "protobuf-delta", "protobuf-lowmemory"];
    is_read_as_recorded(Way::Protobuf, None, names);
}

#[test]
fn protobuf_over_http_with_gzip() {
    let names = ["protobuf-gzip-cumulative", "protobuf-gzip-delta", "protobuf-gzip-lowmemory"];
    is_read_as_recorded(Way::Protobuf, Gzip, names);
}

#[test]
fn protobuf_over_http_with_zstd() {
    let names = ["protobuf-zstd-cumulative", "protobuf-zstd-delta", "protobuf-zstd-lowmemory"];
    is_read_as_recorded(Way::Protobuf, Zstd, names);
}

#[test]
fn json_over_http() {
    is_read_as_recorded(Way::Json, None, ["json-cumulative", "json-delta", "json-lowmemory"]);
}

#[test]
fn json_over_http_with_gzip() {
    let names = ["json-gzip-cumulative", "json-gzip-delta", "json-gzip-lowmemory"];
    is_read_as_recorded(Way::Json, Gzip, names);
}

#[test]
fn json_over_http_with_zstd() {
    let names = ["json-zstd-cumulative", "json-zstd-delta", "json-zstd-lowmemory"];
    is_read_as_recorded(Way::Json, Zstd, names);
}
