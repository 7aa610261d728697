//! Measurements that several servers take turns at.

use std::time::{Duration, Instant};

use crate::failure::Result;

/// What is measured: a server, or two of a kind.
pub(crate) trait Subject {
    /// The name in the tables.
    fn name(&self) -> &'static str;
}

/// One thing to measure, which may give several figures.
pub(crate) struct Work<'a, S> {
    /// What is done.
    pub(crate) name: String,
    /// The figures it gives.
    pub(crate) figures: &'static [Figure],
    /// How often, at each server.
    pub(crate) runs: usize,
    /// Does it once; a figure for each of [`Self::figures`].
    pub(crate) once: Box<Once<'a, S>>,
    /// Whether this server can do it at all.
    pub(crate) applies: fn(&S) -> bool,
}

/// A measurement at one server.
pub(crate) type Once<'a, S> = dyn Fn(&S) -> Result<Vec<f64>> + 'a;

/// One column's unit and direction.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Figure {
    /// Such as `GB/s`.
    pub(crate) unit: &'static str,
    /// Whether less is better.
    pub(crate) less_is_better: bool,
}

impl Figure {
    /// A figure of which more is better.
    pub(crate) const fn more(unit: &'static str) -> Self {
        Self {
            unit,
            less_is_better: false,
        }
    }

    /// A figure of which less is better.
    pub(crate) const fn less(unit: &'static str) -> Self {
        Self {
            unit,
            less_is_better: true,
        }
    }
}

/// What the runs of one work at one server gave.
pub(crate) struct Outcome {
    /// The server.
    pub(crate) server: &'static str,
    /// For each figure, what each run gave; or why there is none.
    pub(crate) values: std::result::Result<Vec<Vec<f64>>, String>,
}

/// Does the work at every server, one after the other, and again: A B A B.
pub(crate) fn interleaved<S: Subject>(work: &Work<'_, S>, servers: &[S]) -> Vec<Outcome> {
    let outcomes = all_interleaved(std::slice::from_ref(work), servers);
    outcomes.into_iter().flatten().collect()
}

/// As [`interleaved`], where works take turns too: for those that are compared with each other.
/// The outcomes of each work.
pub(crate) fn all_interleaved<S: Subject>(
    works: &[Work<'_, S>],
    servers: &[S],
) -> Vec<Vec<Outcome>> {
    let begun = |work| Begun::new(work, servers);
    let mut all: Vec<Begun<'_, '_, S>> = works.iter().map(begun).collect();
    let most = works.iter().map(|work| work.runs).max().unwrap_or(0);
    for run in 0..most {
        for begun in all.iter_mut().filter(|begun| run < begun.work.runs) {
            begun.run();
        }
    }
    all.into_iter().map(Begun::outcomes).collect()
}

/// A work, and what it gave so far at the servers that can do it.
struct Begun<'a, 'b, S> {
    work: &'a Work<'b, S>,
    outcomes: Vec<(&'a S, Outcome)>,
    /// How long each server has taken so far.
    taken: Vec<Duration>,
}

impl<'a, 'b, S: Subject> Begun<'a, 'b, S> {
    fn new(work: &'a Work<'b, S>, servers: &'a [S]) -> Self {
        eprintln!("{}, {} times at each server", work.name, work.runs);
        let able = servers.iter().filter(|server| (work.applies)(server));
        let outcomes = able.map(|server| {
            let outcome = Outcome {
                server: server.name(),
                values: Ok(vec![Vec::new(); work.figures.len()]),
            };
            (server, outcome)
        });
        let outcomes: Vec<_> = outcomes.collect();
        Self {
            work,
            taken: vec![Duration::ZERO; outcomes.len()],
            outcomes,
        }
    }

    fn outcomes(self) -> Vec<Outcome> {
        let outcomes = self.outcomes.into_iter();
        outcomes.map(|(_, outcome)| outcome).collect()
    }

    /// Once at each server that has not failed at it, nor taken too long.
    fn run(&mut self) {
        for ((server, outcome), taken) in self.outcomes.iter_mut().zip(&mut self.taken) {
            let Ok(values) = &mut outcome.values else {
                continue;
            };
            if *taken > LONG {
                continue;
            }
            let begun = Instant::now();
            match (self.work.once)(server) {
                Ok(figures) => {
                    for (column, figure) in values.iter_mut().zip(figures) {
                        column.push(figure);
                    }
                }
                Err(failure) => {
                    eprintln!("failed at {}: {failure}", server.name());
                    outcome.values = Err(failure.to_string());
                }
            }
            *taken += begun.elapsed();
        }
    }
}

/// The value in the middle, and how far the runs lie apart: half of the way from the least to
/// the greatest, as a share of it.
pub(crate) fn median_and_spread(values: &[f64]) -> Option<(f64, f64)> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    let (first, last) = (sorted.first()?, sorted.last()?);
    let half = sorted.len() / 2;
    let upper = sorted.get(half)?;
    let median = if sorted.len().is_multiple_of(2) {
        f64::midpoint(*sorted.get(half - 1)?, *upper)
    } else {
        *upper
    };
    let spread = if median == 0.0 {
        0.0
    } else {
        (last - first) / 2.0 / median
    };
    Some((median, spread))
}

/// Who has taken so long at a work is not asked again: thousands of files one by one over a long
/// way take minutes, and vary little.
const LONG: Duration = Duration::from_secs(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_middle_and_the_spread_half_the_range() {
        assert_eq!(median_and_spread(&[]), None);
        assert_eq!(median_and_spread(&[2.0]), Some((2.0, 0.0)));
        assert_eq!(median_and_spread(&[4.0, 1.0, 2.0]), Some((2.0, 0.75)));
        assert_eq!(median_and_spread(&[3.0, 1.0]), Some((2.0, 0.5)));
    }
}
