//! What was measured, as a plain table, as markdown and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use clap::ValueEnum as _;
use serde::Serialize;

use crate::args::{Args, Verb};
use crate::drive::UNENDED;
use crate::failure::{Failure, Result, While};
use crate::peers::Running;
use crate::setting::Setting;
use crate::stage::Stage;
use crate::targets::{self, Standing};
use crate::work::{Figure, Outcome, Work, median_and_spread};

/// Everything one run has to tell.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    verb: String,
    command: String,
    setting: Setting,
    servers: Vec<Server>,
    rows: Vec<Row>,
    /// What could not be measured, and why.
    missing: Vec<String>,
    /// What else a reader must know.
    remarks: Vec<String>,
}

#[derive(Debug, Serialize)]
struct Server {
    name: &'static str,
    version: String,
    note: &'static str,
}

/// One figure of one work at all servers.
#[derive(Debug, Serialize)]
pub(crate) struct Row {
    pub(crate) work: String,
    pub(crate) unit: &'static str,
    pub(crate) less_is_better: bool,
    /// Every run, by server.
    values: BTreeMap<&'static str, Vec<f64>>,
    /// By server, what is said where a client did not end.
    unended: BTreeMap<&'static str, String>,
}

impl Report {
    /// A report that has nothing to tell yet; `network` in words.
    pub(crate) fn new(args: &Args, verb: Verb, network: String) -> Result<Self> {
        let given: Vec<String> = std::env::args().skip(1).collect();
        let given: Vec<&str> = given.iter().map(String::as_str).collect();
        let given: Vec<&str> = given
            .into_iter()
            .filter(|arg| *arg != "--in-namespace")
            .collect();
        if args
            .only
            .iter()
            .any(|name| !crate::peers::NAMES.contains(&name.as_str()))
        {
            let known = crate::peers::NAMES.join(", ");
            return Err(Failure::new(format!("--only takes these names: {known}")));
        }
        Ok(Self {
            verb: verb
                .to_possible_value()
                .map_or_else(String::new, |verb| verb.get_name().to_owned()),
            command: format!("cargo xtask bench {}", given.join(" ")),
            setting: Setting::now(network),
            servers: Vec::new(),
            rows: Vec::new(),
            missing: Vec::new(),
            remarks: Vec::new(),
        })
    }

    /// Notes which servers there are, and where the files lie.
    pub(crate) fn has(&mut self, stage: &Stage, servers: &[&Running]) {
        self.setting.file_system = stage.file_system();
        for server in servers {
            let recipe = server.recipe();
            if self.servers.iter().all(|known| known.name != recipe.name) {
                self.servers.push(Server {
                    name: recipe.name,
                    version: recipe.version.clone(),
                    note: recipe.note,
                });
            }
        }
    }

    /// Notes where it ran, if that is not where the program runs; in words.
    pub(crate) fn ran_in(&mut self, network: String) {
        self.setting.network = network;
    }

    /// Notes the congestion control there.
    pub(crate) fn ran_under(&mut self, congestion_control: &str) {
        congestion_control.clone_into(&mut self.setting.congestion_control);
    }

    /// Notes why nothing was measured.
    pub(crate) fn lacks(&mut self, why: String) {
        self.missing.push(why);
    }

    /// Notes what a reader must know besides.
    pub(crate) fn remark(&mut self, words: String) {
        self.remarks.push(words);
    }

    /// Takes what a work gave.
    pub(crate) fn add<S>(&mut self, work: &Work<'_, S>, outcomes: Vec<Outcome>) {
        let mut rows: Vec<Row> = work
            .figures
            .iter()
            .map(|figure| Row::new(work, *figure))
            .collect();
        for outcome in outcomes {
            match outcome.values {
                Ok(columns) => {
                    for (row, values) in rows.iter_mut().zip(columns) {
                        row.values.insert(outcome.server, values);
                    }
                }
                Err(why) if why.starts_with(UNENDED) => {
                    for row in &mut rows {
                        row.unended.insert(outcome.server, why.clone());
                    }
                }
                Err(why) => {
                    let missing = format!("{} at {}: {why}", work.name, outcome.server);
                    self.missing.push(missing);
                }
            }
        }
        self.rows.extend(rows);
    }

    /// Where ours stands in the rows that have a target.
    pub(crate) fn standings(&self) -> Vec<Standing> {
        targets::standings(&self.rows, crate::peers::OURS)
    }

    /// What repeats it.
    pub(crate) fn command(&self) -> &str {
        &self.command
    }

    /// What it ran under.
    pub(crate) fn setting(&self) -> &Setting {
        &self.setting
    }

    /// Prints the table, and puts it where that was asked for.
    pub(crate) fn finish(&self, args: &Args) -> Result<()> {
        println!("{}", aligned(&self.cells(false)));
        println!("{}", self.setting.sentence());
        for server in &self.servers {
            println!("{}: {}; {}", server.name, server.version, server.note);
        }
        for missing in &self.missing {
            println!("not measured: {missing}");
        }
        for remark in &self.remarks {
            println!("{remark}");
        }
        match &args.write {
            Some(path) => self.put_into(path),
            None => Ok(()),
        }
    }

