//! What a program with certain variables sends.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::mpsc::{Receiver, channel},
    thread,
    time::Duration,
};

use freewheel::{
    metrics::Registry,
    otlp::{Environment, Exporter, Protocol, Warning},
};
use serde_json::{Value, json};

/// Stands in endpoints for host and port of a server that records.
pub(crate) const HERE: &str = "HERE";
/// Long enough for anything that is to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where a request went, and its headers, but for those that the transport makes of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sent {
    /// Host, port, path and query.
    pub(crate) url: String,
    /// Each name with its values; those that are not Latin text as the bytes they are.
    pub(crate) headers: BTreeMap<String, Vec<String>>,
}

impl Sent {
    pub(crate) fn new(url: String, headers: impl IntoIterator<Item = (String, Vec<u8>)>) -> Self {
        let mut sent = Self { url, headers: BTreeMap::new() };
        for (name, value) in headers {
            let name = name.to_ascii_lowercase();
            if !["host", "content-length"].contains(&&*name) {
                // White space around a value is not part of it: RFC 9110, 5.5.
                let value = value.trim_ascii().escape_ascii().to_string();
                sent.headers.entry(name).or_default().push(value);
            }
        }
        sent
    }

    /// The values of this header.
    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        self.headers.get(name).into_iter().flatten().map(String::as_str).collect()
    }

    /// Without who is speaking, which differs in any case.
    pub(crate) fn anonymous(mut self) -> Self {
        self.headers.remove("user-agent");
        self
    }

    pub(crate) fn to_json(&self) -> Value {
        json!({ "url": self.url, "headers": self.headers })
    }

    pub(crate) fn from_json(value: &Value) -> Self {
        let headers = serde_json::from_value(value["headers"].clone()).unwrap();
        Self { url: value["url"].as_str().unwrap().to_owned(), headers }
    }
}

/// A server of HTTP that records what comes, and answers that all is well.
pub(crate) struct Recorder {
    pub(crate) address: SocketAddr,
    arrivals: Receiver<Sent>,
}

impl Recorder {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (record, arrivals) = channel();
        // It ends with the process.
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if record.send(serve(stream)).is_err() {
                    return;
                }
            }
        });
        Self { address, arrivals }
    }

    fn arrived(&self) -> Sent {
        self.arrivals.recv_timeout(PATIENCE).expect("a request must arrive")
    }
}

fn serve(mut stream: TcpStream) -> Sent {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = || {
        let mut line = Vec::new();
        reader.read_until(b'\n', &mut line).unwrap();
        line.trim_ascii_end().to_vec()
    };
    let request = String::from_utf8(line()).unwrap();
    let [_, target, _] = request.split(' ').collect::<Vec<_>>()[..] else { panic!("{request}") };
    let headers: Vec<(String, Vec<u8>)> = std::iter::from_fn(|| Some(line()).filter(|line| !line.is_empty()))
        .map(|line| {
            let colon = line.iter().position(|byte| *byte == b':').unwrap();
            (String::from_utf8(line[..colon].to_vec()).unwrap(), line[colon + 1..].to_vec())
        })
        .collect();
    let text = |name: &str| {
        let value = headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
        String::from_utf8(value.unwrap()).unwrap().trim().to_owned()
    };
    let length: u64 = text("content-length").parse().unwrap();
    let url = text("host") + target;
    reader.take(length).read_to_end(&mut Vec::new()).unwrap();
    stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
    Sent::new(url, headers)
}

/// What our exporter sends, or why it sends nothing; and what it warned of.
pub(crate) fn ours(
    recorder: &Recorder,
    variables: &[(&str, String)],
) -> (Result<Sent, String>, Vec<Warning>) {
    let registry = Registry::new();
    registry.counter("events").build().unwrap().add(1);
    let exporter = Exporter::builder(registry.clone())
        .environment(Environment::from_variables(variables.iter().cloned()))
        .protocol(Protocol::HttpProtobuf)
        .interval(Duration::from_secs(3600))
        .start();
    let exporter = match exporter {
        Ok(exporter) => exporter,
        Err(error) => return (Err(error.to_string()), Vec::new()),
    };
    exporter.force_flush(PATIENCE).unwrap();
    let sent = recorder.arrived();
    let warnings = exporter.warnings().to_vec();
    // The last export of an exporter is that of the same totals again.
    drop(exporter);
    assert_eq!(recorder.arrived(), sent);
    (Ok(sent), warnings)
}

/// The variables, with the server in place of [`HERE`].
pub(crate) fn here<'a>(address: SocketAddr, variables: &[(&'a str, &str)]) -> Vec<(&'a str, String)> {
    variables.iter().map(|(name, value)| (*name, value.replace(HERE, &address.to_string()))).collect()
}
