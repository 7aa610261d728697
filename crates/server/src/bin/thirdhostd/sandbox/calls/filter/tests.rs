//! The program for the kernel, asked about every call there is, without making any.

use libc::{c_int, c_long};
use seccompiler::sock_filter;

use super::*;

//= security#S-74
//= type=test
#[test]
fn what_no_file_server_calls_is_answered_as_if_the_kernel_did_not_have_it() {
    let program = program(false, OWN).unwrap();
    for (name, call) in HOSTILE {
        for arguments in [[0; 6], [1; 6], [u64::MAX; 6]] {
            assert_eq!(asked(&program, *call, arguments), NO_SUCH_CALL, "{name}");
        }
    }
}

#[test]
fn a_call_that_is_not_in_the_list_is_refused_whatever_its_number() {
    let program = program(false, OWN).unwrap();
    let limited = conditional(false, OWN).unwrap();
    for call in (0..1000).chain([-1]) {
        let listed = list::allowed().any(|one| one == call);
        let expected = if listed { ALLOWED } else { NO_SUCH_CALL };
        if limited.iter().all(|(one, _)| *one != call) {
            assert_eq!(asked(&program, call, [0; 6]), expected, "call {call}");
        }
        // The other set of numbers that an x86_64 kernel may have, whose calls are the same.
        assert_eq!(
            asked(&program, call | X32, [0; 6]),
            NO_SUCH_CALL,
            "x32 {call}"
        );
    }
}

#[test]
fn the_calls_of_another_processor_end_the_process() {
    let program = program(false, OWN).unwrap();
    let other = Asked {
        processor: I386,
        call: libc::SYS_read,
        arguments: [0; 6],
    };
    assert_eq!(verdict(&program, &other), KILL_PROCESS);
}

#[test]
fn threads_and_memory_are_made_but_neither_processes_nor_code() {
    let read_write = libc::PROT_READ | libc::PROT_WRITE;
    let code = libc::PROT_READ | libc::PROT_EXEC;
    let thread = libc::CLONE_VM | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    let spawned = libc::CLONE_VM | libc::CLONE_VFORK;
    let (other, own) = (1, c_int::try_from(OWN).unwrap());
    check(&[
        (libc::SYS_clone, [thread, 0, 0], true),
        (libc::SYS_clone, [libc::SIGCHLD, 0, 0], false),
        (libc::SYS_clone, [spawned, 0, 0], false),
        (libc::SYS_clone, [thread | libc::CLONE_NEWUSER, 0, 0], false),
        (libc::SYS_clone, [thread | libc::CLONE_NEWNS, 0, 0], false),
        (libc::SYS_mmap, [0, 4096, read_write], true),
        (libc::SYS_mmap, [0, 4096, code], false),
        (libc::SYS_mprotect, [0, 4096, read_write], true),
        (libc::SYS_mprotect, [0, 4096, code], false),
        (libc::SYS_tgkill, [own, own, libc::SIGABRT], true),
        (libc::SYS_tgkill, [other, other, libc::SIGKILL], false),
    ]);
}

#[test]
fn sockets_are_of_tcp() {
    let stream = libc::SOCK_STREAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK;
    let (tcp, sctp, any) = (libc::IPPROTO_TCP, libc::IPPROTO_SCTP, 0);
    check(&[
        (libc::SYS_socket, [libc::AF_INET, stream, tcp], true),
        (libc::SYS_socket, [libc::AF_INET6, stream, any], true),
        (libc::SYS_socket, [libc::AF_INET, stream, sctp], false),
        (
            libc::SYS_socket,
            [libc::AF_INET, libc::SOCK_DGRAM, any],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_INET6, libc::SOCK_RAW, tcp],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_NETLINK, libc::SOCK_RAW, any],
            false,
        ),
        (
            libc::SYS_socket,
            [libc::AF_PACKET, libc::SOCK_RAW, any],
            false,
        ),
        (libc::SYS_socketpair, [libc::AF_UNIX, stream, any], true),
        (libc::SYS_socketpair, [libc::AF_INET, stream, any], false),
    ]);
}

