//! MODE B: blocks with a descriptor and a count. RFC 959 section 3.4.2.

use crate::{Structure, Text};

/// The header of a block.
///
/// ```
/// use thirdhost_wire::{BlockFlags, BlockHeader};
///
/// let header = BlockHeader { flags: BlockFlags::END_OF_FILE, count: 5 };
/// assert_eq!(header.encode(), [64, 0, 5]);
/// assert_eq!(BlockHeader::decode([64, 0, 5]), Ok(header));
/// ```
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BlockHeader {
    /// What the block is.
    pub flags: BlockFlags,
    /// How many octets follow the header.
    pub count: u16,
}

/// The descriptor of a block.
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub struct BlockFlags {
    /// 128: the end of the block is the end of a record.
    pub end_of_record: bool,
    /// 64: the end of the block is the end of the file.
    pub end_of_file: bool,
    /// 32: the sender suspects errors in the block.
    pub suspect: bool,
    /// 16: the block holds a restart marker.
    pub marker: bool,
}

/// Why octets are no blocks. All of it is the sender's doing; answer 451 and close.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum BlockError {
    /// A reserved bit of the descriptor is set (spec M-16).
    #[error("the block has reserved bits in its descriptor")]
    ReservedBits,
    /// The block ends a record, but the structure is F (spec M-18).
    #[error("the block ends a record of a file that has none")]
    UnexpectedRecord,
    /// A marker that ends a record or the file, is not 1 to 255 octets long, or holds an octet
    /// outside 33 to 126 (spec M-19).
    #[error("malformed restart marker")]
    Marker,
}

impl BlockFlags {
    /// The end of the file alone.
    pub const END_OF_FILE: Self = Self {
        end_of_file: true,
        end_of_record: false,
        suspect: false,
        marker: false,
    };
    /// A restart marker.
    pub const MARKER: Self = Self {
        marker: true,
        end_of_record: false,
        end_of_file: false,
        suspect: false,
    };
    /// The end of a file in which errors are suspected: the file failed (design section 4).
    pub const FAILED: Self = Self {
        suspect: true,
        ..Self::END_OF_FILE
    };
}

impl BlockHeader {
    /// The length of a header in octets.
    pub const BYTES: usize = 3;

    /// Writes the header.
    #[must_use]
    pub fn encode(self) -> [u8; Self::BYTES] {
        let flags = self.flags;
        let descriptor = u8::from(flags.end_of_record) * END_OF_RECORD
            + u8::from(flags.end_of_file) * END_OF_FILE
            + u8::from(flags.suspect) * SUSPECT
            + u8::from(flags.marker) * MARKER;
        let [high, low] = self.count.to_be_bytes();
        [descriptor, high, low]
    }

    /// Reads a header.
    ///
    /// # Errors
    ///
    /// When a reserved bit is set, or a marker cannot be one. Records are not judged here.
    pub fn decode([descriptor, high, low]: [u8; Self::BYTES]) -> Result<Self, BlockError> {
        if descriptor & RESERVED != 0 {
            return Err(BlockError::ReservedBits);
        }
        let is = |bit| descriptor & bit != 0;
        let flags = BlockFlags {
            end_of_record: is(END_OF_RECORD),
            end_of_file: is(END_OF_FILE),
            suspect: is(SUSPECT),
            marker: is(MARKER),
        };
        let count = u16::from_be_bytes([high, low]);
        let ends = flags.end_of_record || flags.end_of_file;
        if flags.marker && (ends || !(1..=MARKER_BYTES_MAX).contains(&count)) {
            return Err(BlockError::Marker);
        }
        Ok(Self { flags, count })
    }
}

/// Writes a block that holds a restart marker (spec M-19).
///
/// # Errors
///
/// When the marker is not 1 to 255 octets long, or holds an octet outside 33 to 126.
pub fn encode_marker(marker: &Text, out: &mut Vec<u8>) -> Result<(), BlockError> {
    let octets = marker.as_str().as_bytes();
    let count = u16::try_from(octets.len()).map_err(|_| BlockError::Marker)?;
    if !(1..=MARKER_BYTES_MAX).contains(&count) || !octets.iter().all(u8::is_ascii_graphic) {
        return Err(BlockError::Marker);
    }
    out.extend_from_slice(
        &BlockHeader {
            flags: BlockFlags::MARKER,
            count,
        }
        .encode(),
    );
    out.extend_from_slice(octets);
    Ok(())
}

