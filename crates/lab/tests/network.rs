//! The network as programs in the hosts find it. Left out where a lab cannot be brought up.

#![cfg(target_os = "linux")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use thirdhost_lab::{
    Cut, Host, Lab, Link, Moment, Options, Sign, Trigger, Way, is_required, missing, round_trip,
};

/// A lab, or a word on why this test is left out; where nothing may be left out, it fails.
fn lab(options: &Options) -> Option<Lab> {
    match missing() {
        Some(missing) => {
            assert!(!is_required(), "{missing}");
            println!("left out: {missing}");
            None
        }
        None => Some(Lab::up(options).unwrap()),
    }
}

fn quick() -> Options {
    Options {
        delay: Duration::from_millis(2),
        ..Options::default()
    }
}

/// A connection from user to a: both ends.
fn connected(lab: &Lab) -> (TcpStream, TcpStream) {
    let bind = || TcpListener::bind((Host::A.address(), 0)).unwrap();
    let listener = lab.within(Host::A, bind).unwrap();
    let place = listener.local_addr().unwrap();
    let near = lab.within(Host::User, || TcpStream::connect(place).unwrap());
    let (far, _) = listener.accept().unwrap();
    (near.unwrap(), far)
}

fn is_there(stream: &mut TcpStream, time: Duration) -> io::Result<bool> {
    stream.set_read_timeout(Some(time)).unwrap();
    match stream.read(&mut [0]) {
        Ok(count) => Ok(count > 0),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Err(error) => Err(error),
    }
}

#[test]
fn a_round_trip_takes_what_was_asked_for_while_the_machine_is_busy() {
    let options = Options {
        delay: Duration::from_millis(25),
        delays: vec![(Link::AB, Duration::from_millis(5))],
        ..Options::default()
    };
    let Some(lab) = lab(&options) else { return };
    let is_over = AtomicBool::new(false);
    let times = thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().unwrap().get() {
            scope.spawn(|| {
                while !is_over.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            });
        }
        let times = [(Host::User, Host::B, 50), (Host::A, Host::B, 10)].map(|(from, to, asked)| {
            let mut times: Vec<_> = (0..9)
                .map(|_| round_trip(&lab, from, to).unwrap())
                .collect();
            times.sort_unstable();
            (asked, times)
        });
        is_over.store(true, Ordering::Relaxed);
        times
    });
    let counts = lab.counts().unwrap();
    for (asked, times) in times {
        let asked = Duration::from_millis(asked);
        assert!(times[0] >= asked, "{times:?}\n{counts}");
        // The best of nine: we ourselves wait for the processor too.
        assert!(
            times[0] < asked + Duration::from_millis(2),
            "{times:?}\n{counts}"
        );
    }
    for host in Host::ALL {
        assert_eq!(counts.unread(host), 0);
    }
}

#[test]
fn a_cut_link_is_silent_until_it_is_healed() {
    let Some(lab) = lab(&quick()) else { return };
    let (mut near, mut far) = connected(&lab);
    let link = Link::UserA;
    let short = Duration::from_millis(100);
    lab.cut(Cut {
        link,
        way: Way::From(Host::User),
    });
    near.write_all(b"x").unwrap();
    far.write_all(b"y").unwrap();
    assert!(is_there(&mut near, Duration::from_secs(10)).unwrap());
    assert!(!is_there(&mut far, short).unwrap());
    assert!(lab.counts().unwrap().path(Host::User, Host::A).cut > 0);
    assert!(round_trip(&lab, Host::User, Host::B).is_ok());
    lab.heal(link);
    assert!(is_there(&mut far, Duration::from_secs(10)).unwrap());
}

#[test]
fn a_link_that_refuses_resets_both_ends() {
    let Some(lab) = lab(&quick()) else { return };
    let (mut near, mut far) = connected(&lab);
    lab.cut(Cut {
        link: Link::UserA,
        way: Way::Reset,
    });
    for stream in [&mut near, &mut far] {
        stream.write_all(b"x").unwrap();
        let found = is_there(stream, Duration::from_secs(10));
        assert_eq!(found.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}

#[test]
fn a_packet_cuts_the_link_as_it_is_sent_or_when_it_has_arrived() {
    for (moment, arrives) in [(Moment::Sent, false), (Moment::Arrived, true)] {
        let Some(lab) = lab(&quick()) else { return };
        let (mut near, mut far) = connected(&lab);
        let trigger = Trigger {
            from: Host::User,
            to: Host::A,
            sign: Sign::Line("RETR ".to_owned()),
            skip: 1,
            moment,
        };
        let way = Way::Blackhole;
        let fired = lab.cut_when(
            trigger,
            Cut {
                link: Link::UserA,
                way,
            },
        );
        near.write_all(b"RETR one\r\n").unwrap();
        let mut line = [0; 10];
        far.read_exact(&mut line).unwrap();
        assert!(fired.wait(Duration::ZERO).is_none());
        near.write_all(b"TYPE I\r\nRETR two\r\n").unwrap();
        assert!(fired.wait(Duration::from_secs(10)).is_some());
        let time = Duration::from_millis(if arrives { 10_000 } else { 100 });
        assert_eq!(is_there(&mut far, time).unwrap(), arrives, "{moment:?}");
        // The answer does not come, either way.
        far.write_all(b"150 there\r\n").unwrap();
        assert!(!is_there(&mut near, Duration::from_millis(100)).unwrap());
    }
}

#[test]
fn programs_run_in_a_host_under_its_congestion_control_and_end_with_it() {
    let options = Options {
        congestion_control: Some("reno".to_owned()),
        ..quick()
    };
    let Some(lab) = lab(&options) else { return };
    let mut shell = Command::new("sh");
    shell.args([
        "-c",
        "cat /proc/sys/net/ipv4/tcp_congestion_control; ip -4 addr show wan0",
    ]);
    let output = lab.within(Host::B, || shell.output().unwrap()).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(
        told.starts_with("reno\n") && told.contains("10.77.0.3/24"),
        "{told}"
    );
    let mut sleeper = Command::new("cat");
    let mut sleeper = lab.spawn(Host::A, sleeper.stdin(Stdio::piped())).unwrap();
    assert_eq!(sleeper.wait_for(Duration::ZERO).unwrap(), None);
    let process = std::path::PathBuf::from(format!("/proc/{}", sleeper.id()));
    assert!(process.exists());
    drop(sleeper);
    assert!(!process.exists());
}

#[test]
fn two_labs_do_not_see_each_other() {
    let (Some(one), Some(other)) = (lab(&quick()), lab(&quick())) else {
        return;
    };
    let bind = || TcpListener::bind((Host::A.address(), 1)).unwrap();
    let listener = one.within(Host::A, bind).unwrap();
    assert!(round_trip(&other, Host::User, Host::A).is_ok());
    assert!(round_trip(&one, Host::User, Host::A).is_err());
    drop(listener);
}

#[test]
fn a_narrow_line_carries_what_it_can() {
    let options = Options {
        bits_per_second: Some(80_000_000),
        ..quick()
    };
    let Some(lab) = lab(&options) else { return };
    let (mut near, mut far) = connected(&lab);
    let bytes = 4_000_000;
    let began = Instant::now();
    thread::scope(|scope| {
        scope.spawn(move || {
            near.write_all(&vec![b'x'; bytes]).unwrap();
        });
        io::copy(&mut far, &mut io::sink()).unwrap();
    });
    let took = began.elapsed();
    assert!(took >= Duration::from_millis(395), "{took:?}");
    assert!(took < Duration::from_millis(1_500), "{took:?}");
}
