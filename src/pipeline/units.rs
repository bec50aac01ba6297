//! Durations (`5s`, `10m`, `2h`), sizes (`16MiB`, `1MB`, `123`) and reject limits (`100`, `1%`) as people write them.

use std::time::Duration;

use super::resolved::RejectLimit;

/// What a duration looks like, for editors; [`duration`] decides.
pub const DURATION: &str = r"^\s*(([0-9]+(\.[0-9]+)?\s*[A-Za-zµ]+,?\s*)+|[Pp].*)$";

/// What a size looks like, for editors; [`size`] decides.
pub const SIZE: &str = r"^\s*[0-9][0-9_]*\s*([kKmMgGtT][iI]?)?[bB]?\s*$";

/// What a reject limit looks like, for editors; [`reject_limit`] decides.
pub const REJECT_LIMIT: &str = r"^\s*[0-9]+(\.[0-9]+)?\s*%?\s*$";

/// A duration: a whole or decimal number with `ms`, `s`, `m`, `h` or `d`, or several of them (`1h 30m`).
pub fn duration(text: &str) -> Option<Duration> {
    let span: jiff::SignedDuration = match days(text) {
        Some(rest_and_days) => rest_and_days?,
        None => text.trim().parse().ok()?,
    };
    Duration::try_from(span).ok()
}

/// Jiff keeps days out of exact durations; a limit of `2d` means 48 hours.
fn days(text: &str) -> Option<Option<jiff::SignedDuration>> {
    let number = text.trim().strip_suffix('d')?.trim_end();
    let days: i64 = number.parse().ok()?;
    Some(days.checked_mul(24).map(jiff::SignedDuration::from_hours))
}

/// A size in bytes: a whole number alone, or with `B`, `kB`, `MB`, `GB`, `TB` (powers of 1000) or `KiB`, `MiB`,
/// `GiB`, `TiB` (powers of 1024).
pub fn size(text: &str) -> Option<u64> {
    let text = text.trim();
    let end = text.find(|char: char| !char.is_ascii_digit() && char != '_').unwrap_or(text.len());
    let number: u64 = text[..end].replace('_', "").parse().ok()?;
    let factor: u64 = match text[end..].trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1000_u64.pow(2),
        "gb" => 1000_u64.pow(3),
        "tb" => 1000_u64.pow(4),
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return None,
    };
    number.checked_mul(factor)
}

/// A number of rejects, or a percentage of the documents read.
pub fn reject_limit(text: &str) -> Option<RejectLimit> {
    match text.trim().strip_suffix('%') {
        Some(percent) => {
            let percent: f64 = percent.trim().parse().ok()?;
            (0.0..=100.0).contains(&percent).then_some(RejectLimit::Percent(percent))
        }
        None => text.trim().parse().ok().map(RejectLimit::Count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_people_write_them() {
        for (text, seconds) in [
            ("5s", 5.0),
            ("10m", 600.0),
            ("2h", 7200.0),
            ("500ms", 0.5),
            ("1h 30m", 5400.0),
            ("2d", 172_800.0),
            ("1.5s", 1.5),
        ] {
            assert_eq!(duration(text), Some(Duration::from_secs_f64(seconds)), "{text}");
        }
        for text in ["", "5", "fast", "-5s", "5 parsecs", "999999999999999999d"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }

    #[test]
    fn sizes_are_read_with_decimal_and_binary_units() {
        for (text, bytes) in [
            ("123", 123),
            ("1MB", 1_000_000),
            ("16MiB", 16 << 20),
            ("1 kib", 1024),
            ("2GB", 2_000_000_000),
            ("1_000", 1000),
        ] {
            assert_eq!(size(text), Some(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5MiB", "1XB", "99999999999999999999", "99999999999TiB"] {
            assert_eq!(size(text), None, "{text}");
        }
    }

    #[test]
    fn reject_limits_are_numbers_or_percentages() {
        assert_eq!(reject_limit("100"), Some(RejectLimit::Count(100)));
        assert_eq!(reject_limit("0.5%"), Some(RejectLimit::Percent(0.5)));
        for text in ["", "%", "101%", "-1", "NaN%", "1.5"] {
            assert_eq!(reject_limit(text), None, "{text}");
        }
    }
}
