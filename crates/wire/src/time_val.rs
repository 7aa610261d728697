//! Points in time as MDTM, MFMT and the modify fact write them. RFC 3659 section 2.3.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// A point in time in UTC to the nanosecond, `YYYYMMDDHHMMSS[.s+]`: from the beginning of the year
/// 0 to 22:00 on 30 December 9999, the last that jiff knows.
#[derive(Clone, Copy, Debug, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct TimeVal(Timestamp);

/// The text is no point in time, or one outside the range of [`TimeVal`].
#[derive(Clone, Copy, Debug, Eq, PartialEq, thiserror::Error)]
#[error("expected a time as YYYYMMDDHHMMSS with an optional fraction, in the years 0 to 9999")]
pub struct TimeValError;

impl TimeVal {
    /// The time `nanoseconds` after `seconds` since the beginning of 1970 in UTC.
    ///
    /// # Errors
    ///
    /// When `nanoseconds` make a second or more, or the time is out of range.
    pub fn from_unix(seconds: i64, nanoseconds: u32) -> Result<Self, TimeValError> {
        if nanoseconds >= NANOSECONDS {
            return Err(TimeValError);
        }
        let nanoseconds = i128::from(seconds) * i128::from(NANOSECONDS) + i128::from(nanoseconds);
        let time = Timestamp::from_nanosecond(nanoseconds).map_err(|_| TimeValError)?;
        Self::within_four_digits(time)
    }

    /// Whole seconds since the beginning of 1970 in UTC, rounded down.
    #[must_use]
    pub fn unix_seconds(self) -> i64 {
        let seconds = self.0.as_nanosecond().div_euclid(i128::from(NANOSECONDS));
        i64::try_from(seconds).unwrap_or(i64::MAX)
    }

    /// The nanoseconds beyond [`unix_seconds`](Self::unix_seconds), below 1000000000.
    #[must_use]
    pub fn nanoseconds(self) -> u32 {
        let nanoseconds = self.0.as_nanosecond().rem_euclid(i128::from(NANOSECONDS));
        u32::try_from(nanoseconds).unwrap_or(0)
    }

    fn within_four_digits(time: Timestamp) -> Result<Self, TimeValError> {
        let year = TimeZone::UTC.to_datetime(time).year();
        if (0..=9999).contains(&year) {
            Ok(Self(time))
        } else {
            Err(TimeValError)
        }
    }
}

/// Reads 14 digits and an optional fraction, of which digits beyond the ninth are dropped.
///
/// A leap second, 60, is the first second of the next minute.
impl FromStr for TimeVal {
    type Err = TimeValError;

    fn from_str(text: &str) -> Result<Self, TimeValError> {
        let (whole, fraction) = match text.split_once('.') {
            Some((whole, fraction)) => (whole, nanoseconds(fraction).ok_or(TimeValError)?),
            None => (text, 0),
        };
        if whole.len() != 14 {
            return Err(TimeValError);
        }
        let field = |range| -> Result<i8, TimeValError> {
            whole
                .get(range)
                .and_then(crate::address::digits)
                .ok_or(TimeValError)
        };
        let year = whole
            .get(..4)
            .and_then(crate::address::digits)
            .ok_or(TimeValError)?;
        let (month, day) = (field(4..6)?, field(6..8)?);
        let (hour, minute, second) = (field(8..10)?, field(10..12)?, field(12..14)?);
        let leap = i64::from(second == 60);
        let second = if second == 60 { 59 } else { second };
        let time = DateTime::new(year, month, day, hour, minute, second, fraction)
            .and_then(|time| TimeZone::UTC.to_timestamp(time))
            .map_err(|_| TimeValError)?;
        let seconds = time.as_nanosecond() + i128::from(leap) * i128::from(NANOSECONDS);
        Self::within_four_digits(Timestamp::from_nanosecond(seconds).map_err(|_| TimeValError)?)
    }
}

impl fmt::Display for TimeVal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = TimeZone::UTC.to_datetime(self.0);
        write!(f, "{:04}{:02}{:02}", time.year(), time.month(), time.day())?;
        write!(
            f,
            "{:02}{:02}{:02}",
            time.hour(),
            time.minute(),
            time.second()
        )?;
        if time.subsec_nanosecond() == 0 {
            return Ok(());
        }
        let fraction = format!("{:09}", time.subsec_nanosecond());
        write!(f, ".{}", fraction.trim_end_matches('0'))
    }
}

fn nanoseconds(fraction: &str) -> Option<i32> {
    if fraction.is_empty() || !fraction.bytes().all(|octet| octet.is_ascii_digit()) {
        return None;
    }
    fraction
        .get(..fraction.len().min(9))
        .and_then(|digits| format!("{digits:0<9}").parse().ok())
}

const NANOSECONDS: u32 = 1_000_000_000;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_read_and_written_in_utc() {
        let check = |text: &str, seconds, nanoseconds| {
            let time: TimeVal = text.parse().unwrap();
            assert_eq!(
                (time.unix_seconds(), time.nanoseconds()),
                (seconds, nanoseconds),
                "{text}"
            );
            assert_eq!(TimeVal::from_unix(seconds, nanoseconds), Ok(time));
            assert_eq!(time.to_string(), text);
        };
        check("19700101000000", 0, 0);
        check("19691231235959.25", -1, 250_000_000);
        check("19730115000000", 95_904_000, 0);
        check("19980615100045.014", 897_904_845, 14_000_000);
        check("20240229235959", 1_709_251_199, 0);
        check("00000101000000", -62_167_219_200, 0);
        check("99991230215959.999999999", 253_402_207_199, 999_999_999);
    }

    #[test]
    fn a_leap_second_and_a_long_fraction_are_understood() {
        let check = |text: &str, same: &str| {
            assert_eq!(text.parse::<TimeVal>().unwrap().to_string(), same);
        };
        check("20161231235960", "20170101000000");
        check("20200101000000.1234567899", "20200101000000.123456789");
        check("20200101000000.000", "20200101000000");
    }

    #[test]
    fn other_text_is_no_time() {
        for text in [
            "",
            "2020010100000",
            "202001010000000",
            "191000101000000",
            "20200101000000.",
            "20200101000000.-1",
            "20200101000000.1.2",
            "20201301000000",
            "20230229000000",
            "20200101240000",
            "20200101000061",
            "99991231235960",
            "+2020101000000",
            "2020010100000é",
            " 20200101000000",
        ] {
            assert_eq!(text.parse::<TimeVal>(), Err(TimeValError), "{text}");
        }
        assert_eq!(TimeVal::from_unix(0, 1_000_000_000), Err(TimeValError));
        assert_eq!(TimeVal::from_unix(i64::MAX, 0), Err(TimeValError));
        assert_eq!(TimeVal::from_unix(253_402_207_201, 0), Err(TimeValError));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9.]{0,30}|.*") {
            if let Ok(time) = text.parse::<TimeVal>() {
                prop_assert_eq!(time.to_string().parse(), Ok(time));
            }
        }

        #[test]
        fn every_time_survives_the_wire(
            seconds in -62_167_219_200_i64..253_402_300_800,
            nanoseconds in 0_u32..1_000_000_000,
        ) {
            let time = TimeVal::from_unix(seconds, nanoseconds).unwrap();
            prop_assert_eq!(time.to_string().parse(), Ok(time));
            prop_assert_eq!((time.unix_seconds(), time.nanoseconds()), (seconds, nanoseconds));
        }
    }
}
