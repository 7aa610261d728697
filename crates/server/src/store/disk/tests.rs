//! What only a disk has: links, pipes, modes, crashes and what they leave.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::task::{Context, Waker};

use rustix::fs::{CWD, FileType, Mode, mknodat};
use tempfile::TempDir;

use super::*;
use crate::dtp::ListingStyle;
use crate::limits::HELD_DIRECTORIES_MAX;
use crate::store::conformance::{begin, kept, leave_partial, names, path, put, put_with, read};
use crate::store::conformance::{refused, write};
use crate::store::{EntryKind, LISTING_BATCH_MAX, Ranges};

fn fresh(uploads: UploadPolicy) -> (TempDir, DiskStore) {
    let directory = tempfile::tempdir().unwrap();
    let store = DiskStore::open(directory.path(), uploads, Durability::Process).unwrap();
    (directory, store)
}

/// All names that are really there, hidden ones too.
fn raw_names(directory: &TempDir) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(directory.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort_unstable();
    names
}

const KINDS: [UploadKind; 4] = [
    UploadKind::Replace,
    UploadKind::Append,
    UploadKind::Resume { offset: 0 },
    UploadKind::Resume { offset: 2 },
];

/// What another process does to a directory is seen by every command that comes afterwards.
//= security#S-44
//= type=test
#[tokio::test]
async fn a_directory_found_open_is_forgotten_with_the_next_command_heard() {
    let outside = tempfile::tempdir().unwrap();
    let (directory, store) = fresh(UploadPolicy::Whole);
    let at = |name: &str| directory.path().join(name);
    let _busy = busy::blocking_here();
    for swap in [false, true] {
        fs::create_dir(at("d")).unwrap();
        put(&store, "d/a", "a").await;
        fs::rename(at("d"), at("moved")).unwrap();
        if swap {
            symlink(outside.path(), at("d")).unwrap();
        }
        // This command came before: it is as if it had been served before the directory went.
        put(&store, "d/b", "b").await;
        assert_eq!(fs::read(at("moved/b")).unwrap(), b"b");
        store.forget();
        refused(store.open(&path("d/a"), 0).await.map(drop), "not found");
        refused(store.look(&path("d/a")).await, "not found");
        let begun = store.begin(&path("d/c"), UploadKind::Replace).await;
        refused(begun.map(drop), "not found");
        assert!(!at("moved/c").exists());
        fs::remove_dir_all(at("moved")).unwrap();
    }
    assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 0);
}

#[tokio::test]
async fn what_the_session_itself_moves_is_not_found_where_it_was() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let _busy = busy::blocking_here();
    for name in ["d", "e"] {
        fs::create_dir(directory.path().join(name)).unwrap();
    }
    put(&store, "d/a", "a").await;
    store.rename(&path("d"), &path("f")).await.unwrap();
    refused(store.look(&path("d/a")).await, "not found");
    put(&store, "f/b", "b").await;
    store.rename_new(&path("f"), &path("g")).await.unwrap();
    refused(store.look(&path("f/b")).await, "not found");
    store.look(&path("e/x")).await.unwrap_err();
    store.remove_directory(&path("e")).await.unwrap();
    fs::create_dir(directory.path().join("e")).unwrap();
    put(&store, "e/a", "a").await;
    assert_eq!(fs::read(directory.path().join("e/a")).unwrap(), b"a");
}

/// Each is sent ahead of a file that would go through the link, and the link leads nowhere then.
#[tokio::test]
async fn a_link_that_the_session_itself_removes_or_moves_leads_nowhere_afterwards() {
    for gone in ["removed", "moved", "moved to where it led"] {
        let (directory, store) = fresh(UploadPolicy::Whole);
        let _busy = busy::blocking_here();
        fs::create_dir(directory.path().join("d")).unwrap();
        symlink("d", directory.path().join("link")).unwrap();
        put(&store, "link/a", "a").await;
        match gone {
            "removed" => store.delete(&path("link")).await.unwrap(),
            "moved" => store.rename(&path("link"), &path("d/l")).await.unwrap(),
            _ => store.rename(&path("link"), &path("link/l")).await.unwrap(),
        }
        let begun = store.begin(&path("link/b"), UploadKind::Replace).await;
        refused(begun.map(drop), "not found");
        refused(store.look(&path("link/a")).await, "not found");
        assert!(!directory.path().join("d/b").exists(), "{gone}");
    }
}

