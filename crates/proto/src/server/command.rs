//! One command served: who may use it when, what it clears, which verb does it. Spec 1.4.

use std::time::Duration;

use thirdhost_wire::{Command, CommandError, SiteCommand, Verb};

use super::login::Login;
use super::session::{Activity, ServerPi};
use super::verbs::{access, parameters, security, service};
use super::{pipeline, reply_text as text};

/// Serves one line while nothing is under way.
pub(super) fn serve(pi: &mut ServerPi, now: Duration, line: Result<Command, CommandError>) {
    match line {
        Ok(command) => {
            pi.errors_in_a_row = 0;
            forget(pi, &command);
            if !pi.login.is_in() && !allowed_before_login(&command) {
                return pi.reply(text::not_logged_in());
            }
            let transfer = pipeline::count(pi, &command);
            dispatch(pi, now, command);
            if let (Some(place), Activity::Idle) = (transfer, &pi.activity) {
                pipeline::refused(pi, place);
            }
        }
        Err(error) => malformed(pi, &error),
    }
}

/// A line that is no command. Too many in a row, and another protocol is speaking (spec S-57,
/// S-38).
fn malformed(pi: &mut ServerPi, error: &CommandError) {
    // SECURITY: a browser or a mailer that was led here must not get to say an FTP command behind
    // the lines of its own protocol (spec S-38).
    if *error == CommandError::OtherProtocol {
        return pi.close(text::other_protocol());
    }
    pi.errors_in_a_row = pi.errors_in_a_row.saturating_add(1);
    if !pi.login.is_in() && *error == CommandError::Unknown {
        pi.unknown_before_login = pi.unknown_before_login.saturating_add(1);
    }
    pi.rename_from = None;
    let limits = pi.settings.limits;
    if pi.errors_in_a_row >= limits.protocol_errors
        || pi.unknown_before_login >= limits.unknown_before_login
    {
        pi.close(text::too_many_errors());
    } else if pi.epsv_all && arranges_data(error) {
        pi.reply(text::epsv_all_in_force());
    } else {
        pi.reply(text::malformed(error));
    }
}

/// Whether the command would arrange a data connection if it were implemented: EPSV ALL stands
/// before everything else (RFC 2428 section 4, spec S-67).
fn arranges_data(error: &CommandError) -> bool {
    use Verb::{Lprt, Lpsv, Spas, Spor};
    matches!(
        error,
        CommandError::NotImplemented(Lprt | Lpsv | Spas | Spor)
    )
}

/// What is pending is dropped by the commands that must not come in between (spec 1.4).
fn forget(pi: &mut ServerPi, command: &Command) {
    use Command as C;
    let keeps_user = matches!(
        command,
        C::Pass(_) | C::Noop | C::Feat | C::Opts { .. } | C::Syst | C::Help(_) | C::Clnt(_)
    );
    if matches!(pi.login, Login::Named(_)) && !keeps_user {
        pi.login = Login::Out;
    }
    if !matches!(command, C::Rnto(_) | C::Noop) {
        pi.rename_from = None;
    }
    let keeps_restart = matches!(
        command,
        C::Retr(_)
            | C::Stor(_)
            | C::Appe(_)
            | C::Stou(_)
            | C::Pasv
            | C::Pret(_)
            | C::Epsv(_)
            | C::Port(_)
            | C::Eprt(_)
            | C::Lstn { .. }
            | C::Sock(_)
            | C::Type(_)
            | C::Mode(_)
            | C::Noop
            | C::Cpsv
            | C::Sscn(_)
            | C::Site(SiteCommand::PeerCert { .. })
    );
    if !keeps_restart {
        pi.restart = None;
    }
    if !keeps_restart && !matches!(command, C::Hash(_)) {
        pi.range = None;
    }
}

fn allowed_before_login(command: &Command) -> bool {
    use Command as C;
    matches!(
        command,
        C::User(_)
            | C::Pass(_)
            | C::Acct(_)
            | C::Host(_)
            | C::Lang(_)
            | C::Clnt(_)
            | C::Csid(_)
            | C::Cepr(_)
            | C::Feat
            | C::Opts { .. }
            | C::Help(_)
            | C::Noop
            | C::Syst
            | C::Quit
            | C::Rein
            | C::Auth(_)
            | C::Pbsz(_)
            | C::Prot(_)
            | C::Ccc
    )
}

