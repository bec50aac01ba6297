//! A strict pull parser over one record.
//!
//! Not serde_json, because that gives neither the text of an integer beyond 64 bits (it becomes a double) nor of a
//! double beyond the finite (it becomes a syntax error), and both are values to be rejected one by one here.
//! A property test holds it against serde_json.

use std::borrow::Cow;

use crate::domain::json::plain_end;
use crate::domain::reject::{RejectCode, Rejection};
use crate::domain::value::Value;

/// Deeper nesting is refused, so that no record can exhaust the stack.
const MAX_DEPTH: u32 = 128;

/// Why a record could not be decoded.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fault {
    /// It is not JSON.
    Syntax {
        /// Byte in the record.
        at: usize,
        /// What was expected or found.
        message: String,
    },
    /// It is JSON, but not a document.
    Reject(Rejection),
}

impl Fault {
    pub(super) fn reject(code: RejectCode, reason: impl Into<String>) -> Self {
        Self::Reject(Rejection::new(code, reason))
    }
}

/// The result of everything in here.
pub(super) type Parsed<T> = Result<T, Fault>;

/// Reads JSON from text, value by value.
pub(super) struct Parser<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    depth: u32,
}

impl<'a> Parser<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, bytes: text.as_bytes(), at: 0, depth: 0 }
    }

    /// Where the next value starts.
    pub(super) fn start(&mut self) -> usize {
        self.whitespace();
        self.at
    }

    /// The text since `start`.
    pub(super) fn since(&self, start: usize) -> &'a str {
        &self.text[start..self.at]
    }

    /// All that is left.
    pub(super) fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    /// The first byte of the next value.
    pub(super) fn peek(&mut self) -> Parsed<u8> {
        self.whitespace();
        match self.bytes.get(self.at) {
            Some(byte) => Ok(*byte),
            None => Err(self.ended()),
        }
    }

    /// Whether the text ended before a value was complete.
    pub(super) fn at_end(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// Fails unless only white space is left.
    pub(super) fn end(&mut self) -> Parsed<()> {
        self.whitespace();
        if self.at_end() { Ok(()) } else { Err(self.syntax("something follows the end of the value")) }
    }

    /// An object, member by member. `each` must consume the member's value.
    pub(super) fn object(&mut self, mut each: impl FnMut(&mut Self, Cow<'a, str>) -> Parsed<()>) -> Parsed<()> {
        self.open(b'{', "expected an object")?;
        if self.peek()? == b'}' {
            return self.close();
        }
        loop {
            if self.peek()? != b'"' {
                return Err(self.syntax("expected a field name in double quotes"));
            }
            let key = self.string()?;
            if self.peek()? != b':' {
                return Err(self.syntax("expected `:` after a field name"));
            }
            self.at += 1;
            each(self, key)?;
            match self.peek()? {
                b',' => self.at += 1,
                b'}' => return self.close(),
                _ => return Err(self.syntax("expected `,` or `}` after a field")),
            }
        }
    }

    /// An array, element by element. `each` must consume the element.
    pub(super) fn array(&mut self, mut each: impl FnMut(&mut Self) -> Parsed<()>) -> Parsed<()> {
        self.open(b'[', "expected an array")?;
        if self.peek()? == b']' {
            return self.close();
        }
        loop {
            each(self)?;
            match self.peek()? {
                b',' => self.at += 1,
                b']' => return self.close(),
                _ => return Err(self.syntax("expected `,` or `]` after an element")),
            }
        }
    }

    /// A string, borrowed unless it has escapes.
    pub(super) fn string(&mut self) -> Parsed<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return Err(self.syntax("expected a string"));
        }
        self.at += 1;
        let start = self.at;
        self.at = plain_end(self.bytes, start);
        match self.bytes.get(self.at) {
            Some(b'"') => {
                self.at += 1;
                Ok(Cow::Borrowed(&self.text[start..self.at - 1]))
            }
            _ => self.escaped(start).map(Cow::Owned),
        }
    }

    /// The text of a number, and whether it is written as an integer.
    pub(super) fn number(&mut self) -> Parsed<(&'a str, bool)> {
        let start = self.start();
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits()?,
            None => return Err(self.ended()),
            Some(_) => return Err(self.syntax("expected a digit")),
        }
        let mut integer = true;
        if self.bytes.get(self.at) == Some(&b'.') {
            integer = false;
            self.at += 1;
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            integer = false;
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'0'..=b'9')) {
            return Err(self.syntax("a number must not start with 0"));
        }
        Ok((self.since(start), integer))
    }

    /// `true`, `false` or `null`; `None` for null.
    pub(super) fn word(&mut self) -> Parsed<Option<bool>> {
        let (word, meaning) = match self.peek()? {
            b't' => ("true", Some(true)),
            b'f' => ("false", Some(false)),
            b'n' => ("null", None),
            _ => return Err(self.syntax("expected a JSON value")),
        };
        if !self.bytes[self.at..].starts_with(word.as_bytes()) {
            let length = self.bytes[self.at..].iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
            if self.at + length == self.bytes.len() && word.as_bytes().starts_with(&self.bytes[self.at..]) {
                self.at = self.bytes.len();
                return Err(self.ended());
            }
            return Err(self.syntax("expected a JSON value"));
        }
        self.at += word.len();
        Ok(meaning)
    }

    /// Passes over a value of any kind, checking that it is JSON.
    pub(super) fn skip(&mut self) -> Parsed<()> {
        match self.peek()? {
            b'{' => self.object(|parser, _| parser.skip()),
            b'[' => self.array(Self::skip),
            b'"' => self.string().map(drop),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => self.word().map(drop),
        }
    }

    /// A syntax error here.
    pub(super) fn syntax(&self, message: &str) -> Fault {
        let message = match self.text.get(self.at..).and_then(|rest| rest.chars().next()) {
            Some(found) => format!("{message}, found `{}`", found.escape_debug()),
            None => message.to_owned(),
        };
        Fault::Syntax { at: self.at, message }
    }

    fn ended(&self) -> Fault {
        Fault::Syntax { at: self.at, message: "it ends in the middle of a value".to_owned() }
    }

    fn open(&mut self, bracket: u8, message: &str) -> Parsed<()> {
        if self.peek()? != bracket {
            return Err(self.syntax(message));
        }
        self.at += 1;
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let reason = format!("maps and arrays are nested deeper than {MAX_DEPTH} levels");
            return Err(Fault::reject(RejectCode::MalformedRecord, reason));
        }
        Ok(())
    }

    fn close(&mut self) -> Parsed<()> {
        self.at += 1;
        self.depth -= 1;
        Ok(())
    }

    #[inline]
    fn whitespace(&mut self) {
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = self.bytes.get(self.at) {
            self.at += 1;
        }
    }

    fn digits(&mut self) -> Parsed<()> {
        let start = self.at;
        while let Some(b'0'..=b'9') = self.bytes.get(self.at) {
            self.at += 1;
        }
        if self.at > start {
            Ok(())
        } else if self.at_end() {
            Err(self.ended())
        } else {
            Err(self.syntax("expected a digit"))
        }
    }

    /// The rest of a string from its first byte that is not plain.
    fn escaped(&mut self, start: usize) -> Parsed<String> {
        let mut out = String::from(&self.text[start..self.at]);
        loop {
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => out.push(self.escape()?),
                Some(_) => return Err(self.syntax("a control character in a string must be escaped")),
                None => return Err(self.ended()),
            }
            let next = plain_end(self.bytes, self.at);
            out.push_str(&self.text[self.at..next]);
            self.at = next;
        }
    }

    fn escape(&mut self) -> Parsed<char> {
        let char = match self.bytes.get(self.at + 1) {
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(*byte),
            Some(b'u') => return self.unicode(),
            Some(_) => return Err(self.syntax("unknown escape in a string")),
            None => {
                self.at = self.bytes.len();
                return Err(self.ended());
            }
        };
        self.at += 2;
        Ok(char)
    }

    /// `\uXXXX`, or two of them that make one character.
    fn unicode(&mut self) -> Parsed<char> {
        let first = self.hex()?;
        if (0xd800..0xdc00).contains(&first) && self.bytes[self.at..].starts_with(b"\\u") {
            let second = self.hex()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return char::from_u32(code).ok_or_else(lone_surrogate);
            }
            return Err(lone_surrogate());
        }
        char::from_u32(first).ok_or_else(lone_surrogate)
    }

    fn hex(&mut self) -> Parsed<u32> {
        let digits = self.bytes.get(self.at + 2..self.at + 6);
        let Some(digits) = digits else {
            self.at = self.bytes.len();
            return Err(self.ended());
        };
        let mut code = 0;
        for digit in digits {
            match char::from(*digit).to_digit(16) {
                Some(value) => code = code * 16 + value,
                None => return Err(self.syntax("expected four hexadecimal digits after `\\u`")),
            }
        }
        self.at += 6;
        Ok(code)
    }
}

fn lone_surrogate() -> Fault {
    Fault::reject(RejectCode::InvalidUtf8, "a string has a lone surrogate (half of a character)")
}

/// The value of a number as written.
pub(super) fn numeric(text: &str, integer: bool) -> Value {
    // Only writers of doubles write -0.
    if integer && text != "-0" {
        return match text.parse() {
            Ok(number) => Value::Integer(number),
            Err(_) => Value::invalid(RejectCode::IntegerOverflow, text),
        };
    }
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Value::Double(number),
        _ => Value::invalid(RejectCode::NonFiniteDouble, text),
    }
}

#[cfg(test)]
mod tests;
