//! Hashes of files of this host, to compare with those that servers tell of theirs.

use std::fmt::Write as _;
use std::fs::File;
use std::io::{self, Read};

use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha256, Sha512};

use crate::Interrupt;
use crate::control::hash::Algorithm;

/// The hash of a whole file, in lower-case hexadecimal, beside the other work.
///
/// # Errors
/// Whatever the system says; `Interrupted` if the person stops.
pub(super) async fn of(
    file: File,
    algorithm: Algorithm,
    interrupt: &Interrupt,
) -> io::Result<String> {
    let interrupt = interrupt.clone();
    let hashing = tokio::task::spawn_blocking(move || match algorithm.name {
        "SHA-512" => whole::<Sha512>(file, &interrupt),
        "SHA-256" => whole::<Sha256>(file, &interrupt),
        "SHA-1" => whole::<Sha1>(file, &interrupt),
        "MD5" => whole::<Md5>(file, &interrupt),
        "CRC32" => {
            let mut hasher = crc32fast::Hasher::new();
            pieces(file, &interrupt, |piece| hasher.update(piece))?;
            Ok(hex(&hasher.finalize().to_be_bytes()))
        }
        _ => Err(io::ErrorKind::Unsupported.into()),
    });
    hashing.await.map_err(io::Error::other)?
}

fn whole<D: Digest>(file: impl Read, interrupt: &Interrupt) -> io::Result<String> {
    let mut hasher = D::new();
    pieces(file, interrupt, |piece| hasher.update(piece))?;
    Ok(hex(&hasher.finalize()))
}

fn pieces(
    mut file: impl Read,
    interrupt: &Interrupt,
    mut take: impl FnMut(&[u8]),
) -> io::Result<()> {
    let mut buffer = vec![0; PIECE_BYTES];
    loop {
        if interrupt.is_tripped() {
            return Err(io::ErrorKind::Interrupted.into());
        }
        let read = match file.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        take(buffer.get(..read).unwrap_or_default());
    }
}

fn hex(octets: &[u8]) -> String {
    octets.iter().fold(String::new(), |mut hex, octet| {
        // Writing to a string cannot fail.
        let _written = write!(hex, "{octet:02x}");
        hex
    })
}

/// So soon is a stop heard.
const PIECE_BYTES: usize = 256 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::control::hash::ALGORITHMS;

    #[tokio::test]
    async fn every_hash_that_servers_are_asked_for_is_known_here() {
        for (algorithm, expected) in ALGORITHMS.into_iter().zip([
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c\
             23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "a9993e364706816aba3e25717850c26c9cd0d89d",
            "900150983cd24fb0d6963f7d28e17f72",
            "352441c2",
        ]) {
            let directory = tempfile::tempdir().unwrap();
            let path = directory.path().join("f");
            std::fs::write(&path, "abc").unwrap();
            let open = || File::open(&path).unwrap();
            let found = of(open(), algorithm, &Interrupt::default()).await.unwrap();
            assert_eq!(found, expected, "{algorithm:?}");
            let stopped = Interrupt::default();
            stopped.trip();
            let error = of(open(), algorithm, &stopped).await.unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::Interrupted);
        }
    }
}
