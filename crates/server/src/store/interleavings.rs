//! Two sessions at one name: every order of their steps, and what may come of each.

use super::conformance::{leave_partial, names, path, put, read};
use super::{
    Assembly, DiskStore, Durability, MemoryStore, Source, Store, StoreError, Upload, UploadKind,
    UploadPolicy,
};

#[tokio::test]
async fn two_sessions_at_one_name_on_a_disk_come_one_after_the_other() {
    // Thousands of cases: what blocks is done at once.
    let _here = crate::busy::blocking_here();
    let memory = std::path::Path::new("/dev/shm");
    let root = match memory.is_dir() {
        true => tempfile::tempdir_in(memory).unwrap(),
        false => tempfile::tempdir().unwrap(),
    };
    let mut number = 0;
    every_order(&Does::ALL, || {
        number += 1;
        let root = root.path().join(number.to_string());
        std::fs::create_dir(&root).unwrap();
        let store = DiskStore::open(&root, UploadPolicy::Whole, Durability::Process).unwrap();
        let hidden = move || {
            let entries = std::fs::read_dir(&root).unwrap();
            let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
            names.filter(|name| super::names::is_hidden(name)).collect()
        };
        (store, Box::new(hidden) as Box<dyn Fn() -> Vec<String>>)
    })
    .await;
}

#[tokio::test]
async fn two_sessions_at_one_name_in_memory_come_one_after_the_other() {
    // Memory writes no file in parts.
    let all: Vec<Does> = Does::ALL
        .into_iter()
        .filter(|does| *does != Does::Parts)
        .collect();
    every_order(&all, || {
        let hidden = Box::new(Vec::new) as Box<dyn Fn() -> Vec<String>>;
        (MemoryStore::new(), hidden)
    })
    .await;
}

/// What a session does with the file `f`; an upload writes three octets of its own.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Does {
    Upload(UploadKind, End),
    /// SITE PARTS.
    Parts,
    Delete,
    /// `f` becomes `g`.
    RenameAway,
    /// `g` becomes `f`.
    RenameHere,
    Read,
}

/// How an upload ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum End {
    Commits,
    /// The source fails, or the user dies.
    Abandons,
}

impl Does {
    const ALL: [Self; 11] = [
        Self::Upload(UploadKind::Replace, End::Commits),
        Self::Upload(UploadKind::Replace, End::Abandons),
        Self::Upload(UploadKind::Append, End::Commits),
        Self::Upload(UploadKind::Append, End::Abandons),
        Self::Upload(UploadKind::Resume { offset: 2 }, End::Commits),
        Self::Upload(UploadKind::Resume { offset: 2 }, End::Abandons),
        Self::Parts,
        Self::Delete,
        Self::RenameAway,
        Self::RenameHere,
        Self::Read,
    ];

    fn steps(self) -> usize {
        match self {
            Self::Upload(..) | Self::Parts => 3,
            Self::Delete | Self::RenameAway | Self::RenameHere => 1,
            Self::Read => 2,
        }
    }

    /// Whether it has no reason to fail when nobody else is there.
    fn depends_on_nothing(self) -> bool {
        use UploadKind::{Append, Replace};
        matches!(self, Self::Upload(Replace | Append, _) | Self::Parts)
    }

    fn changes(self) -> bool {
        !matches!(self, Self::Read | Self::Upload(_, End::Abandons))
    }

    /// The files as they are afterwards, if it is done by itself; none where it fails.
    fn done(self, files: &Files, own: &str, beginnings: &[String]) -> Vec<Files> {
        let with = |f: Option<String>, g: Option<String>| vec![Files { f, g }];
        let Files { f, g } = files.clone();
        match self {
            Self::Upload(_, End::Abandons) | Self::Read => vec![files.clone()],
            Self::Upload(UploadKind::Append, _) => with(Some(f.unwrap_or_default() + own), g),
            Self::Upload(UploadKind::Resume { .. }, _) => beginnings
                .iter()
                .chain(&f)
                .filter_map(|whole| whole.get(..2))
                .flat_map(|begin| with(Some(format!("{begin}{own}")), g.clone()))
                .collect(),
            Self::Upload(..) | Self::Parts => with(Some(own.to_owned()), g),
            Self::Delete if f.is_some() => with(None, g),
            Self::RenameAway if f.is_some() => with(None, f),
            Self::RenameHere if g.is_some() => with(g, None),
            Self::Delete | Self::RenameAway | Self::RenameHere => Vec::new(),
        }
    }
}

#[derive(Clone, Debug, Eq, PartialEq)]
struct Files {
    f: Option<String>,
    g: Option<String>,
}

