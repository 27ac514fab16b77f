//! Whom to trust, and who we are: the TLS settings of a destination, for all transports. By rustls.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use hyper_rustls::{
    FixedServerNameResolver, HttpsConnector, HttpsConnectorBuilder, builderstates::WantsProtocols1,
};
use hyper_util::client::legacy::connect::HttpConnector;
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer, ServerName,
        pem::{self, PemObject},
    },
};

use super::names::Names;
use crate::otlp::StartError;

/// How a destination is spoken to through TLS; used where its endpoint says `https`.
///
/// Unless told otherwise, the certificates that the system trusts are trusted, and no client certificate is shown. There
/// is no way to trust everybody.
///
/// # Examples
///
/// ```
/// use freewheel::{metrics::Registry, otlp::{Exporter, StartError, Tls}};
///
/// let settings = Exporter::builder(Registry::new())
///     .endpoint("https://collector.example:4317")
///     .tls(Tls::default().authority_file("/nowhere/authority.pem"));
/// let Err(error) = settings.start() else { panic!("there is no such file") };
/// assert!(error.to_string().starts_with(r#"the TLS authority "/nowhere/authority.pem" cannot be used"#));
/// ```
#[derive(Clone, Default)]
#[must_use = "settings do nothing until a destination gets them"]
pub struct Tls {
    authorities: Vec<Pem>,
    identity: Option<(Pem, Pem)>,
    server_name: Option<String>,
}

/// PEM text, or where it is.
#[derive(Clone)]
enum Pem {
    File(PathBuf),
    Text(Vec<u8>),
}

pub(super) type Connector = HttpsConnector<HttpConnector<Names>>;

impl Tls {
    /// Trusts certificates that are signed by one of these, in PEM, in place of those that the system trusts. May be
    /// called several times.
    pub fn authority(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Pem::Text(pem.into()));
        self
    }

    /// As [`authority`](Self::authority), from a file that is read when the exporter starts.
    pub fn authority_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.authorities.push(Pem::File(path.into()));
        self
    }

    /// Shows this certificate to the collector: a chain, and the private key of its first certificate, both in PEM.
    pub fn identity(mut self, chain: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.identity = Some((Pem::Text(chain.into()), Pem::Text(key.into())));
        self
    }

    /// As [`identity`](Self::identity), from files that are read when the exporter starts.
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.identity = Some((Pem::File(chain.into()), Pem::File(key.into())));
        self
    }

    /// Expects this name in the certificate of the collector, in place of the host in the endpoint.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    pub(in crate::otlp) fn has_authority(&self) -> bool {
        !self.authorities.is_empty()
    }

    pub(in crate::otlp) fn has_identity(&self) -> bool {
        self.identity.is_some()
    }

    /// A connector for `https` that speaks HTTP/1.1, over connections that `tcp` makes.
    #[cfg(feature = "otlp-http")]
    pub(super) fn http1(&self, tcp: HttpConnector<Names>) -> Result<Connector, StartError> {
        Ok(self.connector()?.enable_http1().wrap_connector(over_tls(tcp)))
    }

    /// A connector for `https` that speaks HTTP/2, over connections that `tcp` makes.
    #[cfg(feature = "otlp-grpc")]
    pub(super) fn http2(&self, tcp: HttpConnector<Names>) -> Result<Connector, StartError> {
        Ok(self.connector()?.enable_http2().wrap_connector(over_tls(tcp)))
    }

    fn connector(&self) -> Result<HttpsConnectorBuilder<WantsProtocols1>, StartError> {
        let builder = HttpsConnectorBuilder::new().with_tls_config(self.config()?).https_only();
        let Some(name) = &self.server_name else { return Ok(builder) };
        let refuse = |_| StartError::tls("server name", name, "it is no name that a certificate can have");
        let name = ServerName::try_from(name.clone()).map_err(refuse)?;
        Ok(builder.with_server_name_resolver(FixedServerNameResolver::new(name)))
    }

    fn config(&self) -> Result<ClientConfig, StartError> {
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| StartError::tls("protocol version", "default", &error.to_string()))?
            .with_root_certificates(self.roots()?);
        let Some((chain, key)) = &self.identity else { return Ok(builder.with_no_client_auth()) };
        let (chain_text, key_text) = (chain.read("certificate")?, key.read("key")?);
        let certificates = certificates(&chain_text);
        let certificates =
            certificates.map_err(|problem| StartError::tls("certificate", &chain.to_string(), &problem))?;
        // Nothing of a key goes into a text.
        let refuse = |_| StartError::tls("key", &key.to_string(), "there is no private key in PEM in it");
        let key_der = PrivateKeyDer::from_pem_slice(&key_text).map_err(refuse)?;
        builder.with_client_auth_cert(certificates, key_der).map_err(|_| {
            StartError::tls(
                "key",
                &key.to_string(),
                "it is of no known kind, or not the key of the certificate",
            )
        })
    }

    fn roots(&self) -> Result<RootCertStore, StartError> {
        let mut roots = RootCertStore::empty();
        for authority in &self.authorities {
            let refuse = |problem: &str| StartError::tls("authority", &authority.to_string(), problem);
            for certificate in
                certificates(&authority.read("authority")?).map_err(|problem| refuse(&problem))?
            {
                roots.add(certificate).map_err(|error| refuse(&error.to_string()))?;
            }
        }
        if self.authorities.is_empty() {
            let system = rustls_native_certs::load_native_certs();
            let (added, _) = roots.add_parsable_certificates(system.certs);
            if added == 0 {
                let problem = "the system has none that could be read; give an authority, or install them";
                return Err(StartError::tls("authority", "of the system", problem));
            }
        }
        Ok(roots)
    }
}

/// Connections for TLS: to URLs that do not say `http`.
fn over_tls(mut tcp: HttpConnector<Names>) -> HttpConnector<Names> {
    tcp.enforce_http(false);
    tcp.set_nodelay(true);
    tcp
}

/// The certificates in a PEM text, at least one.
fn certificates(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, String> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match found {
        Ok(certificates) if certificates.is_empty() => Err("there is no certificate in PEM in it".into()),
        Ok(certificates) => Ok(certificates),
        // The texts of other errors have lines of the file in them, which may be of a key.
        Err(pem::Error::MissingSectionEnd { .. }) => Err("a section of PEM in it has no end".into()),
        Err(_) => Err("it is no PEM, with each line on its own".into()),
    }
}

impl Pem {
    fn read(&self, what: &'static str) -> Result<Vec<u8>, StartError> {
        match self {
            Self::Text(text) => Ok(text.clone()),
            Self::File(path) => {
                read(path).map_err(|problem| StartError::tls(what, &self.to_string(), &problem))
            }
        }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    fs::read(path).map_err(|error| error.to_string())
}

/// The file, or that it was given.
impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Text(_) => f.write_str("given as text"),
        }
    }
}

/// Where the certificates come from, and no key.
impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let authorities: Vec<String> = self.authorities.iter().map(Pem::to_string).collect();
        let identity = self.identity.as_ref().map(|(chain, key)| (chain.to_string(), key.to_string()));
        f.debug_struct("Tls")
            .field("authorities", &authorities)
            .field("identity", &identity)
            .field("server_name", &self.server_name)
            .finish()
    }
}
