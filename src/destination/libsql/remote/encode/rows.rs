//! Rows into pieces that fit a parameter, each with the SELECT list that gives the values back.

use std::fmt::Write;

use super::double::split;
use crate::domain::json;
use crate::domain::row::SqlValue;

/// Most bytes of one JSON parameter. Servers take 5,000,000.
const MOST: usize = 4_000_000;

/// `json_each` makes `value` anew for every expression that names it. LIMIT keeps SQLite from merging the two queries where
/// the outer one has a WHERE, so that each row is made once.
const FROM: &str = " FROM (SELECT key, value AS v FROM json_each(?1) LIMIT -1)";

/// Some of the rows, as the source of an INSERT, an UPDATE or a SELECT.
#[derive(Debug, Clone, PartialEq)]
pub struct Piece {
    /// Expressions, one per column.
    pub columns: Vec<String>,
    /// ` FROM json_each(?1)`, or nothing for a row of typed parameters.
    pub from: &'static str,
    /// Values of the parameters; others may follow them.
    pub values: Vec<SqlValue>,
    /// Number of rows in it.
    pub rows: usize,
}

impl Piece {
    /// `SELECT …` with the columns named `c0`, `c1`, ….
    pub fn select(&self) -> String {
        let columns: Vec<String> =
            self.columns.iter().enumerate().map(|(index, column)| format!("{column} AS c{index}")).collect();
        format!("SELECT {}{}", columns.join(", "), self.from)
    }
}

/// The rows in order, at most `most` of them in a piece. All rows have `width` values.
pub fn pieces<'a>(width: usize, rows: impl Iterator<Item = &'a [SqlValue]> + Clone, most: usize) -> Vec<Piece> {
    let forms = Form::of_columns(width, rows.clone());
    let columns = expressions(&forms);
    let mut pieces = Vec::new();
    let (mut open, mut text) = (Json::default(), String::new());
    let (all, _) = rows.size_hint();
    for (number, row) in rows.enumerate() {
        encode(&forms, row, &mut text);
        if text.len() > MOST {
            open.close(&columns, &mut pieces);
            pieces.push(typed(row));
            continue;
        }
        if open.rows >= most || open.text.len() + text.len() >= MOST {
            open.close(&columns, &mut pieces);
        }
        open.add(&text, all.saturating_sub(number).min(most));
    }
    open.close(&columns, &mut pieces);
    pieces
}

/// How a column travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// Integers and text.
    Plain,
    /// Doubles: mantissa and exponent.
    Doubles,
    /// BLOBs: hexadecimal.
    Blobs,
    /// Several of these: a tag with every value.
    Tagged,
}

impl Form {
    fn of_columns<'a>(width: usize, rows: impl Iterator<Item = &'a [SqlValue]>) -> Vec<Self> {
        let mut forms: Vec<Option<Self>> = vec![None; width];
        for row in rows {
            for (form, value) in forms.iter_mut().zip(row) {
                let own = match value {
                    SqlValue::Null => continue,
                    SqlValue::Integer(_) | SqlValue::Text(_) => Self::Plain,
                    SqlValue::Real(_) => Self::Doubles,
                    SqlValue::Blob(_) => Self::Blobs,
                };
                *form = Some(match form {
                    Some(known) if *known != own => Self::Tagged,
                    _ => own,
                });
            }
        }
        forms.into_iter().map(|form| form.unwrap_or(Self::Plain)).collect()
    }

    /// Elements of the JSON array that a value takes.
    fn slots(self) -> usize {
        if self == Self::Doubles { 2 } else { 1 }
    }
}

fn expressions(forms: &[Form]) -> Vec<String> {
    let mut slot = 0;
    let expression = |form: &Form| {
        let at = slot;
        slot += form.slots();
        match form {
            Form::Plain => format!("v->>{at}"),
            Form::Doubles => format!("(v->>{at}) * power(2.0, v->>{})", at + 1),
            Form::Blobs => format!("unhex(v->>{at})"),
            Form::Tagged => format!(
                "CASE v->>'$[{at}][0]' WHEN 1 THEN (v->>'$[{at}][1]') * power(2.0, v->>'$[{at}][2]') \
                 WHEN 2 THEN unhex(v->>'$[{at}][1]') ELSE v->>'$[{at}][1]' END"
            ),
        }
    };
    forms.iter().map(expression).collect()
}

fn encode(forms: &[Form], row: &[SqlValue], text: &mut String) {
    text.clear();
    text.push('[');
    for (index, (form, value)) in forms.iter().zip(row).enumerate() {
        if index > 0 {
            text.push(',');
        }
        match form {
            Form::Plain | Form::Blobs => plain(text, value),
            Form::Doubles => match value {
                SqlValue::Real(double) => pair(text, *double),
                _ => text.push_str("null,null"),
            },
            Form::Tagged => tagged(text, value),
        }
    }
    text.push(']');
}

fn plain(text: &mut String, value: &SqlValue) {
    match value {
        SqlValue::Null => text.push_str("null"),
        // Writing into memory cannot fail.
        SqlValue::Integer(number) => drop(write!(text, "{number}")),
        SqlValue::Real(double) => pair(text, *double),
        SqlValue::Text(content) => json::string(text, content),
        SqlValue::Blob(bytes) => hexadecimal(text, bytes),
    }
}

fn pair(text: &mut String, double: f64) {
    // What has no mantissa is text that SQLite reads exactly.
    let special = match double {
        f64::INFINITY => Some("9e999,0"),
        f64::NEG_INFINITY => Some("-9e999,0"),
        _ if double == 0.0 && double.is_sign_negative() => Some("-0.0,0"),
        _ => None,
    };
    if let Some(special) = special {
        return text.push_str(special);
    }
    let (mantissa, exponent) = split(double);
    let _ = write!(text, "{mantissa},{exponent}");
}