#[tokio::test]
async fn few_directories_are_held_and_none_by_who_waits() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    for number in 0..5 {
        fs::create_dir(directory.path().join(number.to_string())).unwrap();
    }
    let look = async || {
        for number in 0..5 {
            store.look(&path(&format!("{number}/x"))).await.unwrap_err();
        }
    };
    look().await;
    assert_eq!(store.held.count(), 0);
    let busy = busy::blocking_here();
    look().await;
    assert_eq!(store.held.count(), HELD_DIRECTORIES_MAX);
    let others = store.home(&VirtualPath::root()).unwrap();
    assert_eq!(others.held.count(), 0);
    drop(busy);
    store.forget();
    assert_eq!(store.held.count(), 0);
}

//= security#S-44
//= type=test
#[tokio::test]
async fn a_link_out_of_the_root_leads_nowhere() {
    let outside = tempfile::tempdir().unwrap();
    fs::write(outside.path().join("secret"), "secret").unwrap();
    fs::create_dir(outside.path().join("d")).unwrap();
    for uploads in [UploadPolicy::Whole, UploadPolicy::Resumable] {
        let (directory, store) = fresh(uploads);
        let up = format!(
            "../{}",
            outside.path().file_name().unwrap().to_str().unwrap()
        );
        symlink(outside.path(), directory.path().join("absolute")).unwrap();
        symlink(&up, directory.path().join("relative")).unwrap();
        symlink(format!("{up}/secret"), directory.path().join("file")).unwrap();
        symlink(format!("{up}/new"), directory.path().join("dangling")).unwrap();
        put(&store, "own", "own").await;
        for name in [
            "absolute/secret",
            "relative/secret",
            "file",
            "dangling",
            "relative/new",
        ] {
            refused(store.stat(&path(name)).await, "not found");
            refused(store.open(&path(name), 0).await, "not found");
            for kind in KINDS {
                refused(store.begin(&path(name), kind).await, "not found");
            }
        }
        for name in ["absolute", "relative"] {
            let below = |below: &str| path(&format!("{name}/{below}"));
            refused(store.list(&path(name)).await.map(drop), "not found");
            refused(store.list(&below("d")).await.map(drop), "not found");
            refused(store.home(&path(name)), "not found");
            refused(store.make_directory(&below("new")).await, "not found");
            refused(store.remove_directory(&below("d")).await, "not found");
            refused(store.delete(&below("secret")).await, "not found");
            refused(
                store.rename(&below("secret"), &path("mine")).await,
                "not found",
            );
            refused(
                store.rename(&path("own"), &below("theirs")).await,
                "not found",
            );
            refused(
                store.begin(&below("new"), UploadKind::Unique).await,
                "not found",
            );
            assert_eq!(store.partial(&below("secret")).await.unwrap(), None);
        }
        // The link itself is the user's own.
        store.delete(&path("file")).await.unwrap();
        assert_eq!(fs::read(outside.path().join("secret")).unwrap(), b"secret");
        assert_eq!(fs::read_dir(outside.path()).unwrap().count(), 2);
    }
}

#[tokio::test]
async fn a_link_inside_the_root_is_followed() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    store.make_directory(&path("d")).await.unwrap();
    store.make_directory(&path("e")).await.unwrap();
    put(&store, "d/a", "old").await;
    symlink("d", directory.path().join("l")).unwrap();
    symlink("../d/a", directory.path().join("e/m")).unwrap();
    assert_eq!(read(&store, "l/a").await, "old");
    assert_eq!(read(&store, "e/m").await, "old");
    assert_eq!(names(&store, "l").await, ["a"]);
    let found = store.stat(&path("e/m")).await.unwrap();
    assert_eq!((found.kind, found.size), (EntryKind::File, 3));
    let batch = store
        .list(&path("e"))
        .await
        .unwrap()
        .next_batch()
        .await
        .unwrap();
    assert_eq!((batch[0].kind, batch[0].size), (EntryKind::File, 3));
    put(&store, "e/m", "new").await;
    put_with(&store, "e/m", UploadKind::Append, "er").await;
    assert_eq!(read(&store, "d/a").await, "newer");
    assert!(directory.path().join("e/m").is_symlink());
    leave_partial(&store, "e/m", "part").await;
    assert_eq!(kept(store.partial(&path("d/a")).await.unwrap()), Some(4));
    assert_eq!(kept(store.partial(&path("e/m")).await.unwrap()), Some(4));
}

