//! The transfer parameters TYPE, STRU and MODE. RFC 959 sections 3.1 and 3.4.

/// The representation types we speak (spec M-1 to M-6).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum RepresentationType {
    /// `A` (`A N`, `A T`): text, lines end in CR LF on the wire.
    #[default]
    Ascii,
    /// `I` and `L 8`: bytes as they are.
    Image,
}

/// The file structures we speak (spec M-10).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum Structure {
    /// `F`: a stream of bytes.
    #[default]
    File,
    /// `R`: a sequence of records.
    Record,
}

/// The transmission modes we speak (spec M-13 to M-25).
#[derive(Clone, Copy, Debug, Default, Eq, Hash, PartialEq)]
pub enum TransmissionMode {
    /// `S`: the bytes as they are; the end is the end of the connection.
    #[default]
    Stream,
    /// `B`: blocks with a header; the connection may outlive the file.
    Block,
}

impl RepresentationType {
    /// The letter on the wire.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Ascii => 'A',
            Self::Image => 'I',
        }
    }
}

impl Structure {
    /// The letter on the wire.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::File => 'F',
            Self::Record => 'R',
        }
    }
}

impl TransmissionMode {
    /// The letter on the wire.
    #[must_use]
    pub fn letter(self) -> char {
        match self {
            Self::Stream => 'S',
            Self::Block => 'B',
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_parameter_has_its_letter() {
        use RepresentationType::{Ascii, Image};
        assert_eq!([Ascii, Image].map(RepresentationType::letter), ['A', 'I']);
        assert_eq!(
            [Structure::File, Structure::Record].map(Structure::letter),
            ['F', 'R']
        );
        let modes = [TransmissionMode::Stream, TransmissionMode::Block];
        assert_eq!(modes.map(TransmissionMode::letter), ['S', 'B']);
    }
}
