//! YAML text to a tree that knows where everything stands.
//!
//! The tree lies between serde-saphyr and the model for two reasons: variables are substituted in scalars of any
//! style after the structure is fixed, so that a value cannot change it; and every mistake of the file can be
//! reported at its place, not only the first.

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_saphyr::options::AliasLimits;
use serde_saphyr::{Location, NonFiniteFloatPolicy, Options, Spanned, UserMessageFormatter};

use super::mark::{Mark, SourceText};
use crate::error::{Error, Result};

/// A YAML node.
#[derive(Debug, Clone, PartialEq)]
pub struct Node {
    /// Where it stands.
    pub mark: Mark,
    /// What it is.
    pub kind: Kind,
    /// The text as written, when variables were substituted in it; errors show this, never the value.
    pub written: Option<String>,
}

/// What a node is.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// Nothing, `~` or `null`.
    Null,
    /// `true` or `false` (`yes` and `no` are text).
    Bool(bool),
    /// A whole number of 64 bits.
    Integer(i64),
    /// A whole number outside of 64 bits, as written.
    HugeInteger(String),
    /// A number with fraction or exponent, `.nan`, `.inf`.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Node>),
    /// A map in the order of the file; keys are unique.
    Map(Vec<(Key, Node)>),
}

/// A key of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Key {
    /// The key.
    pub text: String,
    /// Where it stands.
    pub mark: Mark,
}

/// Nodes of one pipeline file, aliases expanded; more is a mistake or an attack.
const MAX_NODES: usize = 200_000;

/// Parses the text of the pipeline file, or of another file of it with its number.
pub fn parse(source: &SourceText, file: usize, text: &str) -> Result<Node> {
    let mut root: Node =
        serde_saphyr::from_str_with_options(text, options()).map_err(|error| translate(source, &error))?;
    recover_huge_integers(&mut root, text);
    if file > 0 {
        root.belongs_to(file);
    }
    Ok(root)
}

fn options() -> Options {
    let limits = serde_saphyr::budget! {
        max_nodes: MAX_NODES,
        max_events: 2 * MAX_NODES,
        max_depth: 64,
        max_documents: 2,
        max_total_scalar_bytes: 16 * 1024 * 1024,
    };
    let mut aliases = AliasLimits::default();
    aliases.max_total_replayed_events = MAX_NODES;
    aliases.max_replay_stack_depth = 16;
    serde_saphyr::options! {
        budget: limits,
        alias_limits: aliases,
        strict_booleans: true,
        reject_unsupported_tags: true,
        non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
        with_snippet: false,
    }
}

/// Our own words for what the parser says.
fn translate(source: &SourceText, error: &serde_saphyr::Error) -> Error {
    use serde_saphyr::Error as Yaml;
    let error = innermost(error);
    let mark = error.location().map_or(Mark::START, mark_of);
    match error {
        Yaml::DuplicateMappingKey { key: Some(key), .. } => {
            source.error("duplicate_key", mark, format!("`{key}` is written twice in the same map"))
        }
        Yaml::Budget { .. }
        | Yaml::AliasReplayLimitExceeded { .. }
        | Yaml::AliasExpansionLimitExceeded { .. }
        | Yaml::AliasReplayStackDepthExceeded { .. }
        | Yaml::AliasReplayCounterOverflow { .. } => source
            .error("yaml_too_complex", mark, "the file is deeper or expands to more than a pipeline can be")
            .hint("reduce nesting and aliases (`*name`) at this place"),
        Yaml::MultipleDocuments { .. } => source
            .error("yaml_syntax", mark, "the file holds more than one YAML document")
            .hint("keep one pipeline per file; remove what follows the `---`"),
        Yaml::RecursiveReferencesRequireWeakTypes { .. } => {
            source.error("yaml_syntax", mark, "an alias refers to a map or list that contains it")
        }
        Yaml::NullIntoString { .. } => source.error("yaml_syntax", mark, "a key is empty"),
        other => {
            let text = other.render_with_options(serde_saphyr::render_options! {
                formatter: &UserMessageFormatter,
                snippets: serde_saphyr::SnippetMode::Off,
            });
            let text = text.split(" at line ").next().unwrap_or_default().to_owned();
            let hint = "indent with spaces, quote text that holds `: `, ` #`, `{` or starts with `*`, `&`, `@`";
            source.error("yaml_syntax", mark, format!("this is not valid YAML: {text}")).hint(hint)
        }
    }
}