/// Every pair of what sessions do, in every order of their steps, from every beginning.
async fn every_order<S: Store>(
    all: &[Does],
    mut fresh: impl FnMut() -> (S, Box<dyn Fn() -> Vec<String>>),
) {
    for (at, one) in all.iter().enumerate() {
        for other in all.iter().skip(at) {
            for order in orders(one.steps(), other.steps()) {
                for (f, partial) in [
                    (None, None),
                    (Some("old"), None),
                    (Some("old"), Some("kept")),
                ] {
                    let (store, hidden) = fresh();
                    let case = Case {
                        does: [*one, *other],
                        order: &order,
                        f,
                        partial,
                    };
                    case.check(&store, &*hidden).await;
                }
            }
        }
    }
}

/// All ways to take turns: `false` is a step of the one.
fn orders(one: usize, other: usize) -> Vec<Vec<bool>> {
    let ways = 0_u32..1 << (one + other);
    let ways = ways.filter(|way| way.count_ones() as usize == other);
    ways.map(|way| (0..one + other).map(|at| way >> at & 1 == 1).collect())
        .collect()
}

#[derive(Debug)]
struct Case<'a> {
    does: [Does; 2],
    order: &'a [bool],
    f: Option<&'a str>,
    partial: Option<&'a str>,
}

impl Case<'_> {
    async fn check<S: Store>(&self, store: &S, hidden: &dyn Fn() -> Vec<String>) {
        if let Some(partial) = self.partial {
            leave_partial(store, "f", partial).await;
        }
        if let Some(f) = self.f {
            // Beside a partial, so that it stays.
            put(store, "g", f).await;
            store.rename(&path("g"), &path("f")).await.unwrap();
        }
        put(store, "g", "other").await;
        let mut sessions = self.does.map(Session::new);
        let [one, other] = &mut sessions;
        one.own = "aaa";
        other.own = "bbb";
        for is_other in self.order {
            let session = if *is_other { &mut *other } else { &mut *one };
            session.step(store).await;
        }
        let [one, other] = sessions.map(|session| session.outcome.expect("every step was made"));
        let possible = self.possible([one.is_ok(), other.is_ok()]);
        let found = files(store).await;
        let what = || format!("{self:?}: {one:?}, {other:?}");
        assert!(
            possible.contains(&found),
            "{}: {found:?}, not {possible:?}",
            what()
        );
        for (outcome, by) in [(&one, 0), (&other, 1)] {
            let is_certain = self.is_in_turn() && self.does[by].depends_on_nothing();
            assert!(outcome.is_ok() || !is_certain, "{}", what());
        }
        for (seen, by) in [(&one, 0), (&other, 1)] {
            if let Ok(Some(seen)) = seen {
                assert!(self.may_be_seen(by, seen), "{}: {seen} was read", what());
            }
        }
        let kept = store.partial(&path("f")).await.unwrap_or_default();
        if kept.is_some() {
            let text = kept_text(store).await;
            assert!(self.may_be_kept(&text), "{}: {text} is kept", what());
        }
        assert_eq!(hidden(), Vec::<String>::new(), "{}", what());
        assert!(
            names(store, "/")
                .await
                .iter()
                .all(|name| ["f", "g"].contains(&&**name))
        );
    }

    /// How the files may be in the end: as if one had come wholly after the other.
    fn possible(&self, succeeded: [bool; 2]) -> Vec<Files> {
        let begin = Files {
            f: self.f.map(str::to_owned),
            g: Some("other".to_owned()),
        };
        let mut possible = Vec::new();
        for order in [[0, 1], [1, 0]] {
            if !self.may_be_before(order) {
                continue;
            }
            let mut all = vec![begin.clone()];
            for by in order
                .into_iter()
                .filter(|by| succeeded[*by] && self.does[*by].changes())
            {
                let own = OWN[by];
                let beginnings = self.beginnings(1 - by);
                all = all
                    .iter()
                    .flat_map(|files| self.does[by].done(files, own, &beginnings))
                    .collect();
            }
            possible.extend(all);
        }
        possible
    }

    /// What an upload may go on with beside the file: one thing, never two mixed.
    fn beginnings(&self, of_other: usize) -> Vec<String> {
        let other = match self.does[of_other] {
            Does::Upload(..) | Does::Parts => Some(OWN[of_other].to_owned()),
            Does::RenameHere => Some("other".to_owned()),
            Does::Delete | Does::RenameAway | Does::Read => None,
        };
        let before = [self.partial, self.f].into_iter().flatten();
        before.map(str::to_owned).chain(other).collect()
    }

    /// Whether one was over before the other began.
    fn is_in_turn(&self) -> bool {
        self.order.windows(2).filter(|two| two[0] != two[1]).count() == 1
    }

    /// Whether no step of the second was over before the first began.
    fn may_be_before(&self, [first, second]: [usize; 2]) -> bool {
        let of = |by: usize| move |step: &bool| usize::from(*step) == by;
        let begins = self.order.iter().position(of(first));
        let ends = self.order.iter().rposition(of(second));
        begins < ends
    }

    /// A file that is read is whole: before, between or after.
    fn may_be_seen(&self, by: usize, seen: &str) -> bool {
        let other = self.does[1 - by];
        let begin = Files {
            f: self.f.map(str::to_owned),
            g: Some("other".to_owned()),
        };
        let beginnings = self.beginnings(by);
        let after = other.done(&begin, OWN[1 - by], &beginnings);
        // An append is seen as it grows.
        let grows = matches!(other, Does::Upload(UploadKind::Append, _)).then(|| Files {
            f: Some(format!("{}{}", self.f.unwrap_or_default(), OWN[1 - by])),
            g: None,
        });
        let mut all = after.iter().chain([&begin]).chain(&grows);
        all.any(|files| files.f.as_deref() == Some(seen))
            || grows.is_some() && Some(seen) == self.f.or(Some(""))
    }

    /// What is kept for later is of one upload, behind one beginning.
    fn may_be_kept(&self, kept: &str) -> bool {
        let begins = |by: usize| {
            let beginnings = self.beginnings(1 - by).into_iter();
            let beginnings = beginnings.chain([format!("{}x", OWN[by])]);
            let beginnings: Vec<String> = beginnings
                .flat_map(|text| [text.clone(), text.get(..2).unwrap_or_default().to_owned()])
                .chain([String::new()])
                .collect();
            beginnings
                .into_iter()
                .any(|begin| kept == format!("{begin}{}", OWN[by]) || kept == begin)
        };
        begins(0) || begins(1)
    }
}