#[tokio::test]
async fn a_link_to_one_of_the_stores_own_files_leads_nowhere() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    leave_partial(&store, "a", "half").await;
    symlink(".thirdhost-partial.a", directory.path().join("l")).unwrap();
    refused(store.open(&path("l"), 0).await, "not found");
    refused(store.stat(&path("l")).await, "not found");
    refused(
        store.begin(&path("l"), UploadKind::Replace).await,
        "name not allowed",
    );
}

#[tokio::test]
async fn a_link_to_itself_and_one_to_nothing_are_listed_and_not_found() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    symlink("loop", directory.path().join("loop")).unwrap();
    symlink("nothing", directory.path().join("dangling")).unwrap();
    let batch = store
        .list(&path("/"))
        .await
        .unwrap()
        .next_batch()
        .await
        .unwrap();
    assert_eq!(batch.len(), 2);
    for entry in batch {
        assert_eq!(entry.kind, EntryKind::Other);
        refused(store.stat(&path(&entry.name)).await, "not found");
        refused(store.open(&path(&entry.name), 0).await, "not found");
        refused(
            store.begin(&path(&entry.name), UploadKind::Replace).await,
            "not found",
        );
    }
}

//= security#S-49
//= type=test
#[tokio::test]
async fn a_pipe_is_shown_and_never_opened() {
    for uploads in [UploadPolicy::Whole, UploadPolicy::Resumable] {
        let (directory, store) = fresh(uploads);
        let pipe = directory.path().join("pipe");
        mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(directory.path().join("socket"));
        for name in ["pipe", "socket"] {
            assert_eq!(
                store.stat(&path(name)).await.unwrap().kind,
                EntryKind::Other
            );
            refused(store.open(&path(name), 0).await, "not a regular file");
            for kind in KINDS {
                refused(store.begin(&path(name), kind).await, "not a regular file");
            }
        }
    }
}

#[tokio::test]
async fn a_home_is_a_root_of_its_own() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    store.make_directory(&path("alice")).await.unwrap();
    put(&store, "secret", "secret").await;
    symlink("../secret", directory.path().join("alice/link")).unwrap();
    let home = store.home(&path("alice")).unwrap();
    refused(home.open(&path("link"), 0).await, "not found");
    refused(home.open(&path("../secret"), 0).await, "not found");
    put(&home, "a", "a").await;
    assert_eq!(read(&store, "alice/a").await, "a");
    refused(store.home(&path("secret")), "not a directory");
    refused(store.home(&path("bob")), "not found");
}

//= security#S-49
//= type=test
#[tokio::test]
async fn the_permission_bits_of_a_replaced_file_are_kept() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let file = directory.path().join("a");
    let check = async |old: u32, expected: u32| {
        fs::write(&file, "old").unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(old)).unwrap();
        leave_partial(&store, "a", "half").await;
        put(&store, "a", "new").await;
        assert_eq!(
            fs::metadata(&file).unwrap().mode() & 0o7777,
            expected,
            "{old:o}"
        );
    };
    check(0o640, 0o640).await;
    check(0o777, 0o777).await;
    check(0o4755, 0o755).await;
    // A new file is as anybody would create it.
    put(&store, "b", "new").await;
    fs::write(directory.path().join("c"), "").unwrap();
    let mode = |name: &str| fs::metadata(directory.path().join(name)).unwrap().mode();
    assert_eq!(mode("b"), mode("c"));
}

/// Neither is what an upload goes on with to be read by more people than the file it replaces.
#[tokio::test]
async fn what_is_gone_on_with_is_as_private_as_the_file_it_replaces() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let at = |name: &str| directory.path().join(name);
    let mode = |name: &str| fs::metadata(at(name)).unwrap().mode() & 0o777;
    let partial = names::partial("f");
    for left in [None, Some("ab")] {
        put(&store, "f", "abcdef").await;
        if let Some(left) = left {
            fs::write(at(&partial), left).unwrap();
        }
        fs::set_permissions(at("f"), fs::Permissions::from_mode(0o400)).unwrap();
        let mut upload = begin(&store, "f", UploadKind::Resume { offset: 4 }).await;
        assert_eq!(mode(&partial), 0o600, "{left:?}");
        upload.write(b"x".to_vec()).await.unwrap();
        upload.commit().await.unwrap();
        assert_eq!(mode("f"), 0o400, "{left:?}");
        fs::remove_file(at("f")).unwrap();
    }
}

