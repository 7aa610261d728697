//! What every store must do: one body, run against the disk and against memory.

use thirdhost_proto::server::VirtualPath;
use thirdhost_wire::Pathname;

use super::{
    DiskStore, Durability, Entry, EntryKind, Kept, LISTING_BATCH_MAX, MemoryStore, Pen, Ranges,
    Store, StoreError, Upload, UploadKind, UploadPolicy,
};

#[tokio::test]
async fn memory_is_a_store() {
    conforms(MemoryStore::new).await;
    a_listing_comes_in_batches(&MemoryStore::new()).await;
    a_listing_as_text_tells_the_same(&MemoryStore::new()).await;
}

#[tokio::test]
async fn a_disk_is_a_store() {
    for durability in [Durability::Process, Durability::Power] {
        let mut held = Vec::new();
        conforms(|| {
            let root = tempfile::tempdir().unwrap();
            let store = DiskStore::open(root.path(), UploadPolicy::Whole, durability).unwrap();
            held.push(root);
            store
        })
        .await;
    }
    let root = tempfile::tempdir().unwrap();
    let classic = DiskStore::open(root.path(), UploadPolicy::Resumable, Durability::Process);
    a_range_is_of_the_file_as_it_is(&classic.unwrap()).await;
    let root = tempfile::tempdir().unwrap();
    let open = |uploads| DiskStore::open(root.path(), uploads, Durability::Process).unwrap();
    a_listing_comes_in_batches(&open(UploadPolicy::Whole)).await;
    let root = tempfile::tempdir().unwrap();
    let open = |uploads| DiskStore::open(root.path(), uploads, Durability::Process).unwrap();
    a_listing_as_text_tells_the_same(&open(UploadPolicy::Whole)).await;
}

#[test]
fn a_dropped_upload_to_memory_is_an_abandoned_one() {
    dropping_is_abandoning(&MemoryStore::new());
}

#[test]
fn a_dropped_upload_to_a_disk_is_an_abandoned_one() {
    let root = tempfile::tempdir().unwrap();
    let open = |uploads| DiskStore::open(root.path(), uploads, Durability::Process).unwrap();
    dropping_is_abandoning(&open(UploadPolicy::Whole));
}

fn dropping_is_abandoning(store: &impl Store) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap();
    let check = |name: &str, kind, partial: Option<u64>| {
        let mut upload = runtime.block_on(begin(store, name, kind));
        runtime.block_on(write(&mut upload, "lost"));
        let uploaded = upload.path().clone();
        // Outside the runtime the clean-up is done when the drop returns.
        drop(upload);
        let left = runtime.block_on(store.partial(&uploaded)).unwrap();
        assert_eq!(kept(left), partial, "{kind:?} {name}");
    };
    runtime.block_on(put(store, "a", "old"));
    check("a", UploadKind::Append, None);
    check("new", UploadKind::Append, None);
    check("a", UploadKind::Replace, Some(4));
    check("a", UploadKind::Resume { offset: 2 }, Some(6));
    check("a", UploadKind::Unique, Some(4));
    check("b", UploadKind::Range { offset: 0, end: 9 }, None);
    assert_eq!(runtime.block_on(read(store, "a")), "old");
    assert_eq!(runtime.block_on(names(store, "/")), ["a"]);
}

async fn conforms<S: Store>(mut fresh: impl FnMut() -> S) {
    a_replaced_file_is_the_old_one_until_the_end(&fresh()).await;
    a_failed_upload_leaves_a_partial(&fresh()).await;
    an_empty_failed_upload_leaves_nothing(&fresh()).await;
    a_resumed_upload_goes_on_with_the_partial(&fresh()).await;
    a_resumed_upload_goes_on_with_the_file(&fresh()).await;
    an_offset_beyond_the_end_is_refused(&fresh()).await;
    a_range_is_of_the_file_as_it_is(&fresh()).await;
    two_uploads_to_one_name_are_both_whole(&fresh()).await;
    a_file_of_parts_is_whole_or_nothing(&fresh()).await;
    unique_names_differ(&fresh()).await;
    an_append_is_whole_or_nothing(&fresh()).await;
    an_append_to_nothing_creates_the_file(&fresh()).await;
    one_append_at_a_time(&fresh()).await;
    reading_begins_at_the_offset(&fresh()).await;
    directories_are_made_listed_and_removed(&fresh()).await;
    a_rename_takes_the_place_of_a_file(&fresh()).await;
    what_is_no_file_is_refused(&fresh()).await;
    hidden_names_do_not_exist(&fresh()).await;
    no_name_leads_out_of_the_root(&fresh()).await;
    the_root_stays(&fresh()).await;
    a_time_is_set_and_told(&fresh()).await;
}

