//! SITE PARTS carried out: opened, joined, asked about, proved and closed, or dropped.

use std::sync::Arc;

use thirdhost_proto::server::{Answer, PartsQuestion, Refusal};
use thirdhost_wire::FileHash;

use super::hash::{self, Bounds};
use super::refusal::refusal;
use crate::accounts::Account;
use crate::parts::{Held, Parts};
use crate::server::Shared;
use crate::store::{Store, StoreError};

/// What a question about parts needs, owned.
pub(super) struct Asking {
    pub(super) shared: Arc<Shared>,
    pub(super) account: Arc<Account>,
    pub(super) store: Arc<dyn Store>,
    pub(super) held: Arc<Held>,
    pub(super) bounds: Bounds,
}

impl Asking {
    pub(super) async fn answer(self, question: PartsQuestion) -> Result<Answer, Refusal> {
        let answer = match question {
            PartsQuestion::Open { path, octets } => {
                // What was opened before is gone before there is room for another.
                self.held.give_up();
                // A home may have to be counted for it, however large it is.
                let assembling = self.store.assemble(&path, octets);
                let assembled = self.bounds.gone.run_until_cancelled(assembling).await;
                let assembled = assembled.unwrap_or(Err(StoreError::NotFound));
                assembled.map(|assembly| {
                    let Shared { parts, world, .. } = &*self.shared;
                    let opened = (path, octets);
                    let parts = parts.add(&*world.random, &self.account, opened, assembly);
                    let key = parts.key();
                    self.held.hold(parts);
                    Answer::Parts(key)
                })
            }
            PartsQuestion::Join(key) => {
                let found = self.shared.parts.find(key, &self.account);
                found.map(|_| Answer::Done)
            }
            PartsQuestion::Size(key) => {
                let found = self.shared.parts.find(key, &self.account);
                found.map(|parts| Answer::Size(parts.stored()))
            }
            PartsQuestion::Close { proof } => return self.close(proof).await,
            PartsQuestion::Drop => {
                self.held.give_up();
                Ok(Answer::Done)
            }
        };
        answer.map_err(|error| refusal(&error))
    }

    /// The file appears if it is what it has to be. What has another hash is given up: nothing
    /// makes it right. What cannot be hashed now stays open, for another CLOSE.
    async fn close(self, proof: Option<FileHash>) -> Result<Answer, Refusal> {
        let parts = self.held.held().map_err(|error| refusal(&error))?;
        if let Some(proof) = proof
            && !is(&parts, &proof, self.bounds.clone()).await?
        {
            tracing::warn!("the file of parts has another hash than was told; nothing is stored");
            self.held.give_up();
            return Err(Refusal::Differs);
        }
        match parts.commit(&self.bounds.gone).await {
            // Parts that are missing may still come.
            Err(error @ StoreError::Incomplete) => Err(refusal(&error)),
            Err(error) => {
                self.held.give_up();
                Err(refusal(&error))
            }
            Ok(()) => {
                self.held.give_up();
                Ok(Answer::Done)
            }
        }
    }
}

/// Whether the file has this hash.
async fn is(parts: &Parts, proof: &FileHash, bounds: Bounds) -> Result<bool, Refusal> {
    let source = parts.open().await.map_err(|error| refusal(&error))?;
    let digest = hash::of_source(source, proof.algorithm, bounds).await?;
    Ok(digest == proof.digest())
}
