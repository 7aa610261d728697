//! How long messages take: `cargo bench -p thirdhost-wire`.

use divan::Bencher;
use divan::counter::{BytesCount, ItemsCount};
use thirdhost_wire::{
    BlockDecoder, BlockFlags, BlockHeader, Command, FactsLine, LINE_BYTES_MAX, LineDecoder, Reply,
    ReplyCode, ReplyParser, Structure,
};

fn main() {
    divan::main();
}

/// The commands of a file that goes from one server to another, and of looking at it.
const COMMANDS: [&str; 8] = [
    "USER alice",
    "TYPE I",
    "LSTN R",
    "SOCK 192.0.2.9,50123",
    "EPRT |2|2001:db8::7|50123|",
    "RETR photographs/2026/by the sea.jpeg",
    "MLST photographs/2026/by the sea.jpeg",
    "NOOP",
];

#[divan::bench(args = COMMANDS)]
fn command_parsed(line: &str) -> bool {
    Command::parse(line.as_bytes()).is_ok()
}

#[divan::bench(args = COMMANDS)]
fn command_encoded(bencher: Bencher<'_, '_>, line: &str) {
    let Ok(command) = Command::parse(line.as_bytes()) else {
        return;
    };
    let mut wire = Vec::with_capacity(LINE_BYTES_MAX);
    bencher.bench_local(|| {
        wire.clear();
        command.encode(&mut wire);
        wire.len()
    });
}

/// A thousand commands as they come in a pipeline, in one piece.
#[divan::bench]
fn lines_of_a_pipeline(bencher: Bencher<'_, '_>) {
    let pipeline = "RETR photographs/2026/by the sea.jpeg\r\n".repeat(1_000);
    let bencher = bencher.counter(ItemsCount::new(1_000_usize));
    bencher.bench(|| {
        let mut decoder = LineDecoder::new(LINE_BYTES_MAX);
        let mut input = pipeline.as_bytes();
        let mut lines = 0;
        while decoder.decode(&mut input).is_some() {
            lines += 1;
        }
        lines
    });
}

#[divan::bench]
fn reply_encoded(bencher: Bencher<'_, '_>) {
    let Some(code) = ReplyCode::new(226) else {
        return;
    };
    let reply = Reply::new(code, "Transfer complete.");
    let mut wire = Vec::with_capacity(LINE_BYTES_MAX);
    bencher.bench_local(|| {
        wire.clear();
        reply.encode(&mut wire);
        wire.len()
    });
}

#[divan::bench]
fn reply_parsed() -> bool {
    let line = divan::black_box(b"226 Transfer complete.");
    ReplyParser::new().feed(line).is_ok()
}

#[divan::bench]
fn facts_parsed() -> bool {
    let line = b"type=file;size=1234;modify=20240102150400;perm=adfrw;unique=801Ubeef;\
                 UNIX.mode=0644; by the sea.jpeg";
    FactsLine::parse(line).is_ok()
}

/// Headers and octets of a file in MODE B, in pieces as large as a read.
#[divan::bench(args = [512, 4_096, 65_535])]
fn blocks_taken_apart(bencher: Bencher<'_, '_>, count: u16) {
    let header = BlockHeader {
        flags: BlockFlags::default(),
        count,
    };
    let mut block = header.encode().to_vec();
    block.resize(block.len() + usize::from(count), b'x');
    let wire = block.repeat(256 * 1024 / block.len());
    let bencher = bencher.counter(BytesCount::new(wire.len()));
    bencher.bench(|| {
        let mut decoder = BlockDecoder::new(Structure::File);
        let mut input = wire.as_slice();
        let mut events = 0;
        while let Ok(Some(_)) = decoder.decode(&mut input) {
            events += 1;
        }
        events
    });
}

#[divan::bench]
fn block_header_encoded() -> [u8; BlockHeader::BYTES] {
    let flags = BlockFlags::END_OF_FILE;
    divan::black_box(BlockHeader { flags, count: 7 }).encode()
}