async fn a_replaced_file_is_the_old_one_until_the_end(store: &impl Store) {
    put(store, "a", "old").await;
    let mut upload = begin(store, "a", UploadKind::Replace).await;
    write(&mut upload, "ne").await;
    assert_eq!(read(store, "a").await, "old");
    write(&mut upload, "w").await;
    assert_eq!(upload.path(), &path("a"));
    upload.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "new");
    assert_eq!(store.stat(&path("a")).await.unwrap().partial, None);
    // Until it is committed nothing is seen of it, whatever is on the disk.
    let mut upload = begin(store, "a", UploadKind::Replace).await;
    write(&mut upload, "newer").await;
    upload.settle().await.unwrap();
    assert_eq!(read(store, "a").await, "new");
    upload.abandon().await;
    assert_eq!(read(store, "a").await, "new");
    let mut upload = begin(store, "a", UploadKind::Replace).await;
    write(&mut upload, "newest").await;
    upload.settle().await.unwrap();
    upload.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "newest");
    // An empty file is a file.
    begin(store, "e", UploadKind::Replace)
        .await
        .commit()
        .await
        .unwrap();
    assert_eq!(read(store, "e").await, "");
    assert_eq!(names(store, "/").await, ["a", "e"]);
}

async fn a_failed_upload_leaves_a_partial(store: &impl Store) {
    put(store, "a", "old").await;
    for name in ["a", "b"] {
        let mut upload = begin(store, name, UploadKind::Replace).await;
        write(&mut upload, "new bytes").await;
        upload.abandon().await;
        assert_eq!(
            kept(store.partial(&path(name)).await.unwrap()),
            Some(9),
            "{name}"
        );
    }
    assert_eq!(read(store, "a").await, "old");
    assert_eq!(kept(store.stat(&path("a")).await.unwrap().partial), Some(9));
    refused(store.stat(&path("b")).await, "not found");
    assert_eq!(names(store, "/").await, ["a"]);
    // A STOR overwrites what was left, and it is gone afterwards.
    put(store, "b", "whole").await;
    assert_eq!(read(store, "b").await, "whole");
    assert_eq!(store.partial(&path("b")).await.unwrap(), None);
}

async fn an_empty_failed_upload_leaves_nothing(store: &impl Store) {
    put(store, "a", "old").await;
    for name in ["a", "b"] {
        begin(store, name, UploadKind::Replace)
            .await
            .abandon()
            .await;
        assert_eq!(store.partial(&path(name)).await.unwrap(), None, "{name}");
    }
    assert_eq!(read(store, "a").await, "old");
    refused(store.stat(&path("b")).await, "not found");
}

async fn a_resumed_upload_goes_on_with_the_partial(store: &impl Store) {
    leave_partial(store, "a", "0123456789").await;
    // One that fails before the first byte loses nothing.
    begin(store, "a", UploadKind::Resume { offset: 4 })
        .await
        .abandon()
        .await;
    assert_eq!(kept(store.partial(&path("a")).await.unwrap()), Some(10));
    let mut upload = begin(store, "a", UploadKind::Resume { offset: 4 }).await;
    refused(
        store
            .begin(&path("a"), UploadKind::Resume { offset: 4 })
            .await,
        "busy",
    );
    write(&mut upload, "xy").await;
    upload.abandon().await;
    assert_eq!(kept(store.partial(&path("a")).await.unwrap()), Some(6));
    let mut upload = begin(store, "a", UploadKind::Resume { offset: 6 }).await;
    write(&mut upload, "z").await;
    upload.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "0123xyz");
    assert_eq!(store.partial(&path("a")).await.unwrap(), None);
}

