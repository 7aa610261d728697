//! The filter itself, made for this process and handed to the kernel.

use std::env;
use std::process;

use seccompiler::SeccompCmpArgLen::{Dword, Qword};
use seccompiler::SeccompCmpOp::{Eq, MaskedEq, Ne};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition,
    SeccompFilter, SeccompRule, TargetArch, apply_filter_all_threads,
};

use super::list;

/// Makes the filter and hands it to the kernel.
pub(super) fn install() -> Result<(), String> {
    let told = env::var_os("NOTIFY_SOCKET").is_some();
    let program = program(told, process::id()).map_err(|error| crate::chain(&error))?;
    apply_filter_all_threads(&program).map_err(|error| crate::chain(&error))
}

/// The program for the kernel: of a process `pid`, which has a service manager if it `tells`.
fn program(tells: bool, pid: u32) -> Result<BpfProgram, BackendError> {
    let plain = list::allowed().map(|call| (call, Vec::new()));
    let rules = plain.chain(conditional(tells, pid)?).collect();
    let no_such_call = SeccompAction::Errno(libc::ENOSYS.unsigned_abs());
    let processor = TargetArch::try_from(env::consts::ARCH)?;
    SeccompFilter::new(rules, no_such_call, SeccompAction::Allow, processor)?.try_into()
}

/// Calls that are allowed with some arguments only: any of the rules of a call has to hold.
fn conditional(tells: bool, pid: u32) -> Result<Vec<(i64, Vec<SeccompRule>)>, BackendError> {
    let threads = MaskedEq(bits(libc::CLONE_THREAD | NAME_SPACES));
    let no_code = || is(2, MaskedEq(bits(libc::PROT_EXEC)), 0);
    let unix = || is(0, Eq, bits(libc::AF_UNIX));
    let mut sockets = Vec::new();
    for family in [libc::AF_INET, libc::AF_INET6] {
        for protocol in [0, libc::IPPROTO_TCP] {
            sockets.push(all([
                is(0, Eq, bits(family)),
                is(1, MaskedEq(SOCKET_KIND), bits(libc::SOCK_STREAM)),
                is(2, Eq, bits(protocol)),
            ])?);
        }
    }
    if tells {
        let datagrams = is(1, MaskedEq(SOCKET_KIND), bits(libc::SOCK_DGRAM));
        sockets.push(all([unix(), datagrams])?);
    }
    let harmless = FCNTL_SIGNALS.map(|command| is(1, Ne, bits(command)));
    Ok(vec![
        (
            libc::SYS_clone,
            vec![all([is(0, threads, bits(libc::CLONE_THREAD))])?],
        ),
        (libc::SYS_socket, sockets),
        (libc::SYS_socketpair, vec![all([unix()])?]),
        (libc::SYS_mmap, vec![all([no_code()])?]),
        (libc::SYS_mprotect, vec![all([no_code()])?]),
        (libc::SYS_fcntl, vec![all(harmless)?]),
        (libc::SYS_ioctl, any_of(1, list::IOCTLS)?),
        (libc::SYS_prctl, any_of(0, list::PRCTLS)?),
        (
            libc::SYS_prlimit64,
            vec![all([condition(2, Qword, Eq, 0)])?],
        ),
        (libc::SYS_tgkill, vec![all([is(0, Eq, pid.into())])?]),
    ])
}

type Condition = Result<SeccompCondition, BackendError>;

/// One rule: all conditions have to hold.
fn all(conditions: impl IntoIterator<Item = Condition>) -> Result<SeccompRule, BackendError> {
    SeccompRule::new(conditions.into_iter().collect::<Result<_, _>>()?)
}

/// A rule for each value that argument `index` may have.
fn any_of(index: u8, values: &[u64]) -> Result<Vec<SeccompRule>, BackendError> {
    let rules = values.iter().map(|value| all([is(index, Eq, *value)]));
    rules.collect()
}

/// A condition on an argument of 32 bits, of which the kernel reads no more.
fn is(index: u8, operator: SeccompCmpOp, value: u64) -> Condition {
    condition(index, Dword, operator, value)
}

fn condition(index: u8, length: SeccompCmpArgLen, operator: SeccompCmpOp, value: u64) -> Condition {
    SeccompCondition::new(index, length, operator, value)
}

/// A C `int`, as a register holds it.
fn bits(value: libc::c_int) -> u64 {
    u64::from(value.cast_unsigned())
}

const NAME_SPACES: libc::c_int = libc::CLONE_NEWNS
    | libc::CLONE_NEWCGROUP
    | libc::CLONE_NEWUTS
    | libc::CLONE_NEWIPC
    | libc::CLONE_NEWUSER
    | libc::CLONE_NEWPID
    | libc::CLONE_NEWNET;

/// The bits of the second argument of `socket` that are no flags.
const SOCKET_KIND: u64 = 0xf;

/// What makes the kernel send signals when something happens to a file.
const FCNTL_SIGNALS: [libc::c_int; 5] = [
    libc::F_SETOWN,
    F_SETSIG,
    F_SETOWN_EX,
    libc::F_SETLEASE,
    libc::F_NOTIFY,
];
const F_SETSIG: libc::c_int = 10;
const F_SETOWN_EX: libc::c_int = 15;

#[cfg(test)]
mod tests;
