//! The package of the scenarios; all of it is in `scenarios/`.
