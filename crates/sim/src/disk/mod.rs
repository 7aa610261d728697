//! A simulated disk: files in memory that outlive the server, and the faults of a real disk.

mod parts;
mod store;
mod transfer;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::VirtualPath;
use thirdhost_server::store::{Homes, MemoryStore, Store, StoreError};

use self::store::SimStore;
use crate::chance::Chance;
use crate::judge::Judge;
use crate::sabotage::Sabotage;
use crate::trace::Trace;

/// What a disk may do to an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fault {
    NoSpace,
    Failed,
    NoDescriptor,
    /// It is done, and said to have failed.
    DoneButFailed,
}

/// The disk of one server. Clones are the same disk.
#[derive(Clone, Debug)]
pub(crate) struct Disk {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    name: &'static str,
    files: MemoryStore,
    state: Mutex<State>,
    chance: Chance,
    trace: Trace,
    judge: Judge,
    sabotage: Option<Sabotage>,
}

#[derive(Debug)]
struct State {
    /// Which life of the server may use it.
    life: u64,
    /// Operations until the next fault.
    fault_in: Option<(u64, Fault)>,
    /// Every operation fails so until it is mended.
    ill: Option<Fault>,
    /// The longest an operation takes, in milliseconds.
    delay_max: u64,
    /// The uploads under way, and the paths that two had at a time.
    under_way: BTreeMap<String, usize>,
    overlapped: BTreeSet<String>,
    /// The paths at which an upload was given up since the file last appeared.
    given_up: BTreeSet<String>,
    /// An upload was given up.
    was_abandoned: bool,
    /// A crash that loses what was not committed.
    loses_partials: bool,
}

impl Disk {
    pub(crate) fn new(
        name: &'static str,
        chance: Chance,
        trace: Trace,
        judge: Judge,
        sabotage: Option<Sabotage>,
    ) -> Self {
        let origin = tokio::time::Instant::now();
        let clock = Arc::new(move || crate::world::wall(origin.elapsed()));
        Self {
            shared: Arc::new(Shared {
                name,
                files: MemoryStore::with_clock(clock),
                state: Mutex::new(State {
                    life: 0,
                    fault_in: None,
                    ill: None,
                    delay_max: 0,
                    under_way: BTreeMap::new(),
                    overlapped: BTreeSet::new(),
                    given_up: BTreeSet::new(),
                    was_abandoned: false,
                    loses_partials: false,
                }),
                chance,
                trace,
                judge,
                sabotage,
            }),
        }
    }

    /// The files themselves, without faults.
    pub(crate) fn files(&self) -> &MemoryStore {
        &self.shared.files
    }

    /// What a server that starts now uses; what earlier ones had open is dead.
    pub(crate) fn mount(&self) -> Mounted {
        let mut state = self.lock();
        state.life += 1;
        let life = state.life;
        drop(state);
        Mounted {
            disk: self.clone(),
            life,
        }
    }

    /// The server dies: nothing it has under way is done any more.
    pub(crate) fn crash(&self, loses_partials: bool) {
        let mut state = self.lock();
        state.life += 1;
        state.loses_partials = loses_partials;
    }

    /// The operation after so many others fails.
    pub(crate) fn fail_in(&self, operations: u64, fault: Fault) {
        self.lock().fault_in = Some((operations, fault));
    }

    /// Every operation fails from now on.
    pub(crate) fn fall_ill(&self, fault: Fault) {
        self.lock().ill = Some(fault);
    }

    /// Operations take up to so long from now on.
    pub(crate) fn slow(&self, delay_max: u64) {
        self.lock().delay_max = delay_max;
    }

    /// The paths beside which an upload may have left what it had: two had one at a time, or one
    /// was given up behind another that is in place.
    pub(crate) fn may_have_partials(&self) -> Vec<String> {
        let state = self.lock();
        state.overlapped.union(&state.given_up).cloned().collect()
    }

    fn appeared(&self, path: &str) {
        self.lock().given_up.remove(path);
    }

    fn upload_begins(&self, path: &str) {
        let mut state = self.lock();
        let count = state.under_way.entry(path.to_owned()).or_default();
        *count += 1;
        if *count > 1 {
            state.overlapped.insert(path.to_owned());
        }
    }

