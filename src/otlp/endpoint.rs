//! Where a collector listens: OTLP exporter specification, "Configuration Options" and "Endpoint URLs for OTLP/HTTP".

use std::path::PathBuf;

use http::Uri;

use super::{Protocol, StartError};

/// The path of the signal below an endpoint for all signals.
const METRICS_PATH: &str = "/v1/metrics";

/// An address that requests can be sent to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    /// `http` or `https`.
    Url(Uri),
    /// A Unix domain socket.
    Unix(PathBuf),
}

/// An endpoint as somebody wrote it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Written<'a> {
    /// In code: as it is; over HTTP, one without a path gets that of the signal.
    InCode(&'a str),
    /// For this signal: as it is.
    ForMetrics(&'a str),
    /// For all signals: over HTTP, the path of the signal is appended.
    ForAll(&'a str),
}

impl Endpoint {
    /// Reads an endpoint. One without a scheme, which gRPC allows, is `https`, or `http` if `insecure` says so.
    pub(super) fn read(written: Written<'_>, protocol: Protocol, insecure: bool) -> Result<Self, StartError> {
        let text = written.text();
        let refuse = |problem| StartError::Endpoint { endpoint: redact(text), variable: None, problem };
        if let Some(path) = text.strip_prefix("unix:") {
            let path = path.strip_prefix("//").unwrap_or(path);
            return match (protocol, path) {
                (_, "") => Err(refuse("it names no file; write unix:///path/of/the/socket")),
                (Protocol::Grpc, path) => Ok(Self::Unix(path.into())),
                _ => Err(refuse("Unix domain sockets are for gRPC only")),
            };
        }
        let scheme = if insecure { "http" } else { "https" };
        let text = match protocol {
            Protocol::Grpc if !text.contains("://") => format!("{scheme}://{text}"),
            _ => text.to_owned(),
        };
        let uri: Uri = text.parse().map_err(|_| refuse("it is not a URL; write http://host:port"))?;
        let authority = uri.authority().ok_or_else(|| refuse("it names no host; write http://host:port"))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(refuse("its scheme is neither http nor https; write http://host:port"));
        }
        if authority.as_str().contains('@') {
            return Err(refuse("user name and password in it are not supported; send a header instead"));
        }
        // The library takes any text for a port, and then says that there is none.
        if authority.port().is_none() && authority.as_str() != authority.host() {
            return Err(refuse("its port is no number up to 65535; write http://host:port"));
        }
        let url = if protocol == Protocol::Grpc { uri } else { written.with_path(uri) };
        Ok(Self::Url(url))
    }

    /// Whether it asks for TLS.
    pub(super) fn is_secure(&self) -> bool {
        matches!(self, Self::Url(url) if url.scheme_str() == Some("https"))
    }

    /// For people.
    pub(super) fn visible(&self) -> String {
        match self {
            Self::Url(url) => redact(&url.to_string()).trim_end_matches('/').to_owned(),
            Self::Unix(path) => format!("unix:{}", path.display()),
        }
    }

    /// Host and port, if they can be told.
    pub(super) fn host_and_port(&self) -> Option<(&str, u16)> {
        let Self::Url(url) = self else { return None };
        let port = url.port_u16().unwrap_or(if self.is_secure() { 443 } else { 80 });
        Some((url.host()?, port))
    }
}

impl<'a> Written<'a> {
    fn text(self) -> &'a str {
        let (Self::InCode(text) | Self::ForMetrics(text) | Self::ForAll(text)) = self;
        text.trim()
    }

    /// The URL that is posted to.
    fn with_path(self, url: Uri) -> Uri {
        let path = match self {
            Self::ForMetrics(_) => return url,
            Self::InCode(_) if url.path() != "/" => return url,
            Self::InCode(_) => METRICS_PATH.to_owned(),
            Self::ForAll(_) => {
                let base = url.path();
                format!("{}{METRICS_PATH}", base.strip_suffix('/').unwrap_or(base))
            }
        };
        let query = url.query().map(|query| format!("?{query}")).unwrap_or_default();
        let mut parts = url.into_parts();
        parts.path_and_query = format!("{path}{query}").parse().ok();
        Uri::from_parts(parts).expect("a URL stays one if its path is exchanged for another")
    }
}

/// `url` without what may be secret: user name, password, query and fragment.
pub(super) fn redact(url: &str) -> String {
    let (visible, hidden) = url.split_at(url.find(['?', '#']).unwrap_or(url.len()));
    let (scheme, rest) = match visible.split_once("://") {
        Some((scheme, rest)) => (format!("{scheme}://"), rest),
        None => (String::new(), visible),
    };
    // A password may have such a character too, and then all of this belongs to it.
    if hidden.contains('@') {
        return format!("{scheme}***");
    }
    match rest.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}***@{host}"),
        None => visible.to_owned(),
    }
}
