//! The state of one session and the four ways to tell it something.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::time::Duration;

use thirdhost_wire::{
    AcceptFilter, ByteRange, Command, CommandError, FactSet, HashAlgorithm, NetworkProtocol,
    PartsKey, Pathname, Reply, RestartPoint,
};

use super::effect::{Effect, Event};
use super::hosts::Hosts;
use super::limits::Limits;
use super::login::Login;
use super::operation::TransferParameters;
use super::permission::Permission;
use super::pipeline::Pipeline;
use super::plan::{Plan, Terms};
use super::protection::{ClearTransfers, Security, TlsOffer};
use super::questions::Asked;
use super::queue::Queue;
use super::timers::Timers;
use super::transfer::Running;
use super::virtual_path::VirtualPath;
use super::{command, login, protection, questions, reply_text as text, transfer};

/// What is fixed for a session when it begins.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Settings {
    /// The host at the other end of the control connection.
    pub peer: IpAddr,
    /// Who may call an LSTN socket before SOCK has named a peer.
    pub unpinned: Unpinned,
    /// Who may log in while the control connection is in clear text.
    pub clear_login: ClearLogin,
    /// Whether USER's answer depends on who it is, beyond anonymous or not: some users log in by
    /// certificate, or have rules of their own about clear text. The shell is asked then.
    pub users_differ: bool,
    /// Which data connections may be in clear text.
    pub clear_transfers: ClearTransfers,
    /// Whether the server speaks TLS.
    pub tls: TlsOffer,
    /// Whether `MDTM <time> <name>` sets the time where nothing has the whole as its name.
    pub mdtm_sets: bool,
    /// The names HOST may give us.
    pub hosts: Hosts,
    /// Times and counts.
    pub limits: Limits,
}

/// Who may call an LSTN socket that no SOCK has pinned (spec A-24).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum Unpinned {
    /// The host of the control connection.
    #[default]
    ControlHost,
    /// Whoever policy admits.
    Any,
    /// Nobody: a transfer command is refused until SOCK has come.
    Refuse,
}

/// Who may log in without TLS (design D15).
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub enum ClearLogin {
    /// Every user: the peer is on loopback, or the operator wrote `require = "nothing"`.
    Everyone,
    /// Only anonymous, who has no password to lose.
    #[default]
    Anonymous,
}

/// The server-PI of one session.
#[derive(Clone, Debug)]
pub struct ServerPi {
    pub(super) settings: Settings,
    pub(super) login: Login,
    pub(super) login_failures: u32,
    pub(super) parameters: TransferParameters,
    pub(super) directory: VirtualPath,
    pub(super) facts: FactSet,
    pub(super) plan: Plan,
    pub(super) security: Security,
    /// The terms of the last transfer's data connection, if it is still open (MODE B).
    pub(super) open: Option<Terms>,
    pub(super) pipeline: Pipeline,
    pub(super) epsv_all: bool,
    /// CEPR: whether 229 tells the address as well.
    pub(super) custom_epsv: bool,
    pub(super) restart: Option<RestartPoint>,
    /// RANG's octets; never together with `restart`.
    pub(super) range: Option<ByteRange>,
    /// What OPTS HASH has chosen.
    pub(super) hash: HashAlgorithm,
    /// The file of parts that this session opened or joined last.
    pub(super) part_of: Option<PartsKey>,
    pub(super) rename_from: Option<VirtualPath>,
    pub(super) activity: Activity,
    pub(super) errors_in_a_row: u32,
    pub(super) unknown_before_login: u32,
    pub(super) timers: Timers,
    /// The operator's limit on silence, which SITE IDLE may only shorten.
    pub(super) idle_most: Duration,
    draining: bool,
    pub(super) queue: Queue,
    effects: VecDeque<Effect>,
}

/// What the session is doing. Commands are served only in `Idle`.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) enum Activity {
    /// Nothing: the next command is served at once.
    Idle,
    /// A question is out; its answer decides the reply.
    Asking(Asked),
    /// A transfer runs.
    Transferring(Running),
    /// [`Effect::Close`] has been asked for; nothing is answered any more.
    Closed,
}