#[tokio::test]
async fn nothing_but_partials_is_left_behind() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let mut first = begin(&store, "a", UploadKind::Replace).await;
    let mut second = begin(&store, "a", UploadKind::Replace).await;
    write(&mut first, "first").await;
    write(&mut second, "second").await;
    assert_eq!(raw_names(&directory).len(), 2);
    second.abandon().await;
    assert_eq!(raw_names(&directory), [".thirdhost-partial.a"]);
    first.commit().await.unwrap();
    assert_eq!(raw_names(&directory), ["a"]);
    put_with(&store, "a", UploadKind::Append, "!").await;
    assert_eq!(raw_names(&directory), ["a"]);
    refused(
        store
            .begin(&path("b"), UploadKind::Resume { offset: 1 })
            .await,
        "offset beyond the end",
    );
    assert_eq!(raw_names(&directory), ["a"]);
}

#[tokio::test]
async fn the_longest_names_can_be_uploaded() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    for name in ["x".repeat(255), "é".repeat(127)] {
        leave_partial(&store, &name, "half").await;
        assert_eq!(kept(store.partial(&path(&name)).await.unwrap()), Some(4));
        put_with(&store, &name, UploadKind::Resume { offset: 4 }, " whole").await;
        assert_eq!(read(&store, &name).await, "half whole");
        put_with(&store, &name, UploadKind::Append, "!").await;
        let mut unique = begin(&store, &name, UploadKind::Unique).await;
        write(&mut unique, "u").await;
        assert_ne!(unique.path(), &path(&name));
        unique.commit().await.unwrap();
    }
    assert_eq!(raw_names(&directory).len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_uploads_to_one_name_one_is_there_whole() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let uploads: Vec<_> = (0..16_u8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let mut upload = begin(&store, "a", UploadKind::Replace).await;
                for _ in 0..8 {
                    upload.write(vec![b'a' + number; 4_096]).await.unwrap();
                }
                upload.commit().await.unwrap();
            })
        })
        .collect();
    for upload in uploads {
        upload.await.unwrap();
    }
    let bytes = fs::read(directory.path().join("a")).unwrap();
    assert_eq!(bytes.len(), 8 * 4_096);
    assert!(bytes.iter().all(|byte| *byte == bytes[0]));
    assert_eq!(raw_names(&directory), ["a"]);
}

#[tokio::test]
async fn a_partial_left_by_a_crash_is_gone_on_with() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    fs::write(directory.path().join(".thirdhost-partial.a"), "left over").unwrap();
    assert_eq!(kept(store.partial(&path("a")).await.unwrap()), Some(9));
    assert!(names(&store, "/").await.is_empty());
    put_with(&store, "a", UploadKind::Resume { offset: 5 }, "behind").await;
    assert_eq!(read(&store, "a").await, "left behind");
    // One that leads elsewhere is not followed.
    symlink("a", directory.path().join(".thirdhost-partial.b")).unwrap();
    refused(
        store.begin(&path("b"), UploadKind::Replace).await,
        "not found",
    );
}

/// A file as a crash in the middle of an append leaves it.
fn crashed_append(directory: &TempDir, is_created: bool) {
    let file = directory.path().join("a");
    fs::write(&file, "old").unwrap();
    let found = fs::metadata(&file).unwrap();
    let length = if is_created { 0 } else { 3 };
    let text = format!(
        "thirdhost append 1\n{length}\n{}\n{}\n{}\na\n",
        found.dev(),
        found.ino(),
        u8::from(is_created)
    );
    fs::write(directory.path().join(".thirdhost-append.a"), text).unwrap();
    let mut bytes = fs::read(&file).unwrap();
    bytes.extend_from_slice(b" and lost");
    fs::write(&file, bytes).unwrap();
}

