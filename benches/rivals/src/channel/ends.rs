//! The ends of all channels, with one face for threads, one for tasks, and one for those who never wait.

use std::sync::mpsc;

use crossfire::{AsyncRx, AsyncTx, MAsyncRx, MAsyncTx, MRx, MTx, Rx, Tx, flavor::Flavor};
use freewheel::flow::channel;
use tokio::sync::mpsc as tokio_mpsc;

/// Sends, and blocks the thread until there is room.
pub(super) trait Producer: Send {
    /// Whether the channel is open.
    fn produce(&mut self, value: usize) -> bool;
}

/// Receives, and blocks the thread until there is something.
pub(super) trait Consumer: Send {
    /// None at the end of the channel.
    fn consume(&mut self) -> Option<usize>;
}

/// Sends, and waits as a task until there is room.
pub(super) trait AsyncProducer: Send + 'static {
    /// Whether the channel is open.
    fn produce(&mut self, value: usize) -> impl Future<Output = bool> + Send;
}

/// Receives, and waits as a task until there is something.
pub(super) trait AsyncConsumer: Send + 'static {
    /// None at the end of the channel.
    fn consume(&mut self) -> impl Future<Output = Option<usize>> + Send;
}

/// Sends, or not.
pub(super) trait TryProducer {
    /// Whether there was room.
    fn try_produce(&mut self, value: usize) -> bool;
}

/// Receives, or not.
pub(super) trait TryConsumer {
    fn try_consume(&mut self) -> Option<usize>;
}

macro_rules! producers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident, $value:ident| $send:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? Producer for $end {
            #[inline(always)]
            fn produce(&mut self, $value: usize) -> bool {
                let $this = self;
                $send
            }
        }
    )*};
}

macro_rules! consumers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident| $receive:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? Consumer for $end {
            #[inline(always)]
            fn consume(&mut self) -> Option<usize> {
                let $this = self;
                $receive
            }
        }
    )*};
}

macro_rules! async_producers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident, $value:ident| $send:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? AsyncProducer for $end {
            #[inline(always)]
            async fn produce(&mut self, $value: usize) -> bool {
                let $this = self;
                $send
            }
        }
    )*};
}

macro_rules! async_consumers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident| $receive:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? AsyncConsumer for $end {
            #[inline(always)]
            async fn consume(&mut self) -> Option<usize> {
                let $this = self;
                $receive
            }
        }
    )*};
}

macro_rules! try_producers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident, $value:ident| $send:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? TryProducer for $end {
            #[inline(always)]
            fn try_produce(&mut self, $value: usize) -> bool {
                let $this = self;
                $send
            }
        }
    )*};
}

macro_rules! try_consumers {
    ($($end:ty $(where $flavor:ident: Flavor)? => |$this:ident| $receive:expr;)*) => {$(
        impl$(<$flavor: Flavor<Item = usize>>)? TryConsumer for $end {
            #[inline(always)]
            fn try_consume(&mut self) -> Option<usize> {
                let $this = self;
                $receive
            }
        }
    )*};
}

producers! {
    channel::Sender<usize> => |end, value| end.send(value).is_ok();
    crossbeam_channel::Sender<usize> => |end, value| end.send(value).is_ok();
    mpsc::SyncSender<usize> => |end, value| end.send(value).is_ok();
    mpsc::Sender<usize> => |end, value| end.send(value).is_ok();
    flume::Sender<usize> => |end, value| end.send(value).is_ok();
    kanal::Sender<usize> => |end, value| end.send(value).is_ok();
    Tx<F> where F: Flavor => |end, value| end.send(value).is_ok();
    MTx<F> where F: Flavor => |end, value| end.send(value).is_ok();
    async_channel::Sender<usize> => |end, value| end.send_blocking(value).is_ok();
    tokio_mpsc::Sender<usize> => |end, value| end.blocking_send(value).is_ok();
    tokio_mpsc::UnboundedSender<usize> => |end, value| end.send(value).is_ok();
}