fn dispatch(pi: &mut ServerPi, now: Duration, command: Command) {
    match command {
        Command::User(name) => access::user(pi, now, name),
        Command::Pass(password) => access::pass(pi, password),
        Command::Acct(_) => access::acct(pi),
        Command::Cwd(name) => access::cwd(pi, &name),
        Command::Cdup => access::cdup(pi),
        Command::Host(name) => access::host(pi, &name),
        Command::Lang(tag) => access::lang(pi, tag.as_ref()),
        Command::Clnt(_) => access::clnt(pi),
        Command::Csid(_) => access::csid(pi),
        Command::Rein => access::rein(pi, now),
        Command::Quit => access::quit(pi),
        Command::Port(target) => parameters::port(pi, target),
        Command::Eprt(argument) => parameters::eprt(pi, argument),
        Command::Pasv => parameters::pasv(pi),
        Command::Epsv(argument) => parameters::epsv(pi, argument),
        Command::Esta => parameters::esta(pi),
        Command::Estp => parameters::estp(pi),
        Command::Cepr(on) => parameters::cepr(pi, on),
        Command::Pret(_) => parameters::pret(pi),
        Command::Algs(_) => service::algs(pi),
        Command::Lstn {
            direction,
            protocol,
        } => parameters::lstn(pi, direction, protocol),
        Command::Sock(argument) => parameters::sock(pi, &argument),
        Command::Type(representation) => parameters::set_type(pi, representation),
        Command::Stru(structure) => parameters::stru(pi, structure),
        Command::Mode(mode) => parameters::mode(pi, mode),
        Command::Retr(name) => service::retr(pi, &name),
        Command::Stor(name) => service::stor(pi, &name),
        Command::Stou(name) => service::stou(pi, name.as_ref()),
        Command::Appe(name) => service::appe(pi, &name),
        Command::Allo { bytes, .. } => service::allo(pi, bytes),
        Command::Rest(point) => service::rest(pi, point),
        Command::Rnfr(name) => service::rnfr(pi, &name),
        Command::Rnto(name) => service::rnto(pi, &name),
        Command::Abor => service::abor(pi),
        Command::Dele(name) => service::dele(pi, &name),
        Command::Rmd(name) => service::rmd(pi, &name),
        Command::Mkd(name) => service::mkd(pi, &name),
        Command::Pwd => service::pwd(pi),
        Command::List(name) => service::list(pi, name.as_ref()),
        Command::Nlst(name) => service::nlst(pi, name.as_ref()),
        Command::Mlst(name) => service::mlst(pi, name.as_ref()),
        Command::Mlsd(name) => service::mlsd(pi, name.as_ref()),
        Command::Size(name) => service::size(pi, &name),
        Command::Mdtm(name) => service::mdtm(pi, &name),
        Command::Hash(name) => service::hash(pi, &name),
        Command::Checksum(which, name) => service::checksum(pi, which, &name),
        Command::Rang(range) => service::rang(pi, range),
        Command::Mfmt { modified, name } => service::mfmt(pi, modified, &name),
        Command::Mff(line) => service::mff(pi, &line),
        Command::Site(command) => service::site(pi, command),
        Command::Syst => service::syst(pi),
        Command::Stat(name) => service::stat(pi, name.as_ref()),
        Command::Help(topic) => service::help(pi, topic.as_ref()),
        Command::Feat => service::feat(pi),
        Command::Opts { command, options } => service::opts(pi, &command, options.as_ref()),
        Command::Noop => service::noop(pi),
        Command::Auth(mechanism) => security::auth(pi, now, &mechanism),
        Command::Pbsz(_) => security::pbsz(pi),
        Command::Prot(level) => security::prot(pi, level),
        Command::Ccc => security::ccc(pi),
        Command::Sscn(on) => security::sscn(pi, on),
        Command::Cpsv => security::cpsv(pi),
    }
}