#[tokio::test]
async fn an_append_cut_short_by_a_crash_is_undone_by_whoever_comes_first() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    crashed_append(&directory, false);
    assert_eq!(store.stat(&path("a")).await.unwrap().size, 3);
    crashed_append(&directory, false);
    assert_eq!(read(&store, "a").await, "old");
    crashed_append(&directory, false);
    symlink("a", directory.path().join("l")).unwrap();
    assert_eq!(read(&store, "l").await, "old");
    store.delete(&path("l")).await.unwrap();
    crashed_append(&directory, false);
    put_with(&store, "a", UploadKind::Append, " and new").await;
    assert_eq!(read(&store, "a").await, "old and new");
    crashed_append(&directory, false);
    put_with(&store, "a", UploadKind::Resume { offset: 3 }, "!").await;
    assert_eq!(read(&store, "a").await, "old!");
    crashed_append(&directory, false);
    store.rename(&path("a"), &path("b")).await.unwrap();
    assert_eq!(read(&store, "b").await, "old");
    crashed_append(&directory, false);
    let swept = store.sweep(Duration::from_hours(1)).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            rolled_back: 1,
            ..Swept::default()
        }
    );
    assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old");
    assert_eq!(raw_names(&directory), ["a", "b"]);
    crashed_append(&directory, true);
    refused(store.stat(&path("a")).await, "not found");
    crashed_append(&directory, true);
    put_with(&store, "a", UploadKind::Append, "new").await;
    assert_eq!(read(&store, "a").await, "new");
    assert_eq!(raw_names(&directory), ["a", "b"]);
}

#[tokio::test]
async fn an_append_that_makes_a_file_shows_nothing_of_it_before_it_is_whole() {
    for uploads in [UploadPolicy::Whole, UploadPolicy::Resumable] {
        let (directory, store) = fresh(uploads);
        let mut upload = begin(&store, "a", UploadKind::Append).await;
        write(&mut upload, "half").await;
        assert_eq!(raw_names(&directory), [".thirdhost-created.a"]);
        refused(store.stat(&path("a")).await, "not found");
        refused(store.begin(&path("a"), UploadKind::Append).await, "busy");
        upload.abandon().await;
        assert!(raw_names(&directory).is_empty());

        // After a crash there is nothing either but what the next one takes, or the sweep.
        let left = directory.path().join(".thirdhost-created.a");
        fs::write(&left, "left over").unwrap();
        put_with(&store, "a", UploadKind::Append, "new").await;
        assert_eq!(read(&store, "a").await, "new");
        fs::write(&left, "left over").unwrap();
        assert_eq!(store.sweep(Duration::ZERO).await.unwrap().removed, 1);
        assert_eq!(raw_names(&directory), ["a"]);

        // What came there by itself stays.
        store.delete(&path("a")).await.unwrap();
        let upload = begin(&store, "a", UploadKind::Append).await;
        put(&store, "a", "other").await;
        refused(upload.commit().await, "exists");
        assert_eq!(read(&store, "a").await, "other");
        assert_eq!(raw_names(&directory), ["a"]);
    }
}

#[tokio::test]
async fn a_record_of_another_file_undoes_nothing() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    crashed_append(&directory, false);
    fs::write(directory.path().join("b"), "another file").unwrap();
    fs::rename(directory.path().join("b"), directory.path().join("a")).unwrap();
    assert_eq!(read(&store, "a").await, "another file");
    fs::write(directory.path().join(".thirdhost-append.a"), [0xff, 0]).unwrap();
    assert_eq!(read(&store, "a").await, "another file");
    assert_eq!(raw_names(&directory), ["a"]);
}

#[tokio::test]
async fn an_append_whose_file_was_replaced_leaves_the_record_of_the_next_alone() {
    let check = async |is_noted: bool| {
        let (directory, store) = fresh(UploadPolicy::Whole);
        put(&store, "a", "old").await;
        let mut first = begin(&store, "a", UploadKind::Append).await;
        if is_noted {
            write(&mut first, "first").await;
        }
        // By somebody else: the store itself replaces nothing that is appended to.
        fs::write(directory.path().join("b"), "other").unwrap();
        fs::rename(directory.path().join("b"), directory.path().join("a")).unwrap();
        let mut second = begin(&store, "a", UploadKind::Append).await;
        write(&mut second, " second").await;
        let record = directory.path().join(".thirdhost-append.a");
        let noted = fs::read(&record).unwrap();
        if is_noted {
            refused(first.commit().await, "not found");
        } else {
            refused(first.write(b"first".to_vec()).await, "not found");
            first.abandon().await;
        }
        assert_eq!(fs::read(&record).unwrap(), noted, "noted: {is_noted}");
        second.abandon().await;
        assert_eq!(read(&store, "a").await, "other");
        assert_eq!(raw_names(&directory), ["a"]);
    };
    check(true).await;
    check(false).await;
}

