//! The exporter of `opentelemetry-otlp`. It reads variables of the process only, so it runs in one of its own.

use std::{
    env,
    process::Command,
    sync::{Arc, Mutex},
};

use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, WithHttpConfig};
use opentelemetry_sdk::metrics::{data::ResourceMetrics, exporter::PushMetricExporter};
use serde_json::{Value, json};

use crate::sent::Sent;

/// Says that this process is the one for their exporter.
const CHILD: &str = "FREEWHEEL_TEST_CHILD";
/// The line with the answer begins so.
const MARK: &str = "theirs: ";

/// Sends nothing, and keeps what it was to send.
#[derive(Clone, Debug, Default)]
struct Kept(Arc<Mutex<Option<Sent>>>);

#[tonic::async_trait]
impl HttpClient for Kept {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let uri = request.uri();
        let path = uri.path_and_query().map_or("", |path| path.as_str());
        let url = format!("{}{path}", uri.authority().map_or("", |authority| authority.as_str()));
        let headers = request.headers().iter();
        let headers = headers.map(|(name, value)| (name.to_string(), value.as_bytes().to_vec()));
        *self.0.lock().unwrap() = Some(Sent::new(url, headers));
        Ok(Response::new(Bytes::new()))
    }
}

/// What their exporter sends with these variables, or why it sends nothing.
pub(crate) fn theirs(variables: &[(&str, String)]) -> Result<Sent, String> {
    let mut child = Command::new(env::current_exe().unwrap());
    child.args(["--exact", "theirs::the_exporter_of_opentelemetry_says_what_it_sends", "--nocapture"]);
    for (name, _) in env::vars_os() {
        if name.to_string_lossy().starts_with("OTEL_") {
            child.env_remove(name);
        }
    }
    let variables = variables.iter().map(|(name, value)| (*name, value.as_str()));
    let output = child.env(CHILD, "1").envs(variables).output().unwrap();
    let stdout = String::from_utf8(output.stdout).unwrap();
    let answer = stdout.lines().find_map(|line| line.split_once(MARK)).map(|(_, answer)| answer);
    let answer = answer.unwrap_or_else(|| panic!("{stdout}{}", String::from_utf8_lossy(&output.stderr)));
    let answer: Value = serde_json::from_str(answer).unwrap();
    match answer["error"].as_str() {
        Some(error) => Err(error.to_owned()),
        None => Ok(Sent::from_json(&answer)),
    }
}

fn send() -> Result<Sent, String> {
    let kept = Kept::default();
    let exporter = MetricExporter::builder().with_http().with_http_client(kept.clone()).build();
    let exporter = exporter.map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let outcome = runtime.block_on(exporter.export(&ResourceMetrics::default()));
    outcome.map_err(|error| error.to_string())?;
    let sent = kept.0.lock().unwrap().take();
    sent.ok_or_else(|| "nothing was sent".to_owned())
}

#[test]
fn the_exporter_of_opentelemetry_says_what_it_sends() {
    if env::var_os(CHILD).is_some() {
        let answer = send().map_or_else(|error| json!({ "error": error }), |sent| sent.to_json());
        println!("\n{MARK}{answer}");
        return;
    }
    let sent = theirs(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://127.0.0.1:1/here".into())]).unwrap();
    assert_eq!(sent.url, "127.0.0.1:1/here");
    assert!(sent.header("user-agent")[0].starts_with("OTel-OTLP-Exporter-Rust/"));
}
