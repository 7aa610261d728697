//! Login: FEAT, then USER, PASS, ACCT and TYPE I; all of these at once where that is safe.

use bytes::BytesMut;
use thirdhost_wire::{Command, Features, Password, PathnameError, Reply, RepresentationType, Text};

use super::open::{NO_PRIVATE_DATA, private};
use super::owed::{ACCOUNT, CHECK, LOGIN, NO_ACCOUNT, PASSWORD};
use crate::{ControlConn, Error, Product, pipeline};

/// Who logs in.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// USER's argument.
    pub user: Text,
    /// PASS's argument.
    pub password: Password,
    /// ACCT's argument, for the rare server that asks.
    pub account: Option<Text>,
}

impl Credentials {
    /// A user and a password.
    ///
    /// # Errors
    /// A CR, LF or NUL in either.
    pub fn new(user: &str, password: &str) -> Result<Self, PathnameError> {
        Ok(Self {
            user: Text::try_from(user)?,
            password: Password::try_from(password)?,
            account: None,
        })
    }

    /// `anonymous`, with the customary mail address as its password.
    #[must_use]
    pub fn anonymous() -> Self {
        Self::new("anonymous", "anonymous@").unwrap_or_else(|_| Self {
            user: Text::default(),
            password: Password::default(),
            account: None,
        })
    }
}

impl ControlConn {
    /// Logs in, learns what the server can do, and sets TYPE I.
    ///
    /// # Errors
    /// [`Error::Refused`] if the server does not let this user in.
    pub async fn login(&mut self, credentials: &Credentials) -> Result<(), Error> {
        self.begin_login(credentials).await?;
        self.confirm().await
    }

    /// The same, but where the server takes commands ahead nobody waits for its word: what is
    /// asked next goes out behind, and [`ControlConn::confirm`] or the next reply tells.
    ///
    /// # Errors
    /// As [`ControlConn::login`].
    pub(crate) async fn begin_login(&mut self, credentials: &Credentials) -> Result<(), Error> {
        if !self.is_protected() && !self.peer().ip().to_canonical().is_loopback() {
            self.environment.observer.warning(&format!(
                "{} is spoken to in clear text: passwords and files can be read on the way",
                self.name()
            ));
        }
        if !self.asked_features {
            self.ask_features().await?;
        }
        let user = Command::User(credentials.user.clone());
        let takes_ahead = pipeline::depth(self).is_some();
        if takes_ahead && self.may_hear_password() {
            return self.login_ahead(Some(user), credentials).await;
        }
        let reply = self.command(user).await?;
        if takes_ahead && wants(&reply, PASSWORD) {
            return self.login_ahead(None, credentials).await;
        }
        self.admitted(reply, credentials).await?;
        self.protect_data().await?;
        // Some tell less before the login.
        let has_none = self.features.lines().next().is_none();
        if has_none || self.product() == Product::Unknown {
            self.ask_features().await?;
        }
        self.ensure_image().await
    }

    /// The rest of the login, step by step, behind the reply to USER.
    async fn admitted(&mut self, mut reply: Reply, credentials: &Credentials) -> Result<(), Error> {
        if wants(&reply, PASSWORD) {
            reply = self
                .command(Command::Pass(credentials.password.clone()))
                .await?;
        }
        if wants(&reply, ACCOUNT) {
            let Some(account) = &credentials.account else {
                return Err(self.refused("the login", reply, NO_ACCOUNT));
            };
            reply = self.command(Command::Acct(account.clone())).await?;
        }
        self.completed(LOGIN, reply, CHECK).map(drop)
    }

    /// Everything at once, without USER if that is answered already; the replies are owed.
    async fn login_ahead(
        &mut self,
        user: Option<Command>,
        credentials: &Credentials,
    ) -> Result<(), Error> {
        let password = Command::Pass(credentials.password.clone());
        let account = credentials.account.clone().map(Command::Acct);
        let image = Command::Type(RepresentationType::Image);
        let login = user.into_iter().chain([password]).chain(account);
        let mut outgoing = BytesMut::new();
        for command in login {
            self.owe(&command, LOGIN, CHECK, &mut outgoing)?;
        }
        if self.is_protected() {
            for (command, step) in private() {
                self.owe(&command, step, NO_PRIVATE_DATA, &mut outgoing)?;
            }
        }
        self.owe(&image, "TYPE I", "", &mut outgoing)?;
        self.representation = Some(RepresentationType::Image);
        self.write(&outgoing).await
    }

    /// SECURITY: a server that can do TLS may say to USER that it wants it, and then the password
    /// is not to be said in clear text.
    fn may_hear_password(&self) -> bool {
        self.is_protected() || !self.features.has_parameter("AUTH", "TLS")
    }

    /// FEAT. A server that does not know it has none.
    pub(super) async fn ask_features(&mut self) -> Result<Reply, Error> {
        let reply = self.command(Command::Feat).await?;
        self.features = Features::from_reply(&reply).unwrap_or_default();
        self.asked_features = true;
        Ok(reply)
    }

    /// TYPE I, unless it is in force.
    pub(crate) async fn ensure_image(&mut self) -> Result<(), Error> {
        if self.representation == Some(RepresentationType::Image) {
            return Ok(());
        }
        let reply = self
            .command(Command::Type(RepresentationType::Image))
            .await?;
        self.completed("TYPE I", reply, "").map(|_| ())
    }
}

fn wants(reply: &Reply, codes: &[u16]) -> bool {
    codes.contains(&reply.code().number())
}
