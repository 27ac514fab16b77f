//! The receivers, and what happens to them.

use std::{
    thread,
    time::{Duration, Instant},
};

use crate::receiver::{Receiver, Setup};

/// How long a receiver is left alone, and how long it is away, in milliseconds.
const LIFE: std::ops::Range<u64> = 300..4000;
const DEATH: std::ops::Range<u64> = 0..3000;

/// Kills receivers, one after the other, and starts them again on the same ports.
pub(crate) struct Fate {
    random: fastrand::Rng,
    victims: [Victim; 3],
}

struct Victim {
    name: &'static str,
    ports: (u16, u16),
    receiver: Option<Receiver>,
    kills: u64,
}

impl Fate {
    pub(crate) fn new(names: [&'static str; 3], seed: u64) -> Self {
        let victims = names.map(|name| {
            let receiver = Setup::new(name).start();
            Victim { name, ports: receiver.ports, receiver: Some(receiver), kills: 0 }
        });
        Self { random: fastrand::Rng::with_seed(seed), victims }
    }

    /// Where they listen: the first for gRPC, the others for HTTP.
    pub(crate) fn urls(&self) -> [String; 3] {
        let [grpc, protobuf, json] = self.victims.each_ref().map(|victim| victim.ports);
        [grpc.0, protobuf.1, json.1].map(|port| format!("http://127.0.0.1:{port}"))
    }

    /// In the end all are up.
    pub(crate) fn strike_until(&mut self, ends: Instant) {
        loop {
            let (life, death) = (self.random.u64(LIFE), self.random.u64(DEATH));
            let victim = &mut self.victims[self.random.usize(..3)];
            thread::sleep(Duration::from_millis(life).min(ends.saturating_duration_since(Instant::now())));
            if Instant::now() >= ends {
                return;
            }
            victim.receiver = None;
            victim.kills += 1;
            thread::sleep(Duration::from_millis(death));
            let setup = Setup::new(victim.name).ports(victim.ports).option(&["--append"]);
            victim.receiver = Some(setup.start());
        }
    }

    pub(crate) fn kills(&self, name: &str) -> u64 {
        self.victims.iter().find(|victim| victim.name == name).unwrap().kills
    }
}
