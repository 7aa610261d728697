//! After both said done: is what arrived as long as what was sent? Spec U-8.

use thirdhost_proto::third_party::{BySide, Operation};
use thirdhost_wire::{Pathname, RepresentationType};

use super::{Policy, Verify};
use crate::control::hash;
use crate::{ControlConn, Error};

/// What is known before the transfer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// How long the destination's file was, where that matters (APPE).
    pub(super) length: Option<u64>,
}

/// Asks the destination how long the file is that will grow.
pub(super) async fn before(
    destination: &mut ControlConn,
    operation: Operation,
    to: &Pathname,
    policy: &Policy,
) -> Result<Before, Error> {
    if operation == Operation::Copy || !compares(policy) {
        return Ok(Before { length: None });
    }
    destination.ensure_image().await?;
    let reply = destination
        .command(thirdhost_wire::Command::Size(to.clone()))
        .await?;
    let length = match reply.code().number() {
        // Not there yet: APPE will make it.
        NOT_THERE => Some(0),
        _ => thirdhost_wire::file_size(&reply).ok(),
    };
    Ok(Before { length })
}

/// Compares sizes. Returns whether they were compared.
pub(super) async fn after(
    destination: &mut ControlConn,
    operation: Operation,
    to: &Pathname,
    policy: &Policy,
    sent: Option<u64>,
    before: Before,
) -> Result<bool, Error> {
    if !compares(policy) {
        return Ok(false);
    }
    let unknown = |reason| match policy.verify {
        Verify::Size => Err(Error::Unverifiable {
            server: destination.name().to_owned(),
            reason,
        }),
        _ => Ok(false),
    };
    let Some(sent) = sent else {
        return unknown("the source did not tell what it sent");
    };
    let expected = match (operation, before.length) {
        (Operation::Copy, _) => sent,
        (Operation::Append, Some(length)) => length.saturating_add(sent),
        (Operation::Append, None) => return unknown("it did not tell it before the transfer"),
    };
    let Some(found) = destination.size(to).await? else {
        let server = destination.name().to_owned();
        return match policy.verify {
            Verify::Size => Err(Error::Unverifiable {
                server,
                reason: "SIZE fails",
            }),
            _ => Ok(false),
        };
    };
    if found == expected {
        return Ok(true);
    }
    Err(Error::Verification {
        server: destination.name().to_owned(),
        expected,
        found,
    })
}

/// Compares hashes. Returns which one.
pub(super) async fn hash(
    conns: &mut BySide<ControlConn>,
    from: &Pathname,
    to: &Pathname,
    policy: &Policy,
) -> Result<Option<&'static str>, Error> {
    let BySide {
        source,
        destination,
    } = conns;
    if !matches!(policy.verify, Verify::Auto | Verify::Hash) || !compares(policy) {
        return Ok(None);
    }
    let unknown = |server: &ControlConn, reason| match policy.verify {
        Verify::Hash => Err(Error::Unverifiable {
            server: server.name().to_owned(),
            reason,
        }),
        _ => Ok(None),
    };
    let Some(algorithm) = hash::common(source, destination) else {
        return unknown(
            destination,
            "it lists no hash in FEAT that the source lists too",
        );
    };
    let Some(expected) = hash::of(source, algorithm, from).await? else {
        return unknown(source, "it does not tell the hash it lists in FEAT");
    };
    let Some(found) = hash::of(destination, algorithm, to).await? else {
        return unknown(destination, "it does not tell the hash it lists in FEAT");
    };
    if found == expected {
        return Ok(Some(algorithm.name));
    }
    Err(Error::HashDiffers {
        server: destination.name().to_owned(),
        algorithm: algorithm.name,
    })
}

/// Sizes mean bytes in TYPE I alone.
fn compares(policy: &Policy) -> bool {
    policy.verify != Verify::None && policy.parameters.representation == RepresentationType::Image
}

/// RFC 3659 section 4: SIZE of what is not there.
const NOT_THERE: u16 = 550;
