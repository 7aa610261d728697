//! `thirdhost-lab`: three hosts and the network between them, by hand.

use std::process::ExitCode;

#[cfg(not(target_os = "linux"))]
fn main() -> ExitCode {
    eprintln!("thirdhost-lab: network namespaces are Linux's");
    ExitCode::FAILURE
}

#[cfg(target_os = "linux")]
fn main() -> ExitCode {
    hands::main()
}

#[cfg(target_os = "linux")]
mod hands {
    use std::io::{self, BufRead as _};
    use std::process::{Command, ExitCode, Stdio};
    use std::time::Duration;

    use clap::Parser;
    use thirdhost_lab::{Cut, Guest, Host, Inside, Lab, Link, Options, Way, inside, round_trip};

    /// Three hosts (user 10.77.0.1, a 10.77.0.2, b 10.77.0.3) with a network between them.
    /// Orders come on standard input; `help` lists them.
    #[derive(Debug, Parser)]
    #[command(name = "thirdhost-lab")]
    struct Args {
        /// One way, between any two hosts; a round trip takes twice that.
        #[arg(long, value_name = "MS", default_value_t = 0.0)]
        delay: f64,
        /// Another delay for one pair, such as a-b=2; may be repeated.
        #[arg(long, value_name = "LINK=MS")]
        pair: Vec<String>,
        /// Each host's line towards the network, in million bits a second.
        #[arg(long, value_name = "MBIT")]
        rate: Option<u64>,
        /// How much waits before such a line.
        #[arg(long, value_name = "KIB")]
        queue: Option<u64>,
        /// Packets lost, each by its own throw.
        #[arg(long, value_name = "PERCENT", default_value_t = 0.0)]
        loss: f64,
        /// What the throws begin from.
        #[arg(long, default_value_t = 1)]
        seed: u64,
        /// The congestion control of the hosts, such as reno.
        #[arg(long, value_name = "NAME")]
        congestion_control: Option<String>,
        /// The longest packet, in bytes.
        #[arg(long, default_value_t = 1500)]
        mtu: u16,
    }

    pub(super) fn main() -> ExitCode {
        let args = Args::parse();
        let run = || match inside()? {
            Inside::Elsewhere(code) => Ok(code),
            Inside::Here => obey(&args).map(|()| ExitCode::SUCCESS),
        };
        run().unwrap_or_else(|error: io::Error| {
            eprintln!("thirdhost-lab: {error}");
            ExitCode::FAILURE
        })
    }

    fn obey(args: &Args) -> io::Result<()> {
        let lab = Lab::up(&options(args)?)?;
        eprintln!("up; `help` lists the orders");
        let mut guests = Vec::new();
        for line in io::stdin().lock().lines() {
            let line = line?;
            let words: Vec<&str> = line.split_whitespace().collect();
            if words == ["quit"] {
                break;
            }
            if let Err(error) = obey_one(&lab, &words, &mut guests) {
                eprintln!("{error}");
            }
        }
        eprint!("{}", lab.counts()?);
        Ok(())
    }

    fn obey_one(lab: &Lab, words: &[&str], guests: &mut Vec<Guest>) -> io::Result<()> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let link = |word: &str| word.parse::<Link>().map_err(wrong);
        match words {
            [] => {}
            ["run", host, command @ ..] if !command.is_empty() => {
                let ended = start(lab, host.parse().map_err(wrong)?, command)?.wait()?;
                eprintln!("{ended}");
            }
            ["start", host, command @ ..] if !command.is_empty() => {
                guests.push(start(lab, host.parse().map_err(wrong)?, command)?);
            }
            ["cut", name, way] => {
                let way = match *way {
                    "blackhole" => Way::Blackhole,
                    "reset" => Way::Reset,
                    host => Way::From(host.parse().map_err(wrong)?),
                };
                let link = link(name)?;
                lab.cut(Cut { link, way });
            }
            ["heal"] => lab.heal_all(),
            ["heal", name] => lab.heal(link(name)?),
            ["counts"] => eprint!("{}", lab.counts()?),
            ["ping"] => ping(lab)?,
            _ => eprint!("{ORDERS}"),
        }
        Ok(())
    }

    fn start(lab: &Lab, host: Host, words: &[&str]) -> io::Result<Guest> {
        let mut command = Command::new("sh");
        command.args(["-c", &words.join(" ")]).stdin(Stdio::null());
        lab.spawn(host, &mut command)
    }

    fn ping(lab: &Lab) -> io::Result<()> {
        for link in Link::ALL {
            let [from, to] = link.ends();
            let times = (0..PINGS).map(|_| round_trip(lab, from, to));
            let mut times = times.collect::<io::Result<Vec<_>>>()?;
            times.sort_unstable();
            let half = times.len() / 2;
            if let (Some(least), Some(median), Some(most)) =
                (times.first(), times.get(half), times.last())
            {
                eprintln!("{link}: {least:.1?}, {median:.1?} in the middle, {most:.1?} at most");
            }
        }
        Ok(())
    }

    fn options(args: &Args) -> io::Result<Options> {
        let wrong = |what: String| io::Error::new(io::ErrorKind::InvalidInput, what);
        let time = |millis: f64| {
            let time = Duration::try_from_secs_f64(millis / 1_000.0);
            time.map_err(|error| wrong(format!("a delay of {millis} ms: {error}")))
        };
        let pair = |text: &String| {
            let (link, millis) = text
                .split_once('=')
                .ok_or_else(|| wrong(format!("--pair {text}: try a-b=2")))?;
            let number: f64 = millis
                .parse()
                .map_err(|error| wrong(format!("--pair {text}: {error}")))?;
            Ok::<_, io::Error>((link.parse().map_err(wrong)?, time(number)?))
        };
        Ok(Options {
            delay: time(args.delay)?,
            delays: args.pair.iter().map(pair).collect::<io::Result<_>>()?,
            bits_per_second: args.rate.map(|mbit| mbit.saturating_mul(1_000_000)),
            queue_bytes: args.queue.map(|kib| kib.saturating_mul(1_024)),
            loss: args.loss / 100.0,
            seed: args.seed,
            congestion_control: args.congestion_control.clone(),
            mtu: args.mtu,
        })
    }

    const PINGS: usize = 20;

    const ORDERS: &str = "\
run HOST COMMAND      a shell's command in a host; waits for its end
start HOST COMMAND    the same, and does not wait
cut LINK WAY          cut user-a, user-b or a-b: blackhole, reset, or the host that falls silent
heal [LINK]           as if it had never been cut
ping                  round trips between all hosts
counts                packets that arrived, were lost, were late
quit
";
}
