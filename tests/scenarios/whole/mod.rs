//! Old and whole, or new and whole: what the real thirdhostd leaves after whatever goes wrong.
//! Design D10; the judge is in `oracle`.
#![cfg(target_os = "linux")]

mod descriptors;
mod full_disk;
mod interrupted;
mod killed;
mod oracle;
mod syscalls;