#[test]
fn what_is_asked_of_a_descriptor_or_the_process_is_harmless() {
    let (fionbio, tiocsti) = (0x5421, 0x5412);
    let files = libc::RLIMIT_NOFILE.cast_signed();
    check(&[
        (libc::SYS_fcntl, [3, libc::F_SETFL, 0], true),
        (libc::SYS_fcntl, [3, libc::F_SETOWN, 1], false),
        (libc::SYS_fcntl, [3, F_SETSIG, 9], false),
        (libc::SYS_ioctl, [3, fionbio, 0], true),
        (libc::SYS_ioctl, [0, tiocsti, 0], false),
        (libc::SYS_prctl, [libc::PR_SET_NAME, 0, 0], true),
        (libc::SYS_prctl, [libc::PR_SET_DUMPABLE, 1, 0], false),
        (libc::SYS_prctl, [libc::PR_SET_PTRACER, -1, 0], false),
        (libc::SYS_prlimit64, [0, files, 0], true),
        (libc::SYS_prlimit64, [0, files, 1], false),
    ]);
}

#[test]
fn a_local_socket_is_for_telling_a_service_manager() {
    let datagram = libc::SOCK_DGRAM | libc::SOCK_CLOEXEC;
    for (tells, kind, expected) in [
        (true, datagram, ALLOWED),
        (true, libc::SOCK_STREAM, NO_SUCH_CALL),
        (false, datagram, NO_SUCH_CALL),
    ] {
        let program = program(tells, OWN).unwrap();
        let arguments = [bits(libc::AF_UNIX), bits(kind), 0, 0, 0, 0];
        let found = asked(&program, libc::SYS_socket, arguments);
        assert_eq!(found, expected, "{tells} {kind}");
    }
}

/// Each call with its first arguments, and whether it is allowed with them.
fn check(cases: &[(c_long, [c_int; 3], bool)]) {
    let program = program(false, OWN).unwrap();
    for (call, arguments, allowed) in cases {
        let [first, second, third] = arguments.map(bits);
        let found = asked(&program, *call, [first, second, third, 0, 0, 0]);
        let expected = if *allowed { ALLOWED } else { NO_SUCH_CALL };
        assert_eq!(found, expected, "call {call} {arguments:?}");
    }
}

/// What the kernel hands to the program: `struct seccomp_data`.
struct Asked {
    processor: u32,
    call: c_long,
    arguments: [u64; 6],
}

fn asked(program: &[sock_filter], call: c_long, arguments: [u64; 6]) -> u32 {
    let processor = if cfg!(target_arch = "x86_64") {
        X86_64
    } else {
        AARCH64
    };
    let asked = Asked {
        processor,
        call,
        arguments,
    };
    verdict(program, &asked)
}

/// What the program answers: the part of classic BPF that is in it.
fn verdict(program: &[sock_filter], asked: &Asked) -> u32 {
    let number = i32::try_from(asked.call).unwrap().cast_unsigned();
    let mut words = vec![number, asked.processor, 0, 0];
    for argument in asked.arguments {
        let low = u32::try_from(argument & u64::from(u32::MAX)).unwrap();
        words.extend([low, u32::try_from(argument >> 32).unwrap()]);
    }
    let (mut at, mut accumulator) = (0, 0);
    loop {
        let step = &program[at];
        at += 1;
        let jump = |holds: bool| usize::from(if holds { step.jt } else { step.jf });
        match step.code {
            0x06 => return step.k,
            0x20 => accumulator = words[usize::try_from(step.k / 4).unwrap()],
            0x54 => accumulator &= step.k,
            0x05 => at += usize::try_from(step.k).unwrap(),
            0x15 => at += jump(accumulator == step.k),
            0x25 => at += jump(accumulator > step.k),
            0x35 => at += jump(accumulator >= step.k),
            code => panic!("no such instruction here: {code:#x}"),
        }
    }
}

const OWN: u32 = 4711;

const ALLOWED: u32 = 0x7fff_0000;
const NO_SUCH_CALL: u32 = 0x0005_0000 | 38;
const KILL_PROCESS: u32 = 0x8000_0000;

const X86_64: u32 = 0xc000_003e;
const AARCH64: u32 = 0xc000_00b7;
const I386: u32 = 0x4000_0003;
const X32: c_long = 0x4000_0000;

