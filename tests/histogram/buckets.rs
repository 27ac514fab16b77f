//! How buckets are asked for.

use freewheel::metrics::{Buckets, BucketsError, Data, KeyValue, RegisterError, Registry, View};

use crate::{SCALES, explicit, exponential};

#[test]
fn buckets_that_make_no_sense_are_refused_and_say_why() {
    for scale in (0..=u8::MAX).filter(|scale| !SCALES.contains(scale)) {
        assert_eq!(Buckets::exponential(scale), Err(BucketsError::Scale(scale)));
    }
    for scale in SCALES {
        assert_eq!(Buckets::exponential(scale).unwrap().to_string(), format!("exponential at scale {scale}"));
    }
    assert_eq!(Buckets::explicit([1.0, f64::INFINITY]), Err(BucketsError::NotFinite(f64::INFINITY)));
    assert!(matches!(Buckets::explicit([f64::NAN]), Err(BucketsError::NotFinite(_))));
    assert_eq!(Buckets::explicit([1.0, 1.0]), Err(BucketsError::NotRising(1.0, 1.0)));
    assert_eq!(Buckets::explicit([-0.0, 0.0]), Err(BucketsError::NotRising(-0.0, 0.0)));
    let many = |count: usize| Buckets::explicit((0..count).map(|bound| bound as f64));
    assert_eq!(many(Buckets::MAX_BOUNDS + 1), Err(BucketsError::TooMany));
    assert!(many(Buckets::MAX_BOUNDS).is_ok());
    let error = Buckets::explicit([2.0, 1.0]).unwrap_err();
    assert_eq!(error.to_string(), "bound 2 is followed by 1; sort the bounds and give each once");
}

#[test]
fn series_of_one_instrument_have_the_same_buckets() {
    let registry = Registry::new();
    let bounds = || Buckets::explicit([1.0, 2.0]).unwrap();
    let sizes = registry.histogram::<u64>("sizes").buckets(bounds());
    let [a, b] = ["a", "b"].map(|kind| sizes.bind(&[KeyValue::new("kind", kind)]).unwrap());
    a.record(1);
    b.record(3);
    assert!(registry.histogram::<u64>("sizes").buckets(bounds()).build().is_ok());
    for other in [Buckets::default(), Buckets::explicit([1.0, 3.0]).unwrap()] {
        let refused = registry.histogram::<u64>("sizes").buckets(other).build();
        assert!(matches!(refused, Err(RegisterError::Conflict { .. })), "{refused:?}");
    }
    assert!(matches!(
        registry.histogram::<f64>("sizes").buckets(bounds()).build(),
        Err(RegisterError::Conflict { .. })
    ));
    let mut snapshot = registry.snapshot();
    for _ in 0..2 {
        let Data::ExplicitHistogram(points) = &snapshot.metric("sizes").unwrap().data else {
            panic!("{snapshot:?}")
        };
        let counts: Vec<&[u64]> = points.iter().map(|point| point.value.buckets()).collect();
        assert_eq!(counts, [&[1, 0, 0], &[0, 0, 1], &[0, 0, 0]]);
        // And again over the snapshot before.
        registry.snapshot_into(&mut snapshot);
    }
}

#[test]
fn a_view_chooses_the_buckets_over_the_code() {
    let registry = Registry::builder()
        .view(View::new("http.*").buckets(Buckets::explicit([10.0]).unwrap()))
        .view(View::new("*.fine").buckets(Buckets::exponential(8).unwrap()))
        .build();
    let build = |name: &'static str, scale| {
        let buckets = Buckets::exponential(scale).unwrap();
        registry.histogram::<u64>(name).buckets(buckets).build().unwrap()
    };
    let (bounded, fine, other) = (build("http.size", 3), build("db.fine", 3), build("db.size", 4));
    let both = build("http.fine", 3);
    [&bounded, &fine, &other, &both].iter().for_each(|histogram| histogram.record(11));
    assert_eq!(explicit(&bounded).buckets(), [0, 1]);
    assert_eq!(exponential(&fine).scale(), 8);
    assert_eq!(exponential(&other).scale(), 4);
    assert_eq!(exponential(&both).scale(), 8);
}
