//! What a confined process must not be able to do.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut};
use std::net::UdpSocket;
use std::os::unix::fs as unix;
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};

use nix::sched::{CloneFlags, setns, unshare};
use nix::sys::ptrace;
use nix::sys::uio::{RemoteIoVec, process_vm_readv};
use nix::unistd::Pid;
use rustix::fs::{CWD, FileType, MemfdFlags, Mode, XattrFlags, inotify};
use rustix::io::Errno;
use rustix::mount::{MountFlags, UnmountFlags};
use rustix::net::{AddressFamily, SocketType, ipproto, socket};
use rustix::process::{PidfdFlags, Resource};

use super::bait::Bait;

/// Something to be refused.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    /// As a verb: what is tried.
    pub(super) what: &'static str,
    by: By,
    make: fn(&Bait) -> io::Result<()>,
}

/// Who refuses.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum By {
    /// Landlock.
    Files,
    /// The filter of system calls.
    Calls,
}

impl Attempt {
    /// Tries it.
    pub(super) fn make(&self, bait: &Bait) -> io::Result<()> {
        (self.make)(bait)
    }

    /// What an attempt is worth that came to `before` unconfined.
    pub(super) fn remark(&self, before: &io::Result<()>) -> &'static str {
        match self.by {
            By::Calls if is(before, Errno::NOSYS) => " (this kernel has no such call anyway)",
            By::Calls | By::Files => "",
        }
    }

    /// Whether it was refused by whom it has to be, and not for another reason.
    ///
    /// # Errors
    /// Why it was not.
    pub(super) fn judge(
        &self,
        before: &io::Result<()>,
        after: &io::Result<()>,
    ) -> Result<(), String> {
        let refused = |errors: &[Errno]| errors.iter().any(|error| is(after, *error));
        match self.by {
            _ if after.is_ok() => Err("it works".to_owned()),
            By::Files if before.is_err() => Err("it does not work unconfined either".to_owned()),
            // A name in one directory is moved to another: for that there is a code of its own.
            By::Files if refused(&[Errno::ACCESS, Errno::XDEV]) => Ok(()),
            By::Calls if refused(&[Errno::NOSYS]) => Ok(()),
            By::Files | By::Calls => Err("refused, but not by the confinement".to_owned()),
        }
    }
}

/// All of them.
pub(super) fn all() -> Vec<Attempt> {
    let parts = [
        files(),
        programs(),
        processes(),
        identity(),
        sockets(),
        system(),
    ];
    parts.into_iter().flatten().collect()
}

fn files() -> Vec<Attempt> {
    let attempt = |what, make| Attempt {
        what,
        by: By::Files,
        make,
    };
    vec![
        attempt("read a file outside the root", |bait| {
            fs::read(bait.path("file")).map(drop)
        }),
        attempt("list a directory outside the root", |bait| {
            fs::read_dir(bait.path("")).map(drop)
        }),
        attempt("write into a file outside the root", |bait| {
            let file = OpenOptions::new().write(true).open(bait.path("file"));
            file.map(drop)
        }),
        attempt("append to a file outside the root", |bait| {
            let file = OpenOptions::new().append(true).open(bait.path("file"));
            file.map(drop)
        }),
        attempt("make a file outside the root", |bait| {
            File::create_new(bait.path("new")).map(drop)
        }),
        attempt("make a directory outside the root", |bait| {
            fs::create_dir(bait.path("new-dir"))
        }),
        attempt("rename a file outside the root", |bait| {
            fs::rename(bait.path("new"), bait.path("renamed"))
                .or_else(|_| fs::rename(bait.path("gone"), bait.path("renamed")))
                .and_then(|()| fs::rename(bait.path("renamed"), bait.path("gone")))
        }),
        attempt("link a file outside the root", |bait| {
            fs::hard_link(bait.path("file"), bait.path("dir/link"))
        }),
        attempt("remove a file outside the root", |bait| {
            fs::remove_file(bait.path("gone"))
        }),
        attempt("remove a directory outside the root", |bait| {
            fs::remove_file(bait.path("dir/link")).ok();
            fs::remove_dir(bait.path("dir"))
        }),
    ]
}

