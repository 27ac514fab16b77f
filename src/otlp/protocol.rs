//! In which form requests go out, and by which way.

use std::fmt;

/// How a collector is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Protocol {
    /// OTLP over gRPC; needs feature `otlp-grpc`.
    Grpc,
    /// OTLP over HTTP, as protobuf; needs feature `otlp-http`.
    HttpProtobuf,
    /// OTLP over HTTP, as JSON; needs features `otlp-http` and `otlp-json`.
    HttpJson,
}

impl Protocol {
    /// All of them, in the order in which the first that is compiled in is the default.
    const ALL: [Self; 3] = [Self::Grpc, Self::HttpProtobuf, Self::HttpJson];

    /// The one that is used if nobody chose: gRPC, or what else is compiled in.
    pub(super) fn preferred() -> Self {
        Self::available().next().unwrap_or(Self::Grpc)
    }

    /// Those that are compiled in.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|protocol| protocol.missing_feature().is_none())
    }

    /// The feature of this crate that is not enabled and would be needed.
    pub(super) fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::Grpc => (!cfg!(feature = "otlp-grpc")).then_some("otlp-grpc"),
            Self::HttpJson if !cfg!(feature = "otlp-json") => Some("otlp-json"),
            Self::HttpProtobuf | Self::HttpJson => (!cfg!(feature = "otlp-http")).then_some("otlp-http"),
        }
    }

    /// Where collectors listen for it by default.
    pub(super) fn default_endpoint(self) -> &'static str {
        match self {
            Self::Grpc => "http://localhost:4317",
            Self::HttpProtobuf | Self::HttpJson => "http://localhost:4318",
        }
    }

    /// The text in `OTEL_EXPORTER_OTLP_PROTOCOL`.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Grpc => "grpc",
            Self::HttpProtobuf => "http/protobuf",
            Self::HttpJson => "http/json",
        }
    }
}

/// As in `OTEL_EXPORTER_OTLP_PROTOCOL`: `grpc`, `http/protobuf` or `http/json`.
impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How requests are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// With gzip; needs feature `otlp-gzip`.
    Gzip,
    /// With zstd; needs feature `otlp-zstd`.
    Zstd,
}

impl Compression {
    const ALL: [Self; 3] = [Self::None, Self::Gzip, Self::Zstd];

    /// Those that are compiled in.
    pub(super) fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|compression| compression.missing_feature().is_none())
    }

    /// The feature of this crate that is not enabled and would be needed.
    pub(super) fn missing_feature(self) -> Option<&'static str> {
        match self {
            Self::None => None,
            Self::Gzip => (!cfg!(feature = "otlp-gzip")).then_some("otlp-gzip"),
            Self::Zstd => (!cfg!(feature = "otlp-zstd")).then_some("otlp-zstd"),
        }
    }

    /// The text in `OTEL_EXPORTER_OTLP_COMPRESSION`, and in the header of a request.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Gzip => "gzip",
            Self::Zstd => "zstd",
        }
    }
}

/// As in `OTEL_EXPORTER_OTLP_COMPRESSION`: `none`, `gzip` or `zstd`.
impl fmt::Display for Compression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