impl ServerPi {
    /// A session that begins `now`; the first effect is the greeting.
    #[must_use]
    pub fn new(now: Duration, settings: Settings) -> Self {
        let mut pi = Self {
            idle_most: settings.limits.idle,
            security: Security::new(settings.tls),
            settings,
            login: Login::Out,
            login_failures: 0,
            parameters: TransferParameters::default(),
            directory: VirtualPath::root(),
            facts: FactSet::default(),
            plan: Plan::Default,
            open: None,
            pipeline: Pipeline::default(),
            epsv_all: false,
            custom_epsv: false,
            restart: None,
            range: None,
            hash: HashAlgorithm::default(),
            part_of: None,
            rename_from: None,
            activity: Activity::Idle,
            errors_in_a_row: 0,
            unknown_before_login: 0,
            timers: Timers::new(now),
            draining: false,
            queue: Queue::default(),
            effects: VecDeque::new(),
        };
        pi.reply(text::greeting());
        pi
    }

    /// Tells it a command, or a line that is none.
    pub fn handle_command(&mut self, now: Duration, line: Result<Command, CommandError>) {
        self.timers.heard(now);
        match (&self.activity, &line) {
            (Activity::Closed, _) => {}
            // Not behind the answer, which may be held back for minutes.
            (activity, Err(CommandError::OtherProtocol)) if activity.is_login() => {
                self.close(text::other_protocol());
            }
            (Activity::Transferring(_), Ok(Command::Stat(None))) => self.push(Effect::AskProgress),
            _ => {
                if line == Ok(Command::Abor) {
                    questions::stop_waiting(self);
                }
                self.queue.push(line);
                transfer::stop_if_aborted(self);
                self.serve(now);
            }
        }
    }

    /// Tells it what has happened.
    pub fn handle_event(&mut self, now: Duration, event: Event) {
        self.timers.heard(now);
        if self.activity == Activity::Closed {
            return;
        }
        match event {
            Event::Introduced(introduced) => login::introduced(self, introduced),
            Event::Authenticated(identity) => login::authenticated(self, identity),
            Event::TooManySessions => login::too_many_sessions(self),
            Event::TooManyFailures => login::too_many_failures(self),
            Event::Arranged(result) => questions::arranged(self, now, result),
            Event::Established(socket) => questions::established(self, now, socket),
            Event::Answered(result) => questions::answered(self, result),
            Event::Opened(opened) => transfer::opened(self, &opened),
            Event::Marked { theirs, octets } => transfer::marked(self, &theirs, octets),
            Event::Finished(outcome) => transfer::finished(self, now, outcome),
            Event::Protected { tls, indicated } => protection::changed(self, tls, indicated),
            Event::Progress { moved, total } => self.reply(text::progress(moved, total)),
        }
        self.serve(now);
    }

    /// Tells it that the time given by [`Self::poll_timeout`] has come. Telling it too early
    /// does no harm.
    pub fn handle_timeout(&mut self, now: Duration) {
        let limits = self.settings.limits;
        if self.is_logging_in() && self.timers.login_is_over(now, &limits) {
            return self.close(text::login_timeout());
        }
        if self.activity != Activity::Idle {
            return;
        }
        if self.timers.idle_is_over(now, &limits) {
            self.close(text::idle_timeout());
        } else if self.timers.reservation_is_over(now, &limits) {
            self.release_plan();
        }
    }

    /// Tells it that the server is going down: a running transfer finishes, then 421. A login
    /// is not waited for.
    pub fn handle_shutdown(&mut self, now: Duration) {
        self.draining = true;
        if self.activity.is_login() {
            self.close(text::shutting_down());
        }
        self.serve(now);
    }

    /// The next thing to do.
    pub fn poll_effect(&mut self) -> Option<Effect> {
        self.effects.pop_front()
    }