fn tagged(text: &mut String, value: &SqlValue) {
    text.push_str(match value {
        SqlValue::Real(_) => "[1,",
        SqlValue::Blob(_) => "[2,",
        _ => "[0,",
    });
    plain(text, value);
    text.push(']');
}

fn hexadecimal(text: &mut String, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    text.push('"');
    for byte in bytes {
        text.push(char::from(DIGITS[usize::from(byte >> 4)]));
        text.push(char::from(DIGITS[usize::from(byte & 15)]));
    }
    text.push('"');
}

/// A row too large for one parameter: typed ones, large values in parts.
fn typed(row: &[SqlValue]) -> Piece {
    let mut values = Vec::new();
    let columns = row
        .iter()
        .map(|value| {
            let first = values.len() + 1;
            match value {
                SqlValue::Text(text) if text.len() > MOST => {
                    values.extend(parts_of_text(text).map(|part| SqlValue::Text(part.to_owned())));
                    concatenated(first, values.len())
                }
                SqlValue::Blob(bytes) if bytes.len() > MOST => {
                    values.extend(bytes.chunks(MOST).map(|part| SqlValue::Blob(part.to_vec())));
                    format!("CAST({} AS BLOB)", concatenated(first, values.len()))
                }
                other => {
                    values.push(other.clone());
                    format!("?{first}")
                }
            }
        })
        .collect();
    Piece { columns, from: "", values, rows: 1 }
}

fn concatenated(first: usize, last: usize) -> String {
    let parts: Vec<String> = (first..=last).map(|number| format!("?{number}")).collect();
    format!("({})", parts.join(" || "))
}

fn parts_of_text(mut text: &str) -> impl Iterator<Item = &str> {
    std::iter::from_fn(move || {
        let end = text.floor_char_boundary(MOST);
        let (part, rest) = text.split_at(end);
        text = rest;
        (!part.is_empty()).then_some(part)
    })
}

/// The JSON array under construction.
#[derive(Debug, Default)]
struct Json {
    text: String,
    rows: usize,
}

impl Json {
    /// Takes a row, of which about so many are still to come.
    fn add(&mut self, row: &str, rows: usize) {
        if self.rows == 0 {
            // What grows by doubling is copied again and again.
            self.text.reserve((row.len() * 5 / 4).saturating_mul(rows).min(MOST));
        }
        self.text.push(if self.rows == 0 { '[' } else { ',' });
        self.text.push_str(row);
        self.rows += 1;
    }

    fn close(&mut self, columns: &[String], pieces: &mut Vec<Piece>) {
        if self.rows == 0 {
            return;
        }
        let Self { mut text, rows } = std::mem::take(self);
        text.push(']');
        let values = vec![SqlValue::Text(text)];
        pieces.push(Piece { columns: columns.to_vec(), from: FROM, values, rows });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(rows: &[Vec<SqlValue>], most: usize) -> Vec<Piece> {
        pieces(rows.first().map_or(0, Vec::len), rows.iter().map(Vec::as_slice), most)
    }

    #[test]
    fn every_column_travels_in_the_form_of_its_values() {
        let rows = [
            vec![
                SqlValue::Integer(1),
                SqlValue::Real(12.5),
                SqlValue::Blob(vec![0, 255]),
                SqlValue::Text("a\"".into()),
            ],
            vec![SqlValue::Null, SqlValue::Null, SqlValue::Null, SqlValue::Real(0.1)],
        ];
        let [piece] = all(&rows, 9).try_into().unwrap_or_else(|pieces| panic!("one piece, not {pieces:?}"));
        assert_eq!(
            piece.values,
            [SqlValue::Text(r#"[[1,25,-1,"00FF",[0,"a\""]],[null,null,null,null,[1,3602879701896397,-55]]]"#.into())]
        );
        assert_eq!(piece.columns[..3], ["v->>0", "(v->>1) * power(2.0, v->>2)", "unhex(v->>3)"]);
        assert!(piece.columns[3].starts_with("CASE v->>'$[4][0]'"));
    }

    #[test]
    fn pieces_are_bounded_in_rows_and_bytes() {
        let row = vec![SqlValue::Text("x".repeat(1_500_000))];
        let counts = |most| all(&vec![row.clone(); 5], most).iter().map(|piece| piece.rows).collect::<Vec<_>>();
        assert_eq!(counts(100), [2, 2, 1]);
        assert_eq!(counts(1), [1, 1, 1, 1, 1]);
        assert!(all(&[], 10).is_empty());
    }

    #[test]
    fn a_row_larger_than_a_parameter_has_parameters_of_its_own() {
        let large = "é".repeat(MOST / 2 + 10);
        let rows = [
            vec![SqlValue::Integer(1), SqlValue::Text("a".into())],
            vec![SqlValue::Integer(2), SqlValue::Text(large.clone())],
            vec![SqlValue::Integer(3), SqlValue::Blob(vec![7; MOST + 1])],
        ];
        let pieces = all(&rows, 100);
        assert_eq!(pieces.iter().map(|piece| piece.rows).collect::<Vec<_>>(), [1, 1, 1]);
        assert_eq!(pieces[1].select(), "SELECT ?1 AS c0, (?2 || ?3) AS c1");
        let joined: String = pieces[1].values[1..]
            .iter()
            .map(|value| if let SqlValue::Text(text) = value { text.as_str() } else { "" })
            .collect();
        assert_eq!(joined, large);
        assert_eq!(pieces[2].columns[1], "CAST((?2 || ?3) AS BLOB)");
    }
}
