//! Ranges and oddities of numbers, texts, times, places and vectors.

use crate::domain::number::is_negative_zero;
use crate::domain::timestamp::Timestamp;
use crate::domain::value::GeoPoint;

use super::model::{Numbers, Texts, Times};

/// Up to here, doubles stand for one integer each.
const SAFE: u64 = 1 << 53;

fn least<T: PartialOrd + Copy>(known: &mut Option<T>, value: T) {
    if known.is_none_or(|known| value < known) {
        *known = Some(value);
    }
}

fn most<T: PartialOrd + Copy>(known: &mut Option<T>, value: T) {
    if known.is_none_or(|known| value > known) {
        *known = Some(value);
    }
}

impl Numbers {
    pub(super) fn integer(&mut self, number: i64) {
        least(&mut self.smallest_integer, number);
        most(&mut self.largest_integer, number);
        self.large_integers += u64::from(number.unsigned_abs() > SAFE);
    }

    pub(super) fn double(&mut self, number: f64) {
        if !number.is_finite() {
            self.non_finite += 1;
            return;
        }
        self.negative_zeros += u64::from(is_negative_zero(number));
        self.whole_doubles += u64::from(number.fract() == 0.0);
        // Without its sign: which of two equal zeros came first must not show.
        least(&mut self.smallest_double, number + 0.0);
        most(&mut self.largest_double, number + 0.0);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        other.smallest_integer.iter().for_each(|number| least(&mut self.smallest_integer, *number));
        other.largest_integer.iter().for_each(|number| most(&mut self.largest_integer, *number));
        other.smallest_double.iter().for_each(|number| least(&mut self.smallest_double, *number));
        other.largest_double.iter().for_each(|number| most(&mut self.largest_double, *number));
        self.large_integers += other.large_integers;
        self.non_finite += other.non_finite;
        self.negative_zeros += other.negative_zeros;
        self.whole_doubles += other.whole_doubles;
    }
}

impl Texts {
    pub(super) fn text(&mut self, text: &str) {
        self.longest = self.longest.max(text.len() as u64);
        self.bytes += text.len() as u64;
        self.empty += u64::from(text.is_empty());
        self.times += u64::from(is_time(text));
        self.integers += u64::from(is_integer(text));
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.longest = self.longest.max(other.longest);
        self.bytes += other.bytes;
        self.empty += other.empty;
        self.times += other.times;
        self.integers += other.integers;
    }
}

/// Whether `parse_timestamp` would take it. Looks before it parses: most texts are none.
fn is_time(text: &str) -> bool {
    let bytes = text.as_bytes();
    (20..=35).contains(&bytes.len()) && bytes[4] == b'-' && bytes[7] == b'-' && text.parse::<Timestamp>().is_ok()
}

/// Whether `parse_integer` would take it, and give the same text back.
fn is_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.len() <= 19 && digits.bytes().all(|byte| byte.is_ascii_digit());
    plain && (digits == "0" || !digits.starts_with('0')) && text != "-0" && text.parse::<i64>().is_ok()
}

impl Times {
    pub(super) fn time(&mut self, time: Timestamp) {
        self.finer_than_micros += u64::from(!time.fits(6));
        self.note(time, time);
    }

    fn note(&mut self, earliest: Timestamp, latest: Timestamp) {
        least(&mut self.first, earliest);
        most(&mut self.last, latest);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.finer_than_micros += other.finer_than_micros;
        if let (Some(first), Some(last)) = (other.first, other.last) {
            self.note(first, last);
        }
    }
}

/// Geopoints.
#[derive(Debug, Clone, Default)]
pub(super) struct Places {
    /// Ones that are no place on Earth.
    pub odd: u64,
    /// Ones with a -0.0.
    pub negative_zeros: u64,
}

impl Places {
    pub fn place(&mut self, point: GeoPoint) {
        // NaN is within no limits.
        let fits = point.latitude.abs() <= 90.0 && point.longitude.abs() <= 180.0;
        self.odd += u64::from(!fits);
        self.negative_zeros += u64::from(is_negative_zero(point.latitude) || is_negative_zero(point.longitude));
    }

    pub fn merge(&mut self, other: &Self) {
        self.odd += other.odd;
        self.negative_zeros += other.negative_zeros;
    }
}

/// Vectors.
#[derive(Debug, Clone, Default)]
pub(super) struct Vectors {
    /// Fewest components.
    pub shortest: Option<u64>,
    /// Most components.
    pub longest: Option<u64>,
    /// Ones with a component that 32 bits do not hold.
    pub wide: u64,
    /// Ones with NaN or an infinity.
    pub non_finite: u64,
}

impl Vectors {
    #[expect(clippy::cast_possible_truncation, reason = "whether something is lost is the question")]
    pub fn vector(&mut self, components: &[f64]) {
        least(&mut self.shortest, components.len() as u64);
        most(&mut self.longest, components.len() as u64);
        self.wide += u64::from(components.iter().any(|number| f64::from(*number as f32).to_bits() != number.to_bits()));
        self.non_finite += u64::from(components.iter().any(|number| !number.is_finite()));
    }

    pub fn merge(&mut self, other: &Self) {
        other.shortest.iter().for_each(|length| least(&mut self.shortest, *length));
        other.longest.iter().for_each(|length| most(&mut self.longest, *length));
        self.wide += other.wide;
        self.non_finite += other.non_finite;
    }
}