#[tokio::test]
async fn an_upload_that_takes_the_place_of_a_crashed_append_takes_its_record_along() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let mut upload = begin(&store, "a", UploadKind::Replace).await;
    write(&mut upload, "longer than it was").await;
    crashed_append(&directory, false);
    upload.commit().await.unwrap();
    assert_eq!(raw_names(&directory), ["a"]);
    assert_eq!(read(&store, "a").await, "longer than it was");
}

#[tokio::test]
async fn a_running_append_is_recorded_and_left_alone() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    put(&store, "a", "old").await;
    let mut upload = begin(&store, "a", UploadKind::Append).await;
    assert_eq!(raw_names(&directory), ["a"]);
    write(&mut upload, " and new").await;
    assert_eq!(raw_names(&directory), [".thirdhost-append.a", "a"]);
    // Readers see it grow, as documented, and undo nothing.
    assert_eq!(read(&store, "a").await, "old and new");
    let swept = store.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            kept: 1,
            ..Swept::default()
        }
    );
    upload.commit().await.unwrap();
    assert_eq!(read(&store, "a").await, "old and new");
}

#[tokio::test]
async fn the_sweep_removes_what_is_old_and_unused() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    store.make_directory(&path("d")).await.unwrap();
    symlink("..", directory.path().join("d/up")).unwrap();
    leave_partial(&store, "a", "half").await;
    leave_partial(&store, "d/b", "half").await;
    put(&store, "d/c", "whole").await;
    fs::write(directory.path().join(".thirdhost-unnamed.1-1"), "").unwrap();
    fs::write(directory.path().join(".thirdhost-append.gone"), "").unwrap();
    let mut running = begin(&store, "e", UploadKind::Replace).await;
    write(&mut running, "running").await;
    let swept = store.sweep(Duration::from_hours(1)).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            kept: 5,
            ..Swept::default()
        }
    );
    let swept = store.sweep(Duration::ZERO).await.unwrap();
    assert_eq!(
        swept,
        Swept {
            removed: 4,
            kept: 1,
            ..Swept::default()
        }
    );
    running.commit().await.unwrap();
    assert_eq!(raw_names(&directory), ["d", "e"]);
    assert_eq!(names(&store, "d").await, ["c", "up"]);
}

#[tokio::test]
async fn the_classic_way_keeps_what_has_arrived() {
    let (directory, store) = fresh(UploadPolicy::Resumable);
    put(&store, "a", "0123456789").await;
    // Nothing came: nothing is touched.
    begin(&store, "a", UploadKind::Replace)
        .await
        .abandon()
        .await;
    begin(&store, "a", UploadKind::Resume { offset: 4 })
        .await
        .abandon()
        .await;
    assert_eq!(read(&store, "a").await, "0123456789");
    let mut upload = begin(&store, "a", UploadKind::Resume { offset: 4 }).await;
    refused(store.begin(&path("a"), UploadKind::Replace).await, "busy");
    write(&mut upload, "x").await;
    upload.abandon().await;
    assert_eq!(read(&store, "a").await, "0123x");
    put_with(&store, "a", UploadKind::Resume { offset: 5 }, "y").await;
    assert_eq!(read(&store, "a").await, "0123xy");
    refused(
        store
            .begin(&path("a"), UploadKind::Resume { offset: 7 })
            .await,
        "offset beyond the end",
    );
    let mut upload = begin(&store, "a", UploadKind::Replace).await;
    write(&mut upload, "z").await;
    upload.abandon().await;
    assert_eq!(read(&store, "a").await, "z");
    begin(&store, "a", UploadKind::Replace)
        .await
        .commit()
        .await
        .unwrap();
    assert_eq!(read(&store, "a").await, "");
    // An append is taken back all the same, and new files that stay empty are removed.
    let mut upload = begin(&store, "a", UploadKind::Append).await;
    write(&mut upload, "lost").await;
    upload.abandon().await;
    assert_eq!(read(&store, "a").await, "");
    begin(&store, "b", UploadKind::Replace)
        .await
        .abandon()
        .await;
    refused(
        store
            .begin(&path("b"), UploadKind::Resume { offset: 1 })
            .await,
        "offset beyond the end",
    );
    begin(&store, "a", UploadKind::Unique).await.abandon().await;
    put_with(&store, "a", UploadKind::Unique, "unique").await;
    assert_eq!(read(&store, "a.1").await, "unique");
    assert_eq!(raw_names(&directory), ["a", "a.1"]);
}

