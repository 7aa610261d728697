//! Sending a file by copying it, for connections that have no faster way (design D9).

use std::fs::File;
use std::io;
use std::sync::Arc;

use tokio::io::{AsyncWrite, AsyncWriteExt};

use crate::memory::Memory;

/// Sends `length` bytes of `file` from `offset` on through `writer`, and flushes it; returns how
/// many went out, fewer only where the file ended. The file's own position is not used, so a
/// file may be sent on several connections at once. What the system has in memory is read where
/// this runs; what has to come from a disk, by a blocking thread of the tokio runtime that this
/// needs, while the chunk before it is sent.
///
/// # Cancel safety
/// Not cancel safe: an unknown part has been sent when the future is dropped.
///
/// # Errors
/// Whatever reading or writing says.
pub async fn copy_file<W>(
    writer: &mut W,
    file: &Arc<File>,
    offset: u64,
    length: u64,
) -> io::Result<u64>
where
    W: AsyncWrite + Unpin + ?Sized,
{
    let memory = Memory::of(file);
    let mut left = length;
    let mut chunk = read_chunk(file, memory, Vec::new(), offset, left).await?;
    let mut spare = Vec::new();
    while !chunk.is_empty() {
        left = left.saturating_sub(bytes_of(&chunk));
        let next = offset.saturating_add(length - left);
        let (written, read) = tokio::join!(
            writer.write_all(&chunk),
            read_chunk(file, memory, spare, next, left)
        );
        written?;
        spare = std::mem::replace(&mut chunk, read?);
    }
    writer.flush().await?;
    Ok(length - left)
}

/// Reads up to a chunk into `buffer`, whose memory is used again; empty at the end of the file.
async fn read_chunk(
    file: &Arc<File>,
    memory: Memory,
    mut buffer: Vec<u8>,
    offset: u64,
    left: u64,
) -> io::Result<Vec<u8>> {
    let wanted = usize::try_from(left)
        .unwrap_or(CHUNK_BYTES)
        .min(CHUNK_BYTES);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    buffer.resize(wanted, 0);
    if let Some(length) = memory.read_at(file, &mut buffer, offset) {
        buffer.truncate(length);
        return Ok(buffer);
    }
    let file = Arc::clone(file);
    let read = tokio::task::spawn_blocking(move || {
        let length = read_at(&file, &mut buffer, offset)?;
        buffer.truncate(length);
        Ok(buffer)
    });
    read.await.map_err(io::Error::other)?
}

fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match read_at_once(file, buffer, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            result => return result,
        }
    }
}

#[cfg(unix)]
fn read_at_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(windows)]
fn read_at_once(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

fn bytes_of(chunk: &[u8]) -> u64 {
    u64::try_from(chunk.len()).unwrap_or(u64::MAX)
}

/// How much is read at once: large enough that handing it to another thread costs little, small
/// enough that ten thousand transfers fit in memory with two each.
pub(crate) const CHUNK_BYTES: usize = 128 * 1024;

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[tokio::test]
    async fn what_is_in_no_memory_is_read_by_a_thread_as_it_is() {
        let bytes: Vec<u8> = (0..CHUNK_BYTES + 1_000)
            .map(|at| (at * 31 % 251).to_le_bytes()[0])
            .collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        let file = Arc::new(file);
        for (offset, left, expected) in [
            (0, u64::MAX, &bytes[..CHUNK_BYTES]),
            (5, 7, &bytes[5..12]),
            (5, 0, &[]),
            (CHUNK_BYTES, u64::MAX, &bytes[CHUNK_BYTES..]),
            (bytes.len(), 1, &[]),
        ] {
            let at = u64::try_from(offset).unwrap();
            let read = read_chunk(&file, Memory::Unknown, vec![1; 3], at, left).await;
            assert!(read.unwrap() == expected, "{offset} {left}");
        }
    }

    #[tokio::test]
    async fn a_file_that_cannot_be_read_is_an_error() {
        let named = tempfile::NamedTempFile::new().unwrap();
        let write_only = OpenOptions::new().write(true).open(named.path()).unwrap();
        let sent = copy_file(&mut Vec::new(), &Arc::new(write_only), 0, 1).await;
        assert!(sent.is_err());
    }
}
