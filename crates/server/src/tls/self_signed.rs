//! A certificate for a first try, signed by itself.

use jiff::ToSpan;
use jiff::tz::TimeZone;
use rcgen::{
    CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd,
};

/// A certificate and its key in PEM.
pub struct SelfSigned {
    /// The certificate.
    pub certificate: String,
    /// The private key: for the owner's eyes alone.
    pub key: String,
}

/// Makes a new key (ECDSA, P-256) and a certificate for `names`, hosts or addresses, that is
/// good for about two years from `now`.
///
/// # Errors
/// When a name cannot stand in a certificate.
pub fn self_signed(
    names: Vec<String>,
    now: std::time::SystemTime,
) -> Result<SelfSigned, rcgen::Error> {
    let common = names.first().cloned().unwrap_or_default();
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = DistinguishedName::new();
    params.distinguished_name.push(DnType::CommonName, common);
    // Both: towards another server it may be the TLS client (spec 5.5).
    params.extended_key_usages = vec![
        ExtendedKeyUsagePurpose::ServerAuth,
        ExtendedKeyUsagePurpose::ClientAuth,
    ];
    let today = jiff::Timestamp::try_from(now)
        .unwrap_or_default()
        .to_zoned(TimeZone::UTC)
        .date();
    let day = |date: jiff::civil::Date| {
        let (month, day) = (date.month().unsigned_abs(), date.day().unsigned_abs());
        date_time_ymd(date.year().into(), month, day)
    };
    // A day's grace for clocks that are behind.
    params.not_before = day(today.saturating_sub(1.day()));
    params.not_after = day(today.saturating_add(VALID_DAYS.days()));
    let key = KeyPair::generate()?;
    let certificate = params.self_signed(&key)?;
    Ok(SelfSigned {
        certificate: certificate.pem(),
        key: key.serialize_pem(),
    })
}

/// What browsers and systems still take.
const VALID_DAYS: i64 = 824;
