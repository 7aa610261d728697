//! Any octets in any pieces: the same file, and the headers that are read are written the same.

use thirdhost_wire::{BlockDecoder, BlockEvent, BlockHeader, Structure};

use crate::Input;

pub(crate) fn run(octets: &[u8]) {
    let mut input = Input::new(octets);
    let (piece, records) = (input.octet(), input.flag());
    let octets = input.rest();
    let structure = if records {
        Structure::Record
    } else {
        Structure::File
    };
    let whole = seen(structure, octets.len().max(1), octets);
    assert_eq!(seen(structure, usize::from(piece).max(1), octets), whole);
    if let Some(header) = octets.first_chunk::<3>()
        && let Ok(decoded) = BlockHeader::decode(*header)
    {
        assert_eq!(decoded.encode(), *header);
    }
}

/// The octets of the file, and what else came at which place of it.
fn seen(structure: Structure, piece: usize, octets: &[u8]) -> (Vec<u8>, Vec<(usize, String)>) {
    let mut decoder = BlockDecoder::new(structure);
    let (mut file, mut others) = (Vec::new(), Vec::new());
    for mut input in octets.chunks(piece) {
        loop {
            match decoder.decode(&mut input) {
                Ok(None) => break,
                Ok(Some(BlockEvent::Data(octets))) => file.extend_from_slice(octets),
                Ok(Some(other)) => others.push((file.len(), format!("{other:?}"))),
                Err(error) => {
                    others.push((file.len(), error.to_string()));
                    return (file, others);
                }
            }
        }
        assert!(input.is_empty());
    }
    (file, others)
}
