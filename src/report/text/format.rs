//! Numbers, durations and tables, always written the same way.

pub use crate::domain::number::count;
use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Table, TableStyle};

/// No borders, a line under the heading.
const STYLE: TableStyle = TableStyle::new().header_separator(LineStyle::none().fill('-'));

/// A column's heading, and on which side its cells stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Column<'a> {
    /// Text, on the left.
    Text(&'a str),
    /// Numbers, on the right.
    Number(&'a str),
}

/// Bytes in binary units: `512 B`, `1.5 MiB`.
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if number < 1024 {
        return format!("{number} B");
    }
    let mut value = number as f64 / 1024.0;
    let mut unit = 0;
    while value >= 1023.95 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    format!("{value:.1} {}", UNITS[unit])
}

/// A length of time: `0.8 s`, `12 s`, `3 min 20 s`, `2 h 5 min`.
pub fn duration(seconds: f64) -> String {
    let whole = seconds.max(0.0).round() as u64;
    match whole {
        0..10 => format!("{:.1} s", seconds.max(0.0)),
        10..60 => format!("{whole} s"),
        60..3600 => format!("{} min {} s", whole / 60, whole % 60),
        _ => format!("{} h {} min", whole / 3600, whole % 3600 / 60),
    }
}

/// A price in US dollars; small ones to the hundredth of a cent.
pub fn price(dollars: f64) -> String {
    if dollars < 1.0 { format!("${dollars:.4}") } else { format!("${dollars:.2}") }
}

/// A range of time: `1.2 s to 3 min 20 s`.
pub fn seconds(low: f64, high: f64) -> String {
    format!("{} to {}", duration(low), duration(high))
}

/// A time in RFC 3339 without its fraction of a second: `2025-06-01T20:00:00Z`.
pub fn moment(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, _)) => clean(whole) + "Z",
        None => clean(time),
    }
}

/// Text of users' data made safe for a terminal: control characters are shown, not obeyed.
pub fn clean(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        let reorders = matches!(character, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
        if character.is_control() || reorders {
            safe.extend(character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// As [`clean`], but lines stay lines.
pub fn clean_lines(text: &str) -> String {
    text.trim_end().lines().map(|line| clean(&line.replace('\t', "    "))).collect::<Vec<_>>().join("\n")
}

/// At most `most` characters, with `…` where something is left out.
pub fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        None => text.to_owned(),
        Some(_) => text.chars().take(most.saturating_sub(1)).chain(['…']).collect(),
    }
}

/// A table without borders, a heading and a line; ends with a line break. Cells are made safe.
pub fn table(columns: &[Column<'_>], rows: impl IntoIterator<Item = Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(STYLE).set_content_arrangement(ContentArrangement::Disabled);
    table.set_header(columns.iter().map(|column| match column {
        Column::Text(name) | Column::Number(name) => (*name).to_owned(),
    }));
    for row in rows {
        table.add_row(row.iter().map(|cell| clean(cell)).collect::<Vec<_>>());
    }
    for (index, column) in columns.iter().enumerate() {
        if let (Column::Number(_), Some(column)) = (column, table.column_mut(index)) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = table.trim_fmt();
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used)]
    use super::*;

    #[test]
    fn bytes_have_units() {
        assert_eq!(
            [0, 1023, 1024, 1536 * 1024, 1024 * 1024 - 1, 5 << 40].map(bytes),
            ["0 B", "1023 B", "1.0 KiB", "1.5 MiB", "1.0 MiB", "5.0 TiB"]
        );
    }

    #[test]
    fn durations_are_readable() {
        assert_eq!(
            [-1.0, 0.04, 9.4, 12.3, 59.7, 200.0, 7500.0].map(duration),
            ["0.0 s", "0.0 s", "9.4 s", "12 s", "1 min 0 s", "3 min 20 s", "2 h 5 min"]
        );
    }

    #[test]
    fn moments_have_no_fractions() {
        assert_eq!(moment("2025-06-01T20:00:00.123456Z"), "2025-06-01T20:00:00Z");
        assert_eq!(moment("2025-06-01T20:00:00Z"), "2025-06-01T20:00:00Z");
    }

    #[test]
    fn control_characters_are_shown_not_obeyed() {
        assert_eq!(clean("a\u{1b}[31m\nб🙂"), "a\\u{1b}[31m\\nб🙂");
        assert_eq!(clean("a\u{202e}b"), "a\\u{202e}b");
    }

    #[test]
    fn long_text_is_shortened_by_characters() {
        assert_eq!(shorten("🙂🙂🙂", 3), "🙂🙂🙂");
        assert_eq!(shorten("🙂🙂🙂🙂", 3), "🙂🙂…");
    }

    #[test]
    fn a_table_aligns_numbers_right() {
        let text = table(
            &[Column::Text("name"), Column::Number("rows")],
            [vec!["users".to_owned(), "5".to_owned()], vec!["名前\t".to_owned(), "1,000".to_owned()]],
        );
        insta::assert_snapshot!(text);
    }
}
