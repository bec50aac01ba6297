//! Integers and doubles against each other, exactly: nothing here rounds.

use std::cmp::Ordering;

/// 2^63: the first double above every 64-bit integer.
const ABOVE_INTEGERS: f64 = 9_223_372_036_854_775_808.0;

/// 2^53: up to here every whole number is a double of its own.
pub const SAFE_INTEGER: f64 = 9_007_199_254_740_992.0;

/// Compares as numbers; `None` for NaN.
pub fn compare(integer: i64, double: f64) -> Option<Ordering> {
    if double.is_nan() {
        return None;
    }
    if double >= ABOVE_INTEGERS {
        return Some(Ordering::Less);
    }
    if double < -ABOVE_INTEGERS {
        return Some(Ordering::Greater);
    }
    let whole = double.trunc();
    let fraction = (whole - double).partial_cmp(&0.0)?;
    Some(integer.cmp(&(whole as i64)).then(fraction))
}

/// The integer that a double is, if it is a whole number within 64 bits. -0.0 is 0: whoever minds asks first.
pub fn to_integer(double: f64) -> Option<i64> {
    let fits = double.trunc() == double && (-ABOVE_INTEGERS..ABOVE_INTEGERS).contains(&double);
    fits.then_some(double as i64)
}

/// The double that an integer is, if there is one.
pub fn to_double(integer: i64) -> Option<f64> {
    let double = integer as f64;
    (double as i128 == i128::from(integer)).then_some(double)
}

/// True for -0.0 alone.
pub fn is_negative_zero(double: f64) -> bool {
    double == 0.0 && double.is_sign_negative()
}

/// `1234567` as `1,234,567`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_separators() {
        assert_eq!(
            [0, 7, 999, 1000, 1_234_567, u64::MAX].map(count),
            ["0", "7", "999", "1,000", "1,234,567", "18,446,744,073,709,551,615"]
        );
    }

    #[test]
    fn integers_and_doubles_compare_without_rounding() {
        let big = 9_007_199_254_740_993; // 2^53 + 1, which no double is
        assert_eq!(compare(big, SAFE_INTEGER), Some(Ordering::Greater));
        assert_eq!(compare(big, 9_007_199_254_740_994.0), Some(Ordering::Less));
        assert_eq!(compare(i64::MAX, i64::MAX as f64), Some(Ordering::Less));
        assert_eq!(compare(i64::MIN, i64::MIN as f64), Some(Ordering::Equal));
        assert_eq!(compare(i64::MIN, f64::NEG_INFINITY), Some(Ordering::Greater));
        assert_eq!(compare(0, -0.0), Some(Ordering::Equal));
        assert_eq!(compare(1, 1.5), Some(Ordering::Less));
        assert_eq!(compare(-1, -1.5), Some(Ordering::Greater));
        assert_eq!(compare(0, -0.5), Some(Ordering::Greater));
        assert_eq!(compare(0, 0.5), Some(Ordering::Less));
        assert_eq!(compare(0, f64::NAN), None);
    }

    #[test]
    fn only_exact_conversions_happen() {
        assert_eq!(to_integer(3.0), Some(3));
        assert_eq!(to_integer(-9_223_372_036_854_775_808.0), Some(i64::MIN));
        for none in [3.5, ABOVE_INTEGERS, f64::NAN, f64::INFINITY, -1e300] {
            assert_eq!(to_integer(none), None);
        }
        assert_eq!(to_double(1 << 62), Some(4_611_686_018_427_387_904.0));
        assert_eq!(to_double((1 << 53) + 1), None);
        assert_eq!(to_double(i64::MAX), None);
    }
}