fn innermost(error: &serde_saphyr::Error) -> &serde_saphyr::Error {
    match error {
        serde_saphyr::Error::AliasError { error, .. } | serde_saphyr::Error::WithSnippet { error, .. } => {
            innermost(error)
        }
        other => other,
    }
}

fn mark_of(location: Location) -> Mark {
    let (line, column) = (location.line().max(1), location.column().max(1));
    Mark { file: 0, line, column, width: location.span().len().max(1) }
}

/// The parser gives a whole number beyond 64 bits as a rounded double; the text still has it.
fn recover_huge_integers(node: &mut Node, text: &str) {
    match &mut node.kind {
        Kind::Float(_) => {
            let written = written_at(node.mark, text);
            let digits = written.strip_prefix(['-', '+']).unwrap_or(&written);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                node.kind = Kind::HugeInteger(written);
            }
        }
        Kind::List(items) => items.iter_mut().for_each(|item| recover_huge_integers(item, text)),
        Kind::Map(entries) => entries.iter_mut().for_each(|(_, value)| recover_huge_integers(value, text)),
        _ => {}
    }
}

fn written_at(mark: Mark, text: &str) -> String {
    let number = |value: u64| usize::try_from(value).unwrap_or(usize::MAX);
    let line = text.lines().nth(number(mark.line) - 1).unwrap_or_default();
    line.chars().skip(number(mark.column) - 1).take(number(mark.width)).collect::<String>().trim().to_owned()
}

impl Node {
    /// Everything in it stands in this file.
    fn belongs_to(&mut self, file: usize) {
        self.mark.file = file;
        match &mut self.kind {
            Kind::List(items) => items.iter_mut().for_each(|item| item.belongs_to(file)),
            Kind::Map(entries) => entries.iter_mut().for_each(|(key, value)| {
                key.mark.file = file;
                value.belongs_to(file);
            }),
            _ => {}
        }
    }

    /// The entries of a map.
    pub fn entries_mut(&mut self) -> Option<&mut Vec<(Key, Node)>> {
        match &mut self.kind {
            Kind::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The value of a key, if this is a map that has it.
    pub fn entry(&self, key: &str) -> Option<&Node> {
        match &self.kind {
            Kind::Map(entries) => entries.iter().find(|(own, _)| own.text == key).map(|(_, value)| value),
            _ => None,
        }
    }

    /// Like [`Node::entry`], to be changed.
    pub fn entry_mut(&mut self, key: &str) -> Option<&mut Node> {
        self.entries_mut()?.iter_mut().find(|(own, _)| own.text == key).map(|(_, value)| value)
    }

    /// What it is, for "expected …, found …". Never shows a value that came from a variable.
    pub fn describe(&self) -> String {
        if let Some(written) = &self.written {
            return format!("the value of `{written}`");
        }
        match &self.kind {
            Kind::Null => "nothing".to_owned(),
            Kind::Bool(value) => format!("`{value}`"),
            Kind::Integer(value) => format!("the number {value}"),
            Kind::HugeInteger(value) => format!("the number {value}"),
            Kind::Float(value) => format!("the number {value:?}"),
            Kind::Text(value) => format!("the text `{}`", shortened(value)),
            Kind::List(_) => "a list".to_owned(),
            Kind::Map(_) => "a map".to_owned(),
        }
    }

    /// Text for messages: as written where variables were substituted, else the text itself.
    pub fn shown(&self) -> String {
        match (&self.written, &self.kind) {
            (Some(written), _) => shortened(written),
            (None, Kind::Text(text)) => shortened(text),
            (None, _) => self.describe(),
        }
    }
}

/// At most 60 characters of a text, on one line.
fn shortened(text: &str) -> String {
    let mut short: String = text.chars().take(60).map(|char| if char.is_control() { ' ' } else { char }).collect();
    if text.chars().nth(60).is_some() {
        short.push('…');
    }
    short
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Kind>::deserialize(deserializer)?;
        Ok(Self { mark: mark_of(spanned.defined), kind: spanned.value, written: None })
    }
}

impl<'de> Deserialize<'de> for Kind {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(KindVisitor)
    }
}

