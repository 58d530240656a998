//! How far a run over many keys has come: one line that changes on a terminal, a line now and then elsewhere; and a signal that ends it.

use std::io::{IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Set once somebody wants the run to end.
pub(crate) static STOP: AtomicBool = AtomicBool::new(false);

/// From now on a signal ends the run after the keys that are under way; a second one ends the program.
pub(crate) fn stop_on_signal() {
    // Where no handler can be had the signal ends the program, which the journal is there for.
    let _ = ctrlc::set_handler(|| {
        if STOP.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
        let _ = std::io::stderr().write_all(b"\nstopping after the keys that are under way\n");
    });
}

/// How often it is told: on a terminal, and elsewhere.
const ON_TERMINAL: Duration = Duration::from_millis(200);
const ELSEWHERE: Duration = Duration::from_secs(10);

/// What is told as a run goes on.
pub(crate) struct Progress {
    total: u32,
    done: u32,
    failed: u32,
    start: Instant,
    told: Option<Instant>,
    is_terminal: bool,
    is_silent: bool,
}

impl Progress {
    pub(crate) fn new(total: u32, is_silent: bool) -> Self {
        let is_terminal = std::io::stderr().is_terminal();
        Self { total, done: 0, failed: 0, start: Instant::now(), told: None, is_terminal, is_silent }
    }

    /// So many are to come.
    pub(crate) fn expect(&mut self, total: u32) {
        self.total = total;
    }

    /// One entry more has come to its end.
    pub(crate) fn step(&mut self, has_failed: bool) {
        self.done += 1;
        self.failed += u32::from(has_failed);
        let every = if self.is_terminal { ON_TERMINAL } else { ELSEWHERE };
        let last = self.told.unwrap_or(self.start);
        if !self.is_silent && (last.elapsed() >= every || (self.is_terminal && self.done == self.total)) {
            self.told = Some(Instant::now());
            let line = self.line();
            self.say(&if self.is_terminal { format!("\r\x1b[K{line}") } else { format!("{line}\n") });
        }
    }

    /// Makes room for a line of its own, or for the end.
    pub(crate) fn clear(&self) {
        if self.is_terminal && self.told.is_some() && !self.is_silent {
            self.say("\r\x1b[K");
        }
    }

    fn line(&self) -> String {
        let seconds = self.start.elapsed().as_secs_f64().max(0.001);
        let rate = f64::from(self.done) / seconds;
        let left = f64::from(self.total.saturating_sub(self.done)) / rate.max(0.001);
        let failed = if self.failed > 0 { format!(", {} failed", self.failed) } else { String::new() };
        format!("{} of {}{failed}; {rate:.1} a second, {} to go", self.done, self.total, duration(left))
    }

    fn say(&self, text: &str) {
        let _ = std::io::stderr().write_all(text.as_bytes());
    }

    pub(crate) fn seconds(&self) -> f64 {
        self.start.elapsed().as_secs_f64()
    }
}

/// Seconds as somebody would say them.
pub(crate) fn duration(seconds: f64) -> String {
    let whole = Duration::try_from_secs_f64(seconds).map_or(0, |duration| duration.as_secs());
    match whole {
        0..60 => format!("{whole} s"),
        60..3600 => format!("{}:{:02} min", whole / 60, whole % 60),
        _ => format!("{}:{:02} h", whole / 3600, whole % 3600 / 60),
    }
}
