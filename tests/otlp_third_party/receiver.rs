//! The receiver and the checker, as processes.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

const LONGEST_START: Duration = Duration::from_secs(30);

fn python() -> Command {
    let python = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(".venv/bin/python");
    assert!(python.exists(), "{} is missing: run ci/otlp-third-party, which makes it", python.display());
    Command::new(python)
}

fn script(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/third_party").join(name)
}

/// A file of the test `name`.
pub(crate) fn file(name: &str, kind: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.{kind}"))
}

/// A receiver that is to start; see `tests/third_party/receiver.py`.
#[derive(Clone, Debug, Default)]
pub(crate) struct Setup {
    name: String,
    /// Of gRPC and of HTTP; any where zero.
    ports: (u16, u16),
    options: Vec<String>,
    answers: Vec<String>,
    is_encrypted: bool,
}

impl Setup {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.into(), ..Self::default() }
    }

    pub(crate) fn answers(self, answers: &[&str]) -> Self {
        Self { answers: answers.iter().map(|answer| (*answer).into()).collect(), ..self }
    }

    pub(crate) fn ports(self, ports: (u16, u16)) -> Self {
        Self { ports, ..self }
    }

    /// With this option, and what belongs to it.
    pub(crate) fn option(mut self, words: &[&str]) -> Self {
        self.is_encrypted |= words[0] == "--certificate";
        self.options.extend(words.iter().map(|word| (*word).to_owned()));
        self
    }

    /// Starts it. Where it is to have ports that it had before, somebody else may have them for a while.
    pub(crate) fn start(self) -> Receiver {
        let begun = Instant::now();
        loop {
            match self.try_start() {
                Ok(receiver) => return receiver,
                Err(line) => assert!(
                    self.ports != (0, 0) && begun.elapsed() < LONGEST_START,
                    "the receiver must come up, and not say {line:?}"
                ),
            }
        }
    }

    fn try_start(&self) -> Result<Receiver, String> {
        let received = file(&self.name, "received.jsonl");
        let mut command = python();
        command.arg(script("receiver.py")).args(["--port", &self.ports.0.to_string()]);
        command.args(["--http-port", &self.ports.1.to_string()]).args(&self.options);
        command.arg(&received).args(&self.answers).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut receiver = Receiver { process, ports: (0, 0), received, is_encrypted: self.is_encrypted };
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["listening", grpc, "http", http, ..] = words[..] else { return Err(line) };
        receiver.ports = (grpc.parse().unwrap(), http.parse().unwrap());
        Ok(receiver)
    }
}

/// A receiver; killed when dropped.
#[derive(Debug)]
pub(crate) struct Receiver {
    process: Child,
    pub(crate) ports: (u16, u16),
    pub(crate) received: PathBuf,
    is_encrypted: bool,
}

impl Receiver {
    /// Where it listens for gRPC.
    pub(crate) fn grpc_url(&self) -> String {
        self.url(self.ports.0)
    }

    /// Where it listens for HTTP.
    pub(crate) fn http_url(&self) -> String {
        self.url(self.ports.1)
    }

    fn url(&self, port: u16) -> String {
        if self.is_encrypted {
            format!("https://localhost:{port}")
        } else {
            format!("http://127.0.0.1:{port}")
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// All that was received, as JSON.
pub(crate) fn lines(received: &Path) -> Vec<Value> {
    let text = fs::read_to_string(received).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Has the checker compare; see `tests/third_party/check.py`.
pub(crate) fn check(name: &str, received: &Path, expected: &Value) {
    let path = file(name, "expected.json");
    fs::write(&path, expected.to_string()).unwrap();
    let output = python().arg(script("check.py")).args([received, &path]).output().unwrap();
    let text = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {text}");
    println!("{name}: {}", text.trim_end());
}
