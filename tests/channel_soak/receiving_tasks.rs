//! Tasks that receive.

use freewheel::flow::{
    Select,
    channel::{Receiver, RecvError},
    select::SelectError,
};
use tokio::time::timeout;

use crate::{
    fates::Value,
    receiving::{Consumer, End, gathered, take},
    waiting::Task,
};

impl Consumer {
    pub(crate) async fn run_as_task(mut self) {
        for _ in 0..self.turns {
            let receiver = self.receivers[0].clone();
            let is_open = match self.receivers.len() {
                1 => self.receive_as_task(&receiver).await,
                _ => self.select_as_task().await,
            };
            if is_open.is_err() {
                return;
            }
        }
    }

    async fn receive_as_task(&mut self, receiver: &Receiver<Value>) -> Result<(), End> {
        let (soon, max) = (self.soon(), self.random.usize(1..8));
        match self.random.u8(..5) {
            0 | 1 => take(receiver.recv_async().await, RecvError),
            2 => match timeout(soon, receiver.recv_async()).await {
                Ok(received) => take(received, RecvError),
                Err(_) => Ok(()),
            },
            number => {
                let mut values = Vec::new();
                let receives = receiver.recv_many_async(&mut values, max);
                let received = if number == 3 {
                    receives.await.map_err(|RecvError| End)
                } else {
                    timeout(soon, receives).await.unwrap_or(Ok(0)).map_err(|RecvError| End)
                };
                assert_eq!(values.len(), *received.as_ref().unwrap_or(&0));
                values.into_iter().for_each(Value::receive);
                received.map(drop)
            }
        }
    }

    async fn select_as_task(&mut self) -> Result<(), End> {
        let soon = self.soon();
        let context = self.context.with_timeout(soon);
        let over = Select::over(&self.receivers);
        let one = |value: Value| (0, value);
        let each = Select::new().recv(&self.receivers[0], one).recv(&self.receivers[1], one);
        let done = match self.random.u8(..7) {
            0 => over.wait_async().await,
            1 => each.wait_async().await,
            2 => each.context(&context).wait_async().await,
            3 => over.timeout(soon).wait_async().await,
            4 => return gathered(over.timeout(soon).all_async().await),
            5 => {
                let mut task = Task::new(over.all_async());
                let came = match task.poll() {
                    std::task::Poll::Ready(values) => return gathered(values),
                    std::task::Poll::Pending => task.into_inner().into_inner(),
                };
                came.into_iter().flatten().for_each(Value::receive);
                return Ok(());
            }
            _ => match timeout(soon, each.wait_async()).await {
                Ok(done) => done,
                Err(_) => return Ok(()),
            },
        };
        take(done.map(|(_, value)| value), SelectError::Closed)
    }
}