/// One session, on its way.
struct Session {
    does: Does,
    own: &'static str,
    steps: usize,
    upload: Option<Box<dyn Upload>>,
    assembly: Option<Box<dyn Assembly>>,
    source: Option<Box<dyn Source>>,
    /// What it was told, and what it has read.
    outcome: Option<Result<Option<String>, StoreError>>,
}

impl Session {
    fn new(does: Does) -> Self {
        Self {
            does,
            own: "",
            steps: 0,
            upload: None,
            assembly: None,
            source: None,
            outcome: None,
        }
    }

    async fn step(&mut self, store: &impl Store) {
        self.steps += 1;
        if self.outcome.is_some() {
            return;
        }
        let stepped = match self.does {
            Does::Upload(kind, end) => self.store(store, kind, end).await,
            Does::Parts => self.assemble(store).await,
            Does::Delete => store.delete(&path("f")).await,
            Does::RenameAway => store.rename(&path("f"), &path("g")).await,
            Does::RenameHere => store.rename(&path("g"), &path("f")).await,
            Does::Read => self.read(store).await,
        };
        match stepped {
            Err(error) => self.outcome = Some(Err(error)),
            Ok(()) if self.steps == self.does.steps() => {
                self.outcome.get_or_insert(Ok(None));
            }
            Ok(()) => {}
        }
    }

    async fn store(
        &mut self,
        store: &impl Store,
        kind: UploadKind,
        end: End,
    ) -> Result<(), StoreError> {
        let Some(mut upload) = self.upload.take() else {
            self.upload = Some(store.begin(&path("f"), kind).await?);
            return Ok(());
        };
        match (self.steps, end) {
            (2, _) => {
                upload.write(self.own.as_bytes().to_vec()).await?;
                self.upload = Some(upload);
            }
            (_, End::Commits) => {
                upload.settle().await?;
                upload.commit().await?;
            }
            (_, End::Abandons) => upload.abandon().await,
        }
        Ok(())
    }

    async fn assemble(&mut self, store: &impl Store) -> Result<(), StoreError> {
        let Some(mut assembly) = self.assembly.take() else {
            self.assembly = Some(store.assemble(&path("f"), 3).await?);
            return Ok(());
        };
        if self.steps == 2 {
            let claim = super::Ranges::new(3).claim(0, 3)?;
            let mut part = assembly.part(claim);
            part.write(self.own.as_bytes().to_vec()).await?;
            part.commit().await?;
            self.assembly = Some(assembly);
            return Ok(());
        }
        assembly.settle().await?;
        assembly.commit().await
    }

    async fn read(&mut self, store: &impl Store) -> Result<(), StoreError> {
        let Some(mut source) = self.source.take() else {
            self.source = Some(store.open(&path("f"), 0).await?);
            return Ok(());
        };
        let mut bytes = Vec::new();
        while source.read(&mut bytes, 64).await? > 0 {}
        self.outcome = Some(Ok(Some(String::from_utf8(bytes).unwrap())));
        Ok(())
    }
}

async fn files(store: &impl Store) -> Files {
    let there = names(store, "/").await;
    let text = async |name: &str| match there.iter().any(|there| there == name) {
        true => Some(read(store, name).await),
        false => None,
    };
    Files {
        f: text("f").await,
        g: text("g").await,
    }
}

/// What was kept, by going on with it.
async fn kept_text(store: &impl Store) -> String {
    let offset = store.partial(&path("f")).await.unwrap().unwrap().bytes;
    let kind = UploadKind::Resume { offset };
    store
        .begin(&path("f"), kind)
        .await
        .unwrap()
        .commit()
        .await
        .unwrap();
    read(store, "f").await
}

/// The octets of each.
const OWN: [&str; 2] = ["aaa", "bbb"];
