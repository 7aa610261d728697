//! Sessions that have much to do: driven on a thread that may block, until they wait for something.
//!
//! Work that blocks goes to a thread made for it, and back: two changes of thread, which for a
//! short file is most of what it costs. A session whose user has sent commands ahead does without:
//! it moves to such a thread as a whole, and does there at once what blocks.

use std::cell::Cell;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

/// Asks that the session goes on where it may block. Clones ask for the same session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wish(Arc<AtomicBool>);

impl Wish {
    /// There is much to do. Nothing changes where the session is on such a thread already, or
    /// where too many others are.
    pub(crate) fn ask(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    fn take(&self) -> bool {
        self.0.swap(false, Ordering::Relaxed)
    }
}

/// Whether this thread may block: then what blocks for a moment can be done at once.
pub(crate) fn may_block() -> bool {
    MAY_BLOCK.get()
}

/// Drives `session` to its end: on the runtime, and whenever it has asked for it, on a thread of
/// its own, until it has had nothing to do for a moment. `seats` are those threads.
///
/// # Cancel safety
/// Dropped, it drops the session, as soon as that waits for something.
pub(crate) fn drive(
    session: impl Future<Output = ()> + Send + 'static,
    wish: Wish,
    seats: Arc<Semaphore>,
) -> impl Future<Output = ()> + Send + 'static {
    // Boxed before the task begins: what an async fn is given keeps its room in the task, and an
    // idle session would be paid for twice.
    drive_boxed(Box::pin(session), wish, seats)
}

type Driven = Pin<Box<dyn Future<Output = ()> + Send>>;

async fn drive_boxed(mut session: Driven, wish: Wish, seats: Arc<Semaphore>) {
    loop {
        let seat = poll_fn(|context| {
            if session.as_mut().poll(context).is_ready() {
                return Poll::Ready(None);
            }
            match wish.take().then(|| Arc::clone(&seats).try_acquire_owned()) {
                Some(Ok(seat)) => Poll::Ready(Some(seat)),
                _ => Poll::Pending,
            }
        });
        let Some(seat) = seat.await else {
            return;
        };
        let given_up = GivenUp::default();
        let seen = Arc::clone(&given_up.0);
        let driving = spawn_blocking(move || {
            let session = drive_here(session, &seen);
            drop(seat);
            session
        });
        session = match driving.await {
            Ok(Some(session)) => session,
            Ok(None) => return,
            Err(failed) => match failed.try_into_panic() {
                Ok(panic) => resume_unwind(panic),
                // The runtime has ended.
                Err(_) => return,
            },
        };
        wish.take();
    }
}

/// Drives the session on this thread; gives it back when it waits for more than a moment.
fn drive_here(mut session: Driven, given_up: &AtomicBool) -> Option<Driven> {
    let _blocking = Blocking::begin();
    let bell = Arc::new(Bell {
        thread: thread::current(),
        has_rung: AtomicBool::new(false),
    });
    let waker = Waker::from(Arc::clone(&bell));
    let mut context = Context::from_waker(&waker);
    while !given_up.load(Ordering::Relaxed) {
        if session.as_mut().poll(&mut context).is_ready() {
            return None;
        }
        if !bell.wait(MOMENT) {
            return Some(session);
        }
    }
    None
}

/// This thread may block as long as what is given back is held.
#[cfg(test)]
pub(crate) fn blocking_here() -> impl Drop {
    Blocking::begin()
}

/// Says that nobody waits for the session any more, when dropped.
#[derive(Debug, Default)]
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// This thread may block for as long as this is held.
struct Blocking;

impl Blocking {
    fn begin() -> Self {
        MAY_BLOCK.set(true);
        Self
    }
}

impl Drop for Blocking {
    fn drop(&mut self) {
        MAY_BLOCK.set(false);
    }
}

/// Wakes the thread that drives a session.
struct Bell {
    thread: Thread,
    has_rung: AtomicBool,
}