async fn a_resumed_upload_goes_on_with_the_file(store: &impl Store) {
    put(store, "a", "0123456789").await;
    let mut upload = begin(store, "a", UploadKind::Resume { offset: 4 }).await;
    write(&mut upload, "x").await;
    assert_eq!(read(store, "a").await, "0123456789");
    upload.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "0123x");
    // All behind the offset is cut off, also when nothing comes.
    begin(store, "a", UploadKind::Resume { offset: 2 })
        .await
        .commit()
        .await
        .unwrap();
    assert_eq!(read(store, "a").await, "01");
    // A copy to which nothing was added is no partial.
    begin(store, "a", UploadKind::Resume { offset: 1 })
        .await
        .abandon()
        .await;
    assert_eq!(store.partial(&path("a")).await.unwrap(), None);
    put_with(store, "new", UploadKind::Resume { offset: 0 }, "n").await;
    assert_eq!(read(store, "new").await, "n");
}

/// Not of what an interrupted upload left, which may be of another file; nor is it put in place of
/// what others have stored since.
async fn a_range_is_of_the_file_as_it_is(store: &impl Store) {
    let range = UploadKind::Range { offset: 4, end: 6 };
    put(store, "a", "other").await;
    leave_partial(store, "a", "WRONG").await;
    put(store, "b", "0123").await;
    store.rename(&path("b"), &path("a")).await.unwrap();
    let left = store.partial(&path("a")).await.unwrap();
    for is_committed in [false, true] {
        let mut upload = begin(store, "a", range).await;
        write(&mut upload, "45").await;
        assert_eq!(read(store, "a").await, "0123");
        if is_committed {
            upload.commit().await.unwrap();
            assert_eq!(read(store, "a").await, "012345");
        } else {
            upload.abandon().await;
        }
        assert_eq!(store.partial(&path("a")).await.unwrap(), left);
    }
    for (offset, end, error) in [(2, 4, "not supported"), (7, 9, "offset beyond the end")] {
        let range = UploadKind::Range { offset, end };
        refused(store.begin(&path("a"), range).await, error);
    }
    let range = UploadKind::Range { offset: 6, end: 9 };
    let mut upload = begin(store, "a", range).await;
    write(&mut upload, "678").await;
    put_with(store, "a", UploadKind::Append, "abc").await;
    refused(upload.commit().await, "exists");
    assert_eq!(read(store, "a").await, "012345abc");
    let mut upload = begin(store, "a", UploadKind::Range { offset: 0, end: 9 }).await;
    write(&mut upload, "987654321").await;
    store.delete(&path("a")).await.unwrap();
    refused(upload.commit().await, "not found");
    let mut upload = begin(store, "a", UploadKind::Range { offset: 0, end: 9 }).await;
    write(&mut upload, "987654321").await;
    put_with(store, "a", UploadKind::Append, "new").await;
    refused(upload.commit().await, "exists");
    assert_eq!(read(store, "a").await, "new");
    assert_eq!(names(store, "/").await, ["a"]);
}

async fn an_offset_beyond_the_end_is_refused(store: &impl Store) {
    let resume = UploadKind::Resume { offset: 4 };
    put(store, "a", "012").await;
    leave_partial(store, "b", "012").await;
    for name in ["a", "b", "c"] {
        refused(
            store.begin(&path(name), resume).await,
            "offset beyond the end",
        );
    }
    assert_eq!(read(store, "a").await, "012");
    assert_eq!(kept(store.partial(&path("b")).await.unwrap()), Some(3));
    assert_eq!(store.partial(&path("c")).await.unwrap(), None);
    refused(store.open(&path("a"), 4).await, "offset beyond the end");
}

