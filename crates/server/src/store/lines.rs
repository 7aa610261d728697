//! Listings as text: a pen writes each entry's line where the entry is found, page by page.

use std::fmt;

use futures_util::future::BoxFuture;

use super::{Entry, Listing, StoreError};

/// Writes the lines of a listing, one entry after the other.
pub trait Pen: fmt::Debug + Send + Sync {
    /// Appends the line of `entry`, its CR LF included. False, and nothing appended, for an entry
    /// that is not told.
    fn write(&mut self, entry: &Entry, text: &mut String) -> bool;

    /// How many bytes each line has in front of what is its entry's own.
    fn bytes_in_front(&self) -> usize {
        0
    }

    /// A pen that writes the same, for another thread.
    fn another(&self) -> Box<dyn Pen>;
}

/// A directory being listed as text, a bounded page at a time (spec S-56).
pub trait Pages: Send {
    /// The next page; `None` at the end. A page may be empty.
    ///
    /// # Cancel safety
    /// When the future is dropped, a page may be lost: the listing is to be given up.
    fn next_page(&mut self) -> BoxFuture<'_, Result<Option<Page<'_>>, StoreError>>;
}

/// Whole lines of a listing.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Page<'a> {
    /// The lines, each with its CR LF.
    pub text: &'a str,
    /// How many they are.
    pub entries: u64,
}

/// A listing written down a batch at a time.
pub struct Written {
    listing: Box<dyn Listing>,
    pen: Box<dyn Pen>,
    text: String,
}

impl Written {
    /// Writes down what `listing` lists.
    #[must_use]
    pub fn new(listing: Box<dyn Listing>, pen: Box<dyn Pen>) -> Self {
        Self {
            listing,
            pen,
            text: String::new(),
        }
    }
}

impl Pages for Written {
    fn next_page(&mut self) -> BoxFuture<'_, Result<Option<Page<'_>>, StoreError>> {
        Box::pin(async {
            let batch = self.listing.next_batch().await?;
            if batch.is_empty() {
                return Ok(None);
            }
            self.text.clear();
            let mut entries = 0;
            for entry in &batch {
                entries += u64::from(self.pen.write(entry, &mut self.text));
            }
            Ok(Some(Page {
                text: &self.text,
                entries,
            }))
        })
    }
}
