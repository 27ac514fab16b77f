//! No secret is in anything that can be printed, nor in anything that is told to `tracing`, by whatever crate.

use std::{fmt::Debug, time::Duration};

use freewheel::otlp::{Destination, Environment, Exporter, ExporterBuilder, Protocol, Tls};

use crate::{
    collector::{Answer, Collector, PATIENCE, Protocol as Spoken, idle_exporter},
    events,
    exporting::{environment, registry},
    tls::Files,
};

/// Part of each secret in here, and of nothing else.
const SECRET: &str = "hunter2";

/// Long enough for a refusal to arrive.
const BRIEF: Duration = Duration::from_millis(60);

/// All that was printed.
#[derive(Default)]
struct Printed(Vec<String>);

impl Printed {
    fn add(&mut self, what: impl Debug) {
        self.0.extend([format!("{what:?}"), format!("{what:#?}")]);
    }

    fn text(&mut self, text: impl ToString) {
        self.0.push(text.to_string());
    }

    /// Prints what there is before the start, at it and after it.
    fn run(&mut self, builder: ExporterBuilder) {
        self.add(&builder);
        match builder.start() {
            Ok(exporter) => self.exporter(exporter),
            Err(error) => {
                self.text(&error);
                self.add(error);
            }
        }
    }

    fn exporter(&mut self, exporter: Exporter) {
        if let Err(error) = exporter.force_flush(PATIENCE) {
            self.text(&error);
            self.add(error);
        }
        for warning in exporter.warnings() {
            self.text(warning);
        }
        self.add(exporter.destinations().collect::<Vec<_>>());
        self.add(exporter.stats());
        self.add(&exporter);
        match exporter.shutdown(PATIENCE) {
            Ok(stats) => self.add(stats),
            Err(error) => {
                self.text(&error);
                self.add(error);
            }
        }
    }

    fn holds_no_secret(&self) {
        let told = events::told().into_iter().map(|told| format!("{}: {}", told.name, told.text));
        for text in self.0.iter().cloned().chain(told) {
            assert!(!text.contains(SECRET) && !text.contains(&bytes()), "{text}");
        }
    }
}

/// The secret as an array of bytes prints it.
fn bytes() -> String {
    format!("{:?}", SECRET.as_bytes()).trim_matches(['[', ']']).to_owned()
}

fn quick(builder: ExporterBuilder, environment: Environment) -> ExporterBuilder {
    builder.environment(environment).timeout(BRIEF)
}

/// In every variable, where it is taken and where it is not.
fn in_headers(printed: &mut Printed) {
    let lists = [
        "api-key=hunter2",
        "hunter2",
        "a key=hunter2",
        "key=hunter2%0A",
        "content-type=hunter2",
        "k-bin=hunter2",
    ];
    for spoken in [Spoken::Grpc, Spoken::Http] {
        let protocol = if spoken == Spoken::Grpc { "grpc" } else { "http/protobuf" };
        for list in lists {
            let answers = [Answer::BadRequest("no"), Answer::Reset];
            let collector = Collector::over(spoken).start(answers);
            let url = format!("{}/?token=hunter2#hunter2", collector.url());
            let variables = [
                ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", &*url),
                ("OTEL_EXPORTER_OTLP_PROTOCOL", protocol),
                ("OTEL_EXPORTER_OTLP_HEADERS", list),
            ];
            printed.add(environment(&variables));
            printed
                .run(quick(idle_exporter(&registry()), environment(&variables)).header("x-key", "hunter2"));
            let main = idle_exporter(&registry());
            printed.run(quick(main, environment(&variables)).header("x-key", "hunter2\n"));
        }
    }
}