async fn two_uploads_to_one_name_are_both_whole(store: &impl Store) {
    let mut first = begin(store, "a", UploadKind::Replace).await;
    let mut second = begin(store, "a", UploadKind::Replace).await;
    write(&mut first, "fir").await;
    write(&mut second, "seco").await;
    write(&mut first, "st").await;
    write(&mut second, "nd").await;
    second.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "second");
    first.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "first");
    assert_eq!(names(store, "/").await, ["a"]);
    assert_eq!(store.partial(&path("a")).await.unwrap(), None);
}

async fn a_file_of_parts_is_whole_or_nothing(store: &impl Store) {
    put(store, "a", "old").await;
    for keeps in [false, true] {
        let ranges = Ranges::new(6);
        let assembly = store.assemble(&path("a"), 6).await.unwrap();
        let part = |first, end| assembly.part(ranges.claim(first, end).unwrap());
        let (mut behind, mut before) = (part(3, 6), part(0, 3));
        write(&mut behind, "de").await;
        write(&mut before, "ab").await;
        refused(before.write(b"cd".to_vec()).await, "no space");
        refused(before.commit().await, "octets are missing");
        write(&mut behind, "f").await;
        behind.commit().await.unwrap();
        let mut before = part(0, 3);
        write(&mut before, "abc").await;
        assert!(!ranges.is_whole());
        before.commit().await.unwrap();
        assert!(ranges.is_whole());
        assert_eq!(read(store, "a").await, "old");
        let mut source = assembly.open().await.unwrap();
        let mut bytes = Vec::new();
        while source.read(&mut bytes, 4).await.unwrap() > 0 {}
        assert_eq!(bytes, b"abcdef");
        if keeps {
            assembly.commit().await.unwrap();
        }
    }
    assert_eq!(read(store, "a").await, "abcdef");
    let ranges = Ranges::new(6);
    let assembly = store.assemble(&path("b"), 6).await.unwrap();
    let mut part = assembly.part(ranges.claim(0, 6).unwrap());
    write(&mut part, "lost").await;
    ranges.end();
    refused(part.write(b"!!".to_vec()).await, "not found");
    drop((assembly, part));
    assert_eq!(names(store, "/").await, ["a"]);
    assert_eq!(kept(store.partial(&path("b")).await.unwrap()), None);
    store.make_directory(&path("d")).await.unwrap();
    refused(store.assemble(&path("d"), 6).await, "not a regular file");
    refused(store.assemble(&path("x/b"), 6).await, "not found");
    refused(
        store.assemble(&VirtualPath::root(), 6).await,
        "not a regular file",
    );
}

async fn unique_names_differ(store: &impl Store) {
    put(store, "a", "taken").await;
    let mut first = begin(store, "a", UploadKind::Unique).await;
    let mut second = begin(store, "a", UploadKind::Unique).await;
    assert_eq!(first.path(), &path("a.1"));
    assert_eq!(second.path(), &path("a.2"));
    write(&mut first, "first").await;
    write(&mut second, "second").await;
    assert_eq!(names(store, "/").await, ["a"]);
    second.commit().await.unwrap();
    // The client was told the name: it can go on there.
    first.abandon().await;
    assert_eq!(kept(store.partial(&path("a.1")).await.unwrap()), Some(5));
    assert_eq!(
        begin(store, "a", UploadKind::Unique).await.path(),
        &path("a.3")
    );
    assert_eq!(
        begin(store, "fresh", UploadKind::Unique).await.path(),
        &path("fresh")
    );
    // A name that is taken meanwhile is not overwritten.
    let mut late = begin(store, "b", UploadKind::Unique).await;
    write(&mut late, "late").await;
    put(store, "b", "early").await;
    refused(late.commit().await, "exists");
    assert_eq!(read(store, "b").await, "early");
}

async fn an_append_is_whole_or_nothing(store: &impl Store) {
    put(store, "a", "old").await;
    let mut upload = begin(store, "a", UploadKind::Append).await;
    write(&mut upload, " and lost").await;
    upload.abandon().await;
    assert_eq!(read(store, "a").await, "old");
    begin(store, "a", UploadKind::Append).await.abandon().await;
    assert_eq!(read(store, "a").await, "old");
    put_with(store, "a", UploadKind::Append, " and new").await;
    assert_eq!(read(store, "a").await, "old and new");
    begin(store, "a", UploadKind::Append)
        .await
        .commit()
        .await
        .unwrap();
    assert_eq!(read(store, "a").await, "old and new");
    assert_eq!(names(store, "/").await, ["a"]);
}

