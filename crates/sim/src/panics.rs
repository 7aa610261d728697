//! Panics of the code under test: a session that panics is gone without a word otherwise.

use std::cell::RefCell;
use std::sync::Once;

thread_local! {
    static SEEN: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Collects the panics of this thread until it is asked for them.
pub(crate) fn watch() -> Watched {
    HOOK.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let taken = SEEN.with_borrow_mut(|seen| match seen {
                Some(seen) => {
                    seen.push(format!("a panic: {info}"));
                    true
                }
                None => false,
            });
            if !taken {
                usual(info);
            }
        }));
    });
    SEEN.set(Some(Vec::new()));
    Watched
}

/// The panics of this thread are collected.
pub(crate) struct Watched;

impl Watched {
    /// All there were.
    pub(crate) fn seen(self) -> Vec<String> {
        SEEN.take().unwrap_or_default()
    }
}
