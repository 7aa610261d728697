//! The bounds, over memory and over a disk, in both ways of uploading.

use std::fmt;
use std::sync::Mutex;
use std::time::{Duration, SystemTime};

use futures_util::FutureExt as _;
use thirdhost_proto::server::Permissions;

use super::super::{DiskStore, Durability, MemoryStore, Ranges, UploadPolicy};
use super::*;
use crate::accounts::{Admission, Bounds};
use crate::limits::FREE_SPACE_INTERVAL;
use crate::limits::{USAGE_KEPT, USAGE_PAUSE_MIN};

pub(in super::super) fn path(name: &str) -> VirtualPath {
    VirtualPath::root().join(&name.try_into().unwrap()).unwrap()
}

/// A clock that stands until it is moved.
#[derive(Debug, Default)]
struct Hand(Mutex<Duration>);

impl Hand {
    fn on(&self, by: Duration) {
        *self.0.lock().unwrap() += by;
    }
}

impl Clock for Hand {
    fn now(&self) -> Duration {
        *self.0.lock().unwrap()
    }

    fn wall(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + self.now()
    }

    fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
        Box::pin(std::future::pending())
    }
}

struct Home {
    inner: Arc<dyn Store>,
    store: Arc<dyn Store>,
    clock: Arc<Hand>,
    quotas: Quotas,
    _root: Option<tempfile::TempDir>,
}

impl Home {
    fn new(inner: Arc<dyn Store>, quota: Option<u64>, max_file_size: Option<u64>) -> Self {
        let (clock, quotas) = (Arc::new(Hand::default()), Quotas::default());
        let account = account(quota, max_file_size);
        let dyn_clock: Arc<dyn Clock> = clock.clone();
        let store = bounded(Arc::clone(&inner), &account, None, &quotas, &dyn_clock);
        Self {
            inner,
            store,
            clock,
            quotas,
            _root: None,
        }
    }

    /// The same home over memory, and over a disk in both ways of uploading.
    fn everywhere(quota: Option<u64>, max_file_size: Option<u64>) -> Vec<Self> {
        let disk = |uploads| {
            let root = tempfile::tempdir().unwrap();
            let store = DiskStore::open(root.path(), uploads, Durability::Process).unwrap();
            let mut home = Self::new(Arc::new(store), quota, max_file_size);
            home._root = Some(root);
            home
        };
        vec![
            Self::new(Arc::new(MemoryStore::new()), quota, max_file_size),
            disk(UploadPolicy::Whole),
            disk(UploadPolicy::Resumable),
        ]
    }

    /// Uploads in chunks of ten; what the first failure was, and whether it came before.
    async fn put(&self, name: &str, kind: UploadKind, octets: usize) -> &'static str {
        let mut upload = match self.store.begin(&path(name), kind).await {
            Ok(upload) => upload,
            Err(StoreError::NoSpace) => return "no space before",
            Err(StoreError::TooLarge) => return "too large before",
            Err(error) => panic!("{error}"),
        };
        let mut left = octets;
        while left > 0 {
            let chunk = left.min(10);
            left -= chunk;
            let refused = match upload.write(vec![b'n'; chunk]).await {
                Ok(_) => continue,
                Err(StoreError::NoSpace) => "no space during",
                Err(StoreError::TooLarge) => "too large during",
                Err(error) => panic!("{error}"),
            };
            upload.abandon().await;
            return refused;
        }
        upload.commit().await.unwrap();
        "stored"
    }

    async fn size(&self, name: &str) -> Option<u64> {
        let entry = self.store.stat(&path(name)).await.ok()?;
        Some(entry.size)
    }

    async fn partial(&self, name: &str) -> Option<u64> {
        let kept = self.store.partial(&path(name)).await.unwrap();
        kept.map(|kept| kept.bytes)
    }

    fn rest(&self) {
        self.clock.on(USAGE_PAUSE_MIN);
    }
}

fn account(quota: Option<u64>, max_file_size: Option<u64>) -> Account {
    Account {
        name: "alice".to_owned(),
        home: "alice".to_owned(),
        permissions: Permissions::all(),
        third_party: None,
        bounds: Bounds {
            quota,
            max_file_size,
            ..Bounds::default()
        },
        operator: false,
        admission: Admission::default(),
        anonymous: false,
    }
}