async fn an_append_to_nothing_creates_the_file(store: &impl Store) {
    let mut upload = begin(store, "a", UploadKind::Append).await;
    write(&mut upload, "lost").await;
    upload.abandon().await;
    refused(store.stat(&path("a")).await, "not found");
    begin(store, "a", UploadKind::Append).await.abandon().await;
    refused(store.stat(&path("a")).await, "not found");
    put_with(store, "a", UploadKind::Append, "new").await;
    assert_eq!(read(store, "a").await, "new");
    begin(store, "e", UploadKind::Append)
        .await
        .commit()
        .await
        .unwrap();
    assert_eq!(read(store, "e").await, "");
}

async fn one_append_at_a_time(store: &impl Store) {
    put(store, "a", "old").await;
    let mut upload = begin(store, "a", UploadKind::Append).await;
    refused(store.begin(&path("a"), UploadKind::Append).await, "busy");
    write(&mut upload, "!").await;
    refused(store.begin(&path("a"), UploadKind::Append).await, "busy");
    refused(store.delete(&path("a")).await, "busy");
    refused(store.rename(&path("a"), &path("b")).await, "busy");
    upload.commit().await.unwrap();
    put_with(store, "a", UploadKind::Append, "?").await;
    assert_eq!(read(store, "a").await, "old!?");
    // Nor is the file replaced, neither by an upload that began before nor by one after.
    let mut before = begin(store, "a", UploadKind::Replace).await;
    write(&mut before, "replaced").await;
    let mut upload = begin(store, "a", UploadKind::Append).await;
    refused(store.begin(&path("a"), UploadKind::Replace).await, "busy");
    let resume = UploadKind::Resume { offset: 1 };
    refused(store.begin(&path("a"), resume).await, "busy");
    write(&mut upload, "!").await;
    refused(before.commit().await, "busy");
    upload.commit().await.unwrap();
    assert_eq!(read(store, "a").await, "old!?!");
    // What arrived meanwhile is not lost.
    put_with(store, "a", UploadKind::Resume { offset: 8 }, ".").await;
    assert_eq!(read(store, "a").await, "replaced.");
}

async fn reading_begins_at_the_offset(store: &impl Store) {
    put(store, "a", "0123456789").await;
    for (offset, expected) in [(0, "0123456789"), (4, "456789"), (10, "")] {
        let mut source = store.open(&path("a"), offset).await.unwrap();
        assert_eq!(source.size(), 10);
        let mut buffer = b">".to_vec();
        while source.read(&mut buffer, 3).await.unwrap() > 0 {}
        assert_eq!(buffer, format!(">{expected}").as_bytes());
    }
    // Never more than asked for, whatever the buffer could hold.
    let mut source = store.open(&path("a"), 0).await.unwrap();
    let mut buffer = Vec::with_capacity(64);
    assert_eq!(source.read(&mut buffer, 0).await.unwrap(), 0);
    assert_eq!(source.read(&mut buffer, 3).await.unwrap(), 3);
    buffer.clear();
    assert_eq!(source.read(&mut buffer, 64).await.unwrap(), 7);
    assert_eq!(buffer, b"3456789");
}