    /// The header and the rows; in markdown the best of each row is set in bold.
    fn cells(&self, markdown: bool) -> Vec<Vec<String>> {
        let mut header = vec!["work".to_owned(), "unit".to_owned()];
        header.extend(self.servers.iter().map(|server| server.name.to_owned()));
        let rows = self
            .rows
            .iter()
            .map(|row| row.cells(&self.servers, markdown));
        std::iter::once(header).chain(rows).collect()
    }

    fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n", self.verb);
        for (number, row) in self.cells(true).iter().enumerate() {
            text.push_str(&format!("| {} |\n", row.join(" | ")));
            if number == 0 {
                text.push_str(&format!("|{}\n", "---|".repeat(row.len())));
            }
        }
        // Writing to a string does not fail.
        let mut line = |words: String| writeln!(text, "\n{words}").ok();
        line(format!(
            "Medians; ± is half the range of the runs. {}",
            self.setting.sentence()
        ));
        for server in &self.servers {
            line(format!(
                "- {}: {}; {}",
                server.name, server.version, server.note
            ));
        }
        for missing in &self.missing {
            line(format!("- Not measured: {missing}"));
        }
        for remark in &self.remarks {
            line(format!("{remark}."));
        }
        line(format!("Repeat it with `{}`.", self.command));
        let aimed = targets::markdown(&self.standings());
        if !aimed.is_empty() {
            line(format!(
                "Ours beside the best other; a ratio above 1 is better than it:\n\n{aimed}"
            ));
        }
        text
    }

    /// Replaces the section of this verb, or adds it.
    fn put_into(&self, path: &Path) -> Result<()> {
        let old = fs::read_to_string(path).unwrap_or_else(|_| HEAD.to_owned());
        let heading = format!("## {}\n", self.verb);
        let mut sections: Vec<String> = Vec::new();
        for line in old.lines() {
            if line.starts_with("## ") || sections.is_empty() {
                sections.push(String::new());
            }
            if let Some(section) = sections.last_mut() {
                section.push_str(line);
                section.push('\n');
            }
        }
        match sections
            .iter_mut()
            .find(|section| section.starts_with(&heading))
        {
            Some(section) => *section = self.markdown() + "\n",
            None => sections.push(self.markdown()),
        }
        let text = sections.join("");
        fs::write(path, text.trim_end().to_owned() + "\n").during(path.display())
    }
}

impl Row {
    fn new<S>(work: &Work<'_, S>, figure: Figure) -> Self {
        Self {
            work: work.name.clone(),
            unit: figure.unit,
            less_is_better: figure.less_is_better,
            values: BTreeMap::new(),
            unended: BTreeMap::new(),
        }
    }

    fn cells(&self, servers: &[Server], markdown: bool) -> Vec<String> {
        let best = self.best();
        let cell = |server: &Server| match self.figure(server.name) {
            None => match self.unended.get(server.name) {
                Some(words) => words.clone(),
                None => "–".to_owned(),
            },
            Some((median, spread)) => {
                let value = format!("{} ±{:.0}%", rounded(median), spread * 100.0);
                if markdown && Some(median) == best {
                    format!("**{value}**")
                } else {
                    value
                }
            }
        };
        let mut cells = vec![self.work.clone(), self.unit.to_owned()];
        cells.extend(servers.iter().map(cell));
        cells
    }

    fn best(&self) -> Option<f64> {
        Some(self.best_but("")?.1)
    }

    /// The best of all servers but `one`, by its median.
    pub(crate) fn best_but(&self, one: &str) -> Option<(&'static str, f64)> {
        let others = self.values.keys().filter(|name| **name != one);
        let medians = others.filter_map(|name| Some((*name, self.figure(name)?.0)));
        let by_median = |a: &(_, f64), b: &(_, f64)| a.1.total_cmp(&b.1);
        if self.less_is_better {
            medians.min_by(by_median)
        } else {
            medians.max_by(by_median)
        }
    }

    /// The median at one server, and the spread.
    pub(crate) fn figure(&self, server: &str) -> Option<(f64, f64)> {
        median_and_spread(self.values.get(server)?)
    }

    /// A row of which the values are known.
    #[cfg(test)]
    pub(crate) fn known(
        work: &str,
        unit: &'static str,
        less_is_better: bool,
        values: BTreeMap<&'static str, Vec<f64>>,
    ) -> Self {
        Self {
            work: work.to_owned(),
            unit,
            less_is_better,
            values,
            unended: BTreeMap::new(),
        }
    }
}

/// All reports of a run in one file.
pub(crate) fn write_json(path: &Path, reports: &[Report]) -> Result<()> {
    let json = serde_json::to_string_pretty(reports).during("writing JSON")?;
    fs::write(path, json + "\n").during(path.display())
}

/// Three digits that count.
pub(crate) fn rounded(value: f64) -> String {
    match value {
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => format!("{value:.0}"),
    }
}

fn aligned(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{cell:<width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// What stands above the tables.
const HEAD: &str = "\
# Results

Written by `cargo xtask bench <verb> --write`; what the rows mean is in
[README.md](README.md). Only what stands side by side in one table can be compared.

";
