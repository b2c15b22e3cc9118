//! Processes as futures: one step is what happens between two ticks, and a kill drops the future
//! at a tick, so at any point between two effects.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

pub type Body = Pin<Box<dyn Future<Output = ()>>>;

/// One thread of a process.
pub struct Task {
    pub pid: u32,
    body: Body,
}

impl Task {
    pub fn new(pid: u32, body: Body) -> Self {
        Self { pid, body }
    }

    /// Goes on to the next tick; true when it has ended.
    pub fn step(&mut self) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        self.body.as_mut().poll(&mut context).is_ready()
    }
}

/// Somebody else may come first, and a kill too.
pub fn tick() -> Tick {
    Tick { waited: false }
}

pub struct Tick {
    waited: bool,
}

impl Future for Tick {
    type Output = ();
    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        match std::mem::replace(&mut self.waited, true) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }
}

/// Numbers from a seed (splitmix64).
#[derive(Debug, Clone)]
pub struct Rng(pub u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// 0 to `n` - 1.
    pub fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}
