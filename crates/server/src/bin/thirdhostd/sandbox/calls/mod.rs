//! Which system calls the process may still make: a seccomp filter.
//!
//! It is a list of what is allowed, not of what is not. A list of what is forbidden is out of date
//! with every kernel, knows nothing of the second set of numbers that x86_64 kernels have (x32),
//! and leaves everything open that nobody thought of: io_uring, bpf and userfaultfd were new once.
//!
//! What speaks against such a list is that another libc, or a later one, makes other calls. So
//!
//! - all calls of a kind are in it, also those that only an old or a small libc makes;
//! - the others are answered `ENOSYS`, as by a kernel that has no such call. That is the answer on
//!   which a libc turns to the older call: `clone3` to `clone`, `fchmodat2` to `fchmodat`. It is
//!   also how `clone3` has to be answered, whose flags no filter can see.
//!
//! Nothing is killed: one session that is led astray must not end the others (spec S-74), and
//! whoever is in this process learns nothing from `ENOSYS`.
//!
//! | call | with |
//! |---|---|
//! | `clone` | threads of this process alone: nothing is forked, no name space is made |
//! | `socket` | TCP over IPv4 and IPv6; `AF_UNIX` datagrams where a service manager is to be told |
//! | `socketpair` | `AF_UNIX` |
//! | `mmap`, `mprotect` | no memory that can be executed |
//! | `ioctl` | what asks for terminals and readiness; nothing that types (`TIOCSTI`) |
//! | `prctl` | names of threads and of memory, and what asks |
//! | `fcntl` | nothing that sends signals |
//! | `prlimit64` | asking |
//! | `tgkill` | threads of this process: how `abort` ends it |

/// Takes every call that is not in the list from all threads of this process, and from what they
/// start. No privilege can be had by `exec` either from here on (`no_new_privs`).
///
/// # Errors
/// When there is no filter for this machine, or the kernel takes none.
pub(super) fn confine() -> Result<(), String> {
    #[cfg(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    ))]
    return filter::install();
    #[cfg(not(all(
        target_os = "linux",
        any(target_arch = "x86_64", target_arch = "aarch64")
    )))]
    return Err("there is no seccomp filter for this system and processor".to_owned());
}

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod filter;

#[cfg(all(
    target_os = "linux",
    any(target_arch = "x86_64", target_arch = "aarch64")
))]
mod list;
