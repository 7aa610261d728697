//! One binary for all scenarios that cross crates; a module per behaviour.
