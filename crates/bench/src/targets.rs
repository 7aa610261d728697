//! What each row has to reach, and how far ours is from it, beside the best other in the same run.

use crate::table::{Row, rounded};

/// Ours beside the best of the others, for one row that has a target.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Standing {
    /// The work, as the table names it.
    pub(crate) work: String,
    /// What is counted.
    pub(crate) unit: &'static str,
    /// What ours reached.
    pub(crate) ours: f64,
    /// The best of the others, and what it reached.
    pub(crate) best: Option<(&'static str, f64)>,
    /// What ours has to reach.
    pub(crate) aim: Aim,
    less_is_better: bool,
}

/// What has to be reached.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Aim {
    /// So many times as good as the best of the others. Half as much of what is spent is twice as
    /// good.
    Times(f64),
    /// At most so much, whatever others reach.
    AtMost(f64),
}

/// Where our figures stand, row by row, for the rows that have a target.
pub(crate) fn standings(rows: &[Row], ours: &str) -> Vec<Standing> {
    rows.iter()
        .filter_map(|row| Standing::of(row, ours))
        .collect()
}

impl Standing {
    fn of(row: &Row, ours: &str) -> Option<Self> {
        let target = TARGETS.iter().find(|target| target.is_of(row))?;
        Some(Self {
            work: row.work.clone(),
            unit: row.unit,
            ours: row.figure(ours)?.0,
            best: row.best_but(ours),
            aim: target.aim,
            less_is_better: row.less_is_better,
        })
    }

    /// A standing of which all is known; more is better.
    #[cfg(test)]
    pub(crate) fn known(
        work: &str,
        unit: &'static str,
        ours: f64,
        best: Option<(&'static str, f64)>,
        aim: Aim,
    ) -> Self {
        Self {
            work: work.to_owned(),
            unit,
            ours,
            best,
            aim,
            less_is_better: false,
        }
    }

    /// How many times as good as the best of the others.
    pub(crate) fn ratio(&self) -> Option<f64> {
        let (_, best) = self.best?;
        let (more, less) = if self.less_is_better {
            (best, self.ours)
        } else {
            (self.ours, best)
        };
        (less > 0.0).then(|| more / less)
    }

    /// The ratio that would be enough.
    pub(crate) fn ratio_aimed_at(&self) -> Option<f64> {
        match (self.aim, self.best) {
            (Aim::Times(times), _) => Some(times),
            (Aim::AtMost(most), Some((_, best))) if most > 0.0 => Some(best / most),
            (Aim::AtMost(_), _) => None,
        }
    }

    /// Whether it is reached; `None` where there was nothing to compare with.
    pub(crate) fn is_met(&self) -> Option<bool> {
        match self.aim {
            Aim::Times(times) => Some(self.ratio()? >= times),
            Aim::AtMost(most) => Some(self.ours <= most),
        }
    }

    /// Work, unit, ours, the best other, ratio, target, met.
    fn cells(&self) -> [String; 7] {
        let none = || "–".to_owned();
        let best = |(name, value)| format!("{} ({name})", rounded(value));
        let met = |met| if met { "yes" } else { "no" }.to_owned();
        [
            self.work.clone(),
            self.unit.to_owned(),
            rounded(self.ours),
            self.best.map_or_else(none, best),
            self.ratio().map_or_else(none, times),
            self.aim.words(),
            self.is_met().map_or_else(none, met),
        ]
    }
}

impl Aim {
    /// As the table tells it.
    pub(crate) fn words(self) -> String {
        match self {
            Self::Times(times) => format!("≥ {times:.2} ×"),
            Self::AtMost(most) => format!("≤ {}", rounded(most)),
        }
    }
}

/// The table in markdown; empty where no row has a target.
pub(crate) fn markdown(standings: &[Standing]) -> String {
    if standings.is_empty() {
        return String::new();
    }
    let mut text = "| work | unit | thirdhostd | best other | ratio | target | met |\n\
                    |---|---|---|---|---|---|---|\n"
        .to_owned();
    for standing in standings {
        text.push_str(&format!("| {} |\n", standing.cells().join(" | ")));
    }
    text
}

/// As the table and the picture tell a ratio.
pub(crate) fn times(ratio: f64) -> String {
    format!("{} ×", rounded(ratio))
}

/// A target, and the row it is for.
struct Target {
    /// What the name of the work begins and ends with.
    work: (&'static str, &'static str),
    unit: &'static str,
    aim: Aim,
}

impl Target {
    fn is_of(&self, row: &Row) -> bool {
        let (begin, end) = self.work;
        self.unit == row.unit && row.work.starts_with(begin) && row.work.ends_with(end)
    }

