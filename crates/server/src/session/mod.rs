//! One session: the shell that carries out what its server-PI decides. One task each.
//!
//! It reads lines, performs effects, reports events, and knows no FTP: which reply follows
//! which command is the server-PI's business.

mod arrange;
mod ask;
mod begin;
mod control;
mod establish;
mod farewell;
mod hash;
mod hashed;
mod hearing;
mod listing;
mod login;
mod parts;
mod pipeline;
mod protect;
mod range;
mod refusal;
mod running;
mod sockets;
mod stream;
mod transfer;

use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use thirdhost_proto::server::{Effect, Event, Hosts, Introduced, ServerPi, Settings};
use thirdhost_sockets::Connection;
use thirdhost_wire::{HostSocket, LINE_BYTES_MAX};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

use self::control::Control;
use self::hearing::{IN_A_ROW_MAX, ended};
use self::login::{LoggedIn, NotLoggedIn, Welcome};
use self::protect::Change;
use self::running::{ArrangedBy, RunningTransfer};
use self::sockets::DataSockets;
use self::stream::ControlStream;
use self::transfer::Step;
use crate::accept::Begins;
use crate::busy::Wish;
use crate::limits;
use crate::presence::Ticket;
use crate::server::Shared;
use crate::tls::{TlsError, TlsSession};

/// Serves one user from greeting to goodbye. Returns when the control connection is closed and
/// everything the session held is given back.
pub(crate) async fn run(
    mut connection: Box<dyn Connection>,
    begins: Begins,
    shared: Arc<Shared>,
    shutdown: CancellationToken,
    wish: Wish,
) {
    // A user who was cut off says no QUIT, and may hold a transfer with a third host.
    connection.end_on_silence();
    let peer = connection.peer();
    let span = tracing::info_span!("session", %peer);
    async {
        tracing::debug!("session begins");
        let tls = shared.tls.session(&*shared.world.random);
        let stream = match (&tls, begins) {
            (_, Begins::InClear) => ControlStream::Clear(connection),
            (None, Begins::UnderTls) => return tracing::warn!("no certificate; session refused"),
            (Some(tls), Begins::UnderTls) => {
                let asks = shared.accounts.know_certificates();
                // Boxed: a handshake is large, over soon, and every session would have its room.
                let starting = protect::start(tls, connection, asks, &*shared.world.clock);
                match starting.boxed().await {
                    Ok(stream) => stream,
                    Err(error) => return tracing::warn!(%error, "implicit TLS failed"),
                }
            }
        };
        let mut session = Session::new(stream, tls, begins, shared, shutdown, wish);
        let end = session.serve().await;
        session.end().await;
        tracing::debug!(end, "session ends");
    }
    .instrument(span)
    .await;
}

struct Session {
    shared: Arc<Shared>,
    control: Control,
    pi: ServerPi,
    tls: Option<TlsSession>,
    /// The certificate that the client has shown on the control connection.
    shown: Option<[u8; 32]>,
    /// TLS begins or ends as soon as all replies are out.
    change: Option<Change>,
    user: Option<Box<LoggedIn>>,
    ticket: Ticket,
    sockets: DataSockets,
    /// The one thing that is under way; the server-PI asks for one at a time.
    operation: Option<BoxFuture<'static, Done>>,
    /// Whether that is a login, which ends with the session.
    logging_in: bool,
    running: Option<RunningTransfer>,
    /// Ends the wait of ESTA or ESTP, or the filling of a refused command's place.
    waiting: Option<CancellationToken>,
    arranged: ArrangedBy,
    /// How long the next file is, as ALLO said.
    announced: Option<u64>,
    shutdown: CancellationToken,
    draining: bool,
    closing: bool,
    /// Asks for a thread that may block.
    wish: Wish,
    /// How many things were done since the control connection was looked at.
    in_a_row: usize,
    /// Cancelled when the control connection ends; made by the first who asks for it.
    gone: Option<CancellationToken>,
}

/// An operation that is over, or a transfer that has come one step further.
enum Done {
    Introduced(Welcome),
    Established(Option<HostSocket>, Box<DataSockets>),
    Authenticated(Result<Box<LoggedIn>, NotLoggedIn>),
    Event(Event),
    Step(Step),
    Changed(Result<ControlStream, TlsError>),
}