async fn directories_are_made_listed_and_removed(store: &impl Store) {
    store.make_directory(&path("d")).await.unwrap();
    refused(store.make_directory(&path("d")).await, "exists");
    refused(store.make_directory(&path("x/y")).await, "not found");
    put(store, "d/a", "1").await;
    put(store, "b", "22").await;
    assert_eq!(names(store, "/").await, ["b", "d"]);
    assert_eq!(names(store, "d").await, ["a"]);
    let found = store.stat(&path("d")).await.unwrap();
    assert_eq!(
        (found.kind, found.size, found.name.as_str()),
        (EntryKind::Directory, 0, "d")
    );
    let found = store.stat(&path("b")).await.unwrap();
    assert_eq!(
        (found.kind, found.size, found.name.as_str()),
        (EntryKind::File, 2, "b")
    );
    refused(
        store.remove_directory(&path("d")).await,
        "directory not empty",
    );
    refused(store.remove_directory(&path("b")).await, "not a directory");
    refused(store.remove_directory(&path("x")).await, "not found");
    store.delete(&path("d/a")).await.unwrap();
    refused(store.delete(&path("d/a")).await, "not found");
    // What a failed upload left is nothing to the user.
    leave_partial(store, "d/p", "left").await;
    store.remove_directory(&path("d")).await.unwrap();
    refused(store.stat(&path("d")).await, "not found");
    store.make_directory(&path("d")).await.unwrap();
    assert_eq!(store.partial(&path("d/p")).await.unwrap(), None);
}

async fn a_rename_takes_the_place_of_a_file(store: &impl Store) {
    put(store, "a", "a").await;
    put(store, "b", "b").await;
    store.rename(&path("a"), &path("b")).await.unwrap();
    assert_eq!(names(store, "/").await, ["b"]);
    assert_eq!(read(store, "b").await, "a");
    store.make_directory(&path("d")).await.unwrap();
    put(store, "d/x", "x").await;
    store.rename(&path("d"), &path("e")).await.unwrap();
    assert_eq!(read(store, "e/x").await, "x");
    refused(store.rename(&path("d"), &path("f")).await, "not found");
    refused(
        store.rename(&path("b"), &path("e")).await,
        "not a regular file",
    );
    refused(
        store.rename(&path("e"), &path("b")).await,
        "not a directory",
    );
    refused(
        store.rename(&path("e"), &path("e/below")).await,
        "name not allowed",
    );
    store.make_directory(&path("g")).await.unwrap();
    refused(
        store.rename(&path("g"), &path("e")).await,
        "directory not empty",
    );
    store.rename(&path("e"), &path("e")).await.unwrap();
    assert_eq!(read(store, "e/x").await, "x");
    for taken in ["e", "h"] {
        put(store, "h", "kept").await;
        put(store, "i", "moved").await;
        refused(store.rename_new(&path("i"), &path(taken)).await, "exists");
        assert_eq!(read(store, "h").await, "kept");
    }
    store.rename_new(&path("i"), &path("j")).await.unwrap();
    assert_eq!(read(store, "j").await, "moved");
}

async fn what_is_no_file_is_refused(store: &impl Store) {
    store.make_directory(&path("d")).await.unwrap();
    put(store, "f", "f").await;
    for kind in [
        UploadKind::Replace,
        UploadKind::Append,
        UploadKind::Resume { offset: 0 },
    ] {
        refused(store.begin(&path("d"), kind).await, "not a regular file");
        refused(store.begin(&path("/"), kind).await, "not a regular file");
        refused(store.begin(&path("x/a"), kind).await, "not found");
        refused(store.begin(&path("f/a"), kind).await, "not a directory");
    }
    // A directory that came meanwhile is not overwritten either.
    let mut upload = begin(store, "late", UploadKind::Replace).await;
    write(&mut upload, "bytes").await;
    store.make_directory(&path("late")).await.unwrap();
    refused(upload.commit().await, "not a regular file");
    refused(store.open(&path("d"), 0).await, "not a regular file");
    refused(store.open(&path("/"), 0).await, "not a regular file");
    refused(store.open(&path("x"), 0).await, "not found");
    refused(store.delete(&path("d")).await, "not a regular file");
    refused(store.list(&path("f")).await.map(drop), "not a directory");
    refused(store.list(&path("x")).await.map(drop), "not found");
    refused(store.stat(&path("f/x")).await, "not a directory");
}