    const fn times(begin: &'static str, end: &'static str, unit: &'static str, least: f64) -> Self {
        Self {
            work: (begin, end),
            unit,
            aim: Aim::Times(least),
        }
    }

    const fn at_most(
        begin: &'static str,
        end: &'static str,
        unit: &'static str,
        most: f64,
    ) -> Self {
        Self {
            work: (begin, end),
            unit,
            aim: Aim::AtMost(most),
        }
    }
}

const SPEED: &str = "GB/s";
const COST: &str = "server CPU s/GiB";

/// Every target. What has none is in the tables for whoever wants to know.
const TARGETS: [Target; 16] = [
    Target::times("RETR ", "MiB", SPEED, 0.9),
    // At most 1.15 times what the best spends.
    Target::times("RETR ", "MiB", COST, 0.87),
    Target::times("STOR ", "MiB", SPEED, 1.0),
    Target::times("RETR ", "under TLS", SPEED, 1.2),
    Target::times("MLSD of ", "", "per second", 2.0),
    Target::times("logins, 32 ", "", "per second", 1.0),
    Target::at_most("10000 idle sessions", "", "KiB PSS each", 8.0),
    Target::at_most("10000 idle sessions", "", "MiB PSS before", 10.0),
    Target::times("one file of ", "own client", SPEED, 0.95),
    Target::times("one file of ", "own client", COST, 1.0),
    Target::times("1000 files of ", "own client", "files/s", 3.0),
    Target::times("200 files of ", "own client", "files/s", 5.0),
    Target::times("2000 files of ", "own client", "files/s", 5.0),
    Target::at_most("200 files of ", "own client", "round trips", 15.0),
    // 20, and the bytes: slow start brings 14 KB, and twice as many in each round trip; 8 MB take
    // 10.
    Target::at_most("2000 files of ", "own client", "round trips", 30.0),
    Target::times("200 files of ", "connections", "files/s", 2.0),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn row(work: &str, unit: &'static str, values: &[(&'static str, f64)]) -> Row {
        let less = unit != "GB/s" && unit != "per second";
        let values: BTreeMap<_, _> = values.iter().map(|(name, v)| (*name, vec![*v])).collect();
        Row::known(work, unit, less, values)
    }

    #[test]
    fn each_row_stands_beside_the_best_of_the_others() {
        let rows = [
            row(
                "RETR 9 MiB",
                "GB/s",
                &[("we", 9.0), ("a", 6.0), ("b", 10.0)],
            ),
            row("RETR 9 MiB under TLS", "GB/s", &[("we", 3.0), ("a", 1.5)]),
            row(
                "RETR 9 MiB",
                "server CPU s/GiB",
                &[("we", 0.5), ("a", 0.25), ("b", 1.0)],
            ),
            row("logins, 1 at once", "per second", &[("we", 9.0)]),
            row("MLSD of 10000 entries", "per second", &[("we", 9.0)]),
            row(
                "10000 idle sessions",
                "KiB PSS each",
                &[("we", 8.0), ("a", 4.0)],
            ),
            row("10000 idle sessions", "MiB PSS before", &[("we", 10.5)]),
        ];
        let found: Vec<_> = standings(&rows, "we")
            .iter()
            .map(|standing| {
                let best = standing.best.map(|(name, _)| name);
                let ratios = (standing.ratio(), standing.ratio_aimed_at());
                (best, ratios, standing.is_met())
            })
            .collect();
        let expected = [
            (Some("b"), (Some(0.9), Some(0.9)), Some(true)),
            (Some("a"), (Some(2.0), Some(1.2)), Some(true)),
            (Some("a"), (Some(0.5), Some(0.87)), Some(false)),
            (None, (None, Some(2.0)), None),
            (Some("a"), (Some(0.5), Some(0.5)), Some(true)),
            (None, (None, None), Some(false)),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn the_table_says_whether_the_target_is_met() {
        let rows = [row("STOR 9 MiB", "GB/s", &[("we", 1.25), ("a", 1.0)])];
        let table = markdown(&standings(&rows, "we"));
        let last = table.lines().last();
        let expected = "| STOR 9 MiB | GB/s | 1.25 | 1.00 (a) | 1.25 × | ≥ 1.00 × | yes |";
        assert_eq!(last, Some(expected));
        assert_eq!(markdown(&[]), "");
    }
}