const HOSTILE: &[(&str, c_long)] = &[
    ("acct", libc::SYS_acct),
    ("add_key", libc::SYS_add_key),
    ("adjtimex", libc::SYS_adjtimex),
    ("bpf", libc::SYS_bpf),
    ("capset", libc::SYS_capset),
    ("chdir", libc::SYS_chdir),
    ("chroot", libc::SYS_chroot),
    ("clock_settime", libc::SYS_clock_settime),
    ("clone3", libc::SYS_clone3),
    ("delete_module", libc::SYS_delete_module),
    ("execve", libc::SYS_execve),
    ("execveat", libc::SYS_execveat),
    ("fanotify_init", libc::SYS_fanotify_init),
    ("fchown", libc::SYS_fchown),
    ("fchownat", libc::SYS_fchownat),
    ("finit_module", libc::SYS_finit_module),
    ("fsetxattr", libc::SYS_fsetxattr),
    ("fsmount", libc::SYS_fsmount),
    ("fsopen", libc::SYS_fsopen),
    ("init_module", libc::SYS_init_module),
    ("inotify_init1", libc::SYS_inotify_init1),
    ("io_setup", libc::SYS_io_setup),
    ("io_uring_enter", libc::SYS_io_uring_enter),
    ("io_uring_register", libc::SYS_io_uring_register),
    ("io_uring_setup", libc::SYS_io_uring_setup),
    ("kcmp", libc::SYS_kcmp),
    ("kexec_load", libc::SYS_kexec_load),
    ("keyctl", libc::SYS_keyctl),
    ("kill", libc::SYS_kill),
    ("memfd_create", libc::SYS_memfd_create),
    ("memfd_secret", libc::SYS_memfd_secret),
    ("mknodat", libc::SYS_mknodat),
    ("mount", libc::SYS_mount),
    ("mount_setattr", libc::SYS_mount_setattr),
    ("move_mount", libc::SYS_move_mount),
    ("mq_open", libc::SYS_mq_open),
    ("msgget", libc::SYS_msgget),
    ("name_to_handle_at", libc::SYS_name_to_handle_at),
    ("nfsservctl", libc::SYS_nfsservctl),
    ("open_by_handle_at", libc::SYS_open_by_handle_at),
    ("open_tree", libc::SYS_open_tree),
    ("perf_event_open", libc::SYS_perf_event_open),
    ("personality", libc::SYS_personality),
    ("pidfd_getfd", libc::SYS_pidfd_getfd),
    ("pidfd_open", libc::SYS_pidfd_open),
    ("pidfd_send_signal", libc::SYS_pidfd_send_signal),
    ("pivot_root", libc::SYS_pivot_root),
    ("pkey_mprotect", libc::SYS_pkey_mprotect),
    ("process_madvise", libc::SYS_process_madvise),
    ("process_vm_readv", libc::SYS_process_vm_readv),
    ("process_vm_writev", libc::SYS_process_vm_writev),
    ("ptrace", libc::SYS_ptrace),
    ("quotactl", libc::SYS_quotactl),
    ("reboot", libc::SYS_reboot),
    ("remap_file_pages", libc::SYS_remap_file_pages),
    ("request_key", libc::SYS_request_key),
    ("rt_sigqueueinfo", libc::SYS_rt_sigqueueinfo),
    ("sched_setscheduler", libc::SYS_sched_setscheduler),
    ("seccomp", libc::SYS_seccomp),
    ("semget", libc::SYS_semget),
    ("setdomainname", libc::SYS_setdomainname),
    ("setfsuid", libc::SYS_setfsuid),
    ("setgid", libc::SYS_setgid),
    ("setgroups", libc::SYS_setgroups),
    ("sethostname", libc::SYS_sethostname),
    ("setns", libc::SYS_setns),
    ("setresuid", libc::SYS_setresuid),
    ("setreuid", libc::SYS_setreuid),
    ("setsid", libc::SYS_setsid),
    ("settimeofday", libc::SYS_settimeofday),
    ("setuid", libc::SYS_setuid),
    ("setxattr", libc::SYS_setxattr),
    ("shmat", libc::SYS_shmat),
    ("shmget", libc::SYS_shmget),
    ("swapoff", libc::SYS_swapoff),
    ("swapon", libc::SYS_swapon),
    ("symlinkat", libc::SYS_symlinkat),
    ("syslog", libc::SYS_syslog),
    ("tkill", libc::SYS_tkill),
    ("umount2", libc::SYS_umount2),
    ("unshare", libc::SYS_unshare),
    ("userfaultfd", libc::SYS_userfaultfd),
    ("vhangup", libc::SYS_vhangup),
    ("vmsplice", libc::SYS_vmsplice),
];
