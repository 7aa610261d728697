//! Old and whole, or new and whole: what the real thirdhostd leaves after whatever goes wrong.
//! Design D10; the judge is in `oracle`. `cargo xtask starve` runs these alone, and with `--long`
//! all cases that there are.
#![cfg(target_os = "linux")]

mod attempt;
mod descriptors;
mod full_disk;
mod interrupted;
mod killed;
mod oracle;
mod stopped;
mod strace;
mod syscalls;
mod under_load;
mod work;

/// Whether there is time for every case.
fn is_long() -> bool {
    std::env::var_os("THIRDHOST_STARVE_LONG").is_some()
}