impl Session {
    fn new(
        stream: ControlStream,
        tls: Option<TlsSession>,
        begins: Begins,
        shared: Arc<Shared>,
        shutdown: CancellationToken,
        wish: Wish,
    ) -> Self {
        let (shown, indicated) = (stream.shown(), stream.indicated());
        let control = Control::new(stream);
        let config = &shared.config();
        let peer = control.peer().ip().to_canonical();
        let settings = Settings {
            peer,
            unpinned: config.data_sockets.unpinned,
            clear_login: login::clear_login(config, peer),
            users_differ: shared.accounts.differ(),
            clear_transfers: config.tls.require.clear_transfers(peer),
            tls: login::tls_offer(tls.as_ref(), begins),
            mdtm_sets: config.mdtm_set,
            hosts: Hosts {
                address: Some(control.local().ip().to_canonical()),
                indicated,
                names: config.hosts.clone(),
            },
            limits: limits::session(config),
        };
        let now = shared.world.clock.now();
        let ticket = shared.presence.enter(control.peer(), now);
        let pi = ServerPi::new(now, settings);
        Self {
            shared,
            control,
            pi,
            tls,
            shown,
            change: None,
            user: None,
            ticket,
            sockets: DataSockets::default(),
            operation: None,
            logging_in: false,
            running: None,
            waiting: None,
            arranged: ArrangedBy::default(),
            announced: None,
            shutdown,
            draining: false,
            closing: false,
            wish,
            in_a_row: 0,
            gone: None,
        }
    }