/// What a [`BlockDecoder`] found.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum BlockEvent<'a> {
    /// Octets of the file, borrowed from the input; never empty.
    Data(&'a [u8]),
    /// A restart marker; no part of the file.
    Marker(Text),
    /// The sender suspects errors in the octets that follow, up to the end of their block.
    Suspect,
    /// A record ended.
    EndOfRecord,
    /// The file ended, and the next one may begin (spec M-23).
    EndOfFile {
        /// The last block was marked as suspect: in a pipeline the source says so that the file
        /// failed.
        suspect: bool,
    },
}

/// Takes blocks apart. It performs no input; pieces may be of any size.
///
/// Where octets of the file need not be seen, [`payload_bytes`](Self::payload_bytes) says how many
/// may be moved by other means and [`skip`](Self::skip) that they were;
/// [`wanted_bytes`](Self::wanted_bytes) says how much to read to stop in front of them.
#[derive(Debug)]
pub struct BlockDecoder {
    structure: Structure,
    state: State,
    /// Whether an octet has come since the last end of a file.
    within_file: bool,
}

impl BlockDecoder {
    /// A decoder in front of the first block of a file of that structure.
    #[must_use]
    pub fn new(structure: Structure) -> Self {
        Self {
            structure,
            state: State::default(),
            within_file: false,
        }
    }