use UploadKind::{Append, Replace, Resume, Unique};

//= security#S-59
//= type=test
#[tokio::test]
async fn no_more_is_stored_than_the_quota_and_a_deletion_makes_room() {
    for home in Home::everywhere(Some(100), None) {
        assert_eq!(home.put("a", Replace, 60).await, "stored", "{home:?}");
        assert_eq!(home.put("b", Replace, 50).await, "no space during");
        // What was refused left nothing, but for the classic way, which leaves what arrived.
        if home.size("b").await.is_some() {
            home.store.delete(&path("b")).await.unwrap();
        }
        home.rest();
        let again = home.put("a", Append, 50).await;
        assert_eq!(again, "no space during", "{home:?}");
        assert_eq!(home.size("a").await, Some(60), "{home:?}");
        home.rest();
        assert_eq!(home.put("a", Append, 40).await, "stored", "{home:?}");
        home.rest();
        for kind in [Replace, Unique, Append, Resume { offset: 5 }] {
            assert_eq!(home.put("a", kind, 1).await, "no space before", "{kind:?}");
        }
        home.store.delete(&path("a")).await.unwrap();
        home.rest();
        assert_eq!(home.put("c", Unique, 100).await, "stored", "{home:?}");
        assert_eq!(home.inner.usage().await.unwrap(), 100);
    }
}

#[tokio::test]
async fn an_overwrite_that_does_not_fit_leaves_the_old_file_and_no_rest_of_the_new() {
    for home in Home::everywhere(Some(100), None).into_iter().take(2) {
        assert_eq!(home.put("a", Replace, 60).await, "stored");
        assert_eq!(home.put("a", Replace, 60).await, "no space during");
        assert_eq!(home.size("a").await, Some(60));
        assert_eq!(home.partial("a").await, None, "{home:?}");
        home.rest();
        assert_eq!(home.put("a", Replace, 40).await, "stored");
        home.rest();
        assert_eq!(
            home.put("b", Replace, 60).await,
            "stored",
            "the old one is gone"
        );
    }
}

#[tokio::test]
async fn what_an_interrupted_upload_left_counts() {
    for home in Home::everywhere(Some(100), None).into_iter().take(2) {
        let mut upload = home.store.begin(&path("a"), Replace).await.unwrap();
        upload.write(vec![b'o'; 70]).await.unwrap();
        upload.abandon().await;
        assert_eq!(home.partial("a").await, Some(70));
        home.rest();
        assert_eq!(home.put("b", Replace, 40).await, "no space during");
        home.rest();
        let resumed = home.put("a", Resume { offset: 70 }, 30).await;
        assert_eq!(resumed, "stored", "nothing is copied: {home:?}");
        assert_eq!(home.size("a").await, Some(100));
    }
}

/// A file of parts has holes until all have come: they count when they come, and not before.
#[tokio::test]
async fn a_file_of_parts_counts_as_what_has_come() {
    for home in Home::everywhere(Some(2_600_000), None) {
        let ranges = Ranges::new(2_000_000);
        let assembly = home.store.assemble(&path("a"), 2_000_000).await.unwrap();
        let part = |first, end| assembly.part(ranges.claim(first, end).unwrap());
        let mut behind = part(1_000_000, 2_000_000);
        behind.write(vec![b'n'; 10_000]).await.unwrap();
        home.clock.on(USAGE_KEPT);
        home.store.room(1).await.unwrap();
        behind.write(vec![b'n'; 990_000]).await.unwrap();
        behind.commit().await.unwrap();
        let mut given_up = part(0, 1_000_000);
        given_up.write(vec![b'n'; 500_000]).await.unwrap();
        given_up.abandon().await;
        home.clock.on(USAGE_KEPT);
        home.store.room(1).await.unwrap();
        let mut before = part(0, 1_000_000);
        before.write(vec![b'n'; 1_000_000]).await.unwrap();
        before.commit().await.unwrap();
        home.clock.on(USAGE_KEPT);
        let refused = home.store.room(700_000).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoSpace), "{home:?}");
        assembly.commit().await.unwrap();
        assert_eq!(home.inner.usage().await.unwrap(), 2_000_000);
    }
}