impl Bell {
    /// Whether it rang, within `limit` at most.
    fn wait(&self, limit: Duration) -> bool {
        let mut began = None;
        loop {
            if self.has_rung.swap(false, Ordering::Acquire) {
                return true;
            }
            let began: Instant = *began.get_or_insert_with(Instant::now);
            let left = limit.saturating_sub(began.elapsed());
            if left.is_zero() {
                return self.has_rung.swap(false, Ordering::Acquire);
            }
            thread::park_timeout(left);
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.has_rung.store(true, Ordering::Release);
        self.thread.unpark();
    }
}

thread_local! {
    static MAY_BLOCK: Cell<bool> = const { Cell::new(false) };
}

/// How long a session may wait on its thread: longer than the peer of a pipeline takes for the next
/// file, short enough that no thread stays with a session that is idle.
const MOMENT: Duration = Duration::from_millis(2);

#[cfg(test)]
mod tests {
    use tokio::sync::{mpsc, oneshot};
    use tokio::task::yield_now;

    use super::*;

    fn seats(count: usize) -> Arc<Semaphore> {
        Arc::new(Semaphore::new(count))
    }

    #[tokio::test]
    async fn a_session_blocks_at_once_from_when_it_asked_until_it_waits() {
        let (wish, (go_on, waiting)) = (Wish::default(), oneshot::channel());
        let (tell, mut told) = mpsc::unbounded_channel();
        let asked = wish.clone();
        let session = async move {
            tell.send(may_block()).unwrap();
            asked.ask();
            yield_now().await;
            tell.send(may_block()).unwrap();
            yield_now().await;
            tell.send(may_block()).unwrap();
            waiting.await.unwrap();
            tell.send(may_block()).unwrap();
        };
        let seats = seats(1);
        let driving = tokio::spawn(drive(session, wish, Arc::clone(&seats)));
        for expected in [false, true, true] {
            assert_eq!(told.recv().await, Some(expected));
        }
        // Its seat is free as soon as it has left the thread.
        drop(seats.acquire().await.unwrap());
        go_on.send(()).unwrap();
        assert_eq!(told.recv().await, Some(false));
        driving.await.unwrap();
    }

    #[test]
    fn a_session_takes_its_room_once() {
        let large = [0u8; 10_000];
        let session = async move {
            yield_now().await;
            assert_eq!(large[0], 0);
        };
        let task = drive(session, Wish::default(), seats(0));
        assert!(size_of_val(&task) < 200, "{}", size_of_val(&task));
    }

    #[tokio::test]
    async fn without_a_seat_it_goes_on_where_it_is() {
        let wish = Wish::default();
        let asked = wish.clone();
        let session = async move {
            asked.ask();
            yield_now().await;
            assert!(!may_block());
        };
        drive(session, wish, seats(0)).await;
    }

    #[tokio::test]
    async fn a_session_given_up_is_dropped_with_its_thread() {
        let (wish, (held, dropped)) = (Wish::default(), oneshot::channel::<()>());
        let (tell, told) = oneshot::channel();
        let asked = wish.clone();
        let session = async move {
            let _held = held;
            asked.ask();
            yield_now().await;
            tell.send(may_block()).unwrap();
            // Busy for ever.
            loop {
                yield_now().await;
            }
        };
        let driving = tokio::spawn(drive(session, wish, seats(1)));
        assert!(told.await.unwrap());
        driving.abort();
        dropped.await.unwrap_err();
    }

    #[tokio::test]
    async fn a_panic_ends_the_session_and_no_other() {
        let wish = Wish::default();
        let asked = wish.clone();
        let session = async move {
            asked.ask();
            yield_now().await;
            assert!(!may_block(), "on its thread");
        };
        let seats = seats(1);
        let ended = tokio::spawn(drive(session, wish, Arc::clone(&seats))).await;
        assert!(ended.unwrap_err().is_panic());
        assert_eq!(seats.available_permits(), 1);
    }
}
