//! How thirdhostd behaves as a program to run: the real binary, with real files and sockets.
#![cfg(unix)]

mod daemon;
mod explain;
mod logs;
mod metrics;
mod reload;
mod sandbox;
mod service;