#[tokio::test]
async fn what_is_copied_to_go_on_behind_it_counts() {
    for home in Home::everywhere(Some(100), None).into_iter().take(2) {
        assert_eq!(home.put("a", Replace, 60).await, "stored");
        assert_eq!(
            home.put("a", Resume { offset: 50 }, 1).await,
            "no space before"
        );
        assert_eq!(home.size("a").await, Some(60));
        home.rest();
        assert_eq!(home.put("a", Resume { offset: 30 }, 10).await, "stored");
        assert_eq!(home.size("a").await, Some(40));
    }
}

/// Where it is written into the file itself, nothing is copied, and nothing counts twice.
#[tokio::test]
async fn what_is_gone_on_with_in_place_counts_once() {
    let in_place = Home::everywhere(Some(100), None).remove(2);
    assert_eq!(in_place.put("a", Replace, 60).await, "stored");
    for (offset, octets, expected, size) in [
        (60, 30, "stored", 90),
        (90, 10, "stored", 100),
        (100, 1, "no space before", 100),
    ] {
        in_place.rest();
        let put = in_place.put("a", Resume { offset }, octets).await;
        assert_eq!(put, expected, "{offset}");
        assert_eq!(in_place.size("a").await, Some(size), "{offset}");
    }
}

#[tokio::test]
async fn uploads_at_once_do_not_go_beyond_together() {
    for home in Home::everywhere(Some(100), None) {
        let begin = async |name| home.store.begin(&path(name), Replace).await.unwrap();
        let (mut one, mut other) = (begin("a").await, begin("b").await);
        one.write(vec![0; 60]).await.unwrap();
        home.clock.on(USAGE_KEPT);
        let refused = other.write(vec![0; 60]).await.unwrap_err();
        assert!(matches!(refused, StoreError::NoSpace), "{home:?}");
        other.abandon().await;
        one.commit().await.unwrap();
    }
}

//= security#S-59
//= type=test
#[tokio::test]
async fn no_file_grows_larger_than_files_may_be() {
    for home in Home::everywhere(None, Some(50)) {
        assert_eq!(home.put("a", Replace, 50).await, "stored");
        for (kind, octets, expected) in [
            (Append, 1, "too large during"),
            (Append, 0, "stored"),
            (Unique, 51, "too large during"),
            (Resume { offset: 50 }, 1, "too large during"),
            (Resume { offset: 51 }, 0, "too large before"),
            (Resume { offset: 50 }, 0, "stored"),
        ] {
            assert_eq!(
                home.put("a", kind, octets).await,
                expected,
                "{kind:?} {home:?}"
            );
            assert_eq!(home.size("a").await, Some(50), "{kind:?} {home:?}");
        }
    }
    for home in Home::everywhere(None, Some(50)).into_iter().take(2) {
        assert_eq!(home.put("a", Replace, 50).await, "stored");
        assert_eq!(home.put("a", Replace, 51).await, "too large during");
        assert_eq!(
            (home.size("a").await, home.partial("a").await),
            (Some(50), None)
        );
    }
}

/// Somebody else appends between the look at the file and the lock on it.
#[tokio::test]
async fn a_file_that_grew_before_it_was_appended_to_grows_no_larger_either() {
    let crowded = Crowded {
        store: Arc::new(MemoryStore::new()),
        free: Arc::default(),
        appended: 30,
        walks: Arc::default(),
    };
    let home = Home::new(Arc::new(crowded), None, Some(50));
    // Whatever comes of one, the next finds the file free.
    for (octets, expected, size) in [
        (21, "too large during", 30),
        (0, "too large before", 60),
        (0, "too large before", 90),
    ] {
        assert_eq!(home.put("a", Append, octets).await, expected);
        assert_eq!(home.size("a").await, Some(size));
    }
}

