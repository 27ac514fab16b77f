//! `OTEL_EXPORTER_OTLP_CERTIFICATE`, `OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE` and `OTEL_EXPORTER_OTLP_CLIENT_KEY`, and
//! their forms for metrics.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process,
};

use freewheel::otlp::{StartError, Tls};

use crate::{
    certificates::{Authority, Identity, demanding_server_config, server_config},
    collector::{Collector, PATIENCE, Protocol as Spoken},
    exporting::{ENDPOINT, HTTP, PROTOCOL, Variables, arrival, builder, start, warning},
};

const AUTHORITY: &str = "OTEL_EXPORTER_OTLP_CERTIFICATE";
const METRICS_AUTHORITY: &str = "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE";
const CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE";
const METRICS_CERTIFICATE: &str = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE";
const KEY: &str = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
const METRICS_KEY: &str = "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY";

/// A folder that is removed when the test is over.
pub(crate) struct Files(PathBuf);

impl Files {
    pub(crate) fn new(test: &str) -> Self {
        let folder = env::temp_dir().join(format!("freewheel-configuration-{}-{test}", process::id()));
        fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    /// The path of a file with this in it.
    pub(crate) fn file(&self, name: &str, content: &str) -> String {
        let path = self.0.join(name);
        fs::write(&path, content).unwrap();
        text(&path)
    }

    /// The path of a file that is not there.
    fn missing(&self) -> String {
        text(&self.0.join("missing.pem"))
    }

    /// The paths of certificate and key.
    fn identity(&self, name: &str, identity: &Identity) -> (String, String) {
        let file = |kind: &str, content| self.file(&format!("{name}-{kind}.pem"), content);
        (file("certificate", &identity.certificate), file("key", &identity.key))
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

/// With the variables that lead to the collector.
fn at<'a>(collector: &Collector, url: &'a str, variables: Variables<'a>) -> Vec<(&'a str, &'a str)> {
    let protocol = if collector.is_grpc() { (PROTOCOL, "grpc") } else { HTTP };
    [protocol, (ENDPOINT, url)].into_iter().chain(variables.iter().copied()).collect()
}

#[test]
fn the_authority_is_that_of_code_or_of_metrics_or_the_general_one() {
    let files = Files::new("authority");
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let (good, bad) = (files.file("good.pem", &ours.certificate), files.file("bad.pem", &other.certificate));
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let collector = Collector::over(spoken).tls(server_config(&ours.server())).start([]);
        let url = collector.url();
        let trusting: [Variables<'_>; 3] = [
            &[(AUTHORITY, &good)],
            &[(AUTHORITY, &good), (METRICS_AUTHORITY, "")],
            &[(AUTHORITY, &bad), (METRICS_AUTHORITY, &good)],
        ];
        for variables in trusting {
            arrival(&collector, builder(&at(&collector, &url, variables)));
        }
        let in_code = Tls::default().authority(ours.certificate.clone());
        arrival(&collector, builder(&at(&collector, &url, &[(METRICS_AUTHORITY, &bad)])).tls(in_code));

        let variables = [(AUTHORITY, &*good), (METRICS_AUTHORITY, &bad)];
        let distrusting = builder(&at(&collector, &url, &variables))
            .timeout(std::time::Duration::from_millis(500))
            .start()
            .unwrap();
        let error = distrusting.force_flush(PATIENCE).unwrap_err().to_string();
        assert!(error.contains("UnknownIssuer"), "{error}");
    }
}

#[test]
fn the_client_certificate_is_that_of_code_or_of_metrics_or_the_general_one() {
    let files = Files::new("identity");
    let authority = Authority::new("ours");
    let trusted = files.file("authority.pem", &authority.certificate);
    let [general, metrics, code] = [(); 3].map(|()| authority.client());
    let (general_certificate, general_key) = files.identity("general", &general);
    let (metrics_certificate, metrics_key) = files.identity("metrics", &metrics);
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let server = demanding_server_config(&authority.server(), &authority);
        let collector = Collector::over(spoken).tls(server).start([]);
        let url = collector.url();
        let all = [
            (AUTHORITY, &*trusted),
            (CERTIFICATE, &general_certificate),
            (KEY, &general_key),
            (METRICS_CERTIFICATE, &metrics_certificate),
            (METRICS_KEY, &metrics_key),
        ];
        let shown = |builder| arrival(&collector, builder).client.unwrap();
        assert_eq!(shown(builder(&at(&collector, &url, &all[..3]))), general.certificate_der());
        assert_eq!(shown(builder(&at(&collector, &url, &all))), metrics.certificate_der());
        // What is said in code of the one leaves what the environment says of the other.
        let in_code = Tls::default().identity(code.certificate.clone(), code.key.clone());
        assert_eq!(shown(builder(&at(&collector, &url, &all)).tls(in_code)), code.certificate_der());
    }
}