fn in_urls(printed: &mut Printed) {
    let urls = [
        "http://hunter2:hunter2@127.0.0.1:1",
        "http://user:hunter2?more@127.0.0.1:1",
        "http://user:hunter2#more@127.0.0.1:1",
        "http://user:80?hunter2@127.0.0.1:1",
        "http://user:80#hunter2@127.0.0.1:1",
        "http://user:hunter2/@127.0.0.1:1",
        "http://user:80?hun@hunter2@127.0.0.1:1",
        "http://127.0.0.1:1/?token=hunter2",
        "http://127.0.0.1:1/#hunter2",
        "http://127.0.0.1:1/?mail=a@hunter2",
        "http://127.0.0.1:1/?a=b://hunter2",
        "user:hunter2@127.0.0.1:1",
        "ftp://127.0.0.1?hunter2",
        "ht tp://user:hunter2@127.0.0.1",
    ];
    for url in urls {
        for protocol in [Protocol::Grpc, Protocol::HttpProtobuf] {
            let builder = || idle_exporter(&registry()).protocol(protocol);
            for variable in ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"] {
                printed.run(quick(builder(), environment(&[(variable, url)])));
            }
            printed.run(quick(builder(), Environment::none()).endpoint(url));
            let destination = Destination::grpc(url).protocol(protocol).timeout(BRIEF);
            printed.add(&destination);
            printed.run(idle_exporter(&registry()).environment(Environment::none()).destination(destination));
        }
    }
}

fn in_other_variables(printed: &mut Printed) {
    let names = [
        "OTEL_EXPORTER_OTLP_PROTOCOL",
        "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
        "OTEL_EXPORTER_OTLP_COMPRESSION",
        "OTEL_EXPORTER_OTLP_INSECURE",
        "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
        "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
        "OTEL_METRICS_EXEMPLAR_FILTER",
        "OTEL_METRIC_EXPORT_TIMEOUT",
        "OTEL_SDK_DISABLED",
        "OTEL_RESOURCE_ATTRIBUTES",
    ];
    for name in names {
        let builder = idle_exporter(&registry()).endpoint("http://127.0.0.1:1");
        printed.run(quick(builder, environment(&[(name, SECRET)])));
    }
}

fn in_files(printed: &mut Printed) {
    let files = Files::new("secrets");
    let contents = [
        "hunter2",
        "-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\nhunter2hunter2!\n",
        // The line breaks were lost on the way, as it happens to keys in variables.
        "-----BEGIN PRIVATE KEY----- hunter2 -----END PRIVATE KEY-----",
        "-----BEGIN CERTIFICATE----- hunter2 -----END CERTIFICATE-----",
        "-----BEGIN CERTIFICATE----- hunter2",
        "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nhunter2\n-----END hunter2-----\n",
        "-----BEGIN hunter2-----\nhunter2\n",
    ];
    let good = crate::certificates::Authority::new("ours").client();
    let certificate = files.file("certificate.pem", &good.certificate);
    for (number, content) in contents.into_iter().enumerate() {
        let file = files.file(&format!("{number}.pem"), content);
        let cases = [
            vec![("OTEL_EXPORTER_OTLP_CERTIFICATE", &*file)],
            vec![
                ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &*file),
                ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*file),
            ],
            vec![
                ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &*certificate),
                ("OTEL_EXPORTER_OTLP_CLIENT_KEY", &*file),
            ],
        ];
        for variables in cases {
            let builder = idle_exporter(&registry()).endpoint("https://127.0.0.1:1");
            printed.run(quick(builder, environment(&variables)));
        }
        for tls in [
            Tls::default().authority(content),
            Tls::default().identity(content, content),
            Tls::default().identity(good.certificate.clone(), content),
        ] {
            printed.add(&tls);
            let builder = idle_exporter(&registry()).endpoint("https://127.0.0.1:1");
            printed.run(quick(builder, Environment::none()).tls(tls));
        }
    }
}

#[test]
fn secrets_are_printed_nowhere() {
    events::record();
    let mut printed = Printed::default();
    in_headers(&mut printed);
    in_urls(&mut printed);
    in_other_variables(&mut printed);
    in_files(&mut printed);
    assert!(printed.0.len() > 500, "only {} texts", printed.0.len());
    assert!(events::told().iter().any(|told| told.name == "freewheel.otlp.export.failed"));
    printed.holds_no_secret();
}