fn programs() -> Vec<Attempt> {
    vec![
        by_calls("start a program", |bait| {
            let mut command = Command::new(&bait.program);
            // A pipe: /dev/null is outside the root.
            command.arg("--version").stdout(Stdio::piped());
            command.status().map(drop)
        }),
        // It is no program: where the call is made, it is refused for that.
        by_calls("become a program", |bait| {
            Err(Command::new(bait.path("file")).exec())
        }),
        by_calls("make a program in memory", |_| {
            Ok(rustix::fs::memfd_create("bait", MemfdFlags::CLOEXEC).map(drop)?)
        }),
    ]
}

fn processes() -> Vec<Attempt> {
    vec![
        by_calls("trace a process", |_| Ok(ptrace::attach(Pid::this())?)),
        by_calls("read the memory of a process", |_| {
            let (bait, mut found) = ([1_u8], [0_u8]);
            let from = RemoteIoVec {
                base: bait.as_ptr().addr(),
                len: bait.len(),
            };
            let into = &mut [IoSliceMut::new(&mut found)];
            Ok(process_vm_readv(Pid::this(), into, &[from]).map(drop)?)
        }),
        by_calls("signal a process", |_| {
            let parent = rustix::process::getppid().unwrap_or(rustix::process::Pid::INIT);
            Ok(rustix::process::test_kill_process(parent)?)
        }),
        by_calls("get hold of a process", |_| {
            let own = rustix::process::getpid();
            Ok(rustix::process::pidfd_open(own, PidfdFlags::empty()).map(drop)?)
        }),
    ]
}

fn identity() -> Vec<Attempt> {
    vec![
        by_calls("set the user", |_| {
            Ok(rustix::thread::set_thread_uid(rustix::process::getuid())?)
        }),
        by_calls("set the group", |_| {
            Ok(rustix::thread::set_thread_gid(rustix::process::getgid())?)
        }),
        by_calls("give a file away", |bait| {
            let owner = Some(rustix::process::getuid());
            Ok(rustix::fs::chown(bait.path("file"), owner, None)?)
        }),
        by_calls("set a limit", |_| {
            let limit = rustix::process::getrlimit(Resource::Core);
            Ok(rustix::process::setrlimit(Resource::Core, limit)?)
        }),
        by_calls("leave the name spaces", |_| {
            Ok(unshare(CloneFlags::empty())?)
        }),
        by_calls("enter a name space", |bait| {
            Ok(setns(&bait.name_space, CloneFlags::empty())?)
        }),
        by_calls("change the root directory", |bait| {
            Ok(rustix::process::chroot(bait.path("missing"))?)
        }),
    ]
}

fn sockets() -> Vec<Attempt> {
    const ALG: u16 = 38;
    const VSOCK: u16 = 40;
    vec![
        by_calls("call a local service (AF_UNIX)", |bait| {
            UnixStream::connect(bait.path("socket")).map(drop)
        }),
        by_calls("open a UDP socket", |_| {
            UdpSocket::bind("127.0.0.1:0").map(drop)
        }),
        by_calls("open a raw IP socket", |_| {
            Ok(socket(AddressFamily::INET, SocketType::RAW, Some(ipproto::ICMP)).map(drop)?)
        }),
        by_calls("open a packet socket (AF_PACKET)", |_| {
            opened(AddressFamily::PACKET, SocketType::RAW)
        }),
        by_calls("talk to the kernel (AF_NETLINK)", |_| {
            opened(AddressFamily::NETLINK, SocketType::RAW)
        }),
        by_calls("use the kernel's ciphers (AF_ALG)", |_| {
            opened(AddressFamily::from_raw(ALG), SocketType::SEQPACKET)
        }),
        by_calls("call the hypervisor (AF_VSOCK)", |_| {
            opened(AddressFamily::from_raw(VSOCK), SocketType::STREAM)
        }),
    ]
}

