//! What is told about requests.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::has_form;
use crate::metrics::{ExponentialHistogram, Outcome, RequestInfo, RequestSnapshot, Timestamp};

has_form!(RequestSnapshot, RequestSnapshotForm);
has_form!(RequestInfo, RequestInfoForm);
has_form!(Outcome, OutcomeForm);

#[derive(Serialize, Deserialize)]
#[serde(remote = "RequestSnapshot")]
struct RequestSnapshotForm {
    requests: u64,
    errors: u64,
    mean: Option<Duration>,
    durations: ExponentialHistogram,
    last: Option<RequestInfo>,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "RequestInfo")]
struct RequestInfoForm {
    #[serde(rename = "timeUnixNano")]
    at: Timestamp,
    duration: Duration,
    outcome: Outcome,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "Outcome", rename_all = "camelCase")]
enum OutcomeForm {
    Success,
    Error,
}