#[test]
fn one_of_certificate_and_key_alone_is_warned_of_by_the_name_it_has() {
    let files = Files::new("half");
    let authority = Authority::new("ours");
    let trusted = files.file("authority.pem", &authority.certificate);
    let (certificate, key) = files.identity("client", &authority.client());
    let cases = [
        (CERTIFICATE, &certificate, "OTEL_EXPORTER_OTLP_CLIENT_KEY"),
        (METRICS_CERTIFICATE, &certificate, "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY"),
        (KEY, &key, "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE"),
        (METRICS_KEY, &key, "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE"),
    ];
    for (variable, file, other) in cases {
        let collector = Collector::over(Spoken::Grpc).tls(server_config(&authority.server())).start([]);
        let url = collector.url();
        let exporter = start(&at(&collector, &url, &[(AUTHORITY, &trusted), (variable, file)]));
        let text = warning(&exporter, variable).to_string();
        assert!(text.contains(other), "{text}");
        assert_eq!(crate::exporting::flush(&collector, &exporter).client, None);
    }
}

#[test]
fn files_that_cannot_be_used_are_errors_that_name_them_and_their_variable() {
    let files = Files::new("bad");
    let (ours, other) = (Authority::new("ours"), Authority::new("other"));
    let (certificate, key) = files.identity("ours", &ours.client());
    let (_, wrong_key) = files.identity("other", &other.client());
    let (missing, garbage) = (files.missing(), files.file("garbage.pem", "no pem"));
    let cases: [(&str, &str, Variables<'_>, &str); 9] = [
        (AUTHORITY, &missing, &[], "No such file"),
        (METRICS_AUTHORITY, &garbage, &[], "no certificate in PEM"),
        (AUTHORITY, &key, &[], "no certificate in PEM"),
        (CERTIFICATE, &missing, &[(KEY, &key)], "No such file"),
        (METRICS_CERTIFICATE, &garbage, &[(KEY, &key)], "no certificate in PEM"),
        (KEY, &missing, &[(CERTIFICATE, &certificate)], "No such file"),
        (METRICS_KEY, &garbage, &[(CERTIFICATE, &certificate)], "no private key in PEM"),
        (KEY, &certificate, &[(CERTIFICATE, &certificate)], "no private key in PEM"),
        (KEY, &wrong_key, &[(CERTIFICATE, &certificate)], "not the key of the certificate"),
    ];
    for (variable, file, others, problem) in cases {
        for protocol in ["grpc", "http/protobuf"] {
            let first = [(PROTOCOL, protocol), (ENDPOINT, "https://127.0.0.1:1"), (variable, file)];
            let variables: Vec<_> = first.into_iter().chain(others.iter().copied()).collect();
            let error = builder(&variables).start().unwrap_err();
            let text = error.to_string();
            assert!(matches!(error, StartError::Tls { .. }), "{text}");
            assert!(text.contains(file) && text.contains(problem), "{text}");
            assert!(text.contains(variable), "{text}");
        }
    }
}

#[test]
fn files_are_not_read_where_there_is_no_tls() {
    let files = Files::new("plain");
    let (collector, missing) = (Collector::start([]), files.missing());
    let variables =
        [(ENDPOINT, &*collector.url()), (AUTHORITY, &missing), (CERTIFICATE, &missing), (KEY, &missing)];
    arrival(&collector, builder(&variables));
}
