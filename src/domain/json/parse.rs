//! A strict JSON parser that loses nothing: integers stay integers, one that 64 bits cannot hold is an invalid value
//! instead of a rounded double, and a repeated key is an error. (serde_json rounds the first and forgets the second.)

use std::fmt;

use super::MAX_DEPTH;
use crate::domain::reject::RejectCode;
use crate::domain::value::{FieldName, Map, Value};

/// What is wrong with a JSON text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct JsonError {
    /// Byte offset in the text.
    pub position: usize,
    /// `malformed_record` or `duplicate_field`.
    pub code: RejectCode,
    /// What is wrong there.
    pub message: String,
}

impl fmt::Display for JsonError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {}", self.message, self.position)
    }
}

/// Parses plain JSON: `$` keys mean nothing here. See [`super::decode`] for canonical JSON.
pub fn parse(text: &str) -> Result<Value, JsonError> {
    let mut parser = Parser { text, at: 0 };
    let value = parser.value(0)?;
    parser.skip_space();
    match parser.peek() {
        None => Ok(value),
        Some(_) => Err(parser.wrong("expected the end")),
    }
}

/// The members of an object: their keys, and their values as they are written. `None` unless the text is one object.
pub(super) fn members(text: &str) -> Option<Vec<(String, &str)>> {
    let mut parser = Parser { text, at: 0 };
    parser.skip_space();
    if !parser.take(b'{') {
        return None;
    }
    let mut members = Vec::new();
    parser.skip_space();
    let mut open = !parser.take(b'}');
    while open {
        let key = parser.key().ok()?;
        parser.skip_space();
        let start = parser.at;
        parser.value(1).ok()?;
        members.push((key, &text[start..parser.at]));
        parser.skip_space();
        open = parser.take(b',');
        if !open && !parser.take(b'}') {
            return None;
        }
    }
    parser.skip_space();
    parser.peek().is_none().then_some(members)
}

struct Parser<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Takes the byte if it is next.
    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn wrong(&self, message: impl Into<String>) -> JsonError {
        JsonError { position: self.at, code: RejectCode::MalformedRecord, message: message.into() }
    }

    fn value(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.skip_space();
        match self.peek() {
            // The special objects of canonical JSON and a document's own levels come on top.
            Some(b'{' | b'[') if depth > MAX_DEPTH + 8 => {
                Err(self.wrong(format!("nested deeper than {MAX_DEPTH} levels")))
            }
            Some(b'{') => self.object(depth),
            Some(b'[') => self.array(depth),
            Some(b'"') => self.string().map(Value::String),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Value::Boolean(true)),
            Some(b'f') => self.word("false", Value::Boolean(false)),
            Some(b'n') => self.word("null", Value::Null),
            _ => Err(self.wrong("expected a value")),
        }
    }

    fn word(&mut self, word: &str, value: Value) -> Result<Value, JsonError> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.wrong("expected a value"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn array(&mut self, depth: usize) -> Result<Value, JsonError> {
        self.at += 1;
        let mut values = Vec::new();
        self.skip_space();
        if self.take(b']') {
            return Ok(Value::Array(values));
        }
        loop {
            values.push(self.value(depth + 1)?);
            self.skip_space();
            if self.take(b']') {
                return Ok(Value::Array(values));
            }
            if !self.take(b',') {
                return Err(self.wrong("expected `,` or `]`"));
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<Value, JsonError> {
        let start = self.at;
        self.at += 1;
        let mut fields = Vec::new();
        self.skip_space();
        if self.take(b'}') {
            return Ok(Value::Map(Map::new()));
        }
        loop {
            fields.push(self.field(depth)?);
            self.skip_space();
            if self.take(b'}') {
                break;
            }
            if !self.take(b',') {
                return Err(self.wrong("expected `,` or `}`"));
            }
        }
        Map::from_fields(fields).map(Value::Map).map_err(|name| JsonError {
            position: start,
            code: RejectCode::DuplicateField,
            message: format!("the key `{name}` occurs twice in the object"),
        })
    }

    fn field(&mut self, depth: usize) -> Result<(FieldName, Value), JsonError> {
        let name = self.key()?;
        Ok((name.into(), self.value(depth + 1)?))
    }

    /// A key and the colon after it.
    fn key(&mut self) -> Result<String, JsonError> {
        self.skip_space();
        if self.peek() != Some(b'"') {
            return Err(self.wrong("expected a key in quotes"));
        }
        let name = self.string()?;
        self.skip_space();
        if !self.take(b':') {
            return Err(self.wrong("expected `:`"));
        }
        Ok(name)
    }

    /// A string whose opening quote is next.
    fn string(&mut self) -> Result<String, JsonError> {
        self.at += 1;
        let mut content = String::new();
        loop {
            let start = self.at;
            while matches!(self.peek(), Some(byte) if byte >= 0x20 && byte != b'"' && byte != b'\\') {
                self.at += 1;
            }
            content.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(content);
                }
                Some(b'\\') => content.push(self.escape()?),
                Some(_) => return Err(self.wrong("a control character must be escaped")),
                None => return Err(self.wrong("the string is not closed")),
            }
        }
    }

    /// An escape whose backslash is next.
    fn escape(&mut self) -> Result<char, JsonError> {
        self.at += 1;
        let Some(kind) = self.peek() else { return Err(self.wrong("the string is not closed")) };
        self.at += 1;
        Ok(match kind {
            b'"' => '"',
            b'\\' => '\\',
            b'/' => '/',
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => return self.unicode(),
            _ => {
                self.at -= 1;
                return Err(self.wrong("unknown escape"));
            }
        })
    }

    /// The digits after `\u`, and the second half of a surrogate pair.
    fn unicode(&mut self) -> Result<char, JsonError> {
        let start = self.at;
        let first = self.four_digits()?;
        let code = match first {
            0xD800..=0xDBFF if self.take(b'\\') && self.take(b'u') => {
                let second = self.four_digits()?;
                let low = (0xDC00..=0xDFFF).contains(&second);
                low.then(|| 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00))
            }
            other => Some(other),
        };
        code.and_then(char::from_u32).ok_or_else(|| JsonError {
            position: start,
            code: RejectCode::MalformedRecord,
            message: "half of a surrogate pair is no character".into(),
        })
    }

    fn four_digits(&mut self) -> Result<u32, JsonError> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4).unwrap_or_default();
        let code = digits.iter().try_fold(0, |sum, digit| Some(sum * 16 + char::from(*digit).to_digit(16)?));
        match code {
            Some(code) if digits.len() == 4 => {
                self.at += 4;
                Ok(code)
            }
            _ => Err(self.wrong("expected four hexadecimal digits")),
        }
    }

    fn number(&mut self) -> Result<Value, JsonError> {
        let start = self.at;
        self.take(b'-');
        let leading_zero = self.peek() == Some(b'0');
        let digits = self.digits()?;
        if leading_zero && digits > 1 {
            return Err(self.wrong("a number cannot start with 0"));
        }
        let mut whole = true;
        if self.take(b'.') {
            whole = false;
            self.digits()?;
        }
        if self.take(b'e') || self.take(b'E') {
            whole = false;
            let _sign = self.take(b'+') || self.take(b'-');
            self.digits()?;
        }
        Ok(number(&self.text[start..self.at], whole))
    }

    fn digits(&mut self) -> Result<usize, JsonError> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start { Err(self.wrong("expected a digit")) } else { Ok(self.at - start) }
    }
}

