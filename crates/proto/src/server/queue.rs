//! Commands that wait behind what is under way, bounded by their number and their octets.

use std::collections::VecDeque;

use thirdhost_wire::{Command, CommandError};

use super::limits::{QUEUED_BYTES_MAX, QUEUED_COMMANDS_MAX};

/// The commands that have been read and not yet served, in order.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    lines: VecDeque<Line>,
    bytes: usize,
    /// How many of them are ABOR.
    aborts: usize,
}

type Line = Result<Command, CommandError>;

impl Queue {
    pub(super) fn push(&mut self, line: Line) {
        self.bytes = self.bytes.saturating_add(bytes(&line));
        self.aborts += usize::from(line == Ok(Command::Abor));
        self.lines.push_back(line);
    }

    pub(super) fn pop(&mut self) -> Option<Line> {
        let line = self.lines.pop_front()?;
        self.bytes = self.bytes.saturating_sub(bytes(&line));
        self.aborts -= usize::from(line == Ok(Command::Abor));
        Some(line)
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the rest is to wait in the control connection (spec Q-8).
    pub(super) fn is_full(&self) -> bool {
        self.lines.len() >= QUEUED_COMMANDS_MAX || self.bytes >= QUEUED_BYTES_MAX
    }

    pub(super) fn has_abort(&self) -> bool {
        self.aborts > 0
    }
}

/// How long the line was, or nearly so.
fn bytes(line: &Line) -> usize {
    line.as_ref().map_or(0, |command| {
        let mut encoded = Vec::new();
        command.encode(&mut encoded);
        encoded.len()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(line: &str) -> usize {
        let mut queue = Queue::default();
        let mut count = 0;
        while !queue.is_full() {
            queue.push(Command::parse(line.as_bytes()));
            count += 1;
        }
        for _ in 0..count {
            queue.pop().unwrap().unwrap();
        }
        assert!(queue.is_empty() && queue.bytes == 0);
        count
    }

    #[test]
    fn nothing_is_left_of_what_is_dropped() {
        let mut queue = Queue::default();
        for line in [&b"NOOP"[..], b"ABOR", b"nonsense"] {
            queue.push(Command::parse(line));
        }
        assert!(queue.has_abort() && !queue.is_empty() && queue.bytes > 0);
        queue.clear();
        assert!(!queue.has_abort() && queue.is_empty() && queue.bytes == 0);
    }

    #[test]
    fn many_short_commands_wait_and_few_long_ones() {
        assert_eq!(filled("NOOP"), QUEUED_COMMANDS_MAX);
        let long = format!("RETR {}", "x".repeat(4_000));
        assert_eq!(filled(&long), QUEUED_BYTES_MAX / 4_007 + 1);
    }
}
