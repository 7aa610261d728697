//! The calls that are allowed, by what they are for.
//!
//! With their kin: what is read by `pread64` here is read by `preadv2` there.

use std::ffi::c_long;

use libc::*;

/// Whatever their arguments.
pub(super) fn allowed() -> impl Iterator<Item = c_long> {
    [
        FILES,
        NAMES,
        SOCKETS,
        WAITING,
        MEMORY,
        THREADS,
        ASKING,
        OF_THIS_PROCESSOR,
    ]
    .into_iter()
    .flatten()
    .copied()
}

/// Bytes of files, and directories that are open.
const FILES: &[c_long] = &[
    SYS_close,
    SYS_close_range,
    SYS_copy_file_range,
    SYS_dup,
    SYS_dup3,
    SYS_fadvise64,
    SYS_fallocate,
    SYS_fdatasync,
    SYS_flock,
    SYS_fstat,
    SYS_fstatfs,
    SYS_fsync,
    SYS_ftruncate,
    SYS_getdents64,
    SYS_lseek,
    SYS_openat,
    SYS_openat2,
    SYS_pipe2,
    SYS_pread64,
    SYS_preadv,
    SYS_preadv2,
    SYS_pwrite64,
    SYS_pwritev,
    SYS_pwritev2,
    SYS_read,
    SYS_readahead,
    SYS_readv,
    SYS_sendfile,
    SYS_splice,
    SYS_syncfs,
    SYS_tee,
    SYS_write,
    SYS_writev,
];

/// Names in directories, and what is written there of a file.
const NAMES: &[c_long] = &[
    SYS_faccessat,
    SYS_faccessat2,
    SYS_fchmod,
    SYS_fchmodat,
    FCHMODAT2,
    SYS_getcwd,
    SYS_linkat,
    SYS_mkdirat,
    SYS_newfstatat,
    SYS_readlinkat,
    SYS_renameat2,
    SYS_statfs,
    SYS_statx,
    SYS_umask,
    SYS_unlinkat,
    SYS_utimensat,
];

/// Connections; which kinds there may be is a rule of `socket`.
const SOCKETS: &[c_long] = &[
    SYS_accept,
    SYS_accept4,
    SYS_bind,
    SYS_connect,
    SYS_getpeername,
    SYS_getsockname,
    SYS_getsockopt,
    SYS_listen,
    SYS_recvfrom,
    SYS_recvmmsg,
    SYS_recvmsg,
    SYS_sendmmsg,
    SYS_sendmsg,
    SYS_sendto,
    SYS_setsockopt,
    SYS_shutdown,
];

/// Waiting, and the clock.
const WAITING: &[c_long] = &[
    SYS_clock_getres,
    SYS_clock_gettime,
    SYS_clock_nanosleep,
    SYS_epoll_create1,
    SYS_epoll_ctl,
    SYS_epoll_pwait,
    SYS_epoll_pwait2,
    SYS_eventfd2,
    SYS_gettimeofday,
    SYS_nanosleep,
    SYS_ppoll,
    SYS_pselect6,
];

/// Memory; that none of it is executed is a rule of `mmap` and `mprotect`.
const MEMORY: &[c_long] = &[SYS_brk, SYS_madvise, SYS_membarrier, SYS_mremap, SYS_munmap];

/// Threads of this process and their signals; how they are made is a rule of `clone`.
const THREADS: &[c_long] = &[
    SYS_exit,
    SYS_exit_group,
    SYS_futex,
    SYS_futex_waitv,
    SYS_restart_syscall,
    SYS_rseq,
    SYS_rt_sigaction,
    SYS_rt_sigpending,
    SYS_rt_sigprocmask,
    SYS_rt_sigreturn,
    SYS_rt_sigsuspend,
    SYS_rt_sigtimedwait,
    SYS_sched_getaffinity,
    SYS_sched_yield,
    SYS_set_robust_list,
    SYS_set_tid_address,
    SYS_sigaltstack,
];

/// What a process asks about itself and the machine.
const ASKING: &[c_long] = &[
    SYS_getcpu,
    SYS_getegid,
    SYS_geteuid,
    SYS_getgid,
    SYS_getgroups,
    SYS_getpid,
    SYS_getppid,
    SYS_getrandom,
    SYS_getresgid,
    SYS_getresuid,
    SYS_getrusage,
    SYS_gettid,
    SYS_getuid,
    SYS_sysinfo,
    SYS_times,
    SYS_uname,
];

/// The older forms of the above, which a small libc prefers.
#[cfg(target_arch = "x86_64")]
const OF_THIS_PROCESSOR: &[c_long] = &[
    SYS_access,
    SYS_chmod,
    SYS_creat,
    SYS_dup2,
    SYS_epoll_create,
    SYS_epoll_wait,
    SYS_eventfd,
    SYS_futimesat,
    SYS_getdents,
    SYS_getrlimit,
    SYS_link,
    SYS_lstat,
    SYS_mkdir,
    SYS_open,
    SYS_pipe,
    SYS_poll,
    SYS_readlink,
    SYS_rename,
    SYS_renameat,
    SYS_rmdir,
    SYS_select,
    SYS_stat,
    SYS_sync_file_range,
    SYS_time,
    SYS_unlink,
    SYS_utime,
    SYS_utimes,
];

/// `renameat`, `sync_file_range` and `getrlimit`, which the libc crate does not number here.
#[cfg(target_arch = "aarch64")]
const OF_THIS_PROCESSOR: &[c_long] = &[38, 84, 163];

/// The same number everywhere; the libc crate does not have it everywhere.
const FCHMODAT2: c_long = 452;

/// What may be asked of a descriptor: about a terminal, and for what is ready.
pub(super) const IOCTLS: &[u64] = &[
    TCGETS, TCGETS2, TIOCGWINSZ, FIONBIO, FIONREAD, FIONCLEX, FIOCLEX,
];

// The numbers of both processors; in the libc crate their type differs from libc to libc.
const TCGETS: u64 = 0x5401;
const TCGETS2: u64 = 0x802c_542a;
const TIOCGWINSZ: u64 = 0x5413;
const FIONBIO: u64 = 0x5421;
const FIONREAD: u64 = 0x541b;
const FIONCLEX: u64 = 0x5450;
const FIOCLEX: u64 = 0x5451;

/// What may be asked of `prctl`: names of threads and of memory, and how the process is confined.
pub(super) const PRCTLS: &[u64] = &[
    PR_SET_NAME,
    PR_GET_NAME,
    PR_SET_VMA,
    PR_GET_NO_NEW_PRIVS,
    PR_GET_SECCOMP,
];

const PR_SET_NAME: u64 = 15;
const PR_GET_NAME: u64 = 16;
const PR_SET_VMA: u64 = 0x5356_4d41;
const PR_GET_NO_NEW_PRIVS: u64 = 39;
const PR_GET_SECCOMP: u64 = 21;
