//! Points in time: exactly the range that Firestore has, the years 1 to 9999, to the nanosecond.
//!
//! A type of its own because ready-made ones end before `9999-12-31T23:59:59Z`, the usual "never".

use std::fmt;
use std::str::FromStr;

const DAY: i64 = 86_400;
const NANOS: i128 = 1_000_000_000;
/// Days from 0000-03-01 to 1970-01-01: calendars are easier to count from March.
const MARCH_TO_EPOCH: i64 = 719_468;
/// Days in 400 years, after which the calendar repeats.
const ERA: i64 = 146_097;

/// A point in time between `0001-01-01T00:00:00Z` and `9999-12-31T23:59:59.999999999Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    seconds: i64,
    nanos: u32,
}

/// Why something is no timestamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TimestampError {
    /// Not RFC 3339, or a day or time that does not exist (leap seconds included).
    Syntax,
    /// Before the year 1 or after 9999.
    OutOfRange,
    /// More than nine digits after the second.
    Precision,
}

impl fmt::Display for TimestampError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Syntax => "not an RFC 3339 date and time such as 2024-05-01T12:00:00Z",
            Self::OutOfRange => "outside of the years 1 to 9999",
            Self::Precision => "finer than a nanosecond",
        })
    }
}

impl std::error::Error for TimestampError {}

impl Timestamp {
    /// The first one.
    pub const MIN: Self = Self { seconds: -62_135_596_800, nanos: 0 };
    /// The last one.
    pub const MAX: Self = Self { seconds: 253_402_300_799, nanos: 999_999_999 };
    /// 1970-01-01T00:00:00Z.
    pub const UNIX_EPOCH: Self = Self { seconds: 0, nanos: 0 };

    /// Seconds since 1970 and nanoseconds to add, which may be negative or more than a second.
    pub fn new(seconds: i64, nanoseconds: i32) -> Result<Self, TimestampError> {
        Self::from_nanosecond(i128::from(seconds) * NANOS + i128::from(nanoseconds))
    }

    /// Seconds since 1970.
    pub fn from_second(seconds: i64) -> Result<Self, TimestampError> {
        Self::new(seconds, 0)
    }

    /// Milliseconds since 1970.
    pub fn from_millisecond(millis: i64) -> Result<Self, TimestampError> {
        Self::from_nanosecond(i128::from(millis) * 1_000_000)
    }

    /// Microseconds since 1970.
    pub fn from_microsecond(micros: i64) -> Result<Self, TimestampError> {
        Self::from_nanosecond(i128::from(micros) * 1_000)
    }

    /// Nanoseconds since 1970.
    pub fn from_nanosecond(nanos: i128) -> Result<Self, TimestampError> {
        let seconds = i64::try_from(nanos.div_euclid(NANOS)).map_err(|_| TimestampError::OutOfRange)?;
        let found = Self { seconds, nanos: nanos.rem_euclid(NANOS) as u32 };
        (Self::MIN..=Self::MAX).contains(&found).then_some(found).ok_or(TimestampError::OutOfRange)
    }

    /// Whole seconds since 1970, rounded down (so that `subsec_nanosecond` is never negative).
    pub fn as_second(self) -> i64 {
        self.seconds
    }

    /// Nanoseconds after `as_second`: 0 to 999,999,999.
    pub fn subsec_nanosecond(self) -> i32 {
        self.nanos as i32
    }

    /// Milliseconds since 1970, rounded down.
    pub fn as_millisecond(self) -> i64 {
        self.seconds * 1_000 + i64::from(self.nanos / 1_000_000)
    }

    /// Microseconds since 1970, rounded down.
    pub fn as_microsecond(self) -> i64 {
        self.seconds * 1_000_000 + i64::from(self.nanos / 1_000)
    }

    /// Nanoseconds since 1970.
    pub fn as_nanosecond(self) -> i128 {
        i128::from(self.seconds) * NANOS + i128::from(self.nanos)
    }

    /// Whether so many digits after the second hold it exactly.
    pub fn fits(self, digits: u8) -> bool {
        self.nanos.is_multiple_of(unit(digits))
    }

    /// Cut to so many digits after the second.
    #[must_use]
    pub fn truncate(self, digits: u8) -> Self {
        Self { nanos: self.nanos - self.nanos % unit(digits), ..self }
    }