fn system() -> Vec<Attempt> {
    vec![
        by_calls("mount a file system", |bait| {
            let (none, flags) = (c"none", MountFlags::empty());
            let target = bait.path("missing");
            Ok(rustix::mount::mount(none, target, c"tmpfs", flags, None)?)
        }),
        by_calls("unmount a file system", |bait| {
            let target = bait.path("missing");
            Ok(rustix::mount::unmount(target, UnmountFlags::empty())?)
        }),
        by_calls("swap the root file system", |bait| {
            let missing = bait.path("missing");
            Ok(rustix::process::pivot_root(&missing, &missing)?)
        }),
        by_calls("load a kernel module", |_| {
            Ok(rustix::system::init_module(&[], c"")?)
        }),
        by_calls("unload a kernel module", |_| {
            Ok(rustix::system::delete_module(c"thirdhost_has_none", 0)?)
        }),
        by_calls("set the clock", |_| {
            // No time: where the call is made, it is refused for that.
            let time = rustix::time::Timespec {
                tv_sec: 0,
                tv_nsec: -1,
            };
            let clock = rustix::time::ClockId::Realtime;
            Ok(rustix::time::clock_settime(clock, time)?)
        }),
        by_calls("make a device", |bait| {
            let (path, mode) = (bait.path("missing/device"), Mode::RUSR);
            let kind = FileType::CharacterDevice;
            Ok(rustix::fs::mknodat(CWD, path, kind, mode, 0)?)
        }),
        by_calls("make a symbolic link", |bait| {
            unix::symlink("file", bait.path("missing/link"))
        }),
        by_calls("set an extended attribute", |bait| {
            let (path, flags) = (bait.path("file"), XattrFlags::empty());
            Ok(rustix::fs::setxattr(path, "user.bait", b"bait", flags)?)
        }),
        by_calls("watch what others do to files", |_| {
            Ok(inotify::init(inotify::CreateFlags::empty()).map(drop)?)
        }),
    ]
}

fn is(result: &io::Result<()>, error: Errno) -> bool {
    let found = result.as_ref().err().and_then(io::Error::raw_os_error);
    found == Some(error.raw_os_error())
}

fn by_calls(what: &'static str, make: fn(&Bait) -> io::Result<()>) -> Attempt {
    Attempt {
        what,
        by: By::Calls,
        make,
    }
}

fn opened(family: AddressFamily, kind: SocketType) -> io::Result<()> {
    Ok(socket(family, kind, None).map(drop)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_counts_as_refused_only_if_the_confinement_refused_it() {
        let (works, fails) = (None, Some(Errno::NOENT));
        for (by, before, after, expected) in [
            (By::Files, works, Some(Errno::ACCESS), true),
            (By::Files, works, Some(Errno::XDEV), true),
            (By::Files, works, works, false),
            (By::Files, works, Some(Errno::NOENT), false),
            (By::Files, fails, Some(Errno::ACCESS), false),
            (By::Calls, works, Some(Errno::NOSYS), true),
            (By::Calls, fails, Some(Errno::NOSYS), true),
            (By::Calls, works, works, false),
            (By::Calls, fails, fails, false),
            (By::Calls, works, Some(Errno::PERM), false),
        ] {
            let result = |error: Option<Errno>| error.map_or(Ok(()), |error| Err(error.into()));
            let attempt = Attempt {
                what: "try",
                by,
                make: |_| Ok(()),
            };
            let judged = attempt.judge(&result(before), &result(after));
            assert_eq!(judged.is_ok(), expected, "{by:?} {before:?} {after:?}");
        }
    }
}
