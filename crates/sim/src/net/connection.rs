//! An end of a connection as a process has it.

use std::fs::File;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use thirdhost_sockets::Connection;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::Net;
use super::events::Event;
use super::state::State;
use super::wire::{Side, What};
use crate::sabotage::Sabotage;

/// An open connection. Dropping it closes it as the system does.
#[derive(Debug)]
pub(super) struct SimConnection {
    net: Net,
    id: u64,
    side: Side,
    peer: SocketAddr,
    local: SocketAddr,
}

impl SimConnection {
    pub(super) fn new(net: Net, id: u64, side: Side, local: SocketAddr, peer: SocketAddr) -> Self {
        Self {
            net,
            id,
            side,
            peer,
            local,
        }
    }
}

impl SimConnection {
    /// The process has heard that the call stands.
    pub(super) fn stands(&self) {
        if let Some(wire) = self.net.lock().wires.get_mut(&self.id) {
            wire.is_calling = false;
        }
    }
}

impl Connection for SimConnection {
    fn peer(&self) -> SocketAddr {
        self.peer
    }

    fn local(&self) -> SocketAddr {
        self.local
    }

    fn reset(self: Box<Self>) {
        self.net.act(|state| state.let_go(self.id, self.side, true));
    }

    fn reset_on_death(&mut self, reset: bool) {
        let mut state = self.net.lock();
        if let Some(wire) = state.wires.get_mut(&self.id) {
            wire.end_mut(self.side).resets_on_death = reset;
        }
    }

    /// Files of the simulated disk are none of the system's, so nobody asks for this.
    fn send_file<'a>(
        &'a mut self,
        _file: &'a Arc<File>,
        _offset: u64,
        _length: u64,
    ) -> BoxFuture<'a, io::Result<u64>> {
        ready(Err(io::ErrorKind::Unsupported.into())).boxed()
    }
}

impl Drop for SimConnection {
    fn drop(&mut self) {
        self.net
            .act(|state| state.let_go(self.id, self.side, false));
    }
}

impl AsyncRead for SimConnection {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let (id, side) = (self.id, self.side);
        self.net.act(|state| state.read(id, side, cx, buffer))
    }
}

impl AsyncWrite for SimConnection {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let (id, side) = (self.id, self.side);
        self.net.act(|state| state.write(id, side, cx, bytes))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let (id, side) = (self.id, self.side);
        Poll::Ready(self.net.act(|state| state.shut(id, side)))
    }
}

impl State {
    fn read(
        &mut self,
        id: u64,
        side: Side,
        cx: &Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let now = self.now();
        let Some(wire) = self.wires.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        };
        let end = wire.end_mut(side);
        if end.is_closed {
            return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
        }
        let rest = self.sluggish.get(&end.address.ip()).copied();
        if rest.is_some() && end.rests_until > now {
            let until = end.rests_until;
            end.reader = Some(cx.waker().clone());
            self.schedule(until, Event::Look(id, side));
            return Poll::Pending;
        }
        if end.inbox.is_empty() {
            return match end.error {
                Some(error) => Poll::Ready(Err(error.into())),
                None if end.heard_fin => Poll::Ready(Ok(())),
                None => {
                    end.reader = Some(cx.waker().clone());
                    Poll::Pending
                }
            };
        }
        let most = rest.map_or(usize::MAX, |_| SIP_BYTES);
        let count = end.inbox.len().min(buffer.remaining()).min(most);
        end.rests_until = now + rest.unwrap_or(0);
        let before = buffer.filled().len();
        let (head, tail) = end.inbox.as_slices();
        for part in [head, tail] {
            let left = count - (buffer.filled().len() - before);
            buffer.put_slice(part.get(..left).unwrap_or(part));
        }
        end.inbox.drain(..count);
        let far = wire.end_mut(side.opposite());
        far.outstanding = far.outstanding.saturating_sub(count);
        if let Some(writer) = far.writer.take() {
            writer.wake();
        }
        if side == Side::Callee
            && let Some(dialogue) = &mut wire.dialogue
        {
            dialogue.heard(buffer.filled().get(before..).unwrap_or_default());
        }
        self.exchanged(id, side);
        Poll::Ready(Ok(()))
    }

    fn write(
        &mut self,
        id: u64,
        side: Side,
        cx: &Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let window = self.weather.window;
        let Some(wire) = self.wires.get_mut(&id) else {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        };
        let end = wire.end_mut(side);
        if let Some(error) = end.error {
            return Poll::Ready(Err(error.into()));
        }
        if end.is_closed || end.said_fin {
            return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
        }
        let room = window.saturating_sub(end.outstanding).min(bytes.len());
        if room == 0 && !bytes.is_empty() {
            end.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        end.outstanding += room;
        let mut rest = bytes.get(..room).unwrap_or_default();
        if side == Side::Callee
            && let Some(dialogue) = &mut wire.dialogue
        {
            if self.sabotage == Some(Sabotage::DropsReplies) && dialogue.is_about_to_store(rest) {
                wire.end_mut(side).outstanding -= room;
                return Poll::Ready(Ok(room));
            }
            dialogue.said(rest);
        }
        self.exchanged(id, side);
        let pieces = 1 + self.chance.index(self.weather.pieces_max);
        for left in (1..=pieces).rev() {
            let length = match left {
                1 => rest.len(),
                _ => self.chance.index(rest.len() + 1),
            };
            let (piece, others) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            if !piece.is_empty() {
                self.send(id, side, What::Bytes(piece.to_vec()));
            }
            rest = others;
        }
        Poll::Ready(Ok(room))
    }

    fn shut(&mut self, id: u64, side: Side) -> io::Result<()> {
        let Some(wire) = self.wires.get_mut(&id) else {
            return Err(io::ErrorKind::NotConnected.into());
        };
        let end = wire.end_mut(side);
        if end.error.is_some() || end.is_closed {
            return Err(io::ErrorKind::NotConnected.into());
        }
        if !end.said_fin {
            end.said_fin = true;
            self.send(id, side, What::Fin);
        }
        Ok(())
    }

    /// I6: a server's data port has moved bytes with somebody; was that somebody named?
    fn exchanged(&self, id: u64, side: Side) {
        let Some(wire) = self.wires.get(&id) else {
            return;
        };
        let (here, there) = (wire.end(side).address, wire.end(side.opposite()).address);
        // A stranger at a server's host is no server, and replies are for everybody.
        let is_server =
            self.parties.servers.contains(&here.ip()) && !(wire.is_strange && side == Side::Caller);
        if !is_server || here.port() == self.parties.control_port {
            return;
        }
        if wire.is_strange || !self.parties.named.contains(&there.ip()) {
            self.trace.broken(format_args!(
                "I6: {here} exchanged bytes with {there}, which nobody named"
            ));
        }
    }
}

/// How much a slow reader takes at a time.
const SIP_BYTES: usize = 512;