/// The value of a well-formed number. `-0` is the double that JavaScript writes so.
fn number(text: &str, whole: bool) -> Value {
    if whole && text != "-0" {
        return text.parse().map_or_else(|_| Value::invalid(RejectCode::IntegerOverflow, text), Value::Integer);
    }
    match text.parse::<f64>() {
        Ok(double) if double.is_finite() => Value::Double(double),
        _ => Value::invalid(RejectCode::InvalidValue, text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(text: &str) -> String {
        parse(text).map_or_else(|error| error.to_string(), |value| format!("accepted: {value:?}"))
    }

    #[test]
    fn integers_and_doubles_stay_apart() {
        let text = "[1,1.0,1e0,-0,-0.0,9223372036854775807,-9223372036854775808]";
        let expected = [
            Value::Integer(1),
            Value::Double(1.0),
            Value::Double(1.0),
            Value::Double(-0.0),
            Value::Double(-0.0),
            Value::Integer(i64::MAX),
            Value::Integer(i64::MIN),
        ];
        let Ok(Value::Array(found)) = parse(text) else { panic!("not an array") };
        assert_eq!(format!("{found:?}"), format!("{expected:?}"));
    }

    #[test]
    fn numbers_that_nothing_holds_are_kept_as_text() {
        assert_eq!(
            parse("9223372036854775808"),
            Ok(Value::invalid(RejectCode::IntegerOverflow, "9223372036854775808"))
        );
        assert_eq!(parse("-1e999"), Ok(Value::invalid(RejectCode::InvalidValue, "-1e999")));
    }

    #[test]
    fn escapes_and_surrogate_pairs_become_characters() {
        assert_eq!(
            parse(r#""\u00e9\ud83d\ude00\"\\\/\b\f\n\r\t😀""#),
            Ok(Value::String("é😀\"\\/\u{8}\u{c}\n\r\t😀".into()))
        );
        for half in [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0041""#, r#""\ud83dx""#] {
            assert!(error(half).contains("surrogate"), "{half}: {}", error(half));
        }
    }

    #[test]
    fn a_repeated_key_is_an_error() {
        assert_eq!(error(r#"{"a":1,"b":{"c":1,"c":1}}"#), "the key `c` occurs twice in the object at byte 11");
        assert_eq!(parse(r#"{"a":1,"a":1}"#).map_err(|error| error.code), Err(RejectCode::DuplicateField));
    }

    #[test]
    fn what_is_not_json_is_refused_with_its_place() {
        for (text, expected) in [
            ("", "expected a value at byte 0"),
            ("[1,]", "expected a value at byte 3"),
            ("{\"a\":1,}", "expected a key in quotes at byte 7"),
            ("[1 2]", "expected `,` or `]` at byte 3"),
            ("01", "a number cannot start with 0 at byte 2"),
            ("1.", "expected a digit at byte 2"),
            ("-", "expected a digit at byte 1"),
            ("NaN", "expected a value at byte 0"),
            ("nul", "expected a value at byte 0"),
            ("1 x", "expected the end at byte 2"),
            ("\"a\nb\"", "a control character must be escaped at byte 2"),
            ("\"a", "the string is not closed at byte 2"),
            (r#""\u12g4""#, "expected four hexadecimal digits at byte 3"),
            (r#""\x""#, "unknown escape at byte 2"),
        ] {
            assert_eq!(error(text), expected, "{text}");
        }
    }

    #[test]
    fn nesting_has_a_limit_instead_of_an_overflow() {
        let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
        assert!(parse(&deep(MAX_DEPTH)).is_ok());
        assert!(error(&deep(100_000)).contains("nested deeper"));
    }
}