    /// When to call [`Self::handle_timeout`]; none while something runs that has its own limit.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Duration> {
        let limits = &self.settings.limits;
        let login = self.is_logging_in().then(|| self.timers.login(limits));
        if self.activity != Activity::Idle {
            return login;
        }
        let other = self.timers.next(limits);
        Some(login.map_or(other, |login| login.min(other)))
    }

    /// Whether commands may be read from the control connection; when not, leave them there
    /// and let TCP hold the user back (spec Q-8).
    #[must_use]
    pub fn wants_commands(&self) -> bool {
        let listens = match self.activity {
            // What comes now is the handshake's, not ours (spec S-30).
            Activity::Closed | Activity::Asking(Asked::Protection) => false,
            _ => true,
        };
        listens && !self.queue.is_full()
    }

    /// The data-connection plan, for the log and for checks.
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// Whether nothing is under way and nothing is queued.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.activity == Activity::Idle && self.queue.is_empty()
    }

    /// Whether commands wait behind what is under way.
    #[must_use]
    pub fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    pub(super) fn push(&mut self, effect: Effect) {
        self.effects.push_back(effect);
    }

    pub(super) fn reply(&mut self, reply: Reply) {
        self.push(Effect::Reply(reply));
    }

    /// Replies and closes the control connection.
    pub(super) fn close(&mut self, reply: Reply) {
        self.reply(reply);
        self.release_plan();
        self.queue.clear();
        self.activity = Activity::Closed;
        self.push(Effect::Close);
    }

    /// Asks; the answer comes as an event and decides the reply.
    pub(super) fn ask(&mut self, effect: Effect, asked: Asked) {
        self.activity = Activity::Asking(asked);
        self.push(effect);
    }

    /// Forgets the plan; what the shell holds for it is given back.
    pub(super) fn release_plan(&mut self) {
        self.disconnect();
        self.pipeline.start_over();
        if self.plan != Plan::Default {
            self.plan = Plan::Default;
            self.security.peer = None;
            self.push(Effect::Release);
        }
        self.timers.nothing_reserved();
    }

    /// Closes a data connection kept open by MODE B; what is reserved stays (spec M-23).
    pub(super) fn disconnect(&mut self) {
        if self.open.take().is_some() {
            self.push(Effect::Disconnect);
        }
    }

    /// Who may call an LSTN socket before SOCK has come (spec A-24).
    pub(super) fn unpinned_filter(&self) -> Option<AcceptFilter> {
        match self.settings.unpinned {
            Unpinned::ControlHost => Some(AcceptFilter::Host(self.settings.peer)),
            Unpinned::Any => Some(AcceptFilter::Any),
            Unpinned::Refuse => None,
        }
    }

    /// The path `name` means here; replies and gives none where it can mean nothing.
    pub(super) fn resolve(&mut self, name: &Pathname) -> Option<VirtualPath> {
        match self.directory.join(name) {
            Ok(path) => Some(path),
            Err(error) => {
                self.reply(text::bad_path(error));
                None
            }
        }
    }

    /// Whether data connections can be of this network protocol, which is that of the control
    /// connection (spec A-25). Replies with 522 where not, and nothing is released yet.
    pub(super) fn speaks(&mut self, protocol: Option<NetworkProtocol>) -> bool {
        let ours = NetworkProtocol::of(self.settings.peer);
        let speaks = protocol.is_none_or(|protocol| protocol == ours);
        if !speaks {
            self.reply(text::protocol_not_supported(&[ours]));
        }
        speaks
    }

    /// The path `name` means here, or the working directory, where the user has `permission`.
    /// Replies and gives none elsewhere (spec S-47).
    pub(super) fn permitted_path(
        &mut self,
        permission: Permission,
        name: Option<&Pathname>,
    ) -> Option<VirtualPath> {
        let path = match name {
            Some(name) => self.resolve(name)?,
            None => self.directory.clone(),
        };
        self.permit(permission, &path).then_some(path)
    }

    /// Whether the user has `permission` at `path`; replies where not.
    pub(super) fn permit(&mut self, permission: Permission, path: &VirtualPath) -> bool {
        let allowed = self.may(permission, path);
        if !allowed {
            self.reply(text::no_permission(permission));
        }
        allowed
    }

    /// Whether the user has `permission` at `path`.
    pub(super) fn may(&self, permission: Permission, path: &VirtualPath) -> bool {
        self.login.permissions().allow(permission, path)
    }

    /// Serves queued commands for as long as nothing is under way.
    fn serve(&mut self, now: Duration) {
        while self.activity == Activity::Idle {
            if self.draining {
                return self.close(text::shutting_down());
            }
            let Some(line) = self.queue.pop() else {
                return;
            };
            command::serve(self, now, line);
            transfer::stop_if_aborted(self);
        }
    }
}