#[tokio::test]
async fn room_is_told_beforehand() {
    for home in Home::everywhere(Some(100), Some(80)) {
        assert_eq!(home.put("a", Replace, 30).await, "stored");
        assert!(home.store.room(70).await.is_ok());
        assert!(matches!(
            home.store.room(71).await,
            Err(StoreError::NoSpace)
        ));
        assert!(matches!(
            home.store.room(81).await,
            Err(StoreError::TooLarge)
        ));
    }
}

#[tokio::test]
async fn what_comes_by_other_ways_is_found_within_the_hour() {
    let home = Home::new(Arc::new(MemoryStore::new()), Some(100), None);
    assert_eq!(home.put("a", Replace, 10).await, "stored");
    let mut aside = home.inner.begin(&path("b"), Replace).await.unwrap();
    aside.write(vec![0; 100]).await.unwrap();
    aside.commit().await.unwrap();
    assert!(home.store.room(50).await.is_ok(), "not known yet");
    home.clock.on(USAGE_KEPT);
    assert!(home.store.room(1).await.is_err());
}

#[tokio::test]
async fn a_full_home_is_not_counted_at_every_attempt() {
    let home = Home::new(Arc::new(MemoryStore::new()), Some(10), None);
    assert_eq!(home.put("a", Replace, 10).await, "stored");
    home.rest();
    let usage = Arc::clone(&home.quotas.homes.lock().unwrap()["alice"]);
    let before = usage.counts();
    for _ in 0..5 {
        assert_eq!(home.put("b", Replace, 1).await, "no space before");
    }
    assert_eq!(usage.counts(), before + 1);
}

/// He logs in again and asks again: what is walked over for him rests in between.
#[tokio::test]
async fn a_count_that_nobody_waits_for_any_more_is_followed_by_a_pause_too() {
    let walks = Arc::new(Mutex::new(None));
    let disk = Arc::new(Crowded {
        store: Arc::new(MemoryStore::new()),
        free: Arc::default(),
        appended: 0,
        walks: Arc::clone(&walks),
    });
    let home = Home::new(disk, Some(10), None);
    assert_eq!(home.put("a", Replace, 10).await, "stored");
    home.rest();
    *walks.lock().unwrap() = Some(0);
    assert!(home.store.room(1).now_or_never().is_none());
    for _ in 0..5 {
        let refused = home.store.room(1).now_or_never();
        assert!(matches!(refused, Some(Err(StoreError::NoSpace))));
    }
    assert_eq!(*walks.lock().unwrap(), Some(1));
}

#[tokio::test]
async fn users_of_one_home_share_its_count() {
    let home = Home::new(Arc::new(MemoryStore::new()), Some(100), None);
    let clock: Arc<dyn Clock> = home.clock.clone();
    let less = bounded(
        Arc::clone(&home.inner),
        &account(Some(50), None),
        None,
        &home.quotas,
        &clock,
    );
    assert_eq!(home.put("a", Replace, 60).await, "stored");
    assert!(less.room(1).await.is_err());
    assert!(home.store.room(40).await.is_ok());
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.fmt(f)
    }
}

/// A store on a disk of which so much is `free`, and `least` has to stay free.
fn leaving_free(least: u64, free: &Arc<Mutex<u64>>) -> Arc<dyn Store> {
    let disk = Arc::new(Crowded {
        store: Arc::new(MemoryStore::new()),
        free: Arc::clone(free),
        appended: 0,
        walks: Arc::default(),
    });
    let clock: Arc<dyn Clock> = Arc::new(Hand::default());
    let account = account(None, None);
    bounded(disk, &account, Some(least), &Quotas::default(), &clock)
}

/// A disk that others use too.
#[derive(Debug)]
struct Crowded {
    store: Arc<dyn Store>,
    /// How much is free, whatever is written.
    free: Arc<Mutex<u64>>,
    /// How much somebody appends to each file that is about to be appended to.
    appended: usize,
    /// How many walks over it have begun, of those that never end.
    walks: Arc<Mutex<Option<usize>>>,
}

impl Store for Crowded {
    fn usage(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        if let Some(walks) = &mut *self.walks.lock().unwrap() {
            *walks += 1;
            return Box::pin(std::future::pending());
        }
        self.store.usage()
    }

