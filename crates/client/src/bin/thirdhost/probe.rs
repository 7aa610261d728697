//! `probe`: which ways there are between two servers, and what would open the others.

use serde_json::{Value, json};
use thirdhost_client::{
    Arrangement, Diagnosis, ExitCode, Pathname, Policy, Probe, Probed, Product, Remote, Side,
    Trial, Verdict,
};

use crate::console::Console;
use crate::failure::Failure;
use crate::session;

/// Tries every way, and says what came of it.
pub(crate) async fn run(
    console: &Console,
    policy: Policy,
    source: &str,
    destination: &str,
    read_only: bool,
) -> Result<ExitCode, Failure> {
    let (from, to) = (session::remote(source)?, session::remote(destination)?);
    let environment = console.environment();
    let probe = Probe {
        source: session::site(console, &from, environment).await?,
        destination: session::site(console, &to, environment).await?,
        files: [file(&from)?, file(&to)?],
        read_only,
        policy,
    };
    let probed = Box::pin(probe.run()).await?;
    let code = match probed.is_possible() {
        true => ExitCode::Done,
        false => ExitCode::ThirdPartyRefused,
    };
    let sites = [from.site(), to.site()];
    if console.is_json() {
        for trial in &probed.trials {
            console.write(&trial_event(trial).to_string())?;
        }
        console.write(&summary_event(&probed, &sites, code).to_string())?;
    } else {
        for line in report(&probed, &sites) {
            console.answer(&line, &Value::Null)?;
        }
    }
    Ok(code)
}

/// A name that nobody has in the directory told, or in that of the login.
fn file(place: &Remote) -> Result<Pathname, Failure> {
    let directory = place.path_text();
    let slash = if directory.is_empty() || directory.ends_with('/') {
        ""
    } else {
        "/"
    };
    let name = format!("thirdhost-probe-{:08x}", std::process::id());
    let path = Pathname::try_from(format!("{directory}{slash}{name}").as_str());
    path.map_err(|problem| thirdhost_client::Error::from(problem).into())
}

/// The table, and below it a note for each way that does not work.
fn report(probed: &Probed, sites: &[String; 2]) -> Vec<String> {
    let (from, to) = (in_brackets(probed.source), in_brackets(probed.destination));
    let mut lines = vec![
        format!("source       {}{from}", sites[0]),
        format!("destination  {}{to}", sites[1]),
        String::new(),
        line("", "destination listens", "source listens"),
    ];
    let mut notes: Vec<Note> = Vec::new();
    for arrangement in [Arrangement::Lstn, Arrangement::Epsv, Arrangement::Pasv] {
        let mut cell = |listener| {
            let is_it =
                |trial: &&Trial| trial.arrangement == arrangement && trial.listener == listener;
            cell(
                probed,
                sites,
                probed.trials.iter().filter(is_it),
                &mut notes,
            )
        };
        let (destination, source) = (cell(Side::Destination), cell(Side::Source));
        lines.push(line(&arrangement.to_string(), &destination, &source));
    }
    for (number, note) in notes.iter().enumerate() {
        lines.push(String::new());
        let mut rows = note.text.lines();
        lines.extend(rows.next().map(|row| format!("({}) {row}", number + 1)));
        lines.extend(rows.map(|row| format!("    {row}")));
    }
    if !probed.is_possible() {
        lines.push(String::new());
        lines.push("no direct way: thirdhost cp would pass the bytes through this host".to_owned());
    }
    lines
}

fn line(name: &str, destination: &str, source: &str) -> String {
    let line = format!("{name:<14} {destination:<20} {source}");
    line.trim_end().to_owned()
}

fn cell<'a>(
    probed: &Probed,
    sites: &[String; 2],
    trials: impl Iterator<Item = &'a Trial>,
    notes: &mut Vec<Note>,
) -> String {
    let mut words: Vec<String> = Vec::new();
    for trial in trials {
        let (word, note) = match &trial.verdict {
            Verdict::Works => ("works", None),
            Verdict::Granted => ("granted", None),
            Verdict::NotOffered { said, .. } => ("not offered", Some(Note::plain(said))),
            Verdict::Refused { said, diagnosis } => (
                "refused",
                Some(Note::explained(probed, sites, said, diagnosis)),
            ),
            _ => continue,
        };
        let Some(note) = note else {
            return word.to_owned();
        };
        let known = notes.iter().position(|other| other.is_like(&note));
        let number = known.unwrap_or_else(|| {
            notes.push(note);
            notes.len() - 1
        });
        let word = format!("{word} ({})", number + 1);
        if !words.contains(&word) {
            words.push(word);
        }
    }
    match words.is_empty() {
        true => "-".to_owned(),
        false => words.join(", "),
    }
}

/// What stands below the table.
struct Note {
    text: String,
    /// For the same reason nothing is said twice, though a server's words may differ a little.
    reason: Option<Diagnosis>,
}

impl Note {
    fn plain(said: &str) -> Self {
        Self {
            text: said.to_owned(),
            reason: None,
        }
    }

    /// One sentence, what was said, and the line that would allow it.
    fn explained(probed: &Probed, sites: &[String; 2], said: &str, diagnosis: &Diagnosis) -> Self {
        let mut text = String::new();
        if let Some(side) = diagnosis.side {
            let (site, product) = match side {
                Side::Source => (&sites[0], probed.source),
                Side::Destination => (&sites[1], probed.destination),
            };
            let (product, cause) = (in_brackets(product), diagnosis.cause);
            text.push_str(&format!("the {side} {site}{product} {cause}\n"));
        }
        text.push_str(&format!("seen: {said}"));
        if !diagnosis.line.is_empty() {
            let Diagnosis { place, line, .. } = diagnosis;
            text.push_str(&format!("\nto allow it, in {place}:\n    {line}"));
        }
        Self {
            text,
            reason: Some(diagnosis.clone()),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        match (&self.reason, &other.reason) {
            (Some(one), Some(two)) => one == two,
            _ => self.text == other.text,
        }
    }
}

/// ` (vsftpd)`
fn in_brackets(product: Product) -> String {
    match product {
        Product::Unknown => String::new(),
        known => format!(" ({known})"),
    }
}

fn trial_event(trial: &Trial) -> Value {
    let (verdict, said, diagnosis) = match &trial.verdict {
        Verdict::Works => ("works", None, None),
        Verdict::Granted => ("granted", None, None),
        Verdict::NotOffered { said, diagnosis } => ("not_offered", Some(said), Some(diagnosis)),
        Verdict::Refused { said, diagnosis } => ("refused", Some(said), Some(diagnosis)),
        _ => ("unknown", None, None),
    };
    let told = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    json!({
        "event": "trial",
        "arrangement": format!("{:?}", trial.arrangement).to_lowercase(),
        "listener": trial.listener.to_string(),
        "tls_client": trial.tls_client.map(|side| side.to_string()),
        "verdict": verdict,
        "said": said,
        "side": diagnosis.and_then(|found| found.side).map(|side| side.to_string()),
        "cause": diagnosis.map(|found| found.cause),
        "place": diagnosis.and_then(|found| told(found.place)),
        "line": diagnosis.and_then(|found| told(&found.line)),
    })
}

fn summary_event(probed: &Probed, sites: &[String; 2], code: ExitCode) -> Value {
    let product = |product: Product| match product {
        Product::Unknown => None,
        known => Some(known.to_string()),
    };
    json!({
        "event": "probed",
        "source": {"site": sites[0], "product": product(probed.source)},
        "destination": {"site": sites[1], "product": product(probed.destination)},
        "direct": probed.is_possible(),
        "exit_code": code.number(),
    })
}