    /// RFC 3339 in UTC, so many digits after the second (0 to 9; the rest is cut).
    pub fn text(self, digits: u8) -> String {
        let mut text = *b"0000-00-00T00:00:00.000000000Z";
        let (year, month, day) = date_of(self.seconds.div_euclid(DAY));
        let second = self.seconds.rem_euclid(DAY) as u32;
        put(&mut text[0..4], year as u32);
        put(&mut text[5..7], month as u32);
        put(&mut text[8..10], day as u32);
        put(&mut text[11..13], second / 3_600);
        put(&mut text[14..16], second / 60 % 60);
        put(&mut text[17..19], second % 60);
        put(&mut text[20..29], self.nanos);
        let end = if digits == 0 { 19 } else { 20 + usize::from(digits.min(9)) };
        text[end] = b'Z';
        String::from_utf8_lossy(&text[..=end]).into_owned()
    }
}

impl fmt::Display for Timestamp {
    /// Canonical: six digits, or nine where six do not hold it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(if self.fits(6) { 6 } else { 9 }))
    }
}

impl FromStr for Timestamp {
    type Err = TimestampError;

    /// RFC 3339 with any offset. A leap second is refused: nothing here could hold it.
    fn from_str(text: &str) -> Result<Self, TimestampError> {
        parse(text.as_bytes())
    }
}

/// Nanoseconds in the last of so many digits.
fn unit(digits: u8) -> u32 {
    10_u32.pow(u32::from(9 - digits.min(9)))
}

/// Fills the place with the number's last digits.
fn put(place: &mut [u8], mut number: u32) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// Year, month and day of a day counted from 1970-01-01.
fn date_of(day: i64) -> (i64, i64, i64) {
    let shifted = day + MARCH_TO_EPOCH;
    let (era, day) = (shifted.div_euclid(ERA), shifted.rem_euclid(ERA));
    // Leap days fall at the end of every 4, but not of every 100, years counted from March.
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    // From March on, months repeat a pattern of 153 days in five of them.
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (carry, month) = if month < 10 { (0, month + 3) } else { (1, month - 9) };
    (era * 400 + year + carry, month, day)
}

/// The inverse of `date_of`.
fn day_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month > 2 { year } else { year - 1 };
    let (era, year) = (year.div_euclid(400), year.rem_euclid(400));
    let months = if month > 2 { month - 3 } else { month + 9 };
    let day = (153 * months + 2) / 5 + day - 1;
    era * ERA + 365 * year + year / 4 - year / 100 + day - MARCH_TO_EPOCH
}

fn parse(text: &[u8]) -> Result<Timestamp, TimestampError> {
    let (head, rest) = text.split_at_checked(19).ok_or(TimestampError::Syntax)?;
    let separators = [(4, "-"), (7, "-"), (10, "Tt "), (13, ":"), (16, ":")];
    if separators.iter().any(|(at, allowed)| !allowed.as_bytes().contains(&head[*at])) {
        return Err(TimestampError::Syntax);
    }
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..])?);
    let days = day_of(year, month, day);
    let exists = (1..=12).contains(&month) && date_of(days) == (year, month, day);
    if !exists || hour > 23 || minute > 59 || second > 59 {
        return Err(TimestampError::Syntax);
    }
    let (nanos, zone) = fraction(rest)?;
    let seconds = days * DAY + hour * 3_600 + minute * 60 + second - offset(zone)?;
    Timestamp::new(seconds, nanos)
}

/// A number of nothing but digits.
fn number(digits: &[u8]) -> Result<i64, TimestampError> {
    digits.iter().try_fold(0, |sum, digit| match digit {
        b'0'..=b'9' => Ok(sum * 10 + i64::from(digit - b'0')),
        _ => Err(TimestampError::Syntax),
    })
}

/// Nanoseconds from `.123`, and what follows.
fn fraction(text: &[u8]) -> Result<(i32, &[u8]), TimestampError> {
    let Some(text) = text.strip_prefix(b".") else { return Ok((0, text)) };
    let length = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = text.split_at(length);
    let (kept, beyond) = digits.split_at(length.min(9));
    if kept.is_empty() {
        return Err(TimestampError::Syntax);
    }
    if beyond.iter().any(|digit| *digit != b'0') {
        return Err(TimestampError::Precision);
    }
    let scale = 10_i64.pow(9 - kept.len() as u32);
    Ok(((number(kept)? * scale) as i32, rest))
}

