//! A look at the first bytes of a file: an outline of the values in it, even where it is cut off.

use super::parser::{Fault, Parsed, Parser};

/// Elements of an array that are looked at.
const ELEMENTS: usize = 16;
/// Deeper values are passed over.
const DEPTH: u32 = 6;

/// The outline of a value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Outline {
    /// Members seen.
    Object(Vec<(String, Outline)>),
    /// The first elements seen.
    Array(Vec<Outline>),
    /// A string.
    Text(String),
    /// A number written as an integer.
    Integer,
    /// Something else, or too deep.
    Other,
    /// The text ends before it says anything of the value.
    Cut,
}

/// How far the outline goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    /// To the value's end.
    Complete,
    /// To the end of the text, which is not the value's.
    Cut,
    /// To a syntax error.
    Broken,
}

impl Outline {
    /// The outline of the first value in `text`, how far it goes, and the length of what was looked at.
    pub(super) fn of(text: &str) -> (Self, End, usize) {
        let mut parser = Parser::new(text);
        let (outline, end) = outline(&mut parser, 0);
        (outline, end, text.len() - parser.rest().len())
    }

    /// The member of an object.
    pub(super) fn get(&self, name: &str) -> Option<&Self> {
        self.members().iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    /// The members of an object; none of anything else.
    pub(super) fn members(&self) -> &[(String, Self)] {
        if let Self::Object(members) = self { members } else { &[] }
    }

    /// An object, or nothing is known.
    pub(super) fn may_be_object(&self) -> bool {
        matches!(self, Self::Object(_) | Self::Cut)
    }
}

fn outline(parser: &mut Parser<'_>, depth: u32) -> (Outline, End) {
    let mut members = Vec::new();
    let mut elements = Vec::new();
    let mut inner = End::Complete;
    let mut child = |parser: &mut Parser<'_>| {
        let (value, end) = outline(parser, depth + 1);
        inner = end;
        (value, if end == End::Complete { Ok(()) } else { Err(stop()) })
    };
    let walked = match parser.peek() {
        Err(fault) => Err(fault),
        Ok(_) if depth == DEPTH => parser.skip().map(|()| Outline::Other),
        Ok(b'{') => {
            let walked = parser.object(|parser, key| {
                let (value, end) = child(parser);
                members.push((key.into_owned(), value));
                end
            });
            return (Outline::Object(members), ended(walked, inner, parser));
        }
        Ok(b'[') => {
            let walked = parser.array(|parser| {
                let (value, end) = child(parser);
                // An incomplete element only counts where nothing else is known.
                if elements.is_empty() || elements.len() < ELEMENTS && end.is_ok() {
                    elements.push(value);
                }
                end
            });
            return (Outline::Array(elements), ended(walked, inner, parser));
        }
        Ok(b'"') => parser.string().map(|text| Outline::Text(text.into_owned())),
        Ok(b'-' | b'0'..=b'9') => {
            parser.number().map(|(_, integer)| if integer { Outline::Integer } else { Outline::Other })
        }
        Ok(_) => parser.word().map(|_| Outline::Other),
    };
    match walked {
        Ok(outline) => (outline, End::Complete),
        Err(fault) => (Outline::Cut, ended(Err(fault), End::Complete, parser)),
    }
}

/// Leaves the walk; nobody sees this fault.
fn stop() -> Fault {
    Fault::Syntax { at: 0, message: String::new() }
}

/// An error at the very end of the text only means that there is more in the file.
fn ended(walked: Parsed<()>, inner: End, parser: &Parser<'_>) -> End {
    match (walked, inner) {
        (Ok(()), _) => End::Complete,
        (Err(_), End::Complete) if parser.at_end() => End::Cut,
        (Err(_), End::Complete) => End::Broken,
        (Err(_), end) => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_beginning_of_a_value_has_an_outline() {
        let text = r#"{"users": {"alice": {"n": -1.5e3, "l": [1, "é\n", null, true], "subCollection": {}}}} "#;
        assert_eq!(Outline::of(text).1, End::Complete);
        for length in (0..text.len()).filter(|length| text.is_char_boundary(*length)) {
            let (outline, end, _) = Outline::of(&text[..length]);
            let expected = if length >= text.trim_end().len() { End::Complete } else { End::Cut };
            assert_eq!(end, expected, "{}", &text[..length]);
            assert!(length == 0 || outline.may_be_object());
        }
    }

    #[test]
    fn a_broken_value_has_the_outline_of_what_comes_before() {
        for text in ["{]", "{\"a\":1 2}", "nope", "[1,,2]"] {
            assert_eq!(Outline::of(text).1, End::Broken, "{text}");
        }
        let (outline, _, _) = Outline::of("[{\"a\":1},{\"b\" 1}]");
        assert_eq!(outline, Outline::Array(vec![Outline::Object(vec![("a".to_owned(), Outline::Integer)])]));
    }
}
