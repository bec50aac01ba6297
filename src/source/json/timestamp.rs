//! Points in time as the shapes write them.

use crate::domain::reject::RejectCode;
use crate::domain::value::{Map, Timestamp, Value};

/// RFC 3339 text with a `Z` or an offset, from year 1 to 9999-12-30T22:00:00.999999999Z (the last that a
/// [`Timestamp`] holds). `None` for everything else, leap seconds included: no timestamp can hold one.
pub(super) fn parse(text: &str) -> Option<Timestamp> {
    let bytes = text.as_bytes();
    let separators = [(4, b'-'), (7, b'-'), (13, b':'), (16, b':')];
    let shaped = bytes.len() >= 20
        && separators.iter().all(|(at, byte)| bytes[*at] == *byte)
        && matches!(bytes[10], b'T' | b't')
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && &bytes[17..19] != b"60";
    if !shaped || !zoned(&bytes[19..]) {
        return None;
    }
    text.parse().ok().filter(|time| in_range(*time))
}

/// Seconds since 1970 and nanoseconds (0 to 999,999,999) within them.
pub(super) fn from_parts(seconds: i64, nanoseconds: i64) -> Option<Timestamp> {
    let nanoseconds = i32::try_from(nanoseconds).ok().filter(|nanos| (0..1_000_000_000).contains(nanos))?;
    Timestamp::new(seconds, nanoseconds).ok().filter(|time| in_range(*time))
}

/// The value of a map that is exactly `{_seconds, _nanoseconds}` with integers; `None` for any other map.
pub(super) fn from_map(map: &Map, text: &str) -> Option<Value> {
    match (map.len(), map.get("_seconds")?, map.get("_nanoseconds")?) {
        (2, Value::Integer(seconds), Value::Integer(nanoseconds)) => Some(
            from_parts(*seconds, *nanoseconds)
                .map_or_else(|| Value::invalid(RejectCode::InvalidTimestamp, text), Value::Timestamp),
        ),
        _ => None,
    }
}

/// What may follow the seconds: at most nine digits of fraction, then the zone.
fn zoned(rest: &[u8]) -> bool {
    let rest = match rest.strip_prefix(b".") {
        Some(fraction) => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit()).count();
            if !(1..=9).contains(&digits) {
                return false;
            }
            &fraction[digits..]
        }
        None => rest,
    };
    match rest {
        [b'Z' | b'z'] => true,
        [b'+' | b'-', h1, h2, b':', m1, m2] => [h1, h2, m1, m2].iter().all(|byte| byte.is_ascii_digit()),
        _ => false,
    }
}

fn in_range(time: Timestamp) -> bool {
    const YEAR_ONE: i64 = -62_135_596_800;
    // Before 1970, nanoseconds count backwards from the second.
    time.as_second() > YEAR_ONE || time.as_second() == YEAR_ONE && time.subsec_nanosecond() >= 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rfc_3339_is_read_to_the_nanosecond() {
        let time = parse("2024-02-29T23:59:59.123456789+01:30").map(|time| time.to_string());
        assert_eq!(time.as_deref(), Some("2024-02-29T22:29:59.123456789Z"));
        assert!(parse("0001-01-01T00:00:00Z").is_some());
        assert!(parse("9999-12-30T22:00:00.999999999Z").is_some());
    }

    #[test]
    fn what_is_no_timestamp_is_refused() {
        for text in [
            "",
            "yesterday",
            "2024-02-30T00:00:00Z",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2024-01-01 00:00:00Z",
            "2024-12-31T23:59:60Z",
            "2024-01-01T00:00:00.1234567890Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00Z[UTC]",
            "0000-12-31T23:59:59Z",
            "0000-12-31T23:59:59.5Z",
            "2024-01-01T24:00:00Z",
            "２０２4-01-01T00:00:00Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
        assert_eq!(from_parts(253_402_300_800, 0), None);
        assert_eq!(from_parts(0, 1_000_000_000), None);
        assert_eq!(from_parts(0, -1), None);
    }

    #[test]
    fn times_before_1970_keep_their_fraction() {
        let parts = from_parts(-1, 500_000_000);
        assert_eq!(parts, parse("1969-12-31T23:59:59.5Z"));
        assert!(from_parts(-62_135_596_800, 999).is_some());
        assert_eq!(from_parts(-62_135_596_801, 999_999_999), None);
    }
}
