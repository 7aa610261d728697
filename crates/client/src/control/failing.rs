//! What goes wrong on a control connection, as errors that name server and step.

use std::time::Duration;

use thirdhost_proto::user::Class;
use thirdhost_wire::Reply;

use crate::error::said;
use crate::{ControlConn, Error};

impl ControlConn {
    /// Refuses a reply that is not 2yz.
    pub(crate) fn completed(
        &self,
        step: &'static str,
        reply: Reply,
        hint: &'static str,
    ) -> Result<Reply, Error> {
        match Class::of(reply.code()) {
            Class::Completion => Ok(reply),
            _ => Err(self.refused(step, reply, hint)),
        }
    }

    pub(crate) fn refused(&self, step: &'static str, reply: Reply, hint: &'static str) -> Error {
        Error::Refused {
            server: self.server.name.clone(),
            step,
            reply,
            hint,
        }
    }

    pub(crate) fn closing(&self, reply: Reply) -> Error {
        Error::Closing {
            server: self.server.name.clone(),
            step: self.step,
            reply,
        }
    }

    pub(crate) fn unexpected(&mut self, reply: &Reply) -> Error {
        if let Some(refused) = self.not_granted(reply) {
            return refused;
        }
        self.misbehaved(format!(
            "it replied {} to nothing that was sent",
            said(reply)
        ))
    }

    /// A listing that does not belong to its reply, or has no end.
    pub(crate) fn unusable_listing(&self, reply: Reply) -> Error {
        Error::Unusable {
            server: self.server.name.clone(),
            step: self.step,
            reply,
            problem: "the listing behind it is not the one asked for".to_owned(),
        }
    }

    pub(crate) fn misbehaved(&mut self, problem: impl Into<String>) -> Error {
        self.broken = true;
        Error::Misbehaved {
            server: self.server.name.clone(),
            step: self.step,
            problem: problem.into(),
        }
    }

    /// The server was silent for too long; a late reply would be taken for another, so the
    /// connection is of no use any more.
    pub(crate) fn silent(&mut self, after: Duration) -> Error {
        self.broken = true;
        Error::Silent {
            server: self.server.name.clone(),
            step: self.step,
            after,
        }
    }

    /// What was asked is not waited for any more, so the connection is of no use.
    pub(crate) fn stopped(&mut self) -> Error {
        self.broken = true;
        self.stop_wanted()
    }

    pub(crate) fn stop_wanted(&self) -> Error {
        Error::Stopped {
            server: self.server.name.clone(),
            step: self.step,
        }
    }
}