    fn upload_ends(&self, path: &str) {
        if let Some(count) = self.lock().under_way.get_mut(path) {
            *count = count.saturating_sub(1);
        }
    }

    fn gives_up(&self, path: &str) {
        let mut state = self.lock();
        state.was_abandoned = true;
        state.given_up.insert(path.to_owned());
    }

    /// No more faults.
    pub(crate) fn mend(&self) {
        let mut state = self.lock();
        state.fault_in = None;
        state.ill = None;
        state.delay_max = 0;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared
            .state
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

/// The disk as one life of a server has it.
#[derive(Clone, Debug)]
pub(crate) struct Mounted {
    disk: Disk,
    life: u64,
}

impl Mounted {
    /// An operation begins: it takes its time, and may fail.
    async fn step(&self, what: &'static str) -> Result<Option<Fault>, StoreError> {
        let delay_max = self.disk.lock().delay_max;
        if delay_max > 0 {
            let delay = self.disk.shared.chance.below(delay_max + 1);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        let fault = self.fault()?;
        match fault {
            None => Ok(None),
            Some(fault) => {
                let name = self.disk.shared.name;
                self.disk
                    .shared
                    .trace
                    .note(format_args!("disk of {name}: {what}: {fault:?}"));
                match fault {
                    Fault::DoneButFailed => Ok(Some(fault)),
                    fault => Err(error(fault)),
                }
            }
        }
    }

    fn fault(&self) -> Result<Option<Fault>, StoreError> {
        let mut state = self.disk.lock();
        if state.life != self.life {
            return Err(StoreError::Io(io::ErrorKind::Other.into()));
        }
        if state.ill.is_some() {
            return Ok(state.ill);
        }
        match &mut state.fault_in {
            Some((left, _)) if *left > 0 => {
                *left -= 1;
                Ok(None)
            }
            due => Ok(due.take().map(|(_, fault)| fault)),
        }
    }

    fn is_locked_out(&self) -> bool {
        let is_sabotaged = self.disk.shared.sabotage == Some(Sabotage::LocksOut);
        is_sabotaged && self.disk.lock().was_abandoned
    }

    fn is_alive(&self) -> bool {
        self.disk.lock().life == self.life
    }
}

fn error(fault: Fault) -> StoreError {
    match fault {
        Fault::NoSpace => StoreError::NoSpace,
        Fault::Failed | Fault::DoneButFailed => StoreError::Io(io::Error::from_raw_os_error(EIO)),
        Fault::NoDescriptor => StoreError::Io(io::Error::from_raw_os_error(EMFILE)),
    }
}

impl Homes for Mounted {
    fn home<'a>(
        &'a self,
        home: &'a VirtualPath,
    ) -> BoxFuture<'a, Result<Arc<dyn Store>, StoreError>> {
        async move {
            self.step("home").await?;
            let files = MemoryStore::home(&self.disk.shared.files, home)?;
            let mounted = self.clone();
            Ok(Arc::new(SimStore::new(mounted, files)) as Arc<dyn Store>)
        }
        .boxed()
    }
}

const EIO: i32 = 5;
const EMFILE: i32 = 24;

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use thirdhost_server::store::UploadKind;

    use super::*;
    use crate::chance::Chance;
    use crate::judge::virtual_path;
    use crate::trace::Record;

    /// The next user who brings the file takes it over; if none comes it is swept.
    #[tokio::test(start_paused = true)]
    async fn what_is_given_up_behind_a_file_in_place_may_stay_until_the_next_is_in_place() {
        let trace = Trace::new(Record::Violations);
        let judge = Judge::new(trace.clone());
        judge.allow("A", "/f", Arc::new(b"new".to_vec()));
        let disk = Disk::new("A", Chance::new(1), trace, judge, None);
        let root = virtual_path("/").unwrap();
        let store = disk.mount();
        let store = store.home(&root).await.unwrap();
        let path = virtual_path("/f").unwrap();
        for (is_committed, left) in [(false, 1), (true, 0), (false, 1), (true, 0)] {
            let mut upload = store.begin(&path, UploadKind::Replace).await.unwrap();
            upload.write(b"new".to_vec()).await.unwrap();
            match is_committed {
                true => upload.commit().await.unwrap(),
                false => upload.abandon().now_or_never().unwrap(),
            }
            assert_eq!(disk.may_have_partials().len(), left);
        }
    }
}
