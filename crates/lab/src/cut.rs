//! A link that is cut, and how.

use std::fmt;
use std::str::FromStr;

use crate::Host;

/// The way between two hosts; both directions.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// Between user and a.
    UserA,
    /// Between user and b.
    UserB,
    /// Between a and b.
    AB,
}

impl Link {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::UserA, Self::UserB, Self::AB];

    /// The link between these two; `None` from a host to itself.
    #[must_use]
    pub fn between(one: Host, other: Host) -> Option<Self> {
        let link = Self::ALL.into_iter().find(|link| {
            let ends = link.ends();
            ends.contains(&one) && ends.contains(&other)
        });
        link.filter(|_| one != other)
    }

    /// The hosts it joins.
    #[must_use]
    pub const fn ends(self) -> [Host; 2] {
        match self {
            Self::UserA => [Host::User, Host::A],
            Self::UserB => [Host::User, Host::B],
            Self::AB => [Host::A, Host::B],
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = self.ends();
        write!(f, "{one}-{other}")
    }
}

impl FromStr for Link {
    type Err = String;

    /// Both orders of the hosts: `user-a`, `a-user`.
    fn from_str(text: &str) -> Result<Self, String> {
        let ends = text.split_once(['-', ':']);
        let (one, other) = ends.ok_or_else(|| format!("no link `{text}`: try user-a"))?;
        let link = Self::between(one.parse()?, other.parse()?);
        link.ok_or_else(|| format!("no link `{text}`: a host is not joined to itself"))
    }
}

/// How a link is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Way {
    /// What is sent vanishes, in both directions, with what is under way.
    Blackhole,
    /// What this host sends vanishes, with what is under way; what it is sent arrives.
    From(Host),
    /// As [`Self::Blackhole`], but who sends TCP is told by a reset, as firewalls do.
    Reset,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Blackhole => f.write_str("blackhole"),
            Self::From(host) => write!(f, "silence from {host}"),
            Self::Reset => f.write_str("reset"),
        }
    }
}

/// A link, and how it is cut.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Cut {
    /// Which link.
    pub link: Link,
    /// How.
    pub way: Way,
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.link, self.way)
    }
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Fate {
    /// It goes on.
    Passes,
    /// It vanishes.
    Vanishes,
    /// It vanishes, and its sender is told.
    IsRefused,
}

/// The cuts in force, at most one a link.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cuts(Vec<Cut>);

impl Cuts {
    /// Makes this cut, in the place of another of the same link.
    pub(crate) fn make(&mut self, cut: Cut) {
        self.heal(cut.link);
        self.0.push(cut);
    }

    /// As if the link had never been cut.
    pub(crate) fn heal(&mut self, link: Link) {
        self.0.retain(|cut| cut.link != link);
    }

    /// As if none had been cut.
    pub(crate) fn heal_all(&mut self) {
        self.0.clear();
    }

    /// What becomes of a packet between these two.
    pub(crate) fn fate(&self, from: Host, to: Host) -> Fate {
        let link = Link::between(from, to);
        let cut = self.0.iter().find(|cut| Some(cut.link) == link);
        match cut.map(|cut| cut.way) {
            None => Fate::Passes,
            Some(Way::From(host)) if host != from => Fate::Passes,
            Some(Way::Blackhole | Way::From(_)) => Fate::Vanishes,
            Some(Way::Reset) => Fate::IsRefused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_strikes_its_link_and_its_direction_alone() {
        let (user, a, b) = (Host::User, Host::A, Host::B);
        let link = Link::AB;
        let mut cuts = Cuts::default();
        for (way, there, back) in [
            (Way::Blackhole, Fate::Vanishes, Fate::Vanishes),
            (Way::From(a), Fate::Vanishes, Fate::Passes),
            (Way::From(b), Fate::Passes, Fate::Vanishes),
            (Way::Reset, Fate::IsRefused, Fate::IsRefused),
        ] {
            cuts.make(Cut { link, way });
            assert_eq!((cuts.fate(a, b), cuts.fate(b, a)), (there, back), "{way}");
            assert_eq!(cuts.fate(user, a), Fate::Passes, "{way}");
        }
        cuts.heal(Link::UserA);
        assert_eq!(cuts.fate(a, b), Fate::IsRefused);
        cuts.heal(link);
        assert_eq!(cuts.fate(a, b), Fate::Passes);
    }

    #[test]
    fn a_link_is_named_by_its_ends_in_either_order() {
        for link in Link::ALL {
            let [one, other] = link.ends();
            assert_eq!(link.to_string().parse(), Ok(link));
            assert_eq!(format!("{other}:{one}").parse(), Ok(link));
        }
        for wrong in ["a", "a-a", "a-c"] {
            assert!(wrong.parse::<Link>().is_err(), "{wrong}");
        }
    }
}