async fn hidden_names_do_not_exist(store: &impl Store) {
    leave_partial(store, "a", "bytes").await;
    put(store, "b", "b").await;
    for name in [
        ".thirdhost-partial.a",
        ".thirdhost-x",
        ".thirdhost-d/a",
        ".THIRDHOST-X",
    ] {
        let hidden = path(name);
        refused(store.stat(&hidden).await, "not found");
        refused(store.partial(&hidden).await, "not found");
        refused(store.open(&hidden, 0).await, "not found");
        refused(store.list(&hidden).await.map(drop), "not found");
        refused(store.delete(&hidden).await, "not found");
        refused(store.remove_directory(&hidden).await, "not found");
        refused(store.rename(&hidden, &path("c")).await, "not found");
        refused(store.rename(&path("b"), &hidden).await, "name not allowed");
        refused(store.make_directory(&hidden).await, "name not allowed");
        for kind in [
            UploadKind::Replace,
            UploadKind::Unique,
            UploadKind::Append,
            UploadKind::Resume { offset: 0 },
        ] {
            refused(store.begin(&hidden, kind).await, "name not allowed");
        }
    }
    assert_eq!(names(store, "/").await, ["b"]);
}

async fn no_name_leads_out_of_the_root(store: &impl Store) {
    for name in [
        "../../etc/passwd",
        "/etc/passwd",
        "a/../../etc/passwd",
        "..\\..\\etc\\passwd",
    ] {
        refused(store.open(&path(name), 0).await, "not found");
        refused(store.stat(&path(name)).await, "not found");
    }
    put(store, "../../a", "inside").await;
    assert_eq!(names(store, "/").await, ["a"]);
}

async fn a_listing_comes_in_batches(store: &impl Store) {
    const COUNT: usize = 1_000;
    for number in 0..COUNT {
        begin(store, &number.to_string(), UploadKind::Replace)
            .await
            .commit()
            .await
            .unwrap();
    }
    let mut listing = store.list(&VirtualPath::root()).await.unwrap();
    let mut sizes = Vec::new();
    let mut found = Vec::new();
    loop {
        let batch = listing.next_batch().await.unwrap();
        if batch.is_empty() {
            break;
        }
        sizes.push(batch.len());
        found.extend(batch.into_iter().map(|entry: Entry| entry.name));
    }
    assert!(
        sizes.iter().all(|size| *size <= LISTING_BATCH_MAX),
        "{sizes:?}"
    );
    found.sort_unstable();
    found.dedup();
    assert_eq!(found.len(), COUNT);
    assert!(listing.next_batch().await.unwrap().is_empty());
}

/// Each entry's facts come to the pen as they come to whoever asks for entries.
async fn a_listing_as_text_tells_the_same(store: &impl Store) {
    #[derive(Debug)]
    struct Debugging;
    impl Pen for Debugging {
        fn write(&mut self, entry: &Entry, text: &mut String) -> bool {
            let told = entry.name != "7";
            if told {
                text.push_str(&format!("{entry:?}\r\n"));
            }
            told
        }

        fn another(&self) -> Box<dyn Pen> {
            Box::new(Self)
        }
    }

    for number in 0..1_000 {
        put(store, &number.to_string(), "x").await;
    }
    store.make_directory(&path("d")).await.unwrap();
    store.make_directory(&path("empty")).await.unwrap();
    leave_partial(store, "hidden", "part").await;
    for directory in ["/", "d/..", "empty"] {
        let directory = path(directory);
        let mut listing = store.list(&directory).await.unwrap();
        let mut expected = Vec::new();
        loop {
            let batch = listing.next_batch().await.unwrap();
            if batch.is_empty() {
                break;
            }
            expected.extend(batch);
        }
        expected.retain(|entry| entry.name != "7");
        let mut expected: Vec<String> = expected.iter().map(|e| format!("{e:?}")).collect();
        let mut pages = store
            .list_lines(&directory, Box::new(Debugging))
            .await
            .unwrap();
        let mut told = Vec::new();
        while let Some(page) = pages.next_page().await.unwrap() {
            assert!(page.text.is_empty() || page.text.ends_with("\r\n"));
            let lines: Vec<String> = page.text.lines().map(str::to_owned).collect();
            assert_eq!(lines.len() as u64, page.entries);
            told.extend(lines);
        }
        assert!(pages.next_page().await.unwrap().is_none());
        expected.sort_unstable();
        told.sort_unstable();
        assert_eq!(told, expected);
    }
    let missing = store
        .list_lines(&path("missing"), Box::new(Debugging))
        .await;
    refused(missing.map(drop), "not found");
    let file = store.list_lines(&path("1"), Box::new(Debugging)).await;
    refused(file.map(drop), "not a directory");
}

