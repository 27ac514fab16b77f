//! Asking whether work is to be given up, and beginning and ending it.

use std::time::{Duration, Instant};

use freewheel::flow::Context;
use tokio_util::sync::CancellationToken;

use crate::{
    opaque::{consume, hidden},
    race::{Contestant, Race},
};

const LONG: Duration = Duration::from_secs(3600);

pub(crate) fn races() -> Vec<Race> {
    vec![
        Race {
            notes: vec!["of one context, by all threads; three levels below the one with the handle"],
            ..Race::new("is_done", is_done())
        },
        Race {
            notes: vec!["a context made from one that all threads have, and dropped"],
            ..Race::new("make_and_drop", make_and_drop())
        },
        Race {
            notes: vec!["the same, and cancelled in between"],
            ..Race::new("make_and_cancel", make_and_cancel())
        },
    ]
}

fn is_done() -> Vec<Contestant> {
    let (context, handle) = Context::background().with_cancel();
    let context = context.with_cancel().0.with_cancel().0;
    let timed = context.with_timeout(LONG);
    let token = CancellationToken::new().child_token().child_token();
    vec![
        Contestant::new("freewheel Context", move |_| {
            consume(u64::from(hidden(&context).is_done()));
            hidden(&handle);
        }),
        Contestant::new("freewheel Context, with a deadline", move |_| {
            consume(u64::from(hidden(&timed).is_done()));
        }),
        Contestant::new("tokio-util CancellationToken", move |_| {
            consume(u64::from(hidden(&token).is_cancelled()));
        }),
        Contestant::empty_loop(),
    ]
}

fn make_and_drop() -> Vec<Contestant> {
    let (context, token) = (Context::background().with_cancel(), CancellationToken::new());
    let timed = Context::background().with_cancel();
    vec![
        Contestant::new("freewheel Context", move |_| drop(hidden(&context).0.with_cancel())),
        Contestant::new("freewheel Context, with a deadline", move |_| {
            drop(hidden(&timed).0.with_deadline(Instant::now() + LONG));
        }),
        Contestant::new("tokio-util CancellationToken", move |_| drop(hidden(&token).child_token())),
    ]
}

fn make_and_cancel() -> Vec<Contestant> {
    let (context, token) = (Context::background().with_cancel(), CancellationToken::new());
    let timed = Context::background().with_cancel();
    vec![
        Contestant::new("freewheel Context", move |_| hidden(&context).0.with_cancel().1.cancel()),
        Contestant::new("freewheel Context, with a deadline", move |_| {
            hidden(&timed).0.with_timeout(LONG).with_cancel().1.cancel();
        }),
        Contestant::new("tokio-util CancellationToken", move |_| hidden(&token).child_token().cancel()),
    ]
}
