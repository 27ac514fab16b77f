//! How one test goes.

use std::{num::NonZeroUsize, thread, time::Duration};

use freewheel::{
    metrics::Registry,
    otlp::{Compression, Destination, Exporter, Protocol, Resource, Stats, Temporality, Undelivered},
};
use serde_json::{Value, json};

use crate::{
    receiver::{self, Receiver, Setup},
    recording,
};

pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
/// A header of our own, and who we say that we are.
const TENANT: (&str, &str) = ("x-tenant", "north");
const PRODUCT: &str = "third-party/1";

/// How requests go out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    Grpc,
    Protobuf,
    Json,
}

impl Way {
    pub(crate) fn to(self, receiver: &Receiver) -> Destination {
        match self {
            Self::Grpc => Destination::grpc(receiver.grpc_url()),
            Self::Protobuf => Destination::http(receiver.http_url()),
            Self::Json => Destination::http(receiver.http_url()).protocol(Protocol::HttpJson),
        }
    }

    /// As the checker calls it.
    fn transport(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::Protobuf => "http/protobuf",
            Self::Json => "http/json",
        }
    }

    /// Of requests; gRPC for Python keeps it to itself, and takes nothing else.
    fn media_type(self) -> Option<&'static str> {
        match self {
            Self::Grpc => None,
            Self::Protobuf => Some("application/x-protobuf"),
            Self::Json => Some("application/json"),
        }
    }
}

/// What a destination is like, and what becomes of what is sent there.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) name: &'static str,
    pub(crate) way: Way,
    pub(crate) temporality: Temporality,
    pub(crate) compression: Compression,
    pub(crate) answers: &'static [&'static str],
    pub(crate) timeout: Duration,
    /// Answers, besides those that say so, that mean that a request is accepted or refused for good.
    pub(crate) accepted: &'static [&'static str],
    pub(crate) last: &'static [&'static str],
    pub(crate) refused: u32,
}

impl Case {
    pub(crate) const fn new(
        name: &'static str,
        way: Way,
        temporality: Temporality,
        answers: &'static [&'static str],
    ) -> Self {
        Self {
            name,
            way,
            temporality,
            compression: Compression::None,
            answers,
            timeout: Duration::from_secs(10),
            accepted: &[],
            last: &[],
            refused: 0,
        }
    }

    /// Records from several threads, flushing meanwhile, and has the checker compare.
    pub(crate) fn run(self) -> Stats {
        let receiver = Setup::new(self.name).answers(self.answers).start();
        let registry = Registry::new();
        let exporter = self.exporter(&registry, &receiver);
        recording::record(&registry, || flush_now_and_then(&exporter));
        self.finish(exporter, &receiver)
    }

    pub(crate) fn exporter(&self, registry: &Registry, receiver: &Receiver) -> Exporter {
        exporter(registry, [self.destination(receiver)])
    }

    pub(crate) fn destination(&self, receiver: &Receiver) -> Destination {
        let destination = self.way.to(receiver).temporality(self.temporality).compression(self.compression);
        destination
            .name(self.name)
            .header(TENANT.0, TENANT.1)
            .user_agent(PRODUCT)
            .timeout(self.timeout)
            .max_points(NonZeroUsize::new(7).unwrap())
    }

    pub(crate) fn finish(&self, exporter: Exporter, receiver: &Receiver) -> Stats {
        flush_to_the_end(&exporter);
        let stats = exporter.shutdown(PATIENCE).unwrap();
        self.check(&stats, receiver, recording::expected());
        stats
    }

    /// Has the checker look at what arrived.
    pub(crate) fn check(&self, stats: &Stats, receiver: &Receiver, recorded: Value) {
        assert_eq!(stats.dropped_windows, u64::from(self.refused), "{}: {stats:?}", self.name);
        assert_eq!(stats.pending_points, 0, "{}: {stats:?}", self.name);
        receiver::check(self.name, &receiver.received, &self.expected(recorded));
    }

    fn expected(&self, mut expected: Value) -> Value {
        expected["temporality"] = json!(match self.temporality {
            Temporality::Delta => "delta",
            Temporality::LowMemory => "lowmemory",
            _ => "cumulative",
        });
        expected["resource"] = json!({"service.name": "third-party", "shard": "7"});
        expected["transport"] = json!(self.way.transport());
        expected["encoding"] = match self.compression {
            Compression::None => Value::Null,
            compression => json!(compression.to_string()),
        };
        expected["product"] = json!(PRODUCT);
        expected["headers"] = json!({TENANT.0: TENANT.1});
        if let Some(media) = self.way.media_type() {
            expected["headers"]["content-type"] = json!(media);
        }
        expected["accepted"] = json!(self.accepted);
        expected["final"] = json!(self.last);
        expected["refused"] = json!(self.refused);
        expected
    }
}

/// One that exports only when told.
pub(crate) fn exporter(registry: &Registry, destinations: impl IntoIterator<Item = Destination>) -> Exporter {
    let resource = Resource::builder().service_name("third-party").attribute("shard", 7).build().unwrap();
    let builder = Exporter::builder(registry.clone()).resource(resource).interval(Duration::from_secs(3600));
    let builder = destinations.into_iter().fold(builder, |builder, next| builder.destination(next));
    builder.start().unwrap()
}

pub(crate) fn flush_now_and_then(exporter: &Exporter) {
    for _ in 0..6 {
        let _ = exporter.force_flush(PATIENCE);
        thread::sleep(Duration::from_millis(3));
    }
}

/// Flushes until every destination has answered for everything.
pub(crate) fn flush_to_the_end(exporter: &Exporter) {
    while let Err(error) = exporter.force_flush(PATIENCE) {
        for failed in error.failures() {
            assert!(
                matches!(failed.cause, Undelivered::Unacknowledged { .. } | Undelivered::Rejected { .. }),
                "{error}"
            );
        }
    }
}