async fn the_root_stays(store: &impl Store) {
    let root = VirtualPath::root();
    assert_eq!(store.stat(&root).await.unwrap().name, "");
    assert_eq!(store.partial(&root).await.unwrap(), None);
    refused(store.make_directory(&root).await, "exists");
    refused(store.remove_directory(&root).await, "not permitted");
    refused(store.delete(&root).await, "not a regular file");
    put(store, "a", "a").await;
    refused(store.rename(&root, &path("b")).await, "not permitted");
    refused(store.rename(&path("a"), &root).await, "not permitted");
}

pub(super) fn path(name: &str) -> VirtualPath {
    VirtualPath::root()
        .join(&Pathname::try_from(name).unwrap())
        .unwrap()
}

pub(super) fn refused<T>(result: Result<T, StoreError>, expected: &str) {
    match result {
        Ok(_) => panic!("{expected:?} was expected"),
        Err(error) => assert_eq!(error.to_string(), expected, "{error:?}"),
    }
}

pub(super) fn kept(kept: Option<Kept>) -> Option<u64> {
    kept.map(|kept| kept.bytes)
}

pub(super) async fn begin(store: &impl Store, name: &str, kind: UploadKind) -> Box<dyn Upload> {
    store.begin(&path(name), kind).await.unwrap()
}

pub(super) async fn write(upload: &mut Box<dyn Upload>, text: &str) {
    let emptied = upload.write(text.as_bytes().to_vec()).await.unwrap();
    assert!(emptied.is_empty());
}

pub(super) async fn put(store: &impl Store, name: &str, text: &str) {
    put_with(store, name, UploadKind::Replace, text).await;
}

pub(super) async fn put_with(store: &impl Store, name: &str, kind: UploadKind, text: &str) {
    let mut upload = begin(store, name, kind).await;
    write(&mut upload, text).await;
    upload.commit().await.unwrap();
}

pub(super) async fn leave_partial(store: &impl Store, name: &str, text: &str) {
    let mut upload = begin(store, name, UploadKind::Replace).await;
    write(&mut upload, text).await;
    upload.abandon().await;
}

pub(super) async fn read(store: &impl Store, name: &str) -> String {
    let mut source = store.open(&path(name), 0).await.unwrap();
    let mut bytes = Vec::new();
    while source.read(&mut bytes, 64).await.unwrap() > 0 {}
    String::from_utf8(bytes).unwrap()
}

pub(super) async fn names(store: &impl Store, name: &str) -> Vec<String> {
    let mut listing = store.list(&path(name)).await.unwrap();
    let mut names: Vec<String> = Vec::new();
    loop {
        let batch = listing.next_batch().await.unwrap();
        if batch.is_empty() {
            break;
        }
        names.extend(batch.into_iter().map(|entry| entry.name));
    }
    names.sort_unstable();
    names
}

async fn a_time_is_set_and_told(store: &impl Store) {
    put(store, "f", "text").await;
    store.make_directory(&path("d")).await.unwrap();
    for seconds in [0, 1_577_934_245] {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(seconds);
        for name in ["f", "d"] {
            store.set_modified(&path(name), time).await.unwrap();
            assert_eq!(
                store.stat(&path(name)).await.unwrap().modified,
                time,
                "{name}"
            );
        }
        for name in ["missing", ".thirdhost-partial.f", "f/x"] {
            assert!(
                store.set_modified(&path(name), time).await.is_err(),
                "{name}"
            );
        }
        let root = store.set_modified(&VirtualPath::root(), time).await;
        assert!(matches!(root, Err(StoreError::NotPermitted)));
    }
    assert_eq!(read(store, "f").await, "text");
}
