//! Rows and values for people.

use crate::domain::row::SqlValue;

/// `users.id = 'u1'`, or `users (a, b) = ('x', 1)`.
pub fn equation(table: &str, values: &[(&str, &SqlValue)]) -> String {
    match values {
        [(column, value)] => format!("{table}.{column} = {}", show(value)),
        _ => {
            let columns: Vec<&str> = values.iter().map(|(column, _)| *column).collect();
            let shown: Vec<String> = values.iter().map(|(_, value)| show(value)).collect();
            format!("{table} ({}) = ({})", columns.join(", "), shown.join(", "))
        }
    }
}

/// Longer values are cut in reasons; the whole document is kept with them.
const SHOWN: usize = 60;

/// A value for people, on one line and of bounded length.
pub fn show(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => "NULL".into(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => format!("{number:?}"),
        SqlValue::Text(text) => {
            let mut shown: String = text.chars().take(SHOWN).flat_map(escape).collect();
            if text.chars().nth(SHOWN).is_some() {
                shown.push('…');
            }
            format!("'{shown}'")
        }
        SqlValue::Blob(bytes) => format!("{} bytes", bytes.len()),
    }
}

fn escape(character: char) -> Vec<char> {
    if character.is_control() { character.escape_default().collect() } else { vec![character] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_in_reasons_are_short_and_on_one_line() {
        assert_eq!(show(&SqlValue::Text("a\nb\0".into())), "'a\\nb\\u{0}'");
        let long = show(&SqlValue::Text("é".repeat(100)));
        assert_eq!(long.chars().count(), SHOWN + 3);
        assert!(long.ends_with("…'"));
        assert_eq!(show(&SqlValue::Real(1.0)), "1.0");
        assert_eq!(show(&SqlValue::Blob(vec![0; 9])), "9 bytes");
    }

    #[test]
    fn keys_of_one_and_of_several_columns_read_well() {
        let (one, two) = (SqlValue::Integer(1), SqlValue::Text("x".into()));
        assert_eq!(equation("t", &[("a", &one)]), "t.a = 1");
        assert_eq!(equation("t", &[("a", &one), ("b", &two)]), "t (a, b) = (1, 'x')");
    }
}
