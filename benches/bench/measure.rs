//! Samples that take turns, and the table of their ratios.

use std::error::Error;
use std::hint::black_box;
use std::time::{Duration, Instant};

use crate::{Fallible, ROUND};

/// Runs something so many times and tells how long that took.
pub(crate) type Sample<'a> = &'a mut dyn FnMut(u32) -> Fallible<Duration>;

pub(crate) fn timed<T>(count: u32, mut run: impl FnMut() -> T) -> Duration {
    let start = Instant::now();
    for _ in 0..count {
        black_box(run());
    }
    start.elapsed()
}

/// A sample of something that needs nothing made ready.
pub(crate) fn free<T>(mut run: impl FnMut() -> T) -> impl FnMut(u32) -> Fallible<Duration> {
    move |count| Ok(timed(count, &mut run))
}

/// A sample of something that takes over its input. The inputs are made a few at a time, off the clock, so that they are still in the
/// cache when they are used, as OpenSSL's are, which uses the same ones again and again; results are dropped off the clock.
pub(crate) fn in_batches<I, T, E: Into<Box<dyn Error>>>(
    input: impl Fn() -> I,
    run: impl Fn(I) -> Result<T, E>,
) -> impl FnMut(u32) -> Fallible<Duration> {
    const BATCH: u32 = 8;
    move |count| {
        let (mut elapsed, mut left) = (Duration::ZERO, count);
        while left > 0 {
            let batch = left.min(BATCH);
            let inputs: Vec<_> = (0..batch).map(|_| input()).collect();
            let mut results = Vec::with_capacity(inputs.len());
            let start = Instant::now();
            for input in inputs {
                results.push(run(black_box(input)).map_err(Into::into)?);
            }
            elapsed += start.elapsed();
            black_box(results);
            left -= batch;
        }
        Ok(elapsed)
    }
}

/// What the ratio should be.
#[derive(Clone, Copy)]
pub(crate) enum Goal {
    /// Ours may take so many times as long.
    AtMost(f64),
    /// Ours should do so many times as much in the same time.
    AtLeast(f64),
    /// For the reader's eye.
    None,
}

pub(crate) struct Table {
    pub(crate) rounds: usize,
    /// What each is called, its ratio, its goal, and whether that is met.
    rows: Vec<(String, String, String, &'static str)>,
}

impl Table {
    pub(crate) fn new(rounds: usize) -> Self {
        let table = Self { rounds, rows: Vec::new() };
        println!("{:<94} {:>10} {:>10} {:>8} {:>8}", "row: ours / reference", "ours", "reference", "ratio", "goal");
        table
    }

    /// A row of two samples that take a few milliseconds, so more rounds cost nothing and steady the median.
    pub(crate) fn row(&mut self, row: &str, goal: Goal, ours: Sample<'_>, reference: Sample<'_>) -> Fallible<()> {
        self.row_of(row, goal, ROUND, 5 * self.rounds, ours, reference)
    }

    /// A row of two samples that take about `length`, or one run each.
    pub(crate) fn row_of(
        &mut self,
        row: &str,
        goal: Goal,
        length: Duration,
        rounds: usize,
        ours: Sample<'_>,
        reference: Sample<'_>,
    ) -> Fallible<()> {
        let (ours_count, reference_count) = (count_for(length, ours)?, count_for(length, reference)?);
        let (mut ours_times, mut reference_times) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            let (one, other) = if round % 2 == 0 {
                let one = ours(ours_count)?;
                (one, reference(reference_count)?)
            } else {
                let other = reference(reference_count)?;
                (ours(ours_count)?, other)
            };
            // In tenths of nanoseconds, which a Duration cannot hold: what is measured in nanoseconds ran very often.
            ours_times.push(scaled(one, ours_count));
            reference_times.push(scaled(other, reference_count));
        }
        self.add_seconds(row, goal, &ours_times, &reference_times);
        Ok(())
    }

    pub(crate) fn add(&mut self, row: &str, goal: Goal, ours: &[Duration], reference: &[Duration]) {
        let seconds = |times: &[Duration]| times.iter().map(Duration::as_secs_f64).collect::<Vec<_>>();
        self.add_seconds(row, goal, &seconds(ours), &seconds(reference));
    }

    pub(crate) fn add_seconds(&mut self, row: &str, goal: Goal, ours: &[f64], reference: &[f64]) {
        let ratio = median(ours.iter().zip(reference).map(|(ours, reference)| match goal {
            Goal::AtMost(_) => ours / reference,
            Goal::AtLeast(_) | Goal::None => reference / ours,
        }));
        let (goal, verdict) = goal.judge(ratio);
        let (ours, reference) = (median(ours.iter().copied()), median(reference.iter().copied()));
        println!("{row:<94} {:>10} {:>10} {ratio:>7.2}x {goal:>8} {verdict}", time(ours), time(reference));
        self.rows.push((row.to_owned(), format!("{ratio:.2}x"), goal, verdict));
    }

    /// A row of a number that is no ratio.
    pub(crate) fn add_value(&mut self, row: &str, goal: Goal, value: f64) {
        let (goal, verdict) = goal.judge(value);
        println!("{row:<94} {:>10} {:>10} {value:>8.2} {goal:>8} {verdict}", "", "");
        self.rows.push((row.to_owned(), format!("{value:.2}"), goal, verdict));
    }

    pub(crate) fn finish(&self) {
        println!("\nthe goals:");
        for (row, ratio, goal, verdict) in self.rows.iter().filter(|(.., verdict)| *verdict != "-") {
            let met = if *verdict == "ok" { "met" } else { "NOT MET" };
            println!("{met:<8} {ratio:>9}  {goal:>8}  {row}");
        }
        let of = |wanted| self.rows.iter().filter(|(.., verdict)| *verdict == wanted).count();
        println!(
            "{} met, {} not met, {} rows without a goal; each the median of {} rounds, those of growth and latency of a third as many",
            of("ok"),
            of("short"),
            of("-"),
            self.rounds
        );
        println!("ratio: times as long where the goal is <=, else how many times as fast");
    }
}

impl Goal {
    /// The goal in words, and whether it is met.
    fn judge(self, value: f64) -> (String, &'static str) {
        match self {
            Self::AtMost(most) => (format!("<= {most}"), if value <= most { "ok" } else { "short" }),
            Self::AtLeast(least) => (format!(">= {least}"), if value >= least { "ok" } else { "short" }),
            Self::None => ("-".to_owned(), "-"),
        }
    }
}

/// How often a sample has to run to take about `length`.
pub(crate) fn count_for(length: Duration, sample: Sample<'_>) -> Fallible<u32> {
    let mut count = 1;
    loop {
        let elapsed = sample(count)?;
        if elapsed >= length || count >= 1 << 20 {
            return Ok(count);
        }
        count *= 2;
    }
}

pub(crate) fn scaled(elapsed: Duration, count: u32) -> f64 {
    elapsed.as_secs_f64() / f64::from(count)
}

pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<_> = values.collect();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}

pub(crate) fn time(seconds: f64) -> String {
    match seconds {
        0.0..1e-6 => format!("{:.1} ns", seconds * 1e9),
        1e-6..1e-3 => format!("{:.1} us", seconds * 1e6),
        _ => format!("{:.2} ms", seconds * 1e3),
    }
}