#[tokio::test]
async fn a_write_whose_future_is_dropped_is_over_before_the_rollback() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    put(&store, "a", "old").await;
    for _ in 0..32 {
        let mut upload = begin(&store, "a", UploadKind::Append).await;
        let mut dropped = upload.write(vec![b'x'; 1 << 20]);
        let _ = dropped
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        drop(dropped);
        upload.abandon().await;
        assert_eq!(fs::read(directory.path().join("a")).unwrap(), b"old");
    }
    assert_eq!(raw_names(&directory), ["a"]);
}

#[tokio::test]
async fn a_name_that_is_not_utf_8_is_left_out() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    fs::write(directory.path().join(OsStr::from_bytes(b"caf\xe9")), "").unwrap();
    put(&store, "café", "").await;
    assert_eq!(names(&store, "/").await, ["café"]);
}

#[tokio::test]
async fn a_source_lends_its_file_to_a_transport() {
    let (_directory, store) = fresh(UploadPolicy::Whole);
    put(&store, "a", "0123").await;
    let source = store.open(&path("a"), 2).await.unwrap();
    assert_eq!(source.file().unwrap().metadata().unwrap().len(), 4);
}

#[test]
fn a_full_disk_is_told_as_such() {
    // Everything written to /dev/full fails for want of room; it stands in for a full disk.
    let Ok(full) = fs::File::options().write(true).open("/dev/full") else {
        return;
    };
    let error = system::write_at(&full, b"x", 0).unwrap_err();
    assert_eq!(store_error(error).to_string(), "no space");
}

#[tokio::test]
async fn a_directory_of_many_batches_is_listed_whole_and_each_name_once() {
    for count in [0, LISTING_BATCH_MAX, 4 * LISTING_BATCH_MAX + 7] {
        let (directory, store) = fresh(UploadPolicy::Whole);
        // A batch of hidden names alone is not the end.
        for number in 0..LISTING_BATCH_MAX + 1 {
            let hidden = names::partial(&number.to_string());
            fs::write(directory.path().join(hidden), "").unwrap();
        }
        let mut expected: Vec<String> = (0..count).map(|number| format!("f{number:05}")).collect();
        for name in &expected {
            fs::write(directory.path().join(name), "").unwrap();
        }
        let mut found = names(&store, "/").await;
        found.sort_unstable();
        expected.sort_unstable();
        assert!(found == expected, "{count}: {}", found.len());
    }
}

/// NLST puts before each name the pathname that its user chose, as long as a line.
//= security#S-56
//= type=test
#[tokio::test]
async fn pages_do_not_grow_with_what_a_user_has_put_before_each_name() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    for number in 0..3_000 {
        fs::write(directory.path().join(number.to_string()), "").unwrap();
    }
    for given_bytes in [1, 100, 1_000, 4_000] {
        let given = Some("x".repeat(given_bytes));
        let pen = Box::new(ListingStyle::Names { given }.lines());
        let mut pages = store.list_lines(&VirtualPath::root(), pen).await.unwrap();
        let (mut entries, mut longest) = (0, 0);
        while let Some(page) = pages.next_page().await.unwrap() {
            entries += page.entries;
            longest = longest.max(page.text.len());
        }
        assert_eq!(entries, 3_000, "{given_bytes}");
        assert!(longest <= 320 * 1024, "{given_bytes}: {longest}");
    }
}

