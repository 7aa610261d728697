//! What a killed run set aside at a foreign server: gone on with by `--continue`, and nothing left.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::{World, forest};

/// Two files of which another run set something aside, one of them twice; one it did not get to.
fn check(destination: &str) {
    let Some(world) = World::between("thirdhostd", destination) else {
        return;
    };
    let (x, y) = world.places();
    let bytes: Vec<u8> = (0..100_000_u32).flat_map(u32::to_be_bytes).collect();
    let (first, more) = bytes.split_at(70_000);
    let (head, _) = first.split_at(300);
    put(&x.join("a b"), &bytes);
    put(&x.join("d/c"), &bytes);
    put(&x.join("d/e"), first);
    put(&y.join(".a b.00c0ffee.thirdhost-partial"), first);
    put(&y.join("d/.c.00000001.thirdhost-partial"), first);
    put(&y.join("d/.c.00000002.thirdhost-partial"), head);
    put(&y.join("d/.else.00000003.thirdhost-partial"), more);
    let output = world.run(&["-r", "--continue", "--json"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{world:?} {output:?}");
    for (name, offset) in [("a b", first.len()), ("d/c", first.len()), ("d/e", 0)] {
        assert!(has_begun(&told, name, offset), "{world:?} {told}");
    }
    let kept = y.join("d/.else.00000003.thirdhost-partial");
    fs::remove_file(&kept).unwrap_or_else(|_| panic!("{world:?}: {kept:?} was not asked for"));
    forest::assert_same(&x, &y, &format!("{world:?}"));
}

/// Whether the events tell that a file begins there.
fn has_begun(told: &str, name: &str, offset: usize) -> bool {
    let name = format!("\"name\":\"{name}\"");
    let offset = format!("\"offset\":{offset}}}");
    let mut lines = told.lines().filter(|line| line.contains("\"started\""));
    lines.any(|line| line.contains(&name) && line.contains(&offset))
}

/// With the directories above it, all for anybody: some peers serve as somebody else.
fn put(path: &Path, bytes: &[u8]) {
    let directory = path.parent().unwrap();
    fs::create_dir_all(directory).unwrap();
    fs::set_permissions(directory, Permissions::from_mode(0o777)).unwrap();
    fs::write(path, bytes).unwrap();
    fs::set_permissions(path, Permissions::from_mode(0o666)).unwrap();
}

/// vsftpd tells no hash: nobody would see that two files were mixed in one of the right size.
#[test]
fn what_thirdhostd_kept_before_the_source_changed_is_not_gone_on_with() {
    let Some(world) = World::between("vsftpd", "thirdhostd") else {
        return;
    };
    let (x, y) = world.places();
    let changed = SystemTime::now() - Duration::from_secs(3600);
    for (name, kept, after) in [("older", b"old", -60_i64), ("newer", b"new", 60)] {
        put(&x.join(name), b"new content");
        set_modified(&x.join(name), changed);
        let partial = y.join(format!(".thirdhost-partial.{name}"));
        put(&partial, kept);
        let since = Duration::from_secs(after.unsigned_abs());
        let time = if after < 0 {
            changed - since
        } else {
            changed + since
        };
        set_modified(&partial, time);
    }
    let output = world.run(&["-r", "--continue", "--json"]);
    let told = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(has_begun(&told, "older", 0), "{told}");
    assert!(has_begun(&told, "newer", 3), "{told}");
    forest::assert_same(&x, &y, "vsftpd to thirdhostd");
}

fn set_modified(path: &Path, time: SystemTime) {
    fs::File::options()
        .append(true)
        .open(path)
        .and_then(|file| file.set_modified(time))
        .unwrap();
}

#[test]
fn what_is_unfinished_at_vsftpd_is_gone_on_with() {
    check("vsftpd");
}

#[test]
fn what_is_unfinished_at_proftpd_is_gone_on_with() {
    check("ProFTPD");
}

#[test]
fn what_is_unfinished_at_pure_ftpd_is_gone_on_with() {
    check("Pure-FTPd");
}

#[test]
fn what_is_unfinished_at_pyftpdlib_is_gone_on_with() {
    check("pyftpdlib");
}

#[test]
fn what_is_unfinished_at_gridftp_is_gone_on_with() {
    check("GridFTP");
}
