//! Money of a turn while it is being spent. The parent counts, because models and their programs
//! ignore caps; what is spent is written down as it is reported, so that turns that run at the same
//! time, in whatever process, share one budget, and a kill forgets nothing that was said.

use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use crate::base::Result;
use crate::process::Interrupt;
use crate::session::event::Usage;

/// Where what a turn uses is written down.
pub trait Ledger: std::fmt::Debug + Sync {
    /// US dollars that may still be spent, over all turns; `None` without a budget.
    fn left(&self) -> Result<Option<f64>>;

    /// Writes down what was used since the last record of this turn.
    fn spend(&self, usage: &Usage, part: Part) -> Result<()>;

    /// What tokens cost by the price table, where it has the model: the configured one, else
    /// `said`, the one that the provider said it uses.
    fn estimate(&self, usage: &Usage, said: Option<&str>) -> Option<f64>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The turn goes on.
    Some,
    /// The turn is over.
    Rest,
}

/// Adds up one turn.
pub(super) struct Meter<'a> {
    ledger: &'a dyn Ledger,
    /// Reported, and not written down yet.
    open: Usage,
    /// Some of this turn's money was reported: nothing of it is estimated.
    told: bool,
    /// Written down as an estimate so far.
    guessed: f64,
    /// The model that the provider said it uses.
    said: Option<String>,
}

impl<'a> Meter<'a> {
    pub fn new(ledger: &'a dyn Ledger) -> Self {
        Self { ledger, open: Usage::default(), told: false, guessed: 0.0, said: None }
    }

    /// The provider says which model it uses, where it does.
    pub fn uses(&mut self, model: Option<&str>) {
        self.said = model.map(str::to_owned);
    }

    fn estimate(&self, usage: &Usage) -> Option<f64> {
        self.ledger.estimate(usage, self.said.as_deref())
    }

    /// True when the budget is overspent. Without one, nobody has to know before the turn is over.
    pub fn take(&mut self, usage: &Usage) -> Result<bool> {
        self.open.add(usage);
        self.told |= usage.usd.is_some();
        if self.ledger.left()?.is_none() {
            return Ok(false);
        }
        if usage.usd.is_some() {
            // What it really cost takes the place of what it seemed to.
            let guessed = std::mem::take(&mut self.guessed);
            self.open.estimated_usd = Some(-guessed).filter(|_| guessed > 0.0);
        } else if !self.told
            && let Some(guess) = self.estimate(&self.open)
        {
            self.guessed += guess;
            self.open.estimated_usd = Some(guess);
        } else {
            return Ok(false);
        }
        self.ledger.spend(&std::mem::take(&mut self.open), Part::Some)?;
        Ok(self.ledger.left()?.is_some_and(|left| left < 0.0))
    }

    /// The end of the turn, however it came.
    pub fn close(&mut self) -> Result<()> {
        let mut rest = std::mem::take(&mut self.open);
        if !self.told {
            rest.estimated_usd = self.estimate(&rest);
        }
        self.ledger.spend(&rest, Part::Rest)
    }
}

/// How often a turn that says nothing looks at what the others have spent.
const LOOK: Duration = Duration::from_millis(400);

/// Runs a turn, and interrupts it when others overspend the budget that they share with it. Returns
/// whether it did.
pub(super) fn while_money_lasts<T>(
    ledger: &dyn Ledger,
    interrupt: &Interrupt,
    turn: impl FnOnce() -> T,
) -> Result<(T, bool)> {
    if ledger.left()?.is_none() {
        return Ok((turn(), false));
    }
    std::thread::scope(|scope| {
        let (over, ended) = mpsc::channel::<()>();
        let watch = scope.spawn(move || {
            while let Err(RecvTimeoutError::Timeout) = ended.recv_timeout(LOOK) {
                // A journal that cannot be read now stops the turn at its own next record.
                if matches!(ledger.left(), Ok(Some(left)) if left < 0.0) {
                    interrupt.trip();
                    return true;
                }
            }
            false
        });
        let result = turn();
        drop(over);
        Ok((result, watch.join().unwrap_or(false)))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    #[derive(Debug)]
    struct Book {
        budget: f64,
        lines: Mutex<Vec<(Usage, Part)>>,
    }

    impl Book {
        fn with(budget: f64) -> Self {
            Self { budget, lines: Mutex::default() }
        }
    }

    impl Ledger for Book {
        fn left(&self) -> Result<Option<f64>> {
            let spent: f64 =
                self.lines.lock().expect("whole").iter().filter_map(|(u, _)| u.money()).sum();
            Ok(Some(self.budget - spent))
        }
        fn spend(&self, usage: &Usage, part: Part) -> Result<()> {
            self.lines.lock().expect("whole").push((*usage, part));
            Ok(())
        }
        fn estimate(&self, usage: &Usage, _: Option<&str>) -> Option<f64> {
            Some(usage.output? as f64)
        }
    }

    fn usd(usd: f64) -> Usage {
        Usage { usd: Some(usd), ..Usage::default() }
    }

    fn output(n: u64) -> Usage {
        Usage { output: Some(n), ..Usage::default() }
    }

    #[test]
    fn money_is_written_down_as_it_is_reported_and_counted_once() {
        let book = Book::with(1.0);
        let mut meter = Meter::new(&book);
        assert!(!meter.take(&usd(0.6)).expect("written"));
        assert!(!meter.take(&output(5)).expect("tokens of a turn that tells its money"));
        assert!(meter.take(&usd(0.6)).expect("written"), "over");
        meter.close().expect("closed");
        let lines = book.lines.into_inner().expect("whole");
        let parts: Vec<Part> = lines.iter().map(|(_, part)| *part).collect();
        assert_eq!(parts, [Part::Some, Part::Some, Part::Rest]);
        assert_eq!((lines[1].0.output, lines[1].0.usd), (Some(5), Some(0.6)));
        assert_eq!(lines[2].0, Usage::default());
    }

    #[test]
    fn what_is_not_reported_is_estimated_and_marked() {
        let book = Book::with(10.0);
        let mut meter = Meter::new(&book);
        assert!(!meter.take(&output(4)).expect("counted"));
        assert!(meter.take(&output(8)).expect("counted"), "12 of 10");
        meter.close().expect("closed");
        let lines = book.lines.into_inner().expect("whole");
        // Each is written down as it comes, so that others know of it.
        let guessed: Vec<_> = lines.iter().map(|(u, _)| (u.usd, u.estimated_usd)).collect();
        assert_eq!(guessed, [(None, Some(4.0)), (None, Some(8.0)), (None, None)]);
    }

    #[test]
    fn what_is_told_in_the_end_takes_the_place_of_what_was_estimated() {
        let book = Book::with(100.0);
        let mut meter = Meter::new(&book);
        assert!(!meter.take(&output(4)).expect("counted"));
        assert!(!meter.take(&usd(0.5)).expect("counted"));
        assert!(!meter.take(&output(4)).expect("counted"), "of a turn that tells its money");
        meter.close().expect("closed");
        assert_eq!(book.left().expect("a budget"), Some(99.5));
    }
}
