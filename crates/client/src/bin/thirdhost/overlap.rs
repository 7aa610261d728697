//! Copies that would read what they write. They are refused before anything is written: a server
//! that empties a file when its upload begins has nothing left to send.

use thirdhost_client::{Filter, Location, Pathname, Place, Remote};

use crate::failure::Failure;

/// The two places of one copy, at one server, as one user.
#[derive(Debug)]
pub(crate) struct Overlap<'a> {
    server: &'a Remote,
    from: Vec<&'a str>,
    to: Vec<&'a str>,
}

impl<'a> Overlap<'a> {
    /// `None` where the places are not on one server under one name, or of different users.
    /// That two names are one host is not found out.
    pub(crate) fn of(
        (from, source): (&'a Place, &'a Location),
        (to, destination): (&'a Place, &'a Location),
    ) -> Option<Self> {
        let (Place::Remote(from), Place::Remote(to)) = (from, to) else {
            return None;
        };
        let (Location::Remote(source), Location::Remote(destination)) = (source, destination)
        else {
            return None;
        };
        let text = |path: &'a Option<Pathname>| path.as_ref().map_or("", Pathname::as_str);
        Self::at(from, text(source), to, text(destination))
    }

    /// The same for two paths.
    pub(crate) fn at(
        from: &'a Remote,
        source: &'a str,
        to: &'a Remote,
        destination: &'a str,
    ) -> Option<Self> {
        let is_one = (&from.host, from.port, &from.user) == (&to.host, to.port, &to.user);
        // From where a relative path goes, only the server knows.
        let is_comparable = source.starts_with('/') == destination.starts_with('/');
        (is_one && is_comparable).then(|| Self {
            server: from,
            from: parts(source),
            to: parts(destination),
        })
    }

    /// Refuses one file, or one directory, as source and destination at once.
    pub(crate) fn refuse_same(&self) -> Result<(), Failure> {
        if self.from != self.to {
            return Ok(());
        }
        let place = self.place(&self.from);
        let problem =
            format!("{place} is source and destination at once; name another destination");
        Err(Failure::Usage(problem))
    }

    /// Refuses a directory that is to go into itself, where `filter` does not leave that out.
    pub(crate) fn refuse_inside(&self, filter: &Filter) -> Result<(), Failure> {
        let Some(below) = self.to.strip_prefix(&*self.from) else {
            return Ok(());
        };
        let mut ancestors = (1..=below.len()).filter_map(|count| below.get(..count));
        if !ancestors.all(|path| filter.enters(&path.join("/"))) {
            return Ok(());
        }
        let (from, to) = (self.place(&self.from), self.place(&self.to));
        let problem = format!(
            "{to} is inside {from}, which would be copied into itself; name a place outside, or \
             leave it out with --exclude"
        );
        Err(Failure::Usage(problem))
    }

    /// Refuses to remove, as what the source does not have, the source.
    pub(crate) fn refuse_deleting_the_source(&self) -> Result<(), Failure> {
        if !self.from.starts_with(&self.to) {
            return Ok(());
        }
        let (from, to) = (self.place(&self.from), self.place(&self.to));
        let problem = format!(
            "{from} is inside {to}, where --delete would remove it; leave --delete out, or name \
             another destination"
        );
        Err(Failure::Usage(problem))
    }

    fn place(&self, parts: &[&str]) -> String {
        let path = parts.join("/");
        match &self.server.label {
            Some(label) => format!("{label}:{path}"),
            None => format!("ftp://{}/{path}", self.server.site()),
        }
    }
}

/// `..` stands as it is: what it leads to, only the server knows.
fn parts(path: &str) -> Vec<&str> {
    let parts = path.split('/');
    parts.filter(|part| !matches!(*part, "" | ".")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::session;

    /// What is refused of a copy with `-r --delete`, by its first words.
    fn check(from: &str, to: &str, exclude: &[&str], expected: &str) {
        let (source, destination) = (session::remote(from).unwrap(), session::remote(to).unwrap());
        let exclude: Vec<String> = exclude.iter().map(|&pattern| pattern.to_owned()).collect();
        let filter = Filter::new(&[], &exclude).unwrap();
        let overlap = Overlap::at(
            &source,
            source.path_text(),
            &destination,
            destination.path_text(),
        );
        let refused = overlap.map_or(Ok(()), |overlap| {
            overlap.refuse_same()?;
            overlap.refuse_inside(&filter)?;
            overlap.refuse_deleting_the_source()
        });
        let said = refused.err().map(|failure| failure.to_string());
        let said = said.unwrap_or_default();
        assert!(
            said.starts_with(expected) && said.is_empty() == expected.is_empty(),
            "{from} {to}: {said}"
        );
    }

    #[test]
    fn a_copy_does_not_read_what_it_writes() {
        let at_once = "ftp://h:21/d/f is source and destination at once; ";
        check("ftp://h/d/f", "ftp://h/d/f", &[], at_once);
        check("ftp://h/d/f", "ftp://h:21/./d//f/", &[], at_once);
        check("ftp://h//d/f", "ftp://h//d/f", &[], at_once);
        check("ftp://a@h/d/f", "ftp://b@h/d/f", &[], "");
        check("ftp://h/d/f", "ftp://h:22/d/f", &[], "");
        check("ftp://h/d/f", "ftp://g/d/f", &[], "");
        check("ftp://h//d/f", "ftp://h/d/f", &[], "");
        check("ftp://h/d/f", "ftp://h/d/ff", &[], "");
        check(
            "ftp://h/d",
            "ftp://h/d/e/g",
            &[],
            "ftp://h:21/d/e/g is inside ftp://h:21/d, ",
        );
        check(
            "ftp://h/",
            "ftp://h/e",
            &[],
            "ftp://h:21/e is inside ftp://h:21/, ",
        );
        check("ftp://h/d", "ftp://h/d/e/g", &["e"], "");
        check("ftp://h/d", "ftp://h/d/e/g", &["e/g"], "");
        check(
            "ftp://h/d",
            "ftp://h/d/e/g",
            &["d"],
            "ftp://h:21/d/e/g is inside ",
        );
        check(
            "ftp://h/d/e",
            "ftp://h/d",
            &[],
            "ftp://h:21/d/e is inside ftp://h:21/d, where ",
        );
    }
}