    fn free(&self) -> BoxFuture<'_, Result<u64, StoreError>> {
        let free = *self.free.lock().unwrap();
        Box::pin(std::future::ready(Ok(free)))
    }

    fn stat<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<Entry, StoreError>> {
        self.store.stat(path)
    }

    fn partial<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Option<Kept>, StoreError>> {
        self.store.partial(path)
    }

    fn list<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Box<dyn Listing>, StoreError>> {
        self.store.list(path)
    }

    fn open<'a>(
        &'a self,
        path: &'a VirtualPath,
        offset: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Source>, StoreError>> {
        self.store.open(path, offset)
    }

    fn begin<'a>(
        &'a self,
        path: &'a VirtualPath,
        kind: UploadKind,
    ) -> BoxFuture<'a, Result<Box<dyn Upload>, StoreError>> {
        Box::pin(async move {
            if kind == Append && self.appended > 0 {
                let mut other = self.store.begin(path, kind).await?;
                other.write(vec![0; self.appended]).await?;
                other.commit().await?;
            }
            self.store.begin(path, kind).await
        })
    }

    fn assemble<'a>(
        &'a self,
        path: &'a VirtualPath,
        octets: u64,
    ) -> BoxFuture<'a, Result<Box<dyn Assembly>, StoreError>> {
        self.store.assemble(path, octets)
    }

    fn make_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.make_directory(path)
    }

    fn remove_directory<'a>(
        &'a self,
        path: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.remove_directory(path)
    }

    fn delete<'a>(&'a self, path: &'a VirtualPath) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.delete(path)
    }

    fn rename<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.rename(from, to)
    }

    fn rename_new<'a>(
        &'a self,
        from: &'a VirtualPath,
        to: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.store.rename_new(from, to)
    }
}

//= security#S-59
//= type=test
#[tokio::test]
async fn an_upload_leaves_free_what_has_to_stay_free() {
    const LEAST: u64 = 1000;
    let free = Arc::new(Mutex::new(LEAST));
    let store = leaving_free(LEAST, &free);
    let begun = store.begin(&path("f"), Replace).await;
    assert!(matches!(begun.err(), Some(StoreError::NoSpace)));
    *free.lock().unwrap() = LEAST + 100;
    assert!(store.room(100).await.is_ok());
    assert!(matches!(store.room(101).await, Err(StoreError::NoSpace)));
    let mut upload = store.begin(&path("f"), Replace).await.unwrap();
    upload.write(vec![0; 50]).await.unwrap();
    // Somebody else fills the disk; the next look finds it.
    *free.lock().unwrap() = LEAST - 1;
    let piece = usize::try_from(FREE_SPACE_INTERVAL).unwrap();
    let written = upload.write(vec![0; piece]).await;
    assert!(matches!(written, Err(StoreError::NoSpace)));
    upload.abandon().await;
    assert_eq!(store.partial(&path("f")).await.unwrap(), None);
}

/// All that was looked at when the file was begun may be gone when its parts come, however short
/// they are.
#[tokio::test]
async fn every_part_leaves_free_what_has_to_stay_free() {
    const LEAST: u64 = 1000;
    let free = Arc::new(Mutex::new(LEAST + 100));
    let store = leaving_free(LEAST, &free);
    let assembly = store.assemble(&path("f"), 100).await.unwrap();
    let ranges = Ranges::new(100);
    let mut first = assembly.part(ranges.claim(0, 50).unwrap());
    first.write(vec![0; 50]).await.unwrap();
    first.commit().await.unwrap();
    *free.lock().unwrap() = LEAST + 49;
    let mut second = assembly.part(ranges.claim(50, 100).unwrap());
    let written = second.write(vec![0; 50]).await;
    assert!(matches!(written, Err(StoreError::NoSpace)));
}

#[tokio::test]
async fn a_disk_tells_how_much_is_free() {
    let root = tempfile::tempdir().unwrap();
    let (uploads, durability) = (UploadPolicy::Whole, Durability::Process);
    let disk = DiskStore::open(root.path(), uploads, durability).unwrap();
    assert!(disk.free().await.unwrap() > 0);
}