    /// Takes octets from the front of `input` up to the next event.
    ///
    /// `None` once all of `input` is taken and no event is left. Call until then: events may wait
    /// that need no input. Behind [`BlockEvent::EndOfFile`] `input` holds the next file.
    ///
    /// # Errors
    ///
    /// When the octets are no blocks. Every later call says the same.
    pub fn decode<'a>(
        &mut self,
        input: &mut &'a [u8],
    ) -> Result<Option<BlockEvent<'a>>, BlockError> {
        loop {
            match std::mem::take(&mut self.state) {
                State::Failed(error) => {
                    self.state = State::Failed(error);
                    return Err(error);
                }
                State::Header(octets) => {
                    let Some(header) = self.header(octets, input)? else {
                        return Ok(None);
                    };
                    if header.flags.suspect && header.count > 0 {
                        return Ok(Some(BlockEvent::Suspect));
                    }
                }
                State::Marker { octets, count } => return self.marker(octets, count, input),
                State::Payload { flags, left: 0 } => {
                    if let Some(event) = self.end(flags) {
                        return Ok(Some(event));
                    }
                }
                State::Payload { flags, left } => {
                    let piece = take(input, left.into());
                    let moved = u16::try_from(piece.len()).unwrap_or(left);
                    self.state = State::Payload {
                        flags,
                        left: left.saturating_sub(moved),
                    };
                    return Ok((!piece.is_empty()).then_some(BlockEvent::Data(piece)));
                }
            }
        }
    }

    /// Says that `bytes` octets of the file were moved by other means, and returns whether they
    /// all lay within the block. If not, nothing is changed.
    pub fn skip(&mut self, bytes: u16) -> bool {
        match &mut self.state {
            State::Payload { left, .. } if bytes <= *left => {
                *left -= bytes;
                true
            }
            _ => bytes == 0,
        }
    }

    /// How many octets of the file come next, before anything else does.
    #[must_use]
    pub fn payload_bytes(&self) -> u16 {
        match self.state {
            State::Payload { left, .. } => left,
            _ => 0,
        }
    }

    /// How many octets complete what has begun: the header, the marker or the block.
    #[must_use]
    pub fn wanted_bytes(&self) -> usize {
        match &self.state {
            State::Header(octets) => BlockHeader::BYTES.saturating_sub(octets.len()),
            State::Marker { octets, count } => usize::from(*count).saturating_sub(octets.len()),
            State::Payload { left, .. } => usize::from(*left),
            State::Failed(_) => 0,
        }
    }

    /// Whether octets of a file have come and its end has not. An end of the connection then
    /// means that the file is incomplete (spec M-22).
    #[must_use]
    pub fn is_within_file(&self) -> bool {
        self.within_file
    }

    fn header(
        &mut self,
        mut octets: Vec<u8>,
        input: &mut &[u8],
    ) -> Result<Option<BlockHeader>, BlockError> {
        octets.extend_from_slice(take(input, BlockHeader::BYTES.saturating_sub(octets.len())));
        self.within_file |= !octets.is_empty();
        let Ok(octets) = <[u8; BlockHeader::BYTES]>::try_from(octets.as_slice()) else {
            self.state = State::Header(octets);
            return Ok(None);
        };
        let header = BlockHeader::decode(octets).and_then(|header| {
            if header.flags.end_of_record && self.structure == Structure::File {
                return Err(BlockError::UnexpectedRecord);
            }
            Ok(header)
        });
        let BlockHeader { flags, count } = header.map_err(|error| self.fail(error))?;
        self.state = if flags.marker {
            State::Marker {
                octets: Vec::new(),
                count,
            }
        } else {
            State::Payload { flags, left: count }
        };
        Ok(Some(BlockHeader { flags, count }))
    }

    fn marker<'a>(
        &mut self,
        mut octets: Vec<u8>,
        count: u16,
        input: &mut &'a [u8],
    ) -> Result<Option<BlockEvent<'a>>, BlockError> {
        let missing = usize::from(count).saturating_sub(octets.len());
        octets.extend_from_slice(take(input, missing));
        if octets.len() < usize::from(count) {
            self.state = State::Marker { octets, count };
            return Ok(None);
        }
        let text = Some(octets.as_slice()).filter(|octets| octets.iter().all(u8::is_ascii_graphic));
        text.and_then(|octets| std::str::from_utf8(octets).ok())
            .and_then(|text| Text::try_from(text).ok())
            .map(|marker| Some(BlockEvent::Marker(marker)))
            .ok_or_else(|| self.fail(BlockError::Marker))
    }

    /// The events that the end of a block means, one a call; then the next header is awaited.
    fn end<'a>(&mut self, flags: BlockFlags) -> Option<BlockEvent<'a>> {
        if flags.end_of_record {
            let flags = BlockFlags {
                end_of_record: false,
                ..flags
            };
            self.state = State::Payload { flags, left: 0 };
            return Some(BlockEvent::EndOfRecord);
        }
        if flags.end_of_file {
            self.within_file = false;
            return Some(BlockEvent::EndOfFile {
                suspect: flags.suspect,
            });
        }
        None
    }

    fn fail(&mut self, error: BlockError) -> BlockError {
        self.state = State::Failed(error);
        error
    }
}

#[derive(Debug)]
enum State {
    /// In a header, of which these octets have come.
    Header(Vec<u8>),
    /// In a marker of `count` octets, of which these have come.
    Marker {
        octets: Vec<u8>,
        count: u16,
    },
    /// In the octets of a file, `left` of which are to come.
    Payload {
        flags: BlockFlags,
        left: u16,
    },
    Failed(BlockError),
}

impl Default for State {
    fn default() -> Self {
        Self::Header(Vec::new())
    }
}

/// Takes at most `bytes` octets from the front of `input`.
fn take<'a>(input: &mut &'a [u8], bytes: usize) -> &'a [u8] {
    let (piece, rest) = input.split_at_checked(bytes).unwrap_or((input, &[]));
    *input = rest;
    piece
}

/// The longest marker, so that it fits into REST's argument (spec M-19).
const MARKER_BYTES_MAX: u16 = 255;
const END_OF_RECORD: u8 = 128;
const END_OF_FILE: u8 = 64;
const SUSPECT: u8 = 32;
const MARKER: u8 = 16;
const RESERVED: u8 = 15;

#[cfg(test)]
mod tests;