#[tokio::test]
async fn a_listing_tells_of_each_entry_what_stat_tells() {
    let (directory, store) = fresh(UploadPolicy::Whole);
    let at = |name: &str| directory.path().join(name);
    fs::create_dir(at("d")).unwrap();
    fs::write(at("d/f"), "12345").unwrap();
    fs::hard_link(at("d/f"), at("d/second")).unwrap();
    fs::write(at("d/before 1970"), "").unwrap();
    fs::create_dir(at("d/d")).unwrap();
    symlink("f", at("d/link")).unwrap();
    symlink("../d", at("d/up")).unwrap();
    symlink("nowhere", at("d/dangling")).unwrap();
    let early = std::time::UNIX_EPOCH - Duration::from_millis(1_500);
    store
        .set_modified(&path("d/before 1970"), early)
        .await
        .unwrap();
    let mut listed = store
        .list(&path("d"))
        .await
        .unwrap()
        .next_batch()
        .await
        .unwrap();
    listed.retain(|entry| entry.name != "dangling");
    assert_eq!(listed.len(), 6);
    for entry in listed {
        let told = store.stat(&path(&format!("d/{}", entry.name))).await;
        assert_eq!(entry, told.unwrap());
    }
}

/// Where the file system cannot rename without replacing, a link is made and the temporary removed;
/// a crash between the two leaves a file with both names.
#[tokio::test]
async fn a_temporary_that_is_a_file_too_is_not_written_into() {
    for (prefix, kind) in [
        (names::PARTIAL, UploadKind::Replace),
        (names::PARTIAL, UploadKind::Resume { offset: 1 }),
        (names::CREATED, UploadKind::Append),
    ] {
        let (directory, store) = fresh(UploadPolicy::Whole);
        let name = |name: &str| directory.path().join(name);
        put(&store, "other", "whole").await;
        fs::hard_link(name("other"), name(&format!("{prefix}f"))).unwrap();
        if kind != UploadKind::Append {
            fs::hard_link(name("other"), name("f")).unwrap();
        }
        let mut upload = begin(&store, "f", kind).await;
        write(&mut upload, "n").await;
        assert_eq!(read(&store, "other").await, "whole", "{kind:?}");
        upload.commit().await.unwrap();
        assert_eq!(read(&store, "other").await, "whole", "{kind:?}");
    }
}

/// What has holes is no beginning of a file: no later upload finds it, whatever ends it.
#[tokio::test]
async fn a_file_of_parts_is_hidden_until_it_is_whole_and_no_upload_goes_on_with_it() {
    for uploads in [UploadPolicy::Whole, UploadPolicy::Resumable] {
        let (directory, store) = fresh(uploads);
        put(&store, "f", "old").await;
        let mode = fs::Permissions::from_mode(0o640);
        fs::set_permissions(directory.path().join("f"), mode).unwrap();
        for commits in [false, true] {
            let assembly = store.assemble(&path("f"), 6).await.unwrap();
            let ranges = Ranges::new(6);
            for (first, text) in [(4, "ef"), (0, "abcd")] {
                let claim = ranges.claim(first, first + text.len() as u64).unwrap();
                let mut part = assembly.part(claim);
                assert_eq!(part.path(), &path("f"));
                write(&mut part, text).await;
                part.commit().await.unwrap();
                assert_eq!(read(&store, "f").await, "old");
                assert_eq!(store.partial(&path("f")).await.unwrap(), None);
                assert_eq!(names(&store, "/").await, ["f"]);
            }
            let mut found = Vec::new();
            let mut source = assembly.open().await.unwrap();
            assert_eq!(source.read(&mut found, 100).await.unwrap(), 6);
            assert_eq!(found, b"abcdef");
            if commits {
                assembly.commit().await.unwrap();
                assert_eq!(read(&store, "f").await, "abcdef");
                let found = fs::metadata(directory.path().join("f")).unwrap();
                assert_eq!(found.mode() & 0o777, 0o640);
            } else {
                drop(assembly);
                while raw_names(&directory) != ["f"] {
                    tokio::task::yield_now().await;
                }
            }
        }
        assert_eq!(raw_names(&directory), ["f"]);
        refused(store.assemble(&path("d/f"), 6).await, "not found");
        fs::create_dir(directory.path().join("d")).unwrap();
        refused(store.assemble(&path("d"), 6).await, "not a regular file");
        assert_eq!(raw_names(&directory), ["d", "f"]);
    }
}
