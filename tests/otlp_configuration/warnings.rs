//! A variable that makes no sense is told to `tracing` as well, once.

use freewheel::otlp::Destination;

use crate::{
    events,
    exporting::{builder, start},
};

/// How often this variable was told of.
fn told_of(variable: &str) -> Vec<String> {
    let told = events::told().into_iter();
    let ignored = told.filter(|told| told.name == "freewheel.otlp.variable.ignored");
    ignored.map(|told| told.text).filter(|text| text.contains(&format!("variable={variable} "))).collect()
}

#[test]
fn each_warning_is_an_event_that_names_the_variable_and_what_it_accepts() {
    const VARIABLE: &str = "OTEL_EXPORTER_OTLP_METRICS_INSECURE";
    events::record();
    let exporter = start(&[(VARIABLE, "perhaps")]);
    let [warning] = exporter.warnings() else { panic!("{:?}", exporter.warnings()) };
    assert_eq!(
        warning.to_string(),
        format!("{VARIABLE} is ignored: its value is not one of those accepted: true, false")
    );
    let [told] = &told_of(VARIABLE)[..] else { panic!("{:?}", told_of(VARIABLE)) };
    assert!(told.contains(&*warning.problem), "{told}");
}

#[test]
fn what_two_destinations_read_is_warned_of_once() {
    let bad = ("OTEL_EXPORTER_OTLP_COMPRESSION", "snappy");
    let builder = builder(&[bad])
        .destination(Destination::from_environment().endpoint("http://127.0.0.1:1"))
        .destination(Destination::from_environment().endpoint("http://127.0.0.1:2"));
    let exporter = builder.start().unwrap();
    assert_eq!(exporter.destinations().count(), 2);
    crate::exporting::warning(&exporter, bad.0);
}

#[test]
fn an_error_at_the_start_hides_no_warning() {
    const VARIABLE: &str = "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT";
    events::record();
    let before = told_of(VARIABLE).len();
    let variables = [(VARIABLE, "soon"), ("OTEL_EXPORTER_OTLP_ENDPOINT", "ftp://collector")];
    builder(&variables).start().unwrap_err();
    assert!(told_of(VARIABLE).len() > before);
}
