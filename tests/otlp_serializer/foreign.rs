//! What another SDK has collected, in the same requests.

use std::num::NonZeroUsize;

use freewheel::{
    metrics::{KeyValue, Registry},
    otlp::{Foreign, Serializer},
};
use opentelemetry_proto::tonic::{
    common::v1::InstrumentationScope,
    metrics::v1::{Gauge, Metric, NumberDataPoint, ScopeMetrics, metric::Data, number_data_point::Value},
};
use prost::Message;

use crate::{decoded, points};

/// A scope of this name, with so many points of a gauge.
fn scope(name: &str, points: i64) -> ScopeMetrics {
    let point = |value| NumberDataPoint { value: Some(Value::AsInt(value)), ..NumberDataPoint::default() };
    let data_points = (0..points).map(point).collect();
    let data = Some(Data::Gauge(Gauge { data_points }));
    let metric = Metric { name: "gauge".into(), data, ..Metric::default() };
    let scope = Some(InstrumentationScope { name: name.into(), ..InstrumentationScope::default() });
    ScopeMetrics { scope, metrics: vec![metric], schema_url: "https://schema".into() }
}

fn foreign(scope: &ScopeMetrics) -> Foreign {
    Foreign::new(scope.encode_to_vec(), scope.metrics.iter().map(points).sum::<usize>() as u64)
}

fn registry(series: i64) -> Registry {
    let registry = Registry::new();
    for number in 0..series {
        registry.counter("events").bind(&[KeyValue::new("number", number)]).unwrap().add(1);
    }
    registry
}

/// The names of the scopes in each request, and how many points they have.
fn layout(serializer: &mut Serializer, series: i64, foreign: &[Foreign]) -> Vec<Vec<(String, usize)>> {
    let bodies = serializer.requests_with(registry(series).snapshot(), foreign);
    let scopes = |body: &Vec<u8>| {
        let request = decoded(body);
        assert_eq!(request.resource_metrics.len(), 1);
        assert!(request.resource_metrics[0].resource.is_some());
        let scopes = request.resource_metrics[0].scope_metrics.iter();
        scopes
            .map(|scope| (scope.scope.as_ref().unwrap().name.clone(), scope.metrics.iter().map(points).sum()))
            .collect()
    };
    bodies.iter().map(scopes).collect()
}

#[test]
fn foreign_scopes_arrive_unchanged_behind_our_own() {
    let scopes = [scope("a", 2), scope("b", 1)];
    let bodies = Serializer::new([])
        .requests_with(registry(1).snapshot(), &[foreign(&scopes[0]), foreign(&scopes[1])]);
    let [body] = &bodies[..] else { panic!("{} requests", bodies.len()) };
    let request = decoded(body);
    let arrived = &request.resource_metrics[0].scope_metrics;
    assert_eq!(arrived[0].scope.as_ref().unwrap().name, "freewheel");
    assert_eq!(arrived[1..], scopes);
}

#[test]
fn foreign_scopes_arrive_where_there_is_nothing_of_our_own() {
    let one = [foreign(&scope("a", 2))];
    assert_eq!(layout(&mut Serializer::new([]), 0, &one), [[("a".to_owned(), 2)]]);
    assert!(layout(&mut Serializer::new([]), 0, &[]).is_empty());
    assert!(layout(&mut Serializer::new([]), 0, &[Foreign::new(Vec::new(), 0)]).is_empty());
}

#[test]
fn foreign_scopes_count_for_the_limits_and_are_not_divided() {
    let scopes = [scope("a", 2), scope("b", 1), scope("c", 9)];
    let foreign = scopes.each_ref().map(foreign);
    let named = |name: &str, points| (name.to_owned(), points);
    let mut by_points = Serializer::new([]).max_points(NonZeroUsize::new(4).unwrap());
    assert_eq!(
        layout(&mut by_points, 5, &foreign),
        [
            vec![named("freewheel", 4)],
            vec![named("freewheel", 1), named("a", 2), named("b", 1)],
            vec![named("c", 9)]
        ]
    );

    let both = Serializer::new([]).requests_with(registry(0).snapshot(), &foreign[..2]);
    let exactly = NonZeroUsize::new(both[0].len()).unwrap();
    let one_less = NonZeroUsize::new(both[0].len() - 1).unwrap();
    assert_eq!(
        layout(&mut Serializer::new([]).max_bytes(exactly), 0, &foreign[..2]),
        [[named("a", 2), named("b", 1)]]
    );
    assert_eq!(
        layout(&mut Serializer::new([]).max_bytes(one_less), 0, &foreign[..2]),
        [[named("a", 2)], [named("b", 1)]]
    );
}
