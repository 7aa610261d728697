//! Command codes: every verb we know by name, and the way from and to its letters.

use std::fmt;
use std::str::FromStr;

/// Declares [`Verb`] and its table in one place, so that no code can be forgotten in either.
macro_rules! verbs {
    ($($variant:ident => $code:literal,)+) => {
        /// Every command code we know by name, whether it is implemented or not.
        ///
        /// An unknown code is answered 500, a known one without an implementation 502 (spec Q-16).
        #[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
        #[expect(missing_docs, reason = "each variant is the command code itself")]
        pub enum Verb {
            $($variant,)+
        }

        impl Verb {
            /// Every verb, in the order of declaration.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The code on the wire, in capitals.
            #[must_use]
            pub fn code(self) -> &'static str {
                match self {
                    $(Self::$variant => $code,)+
                }
            }
        }
    };
}

verbs! {
    User => "USER",
    Pass => "PASS",
    Acct => "ACCT",
    Cwd => "CWD",
    Cdup => "CDUP",
    Rein => "REIN",
    Quit => "QUIT",
    Port => "PORT",
    Eprt => "EPRT",
    Pasv => "PASV",
    Epsv => "EPSV",
    Lstn => "LSTN",
    Sock => "SOCK",
    Type => "TYPE",
    Stru => "STRU",
    Mode => "MODE",
    Retr => "RETR",
    Stor => "STOR",
    Stou => "STOU",
    Appe => "APPE",
    Allo => "ALLO",
    Rest => "REST",
    Rnfr => "RNFR",
    Rnto => "RNTO",
    Abor => "ABOR",
    Dele => "DELE",
    Rmd => "RMD",
    Mkd => "MKD",
    Pwd => "PWD",
    List => "LIST",
    Nlst => "NLST",
    Mlst => "MLST",
    Mlsd => "MLSD",
    Size => "SIZE",
    Mdtm => "MDTM",
    Syst => "SYST",
    Stat => "STAT",
    Help => "HELP",
    Feat => "FEAT",
    Opts => "OPTS",
    Noop => "NOOP",
    Actv => "ACTV",
    Adat => "ADAT",
    Algs => "ALGS",
    Auth => "AUTH",
    Avbl => "AVBL",
    Ccc => "CCC",
    Cepr => "CEPR",
    Clnt => "CLNT",
    Conf => "CONF",
    Cpsv => "CPSV",
    Csid => "CSID",
    Dcau => "DCAU",
    Enc => "ENC",
    Eret => "ERET",
    Esta => "ESTA",
    Esto => "ESTO",
    Estp => "ESTP",
    Hash => "HASH",
    Host => "HOST",
    Lang => "LANG",
    Lprt => "LPRT",
    Lpsv => "LPSV",
    Mfct => "MFCT",
    Mff => "MFF",
    Mfmt => "MFMT",
    Mic => "MIC",
    Pbsz => "PBSZ",
    Pret => "PRET",
    Prot => "PROT",
    Rang => "RANG",
    Sbuf => "SBUF",
    Site => "SITE",
    Smnt => "SMNT",
    Spas => "SPAS",
    Spor => "SPOR",
    Sscn => "SSCN",
    Xcrc => "XCRC",
    Xmd5 => "XMD5",
    Xsha => "XSHA",
    Xsha1 => "XSHA1",
    Xsha256 => "XSHA256",
    Xsha512 => "XSHA512",
}

impl Verb {
    /// Looks a code up, in any case (RFC 959 section 5.3). `None` if it is not one we know.
    ///
    /// The X-forms of RFC 1123 section 4.1.3.1 (XCWD XCUP XMKD XRMD XPWD) find their plain verbs.
    #[must_use]
    pub fn from_code(code: &[u8]) -> Option<Self> {
        let alias = X_FORMS
            .iter()
            .find(|(x_form, _)| x_form.as_bytes().eq_ignore_ascii_case(code));
        if let Some((_, verb)) = alias {
            return Some(*verb);
        }
        Self::ALL
            .iter()
            .copied()
            .find(|verb| verb.code().as_bytes().eq_ignore_ascii_case(code))
    }
}

impl FromStr for Verb {
    type Err = UnknownVerb;

    fn from_str(code: &str) -> Result<Self, UnknownVerb> {
        Self::from_code(code.as_bytes()).ok_or(UnknownVerb)
    }
}

impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// The code is not one we know.
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("unknown command code")]
pub struct UnknownVerb;

const X_FORMS: [(&str, Verb); 5] = [
    ("XCWD", Verb::Cwd),
    ("XCUP", Verb::Cdup),
    ("XMKD", Verb::Mkd),
    ("XRMD", Verb::Rmd),
    ("XPWD", Verb::Pwd),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_finds_its_verb_in_any_case() {
        for verb in Verb::ALL {
            assert_eq!(verb.code().parse(), Ok(*verb));
            assert_eq!(verb.code().to_lowercase().parse(), Ok(*verb));
        }
        assert_eq!("lStN".parse(), Ok(Verb::Lstn));
    }

    #[test]
    fn x_forms_find_their_plain_verbs() {
        for (x_form, plain) in [
            ("XCWD", "CWD"),
            ("xcup", "CDUP"),
            ("XMKD", "MKD"),
            ("XRMD", "RMD"),
            ("XPWD", "PWD"),
        ] {
            assert_eq!(x_form.parse::<Verb>().unwrap().code(), plain);
        }
    }

    #[test]
    fn other_codes_find_none() {
        for code in ["", "RET", "RETRX", "ÄBOR", "XRETR", " RETR"] {
            assert_eq!(code.parse::<Verb>(), Err(UnknownVerb), "{code}");
        }
    }
}