/// Seconds east of UTC.
fn offset(zone: &[u8]) -> Result<i64, TimestampError> {
    let sign = match zone {
        b"Z" | b"z" => return Ok(0),
        [b'+', _, _, b':', _, _] => 1,
        [b'-', _, _, b':', _, _] => -1,
        _ => return Err(TimestampError::Syntax),
    };
    let (hours, minutes) = (number(&zone[1..3])?, number(&zone[4..])?);
    if hours > 23 || minutes > 59 {
        return Err(TimestampError::Syntax);
    }
    Ok(sign * (hours * 3_600 + minutes * 60))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn every_year_from_1_to_9999_is_there() {
        assert_eq!(Timestamp::MIN.text(0), "0001-01-01T00:00:00Z");
        assert_eq!(Timestamp::MAX.to_string(), "9999-12-31T23:59:59.999999999Z");
        assert_eq!(at("9999-12-31T23:59:59Z").as_second(), 253_402_300_799);
        assert_eq!("0000-12-31T23:59:59Z".parse::<Timestamp>(), Err(TimestampError::OutOfRange));
        assert_eq!("9999-12-31T23:59:59-00:01".parse::<Timestamp>(), Err(TimestampError::OutOfRange));
        assert_eq!(Timestamp::from_second(253_402_300_800), Err(TimestampError::OutOfRange));
        assert_eq!(Timestamp::from_second(i64::MIN), Err(TimestampError::OutOfRange));
    }

    #[test]
    fn every_day_of_eight_centuries_survives_its_text() {
        for day in (-150_000..150_000).step_by(1) {
            let (year, month, dom) = date_of(day);
            assert_eq!(day_of(year, month, dom), day);
            assert!((1..=12).contains(&month) && (1..=31).contains(&dom));
        }
    }

    #[test]
    fn text_agrees_with_jiff() {
        for second in (-62_135_596_800..253_402_000_000_i64).step_by(7_654_321) {
            let ours = Timestamp::from_second(second).unwrap();
            assert_eq!(ours.text(0), jiff::Timestamp::from_second(second).unwrap().to_string());
            assert_eq!(at(&ours.text(3)), ours);
        }
    }

    #[test]
    fn fractions_are_counted_forwards_before_1970_too() {
        let before = Timestamp::new(0, -1).unwrap();
        assert_eq!(before.to_string(), "1969-12-31T23:59:59.999999999Z");
        assert_eq!(before.truncate(3).text(3), "1969-12-31T23:59:59.999Z");
        assert_eq!((before.as_second(), before.subsec_nanosecond()), (-1, 999_999_999));
        assert_eq!((before.as_millisecond(), before.as_nanosecond()), (-1, -1));
        assert_eq!(Timestamp::from_millisecond(-1).unwrap().text(3), "1969-12-31T23:59:59.999Z");
    }

    #[test]
    fn rfc_3339_is_read_with_offsets_and_digits() {
        assert_eq!(at("2024-02-29t23:30:00.5+01:30").to_string(), "2024-02-29T22:00:00.500000Z");
        assert_eq!(at("2024-02-29 00:00:00.123456789000Z").to_string(), "2024-02-29T00:00:00.123456789Z");
        assert_eq!("2024-01-01T00:00:00.0000000001Z".parse::<Timestamp>(), Err(TimestampError::Precision));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024-01-01",
            "2024-01-01T00:00:00",
            "2023-02-29T00:00:00Z",
            "2024-13-01T00:00:00Z",
            "2024-00-10T00:00:00Z",
            "2024-01-32T00:00:00Z",
            "2024-01-00T00:00:00Z",
            "2024-01-01T24:00:00Z",
            "2024-01-01T00:60:00Z",
            "2016-12-31T23:59:60Z",
            "2024-01-01T00:00:00.Z",
            "2024-01-01T00:00:00+0100",
            "2024-01-01T00:00:00+24:00",
            "2024-01-01T00:00:00Zx",
            "+2024-01-01T00:00:00Z",
            "２０２４-01-01T00:00:00Z",
        ] {
            assert_eq!(text.parse::<Timestamp>(), Err(TimestampError::Syntax), "{text}");
        }
    }
}
