//! A body that breaks in the middle.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use hyper::body::{Body, Bytes, Frame, SizeHint};
use tokio::time::Sleep;

#[derive(Debug)]
pub(super) struct Half {
    length: u64,
    half: Option<Bytes>,
    /// Until the half has arrived.
    pause: Pin<Box<Sleep>>,
}

impl Half {
    /// The first half of this body, which claims to be all of it.
    pub(super) fn of(body: Vec<u8>) -> Self {
        let half = Bytes::copy_from_slice(&body[..body.len() / 2]);
        let pause = Box::pin(tokio::time::sleep(Duration::from_millis(50)));
        Self { length: body.len() as u64, half: Some(half), pause }
    }
}

impl Body for Half {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<io::Result<Frame<Bytes>>>> {
        if let Some(half) = self.half.take() {
            return Poll::Ready(Some(Ok(Frame::data(half))));
        }
        ready!(self.pause.as_mut().poll(context));
        Poll::Ready(Some(Err(io::Error::other("broken as scripted"))))
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.length)
    }
}
