//! Doubles as two integers.

/// Mantissa and exponent: the double is exactly `mantissa * 2^exponent`, and so is SQLite's
/// `mantissa * power(2.0, exponent)`: both factors are doubles without rounding, and so is their product.
///
/// Only for finite doubles; rows hold no others. -0.0 becomes 0.0, as in every REAL column.
pub(super) fn split(double: f64) -> (i64, i32) {
    let bits = double.to_bits();
    let fraction = bits & ((1 << 52) - 1);
    let (mantissa, exponent) = match (bits >> 52) & 0x7ff {
        0 => (fraction, -1074),
        // At most 2046, which fits.
        biased => (fraction | (1 << 52), i32::try_from(biased).unwrap_or(0) - 1075),
    };
    if mantissa == 0 {
        return (0, 0);
    }
    // Shorter text for ordinary numbers: 12.5 is 25 / 2. The exponent only grows, so it never underflows.
    let zeros = mantissa.trailing_zeros();
    // Fewer than 54 bits.
    let magnitude = i64::try_from(mantissa >> zeros).unwrap_or(0);
    let exponent = exponent + i32::try_from(zeros).unwrap_or(0);
    // 2^1024 is no double; mantissas take what exponents cannot.
    let excess = (exponent - 971).max(0);
    (if double.is_sign_negative() { -1 } else { 1 } * (magnitude << excess), exponent - excess)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(double: f64) -> f64 {
        let (mantissa, exponent) = split(double);
        #[expect(clippy::cast_precision_loss, reason = "fewer than 54 bits")]
        let mantissa = mantissa as f64;
        mantissa * 2f64.powi(exponent.max(-1000)) * 2f64.powi((exponent + 1000).min(0))
    }

    proptest::proptest! {
        #[test]
        fn any_double_comes_back_by_its_bits(bits: u64) {
            let double = f64::from_bits(bits);
            if double.is_finite() && double != 0.0 {
                proptest::prop_assert_eq!(joined(double).to_bits(), bits);
                let (mantissa, exponent) = split(double);
                proptest::prop_assert!(mantissa.unsigned_abs() < 1 << 53 && (-1074..=971).contains(&exponent));
            }
        }
    }

    #[test]
    fn ordinary_numbers_are_short() {
        assert_eq!(split(12.5), (25, -1));
        assert_eq!(split(-3.0), (-3, 0));
        assert_eq!(split(1024.0), (1, 10));
        assert_eq!((split(0.0), split(-0.0)), ((0, 0), (0, 0)));
        assert_eq!(split(f64::MAX), ((1 << 53) - 1, 971));
        assert_eq!(split(f64::from_bits(1)), (1, -1074));
    }
}