consumers! {
    channel::Receiver<usize> => |end| end.recv().ok();
    crossbeam_channel::Receiver<usize> => |end| end.recv().ok();
    mpsc::Receiver<usize> => |end| end.recv().ok();
    flume::Receiver<usize> => |end| end.recv().ok();
    kanal::Receiver<usize> => |end| end.recv().ok();
    Rx<F> where F: Flavor => |end| end.recv().ok();
    MRx<F> where F: Flavor => |end| end.recv().ok();
    async_channel::Receiver<usize> => |end| end.recv_blocking().ok();
    tokio_mpsc::Receiver<usize> => |end| end.blocking_recv();
    tokio_mpsc::UnboundedReceiver<usize> => |end| end.blocking_recv();
}

// Where there is room for any number, some have no future for sending.
async_producers! {
    channel::Sender<usize> => |end, value| end.send_async(value).await.is_ok();
    flume::Sender<usize> => |end, value| end.send_async(value).await.is_ok();
    kanal::AsyncSender<usize> => |end, value| end.send(value).await.is_ok();
    AsyncTx<F> where F: Flavor => |end, value| end.send(value).await.is_ok();
    MAsyncTx<F> where F: Flavor => |end, value| end.send(value).await.is_ok();
    Tx<F> where F: Flavor => |end, value| end.send(value).is_ok();
    MTx<F> where F: Flavor => |end, value| end.send(value).is_ok();
    async_channel::Sender<usize> => |end, value| end.send(value).await.is_ok();
    tokio_mpsc::Sender<usize> => |end, value| end.send(value).await.is_ok();
    tokio_mpsc::UnboundedSender<usize> => |end, value| end.send(value).is_ok();
}

async_consumers! {
    channel::Receiver<usize> => |end| end.recv_async().await.ok();
    flume::Receiver<usize> => |end| end.recv_async().await.ok();
    kanal::AsyncReceiver<usize> => |end| end.recv().await.ok();
    AsyncRx<F> where F: Flavor => |end| end.recv().await.ok();
    MAsyncRx<F> where F: Flavor => |end| end.recv().await.ok();
    async_channel::Receiver<usize> => |end| end.recv().await.ok();
    tokio_mpsc::Receiver<usize> => |end| end.recv().await;
    tokio_mpsc::UnboundedReceiver<usize> => |end| end.recv().await;
}

// Where there is room for any number, some have only the one call that sends.
try_producers! {
    channel::Sender<usize> => |end, value| end.try_send(value).is_ok();
    crossbeam_channel::Sender<usize> => |end, value| end.try_send(value).is_ok();
    mpsc::SyncSender<usize> => |end, value| end.try_send(value).is_ok();
    mpsc::Sender<usize> => |end, value| end.send(value).is_ok();
    flume::Sender<usize> => |end, value| end.try_send(value).is_ok();
    kanal::Sender<usize> => |end, value| matches!(end.try_send(value), Ok(true));
    Tx<F> where F: Flavor => |end, value| end.try_send(value).is_ok();
    MTx<F> where F: Flavor => |end, value| end.try_send(value).is_ok();
    async_channel::Sender<usize> => |end, value| end.try_send(value).is_ok();
    tokio_mpsc::Sender<usize> => |end, value| end.try_send(value).is_ok();
    tokio_mpsc::UnboundedSender<usize> => |end, value| end.send(value).is_ok();
}

try_consumers! {
    channel::Receiver<usize> => |end| end.try_recv().ok();
    crossbeam_channel::Receiver<usize> => |end| end.try_recv().ok();
    mpsc::Receiver<usize> => |end| end.try_recv().ok();
    flume::Receiver<usize> => |end| end.try_recv().ok();
    kanal::Receiver<usize> => |end| end.try_recv().ok().flatten();
    Rx<F> where F: Flavor => |end| end.try_recv().ok();
    MRx<F> where F: Flavor => |end| end.try_recv().ok();
    async_channel::Receiver<usize> => |end| end.try_recv().ok();
    tokio_mpsc::Receiver<usize> => |end| end.try_recv().ok();
    tokio_mpsc::UnboundedReceiver<usize> => |end| end.try_recv().ok();
}
