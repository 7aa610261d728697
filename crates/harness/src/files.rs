//! Files to move: made from a seed, compared piece by piece, so that any size fits in memory.

use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Write};
use std::path::Path;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Writes `bytes` unpredictable bytes; the same seed, the same bytes.
///
/// # Errors
/// Whatever the system says.
pub fn fill(path: &Path, bytes: u64, seed: u64) -> io::Result<()> {
    let mut random = StdRng::seed_from_u64(seed);
    // All pieces made anew would cost more than moving them. Each begins with its number, so
    // that one that is lost or doubled is found.
    let mut piece = vec![0; PIECE];
    random.fill_bytes(&mut piece);
    let mut file = BufWriter::new(File::create(path)?);
    let (mut left, mut count) = (bytes, 0_u64);
    while left > 0 {
        count += 1;
        for (octet, number) in piece.iter_mut().zip(count.to_be_bytes()) {
            *octet = number;
        }
        let part = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        let (part, _) = piece.split_at_checked(part).unwrap_or((&piece, &[]));
        file.write_all(part)?;
        left = left.saturating_sub(PIECE as u64);
    }
    file.flush()
}

/// Where `found` stops being `parts` one behind the other: `None` if it never does, else the
/// offset of the first byte that differs, is missing, or is too many.
///
/// # Errors
/// Whatever the system says, `NotFound` if there is no such file.
pub fn first_difference(found: &Path, parts: &[&Path]) -> io::Result<Option<u64>> {
    let mut expected: Box<dyn Read> = Box::new(io::empty());
    for part in parts {
        expected = Box::new(expected.chain(File::open(part)?));
    }
    let mut expected = BufReader::new(expected);
    let mut found = File::open(found)?;
    let (mut here, mut there) = (vec![0; PIECE], vec![0; PIECE]);
    let mut offset = 0;
    loop {
        let (left, right) = (
            fill_up(&mut found, &mut here)?,
            fill_up(&mut expected, &mut there)?,
        );
        if let Some(at) = differs(left, right) {
            return Ok(Some(offset + at));
        }
        if left.is_empty() {
            return Ok(None);
        }
        offset += left.len() as u64;
    }
}

fn differs(left: &[u8], right: &[u8]) -> Option<u64> {
    if left == right {
        return None;
    }
    let same = left.iter().zip(right).take_while(|(l, r)| l == r).count();
    Some(same as u64)
}

/// Reads as much as fits, less only at the end.
fn fill_up<'a>(from: &mut impl Read, room: &'a mut [u8]) -> io::Result<&'a [u8]> {
    let mut filled = 0;
    while let Some(rest) = room.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match from.read(rest)? {
            0 => break,
            read => filled += read,
        }
    }
    Ok(room.get(..filled).unwrap_or_default())
}

const PIECE: usize = 256 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    fn written(directory: &Path, name: &str, bytes: &[u8]) -> std::path::PathBuf {
        let path = directory.join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    }

    #[test]
    fn the_first_difference_is_found_wherever_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let old = written(directory.path(), "old", &[1; PIECE + 3]);
        let new = written(directory.path(), "new", b"new");
        let whole = [vec![1; PIECE + 3], b"new".to_vec()].concat();
        let end = whole.len() as u64;
        let mut wrong = whole.clone();
        wrong[PIECE + 1] = 2;
        let cases = [
            (whole.clone(), None),
            (wrong, Some(PIECE as u64 + 1)),
            (whole[..whole.len() - 1].to_vec(), Some(end - 1)),
            ([whole.clone(), vec![0]].concat(), Some(end)),
            (Vec::new(), Some(0)),
        ];
        for (bytes, expected) in cases {
            let found = written(directory.path(), "found", &bytes);
            let difference = first_difference(&found, &[&old, &new]).unwrap();
            assert_eq!(difference, expected);
        }
        let missing = directory.path().join("missing");
        first_difference(&missing, &[&old]).unwrap_err();
    }

    #[test]
    fn a_file_is_as_long_as_asked_for_and_no_two_pieces_are_alike() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("f");
        for bytes in [0, 1, PIECE - 1, PIECE, 7 * PIECE + 5] {
            fill(&path, bytes as u64, 7).unwrap();
            let first = std::fs::read(&path).unwrap();
            assert_eq!(first.len(), bytes);
            let pieces: std::collections::HashSet<_> = first.chunks(PIECE).collect();
            assert_eq!(pieces.len(), bytes.div_ceil(PIECE));
            fill(&path, bytes as u64, 8).unwrap();
            assert!(bytes <= 8 || std::fs::read(&path).unwrap() != first);
        }
    }
}
