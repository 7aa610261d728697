//! Login: USER, PASS, ACCT, then FEAT and TYPE I.

use thirdhost_wire::{Command, Features, Password, PathnameError, Reply, RepresentationType, Text};

use crate::{ControlConn, Error, pipeline};

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
        if !self.is_protected() && !self.peer().ip().to_canonical().is_loopback() {
            self.environment.observer.warning(&format!(
                "{} is spoken to in clear text: passwords and files can be read on the way",
                self.name()
            ));
        }
        let mut reply = self
            .command(Command::User(credentials.user.clone()))
            .await?;
        if wants(&reply, PASSWORD) {
            reply = self
                .command(Command::Pass(credentials.password.clone()))
                .await?;
        }
        if wants(&reply, ACCOUNT) {
            let Some(account) = &credentials.account else {
                return Err(self.refused("the login", reply, "; this server wants an account"));
            };
            reply = self.command(Command::Acct(account.clone())).await?;
        }
        self.completed("the login", reply, "; check user name and password")?;
        self.protect_data().await?;
        let features = self.command(Command::Feat).await?;
        // A server that does not know FEAT has none.
        self.features = Features::from_reply(&features).unwrap_or_default();
        match pipeline::depth(self) {
            Some(_) => self.image_ahead().await,
            None => self.ensure_image().await,
        }
    }

    /// TYPE I for a server that takes commands ahead: its reply comes with the next one's.
    async fn image_ahead(&mut self) -> Result<(), Error> {
        let image = RepresentationType::Image;
        self.image_owed = Some(self.send(&Command::Type(image)).await?);
        self.representation = Some(image);
        Ok(())
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

/// RFC 959 section 5.4 and RFC 2228 section 5.1.
const PASSWORD: &[u16] = &[331, 336];

/// RFC 959 section 5.4.
const ACCOUNT: &[u16] = &[332];
