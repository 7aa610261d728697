//! How many round trips a copy takes, counted in its dialogue: no clock is read.

use std::collections::{HashMap, HashSet, VecDeque};
use std::fs;

use super::Scene;

/// From the first call to the last reply: logins, looks, the listing, 200 files in 10 folders.
#[test]
fn two_hundred_files_in_ten_folders_take_few_round_trips() {
    let scene = Scene::with_files(200);
    let mut client = scene.client(&["-v"]);
    assert!(client.wait().unwrap().success(), "{}", scene.said());
    scene.is_converged();
    let said = scene.said();
    assert_eq!(said.matches("> STOR").count(), 200);
    assert!(
        count(&said) <= COUNTED,
        "{} in {}",
        count(&said),
        head(&said)
    );
}

/// The listing that was announced for it does not come.
#[test]
fn a_file_copied_as_a_tree_goes_as_any_file() {
    let scene = Scene::with_files(1);
    fs::create_dir(scene.destination.path("there")).unwrap();
    let mut client = scene.client_for(&["-v"], "tree/d0/f0.0", "there");
    assert!(client.wait().unwrap().success(), "{}", scene.said());
    let said = scene.said();
    assert!(
        said.contains("> EPSV") && !said.contains("> MLSD"),
        "{said}"
    );
    assert_eq!(said.matches("> USER").count(), 2, "{said}");
    let found = fs::read(scene.destination.path("there/f0.0")).unwrap();
    assert_eq!(found, fs::read(scene.source.path("tree/d0/f0.0")).unwrap());
}

#[test]
fn a_wait_is_one_round_trip_whatever_is_sent_before_it() {
    let greeting = "a < 220 Ready.\nb < 220 Ready.\n";
    for (said, expected) in [
        ("", 2),
        ("a > FEAT\na < 211-Features\na <  SIZE\na < 211 End\n", 3),
        ("a > NOOP\na > NOOP\na < 200 Ok.\na < 200 Ok.\n", 3),
        ("a > NOOP\na < 200 Ok.\na > NOOP\na < 200 Ok.\n", 4),
        ("a > NOOP\na < 200 Ok.\nb > NOOP\nb < 200 Ok.\n", 3),
        (
            "a > LSTN R\na < 255 SOCK 1\nb > SOCK ,1\nb < 255 SOCK 2\n",
            4,
        ),
        (
            "a > RETR x\nb > SOCK ,1\nb < 255 SOCK 2\nb > STOR x\na < 250 Ok.\nb < 250 Ok.\n",
            5,
        ),
        ("a > QUIT\n", 2),
        ("a > QUIT\na < 220 Ready.\n", 4),
        (
            "a > NOOP\na < 200 Ok.\na > QUIT\na < 221 Bye.\na < 220 Ready.\n",
            5,
        ),
    ] {
        assert_eq!(count(&format!("{greeting}{said}")), expected, "{said}");
    }
}

/// The number of the last round trip that the client has waited for.
///
/// A command goes out in the round of the last reply to it that its own connection had, and one
/// of [`AFTER_BOTH`] in that of the last reply at all; its reply comes a round later.
pub(super) fn count(said: &str) -> u32 {
    let mut sites: HashMap<&str, Dialogue> = HashMap::new();
    let mut seen = HashSet::new();
    let mut last = 0;
    let mut goodbye = 0;
    let mut bytes = None;
    let mut heard = 0;
    for line in said.lines() {
        let Some((site, line)) = line.split_once(' ') else {
            continue;
        };
        if let Some(command) = line.strip_prefix("> ") {
            let verb = command.split(' ').next().unwrap_or_default();
            let dialogue = sites.entry(site).or_default();
            let is_first = seen.insert((site, verb));
            let waits_for_both = match verb {
                "LSTN" | "SOCK" => true,
                _ => is_first && AFTER_BOTH.contains(&verb),
            };
            let is_of_window = !is_first && OF_WINDOW.contains(&verb);
            let sent = match () {
                () if waits_for_both => last,
                () if is_of_window => heard,
                () => dialogue.heard,
            };
            let arrives = match (verb, is_first) {
                // Nobody waits for these.
                _ if ["OPTS PIPELINE OFF", "MODE S"].contains(&command) => None,
                // The call to the data socket goes out with the command, and data behind it.
                ("MLSD", true) => Some(sent + 2),
                // The source calls: half a round until it is told, a whole one to meet, half a
                // one for the bytes, and half a one for the word of the destination.
                ("RETR", true) => {
                    bytes = Some(sent + 3);
                    bytes
                }
                ("STOR", true) => Some((sent + 1).max(bytes.unwrap_or(sent + 3))),
                _ => Some(sent + 1),
            };
            if verb == "QUIT" {
                // Nobody waits for this either; who calls anew has said it before.
                goodbye = dialogue.heard;
                dialogue.owed.clear();
            } else {
                dialogue.owed.push_back(arrives);
            }
        } else if let Some(reply) = line.strip_prefix("< ")
            && is_final(reply)
            && !reply.starts_with("221")
        {
            let dialogue = sites.entry(site).or_default();
            let arrives = match dialogue.owed.pop_front() {
                Some(arrives) => arrives,
                // The call, and the greeting; nobody calls anew who does not leave before.
                None => Some(goodbye + 2),
            };
            heard = dialogue.heard.max(arrives.unwrap_or_default());
            dialogue.heard = heard;
            last = last.max(dialogue.heard);
        }
    }
    last
}

/// What is known of one site.
#[derive(Debug, Default)]
struct Dialogue {
    /// For each command that is under way, when its reply comes, if anybody waits for it.
    owed: VecDeque<Option<u32>>,
    /// When the last reply came.
    heard: u32,
}

/// The last line of a reply that is not 1yz.
fn is_final(line: &str) -> bool {
    let (code, rest) = line.split_at_checked(3).unwrap_or_default();
    let is_code = code.parse::<u16>().is_ok_and(|code| code >= 200);
    is_code && !rest.starts_with('-')
}

/// The dialogue up to the files.
fn head(said: &str) -> String {
    let lines = said.lines().filter(|line| !line.contains(" <  "));
    lines.take(80).collect::<Vec<_>>().join("\n")
}

/// The first of these in a dialogue waits for what both servers have said before.
const AFTER_BOTH: [&str; 3] = ["MKD", "RETR", "STOR"];

/// These are sent when the window moves on: with the reply that was just heard, of either server.
const OF_WINDOW: [&str; 4] = ["RETR", "STOR", "HASH", "MFMT"];

/// As counted; fewer is better, and 15 is what it must not exceed.
const COUNTED: u32 = 10;

/// The same for 2,000 files, which do not fit into one window.
pub(super) const COUNTED_OF_MANY: u32 = 16;