struct KindVisitor;

impl<'de> Visitor<'de> for KindVisitor {
    type Value = Kind;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_unit<E>(self) -> Result<Kind, E> {
        Ok(Kind::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Kind, E> {
        Ok(Kind::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Kind, E> {
        Ok(Kind::Integer(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Kind, E> {
        Ok(i64::try_from(value).map_or_else(|_| Kind::HugeInteger(value.to_string()), Kind::Integer))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Kind, E> {
        Ok(Kind::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Kind, E> {
        Ok(Kind::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Kind, E> {
        Ok(Kind::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Kind, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = list.next_element()? {
            items.push(item);
        }
        Ok(Kind::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Kind, A::Error> {
        let mut entries = Vec::new();
        while let Some(key) = map.next_key::<Spanned<String>>()? {
            entries.push((Key { mark: mark_of(key.defined), text: key.value }, map.next_value()?));
        }
        Ok(Kind::Map(entries))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::path::Path;

    use super::*;

    fn tree(text: &str) -> Result<Node> {
        parse(&SourceText::new(Path::new("p.yaml"), text), 0, text)
    }

    /// Every node as `line:column+width kind`.
    fn outline(node: &Node, into: &mut Vec<String>) {
        let at = |mark: Mark| format!("{}:{}+{}", mark.line, mark.column, mark.width);
        match &node.kind {
            Kind::List(items) => items.iter().for_each(|item| outline(item, into)),
            Kind::Map(entries) => {
                for (key, value) in entries {
                    into.push(format!("{} {}:", at(key.mark), key.text));
                    outline(value, into);
                }
            }
            other => into.push(format!("{} {other:?}", at(node.mark))),
        }
    }

    fn outlined(text: &str) -> Vec<String> {
        let mut lines = Vec::new();
        outline(&tree(text).unwrap(), &mut lines);
        lines
    }

    #[test]
    fn nodes_and_keys_know_where_they_stand() {
        let lines = outlined("a: 1\nb: { cé: \"x y\", d: [yes, true, ~] }\n1: 2.5\n");
        assert_eq!(
            lines,
            [
                "1:1+1 a:",
                "1:4+1 Integer(1)",
                "2:1+1 b:",
                "2:6+2 cé:",
                "2:10+5 Text(\"x y\")",
                "2:17+1 d:",
                "2:21+3 Text(\"yes\")",
                "2:26+4 Bool(true)",
                "2:32+1 Null",
                "3:1+1 1:",
                "3:4+3 Float(2.5)"
            ]
        );
    }

    #[test]
    fn integers_beyond_64_bits_are_kept_as_written() {
        let lines = outlined("[9223372036854775807, 9223372036854775808, -9223372036854775809, 18446744073709551616]");
        assert_eq!(
            lines.iter().map(|line| line.split_once(' ').unwrap().1).collect::<Vec<_>>(),
            [
                "Integer(9223372036854775807)",
                "HugeInteger(\"9223372036854775808\")",
                "HugeInteger(\"-9223372036854775809\")",
                "HugeInteger(\"18446744073709551616\")"
            ]
        );
    }

    #[test]
    fn aliases_and_merges_are_expanded_with_the_places_of_their_definition() {
        let lines = outlined("base: &b { x: 1 }\nuse: { <<: *b, y: 2 }\nsame: *b\n");
        assert_eq!(lines.iter().filter(|line| line.ends_with("Integer(1)")).count(), 3);
        assert!(lines.iter().filter(|line| line.ends_with(" x:")).all(|line| line.starts_with("1:")), "{lines:?}");
    }

    #[test]
    fn an_alias_bomb_is_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}", level - 1);
            text.push_str(&format!("a{level}: &a{level} [{}]\n", [before.as_str(); 10].join(", ")));
        }
        assert_eq!(tree(&text).unwrap_err().code(), "yaml_too_complex");
    }

    #[test]
    fn deep_nesting_is_refused() {
        let nested = |depth| format!("a: {}{}", "[".repeat(depth), "]".repeat(depth));
        assert_eq!(tree(&nested(200)).unwrap_err().code(), "yaml_too_complex");
        assert!(tree(&nested(100_000)).is_err());
    }
}