    /// Serves until the connection is to be closed; tells why.
    async fn serve(&mut self) -> &'static str {
        loop {
            self.perform();
            if self.closing && !self.control.has_output() {
                return "closed by the server";
            }
            if let (Some(change), false) = (self.change, self.control.has_output()) {
                self.change = None;
                if !self.begin_change(change) {
                    return "commands before TLS had begun or ended";
                }
            }
            if self.take_line() {
                continue;
            }
            if self.logging_in && self.control.ahead() > LOGIN_AHEAD_MAX {
                return "commands without end behind a login";
            }
            // During a login it reads on, or else it would not hear that the user is gone.
            let listens = self.logging_in || self.pi.wants_commands();
            let wants_input = !self.closing && listens && !self.control.is_clogged();
            // What is left unread hides the end behind it.
            let is_deaf = !self.closing && !wants_input;
            if is_deaf && self.control.has_ended() {
                return "closed by the user";
            }
            // A marker that is not told now may be forgotten for a later one, and takes no memory.
            let hears_of_marks = !self.control.is_clogged();
            if self.in_a_row >= IN_A_ROW_MAX {
                self.in_a_row = 0;
                if let Some(end) = self.glance(wants_input) {
                    return end;
                }
                tokio::task::yield_now().await;
                continue;
            }
            if self.operation.is_none() {
                self.forget();
                self.sockets.push_out();
            }
            let gathers = self.gathers();
            let wait = gathers.unwrap_or_else(|| self.wait(is_deaf));
            let clock = Arc::clone(&self.shared.world.clock);
            let (operation, running) = (&mut self.operation, &mut self.running);
            // The control connection is read and written beside the operation, so that a user who
            // does not read cannot stop a transfer.
            tokio::select! {
                biased;
                done = async { operation.as_mut().expect("invariant: guarded below").await },
                    if operation.is_some() => {
                    self.operation = None;
                    self.in_a_row += 1;
                    self.done(done);
                }
                () = running::marked(running), if hears_of_marks => self.tell_mark(),
                io = self.control.turn(wants_input, gathers.is_some()) => {
                    self.in_a_row = 0;
                    self.forget_if_heard();
                    if let Some(end) = ended(&io) {
                        return end;
                    }
                }
                () = clock.sleep(wait) => {
                    if self.is_unread() {
                        return "the user does not read its replies";
                    }
                    self.pi.handle_timeout(self.now());
                }
                () = self.shutdown.cancelled(), if !self.draining => {
                    self.draining = true;
                    self.pi.handle_shutdown(self.now());
                }
            }
        }
    }

    /// Gives everything back: what runs is stopped and cleaned up first (spec S-51). A login
    /// is dropped: the answer to a failed one is held back for minutes.
    async fn end(&mut self) {
        if let Some(gone) = self.gone.take() {
            gone.cancel();
        }
        if self.logging_in {
            self.operation = None;
        }
        self.stop();
        while let Some(operation) = self.operation.take() {
            match operation.await {
                Done::Step(Step::Opened(_, rest)) => {
                    self.operation = Some(rest.map(Done::Step).boxed());
                }
                Done::Step(Step::Finished(event, _)) => self.record(&event),
                Done::Introduced(_)
                | Done::Established(..)
                | Done::Authenticated(_)
                | Done::Event(_)
                | Done::Changed(_) => {}
            }
        }
        self.sockets = DataSockets::default();
        // The user may be gone already; there is nobody to tell.
        if let Err(error) = self.control.shutdown(&*self.shared.world.clock).await {
            tracing::trace!(%error, "control connection not closed in order");
        }
    }

    /// Carries out everything the server-PI has asked for.
    fn perform(&mut self) {
        while let Some(effect) = self.pi.poll_effect() {
            let now = self.now();
            match effect {
                Effect::Reply(reply) => {
                    tracing::debug!(code = reply.code().number(), text = reply.text(), "reply");
                    self.control.reply(now, &reply);
                }
                Effect::Introduce { user } => {
                    let introduced = login::introduce(self.circumstances(), user);
                    self.operation = Some(introduced.map(Done::Introduced).boxed());
                    self.logging_in = true;
                }
                Effect::Authenticate { user, password } => {
                    let login = login::authenticate(self.circumstances(), user, password);
                    self.operation = Some(login.map(Done::Authenticated).boxed());
                    self.logging_in = true;
                }
                Effect::Arrange(what) => {
                    let result = self.arrange(what);
                    self.pi.handle_event(now, Event::Arranged(result));
                }
                Effect::Release => self.sockets.release(),
                Effect::Disconnect => self.sockets.disconnect(),
                Effect::Ask(question) => self.ask(question),
                Effect::Transfer(transfer) => self.begin_transfer(transfer),
                Effect::Skip(skip) => self.begin_skip(skip),
                Effect::Establish { route, direction } => self.establish(route, direction),
                Effect::StopTransfer => self.stop(),
                Effect::AskProgress => {
                    let running = self.running.as_ref();
                    let moved = running.map_or(0, |running| running.progress.moved());
                    let total = running.and_then(|running| running.octets);
                    self.pi.handle_event(now, Event::Progress { moved, total });
                }
                Effect::StartTls => self.change = Some(Change::StartTls),
                Effect::EndTls => self.change = Some(Change::EndTls),
                Effect::Close => self.closing = true,
            }
        }
    }

    fn done(&mut self, done: Done) {
        let now = self.now();
        match done {
            Done::Changed(changed) => self.changed(changed),
            Done::Established(socket, sockets) => {
                self.waiting = None;
                self.sockets = *sockets;
                self.pi.handle_event(now, Event::Established(socket));
            }
            Done::Event(event) => self.pi.handle_event(now, event),
            Done::Introduced(Welcome::Answer(introduced)) => {
                self.logging_in = false;
                self.pi.handle_event(now, Event::Introduced(introduced));
            }
            Done::Introduced(Welcome::Certificate(user)) => self.logged_in(user, |identity| {
                Event::Introduced(identity.map_or(Introduced::Password, Introduced::Known))
            }),
            Done::Authenticated(user) => self.logged_in(user, Event::Authenticated),
            Done::Step(Step::Opened(opened, rest)) => {
                if let Some(running) = &mut self.running {
                    running.octets = opened.octets;
                }
                self.operation = Some(rest.map(Done::Step).boxed());
                self.pi.handle_event(now, Event::Opened(opened));
            }
            Done::Step(Step::Finished(event, sockets)) => {
                self.tell_mark();
                self.sockets = *sockets;
                self.waiting = None;
                self.record(&event);
                self.pi.handle_event(now, event);
            }
        }
    }

    /// How long nothing needs to be done unless something happens.
    fn wait(&self, is_deaf: bool) -> Duration {
        let unread = self
            .control
            .output_since()
            .map(|since| since + limits::REPLY_TIMEOUT);
        let deadline = [self.pi.poll_timeout(), unread].into_iter().flatten().min();
        let wait = deadline.map_or(FOREVER, |deadline| deadline.saturating_sub(self.now()));
        wait.min(if is_deaf { limits::DEAF } else { FOREVER })
    }

    fn is_unread(&self) -> bool {
        let since = self.control.output_since();
        since.is_some_and(|since| self.now() >= since + limits::REPLY_TIMEOUT)
    }

    fn now(&self) -> Duration {
        self.shared.world.clock.now()
    }
}

/// How much may come behind a login before its answer, in bytes: two of the longest lines.
const LOGIN_AHEAD_MAX: usize = 2 * LINE_BYTES_MAX;

/// When no limit runs: woken by events alone.
const FOREVER: Duration = Duration::from_secs(24 * 60 * 60);
