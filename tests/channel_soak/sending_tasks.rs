//! Tasks that send.

use std::ops::Range;

use freewheel::flow::{
    Select,
    channel::{SendError, Sender, TrySendError},
};
use tokio::{task::yield_now, time::timeout};

use crate::{
    fates::Value,
    sending::{Pair, Producer, cancelled},
};

impl Producer {
    pub(crate) async fn run_as_task(mut self, mut numbers: Range<usize>) {
        while let Some(number) = numbers.next() {
            let sender = self.sender();
            match self.random.u8(..8) {
                0 if self.selects => self.select_as_task(number, numbers.next()).await,
                0..3 => {
                    let sent = sender.send_async(self.fates.value(number)).await;
                    self.settle(number, sent.map_err(SendError::into_inner));
                }
                3 => {
                    let sent = sender.try_send(self.fates.value(number));
                    self.settle(number, sent.map_err(TrySendError::into_inner));
                }
                4 | 5 => self.send_in_time(&sender, number).await,
                _ => {
                    let sent = self.reserve(&sender, number).await;
                    self.settle(number, sent);
                }
            }
        }
    }

    async fn send_in_time(&mut self, sender: &Sender<Value>, number: usize) {
        match timeout(self.soon(), sender.send_async(self.fates.value(number))).await {
            Ok(sent) => self.settle(number, sent.map_err(SendError::into_inner)),
            Err(_) => self.fates.settle(number, cancelled(sender)),
        }
    }

    async fn reserve(&mut self, sender: &Sender<Value>, number: usize) -> Result<(), Value> {
        let value = self.fates.value(number);
        let permit = if self.random.bool() {
            sender.reserve_async().await
        } else {
            match timeout(self.soon(), sender.reserve_async()).await {
                Ok(permit) => permit,
                Err(_) => return Err(value),
            }
        };
        if self.random.u8(..4) == 0 {
            yield_now().await;
        }
        match permit {
            Ok(_unused) if self.random.u8(..4) == 0 => Err(value),
            Ok(permit) => permit.send(value).map_err(SendError::into_inner),
            Err(SendError(())) => Err(value),
        }
    }

    async fn select_as_task(&mut self, first: usize, second: Option<usize>) {
        let mut pair = Pair::new(&self.fates, [Some(first), second]);
        let soon = self.soon();
        let context = self.context.with_timeout(soon);
        let [one, two] = &mut pair.values;
        let [left, right] = &self.senders;
        let select = Select::new().send(left, one, || 0).send(right, two, || 1);
        let done: Option<usize> = match self.random.u8(..4) {
            0 => select.wait_async().await.ok(),
            1 => select.timeout(soon).wait_async().await.ok(),
            2 => select.context(&context).wait_async().await.ok(),
            _ => timeout(soon, select.wait_async()).await.ok().and_then(Result::ok),
        };
        pair.settle(&self.fates, done);
    }
}
