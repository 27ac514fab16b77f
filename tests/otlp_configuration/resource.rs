//! `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` reach the wire. `tests/otlp_resource.rs` has what they may say.

use freewheel::otlp::Resource;

use crate::{
    collector::Collector,
    exporting::{ENDPOINT, Variables, arrival, builder, environment, start, warning},
    reading::texts,
};

const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
const ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";

fn attributes(variables: Variables<'_>, in_code: Option<Resource>) -> Vec<String> {
    let collector = Collector::start([]);
    let url = collector.url();
    let variables: Vec<_> = [(ENDPOINT, &*url)].into_iter().chain(variables.iter().copied()).collect();
    let builder = builder(&variables);
    let builder = match in_code {
        Some(resource) => builder.resource(resource),
        None => builder,
    };
    let request = arrival(&collector, builder).request;
    texts(&request.resource_metrics[0].resource.as_ref().unwrap().attributes)
}

fn has(attributes: &[String], attribute: &str) -> bool {
    attributes.iter().any(|known| known == attribute)
}

#[test]
fn the_service_name_of_the_environment_reaches_the_collector() {
    let sent = attributes(&[(SERVICE_NAME, "till"), (ATTRIBUTES, "service.name=other")], None);
    assert!(has(&sent, "service.name=till") && !has(&sent, "service.name=other"), "{sent:?}");
    let sent = attributes(&[(SERVICE_NAME, "")], None);
    assert!(sent.iter().any(|known| known.starts_with("service.name=unknown_service")), "{sent:?}");
}

#[test]
fn the_attributes_of_the_environment_reach_the_collector() {
    let sent = attributes(&[(ATTRIBUTES, "deployment.environment.name=test,shop=corner%20shop")], None);
    assert!(has(&sent, "deployment.environment.name=test") && has(&sent, "shop=corner shop"), "{sent:?}");
}

#[test]
fn a_resource_in_code_beats_the_environment() {
    let variables = [(SERVICE_NAME, "till"), (ATTRIBUTES, "shop=corner")];
    let named = Resource::builder().environment(environment(&variables)).service_name("code");
    let sent =
        attributes(&[(SERVICE_NAME, "ignored"), (ATTRIBUTES, "shop=ignored")], Some(named.build().unwrap()));
    assert!(has(&sent, "service.name=code") && has(&sent, "shop=corner"), "{sent:?}");
}

#[test]
fn attributes_that_make_no_sense_are_warned_of() {
    let exporter = start(&[(ATTRIBUTES, "shop")]);
    assert!(warning(&exporter, ATTRIBUTES).to_string().contains("key1=value1,key2=value2"));
}
