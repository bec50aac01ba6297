//! Runs the pipeline's own tests: documents through their mapping, compared with the rows that they must become.

use std::collections::{BTreeMap, HashMap};

use super::resolved::{Expectation, Pipeline, PipelineTest};
use crate::domain::json::double_text;
use crate::domain::mapping::{ColumnMapping, Mapped, Mapping};
use crate::domain::row::{MappedDocument, Row, SqlValue};
use crate::domain::schema::Schema;

/// How one test went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TestOutcome {
    /// The test's name.
    pub name: String,
    /// Line in the pipeline file, from 1, where known.
    pub line: Option<u64>,
    /// The collection.
    pub collection: String,
    /// What differs, over several lines; `None` when the test passed.
    pub difference: Option<String>,
}

impl TestOutcome {
    /// Whether everything was as expected.
    pub fn passed(&self) -> bool {
        self.difference.is_none()
    }
}

/// Runs every test of the pipeline, in the order of the file. With a schema, columns without a type take the type that
/// they have in the destination, as in a run; without one, they store what the document holds.
pub fn run_tests(pipeline: &Pipeline, schema: Option<&Schema>) -> Vec<TestOutcome> {
    let mut bound: HashMap<&str, Mapping> = HashMap::new();
    for collection in &pipeline.collections {
        let mapping = match schema {
            // What does not fit is for preflight to report; the rest is still worth a test.
            Some(schema) => collection.mapping.bind(schema).0,
            None => (*collection.mapping).clone(),
        };
        bound.insert(collection.mapping.collection.as_str(), mapping);
    }
    pipeline
        .tests
        .iter()
        .map(|test| TestOutcome {
            name: test.name.clone(),
            line: test.line,
            collection: test.collection.to_string(),
            difference: match bound.get(test.collection.as_str()) {
                Some(mapping) => difference(test, mapping),
                None => Some(format!("no collection `{}` in this pipeline", test.collection)),
            },
        })
        .collect()
}

/// What differs between expectation and reality.
fn difference(test: &PipelineTest, mapping: &Mapping) -> Option<String> {
    let actual = mapping.map(test.document.clone());
    match (&test.expect, actual) {
        (Expectation::Rows(expected), Mapped::Rows(actual)) => rows_differ(expected, &actual, mapping),
        (Expectation::Skipped, Mapped::Filtered) => None,
        (Expectation::Rejected(code), Mapped::Rejected { rejection, .. }) if *code == rejection.code.as_str() => None,
        (expected, actual) => Some(format!("- {}\n+ {}", expected_text(expected), actual_text(&actual))),
    }
}

fn expected_text(expected: &Expectation) -> String {
    match expected {
        Expectation::Rows(_) => "rows".to_owned(),
        Expectation::Skipped => "skipped by `where`".to_owned(),
        Expectation::Rejected(code) => format!("rejected: {code}"),
    }
}

fn actual_text(actual: &Mapped) -> String {
    match actual {
        Mapped::Rows(_) => "rows".to_owned(),
        Mapped::Filtered => "skipped by `where`".to_owned(),
        Mapped::Rejected { rejection, .. } => format!("rejected: {} ({})", rejection.code, rejection.reason),
    }
}

type ExpectedRow = [(String, SqlValue)];

/// Compares the tables that the test names.
fn rows_differ(
    expected: &BTreeMap<String, Vec<Vec<(String, SqlValue)>>>,
    actual: &MappedDocument,
    mapping: &Mapping,
) -> Option<String> {
    let own = std::slice::from_ref(&actual.row);
    let children = mapping.children.iter().zip(&actual.children);
    let tables = std::iter::once((mapping.table.as_str(), mapping.columns.as_slice(), own))
        .chain(children.map(|(child, rows)| (child.table.as_str(), child.columns.as_slice(), rows.as_slice())));
    let mut out = String::new();
    for (table, columns, rows) in tables {
        if let Some(expected) = expected.get(table) {
            Comparison { table, columns }.run(expected, rows, &mut out);
        }
    }
    (!out.is_empty()).then(|| out.trim_end().to_owned())
}

/// The comparison of one table; rows have no order.
struct Comparison<'a> {
    table: &'a str,
    columns: &'a [ColumnMapping],
}

impl Comparison<'_> {
    fn run(&self, expected: &[Vec<(String, SqlValue)>], actual: &[Row], out: &mut String) {
        let mut open: Vec<&Row> = actual.iter().collect();
        let mut unmet: Vec<&ExpectedRow> = Vec::new();
        for row in expected {
            match open.iter().position(|actual| self.differing(row, actual).is_empty()) {
                Some(index) => drop(open.remove(index)),
                None => unmet.push(row),
            }
        }
        for row in unmet {
            match self.closest(row, &open) {
                Some(index) => self.show_cells(row, open.remove(index), out),
                None => {
                    let cells = row.iter().map(|(name, value)| (name.as_str(), value));
                    out.push_str(&format!("{}: a row is missing\n- {}\n", self.table, row_text(cells)));
                }
            }
        }
        for row in open {
            let cells = self.columns.iter().map(|column| column.name.as_str()).zip(row);
            out.push_str(&format!("{}: a row that was not expected\n+ {}\n", self.table, row_text(cells)));
        }
    }

    /// The cells that differ, as name, expected and actual value.
    fn differing<'r>(&self, expected: &'r ExpectedRow, actual: &'r Row) -> Vec<(&'r str, &'r SqlValue, &'r SqlValue)> {
        let value = |name: &str| {
            let index = self.columns.iter().position(|column| column.name == name);
            index.and_then(|index| actual.get(index)).unwrap_or(&SqlValue::Null)
        };
        let cells = expected.iter().map(|(name, wanted)| (name.as_str(), wanted, value(name)));
        cells.filter(|(_, wanted, found)| !same(wanted, found)).collect()
    }

    /// The row that differs in the fewest cells, if any cell at all is equal or there is only one.
    fn closest(&self, expected: &ExpectedRow, open: &[&Row]) -> Option<usize> {
        let distances = open.iter().map(|actual| self.differing(expected, actual).len()).enumerate();
        let (index, distance) = distances.min_by_key(|(_, distance)| *distance)?;
        (distance < expected.len() || open.len() == 1).then_some(index)
    }

    fn show_cells(&self, expected: &ExpectedRow, actual: &Row, out: &mut String) {
        let equal =
            expected.iter().find(|(name, _)| !self.differing(expected, actual).iter().any(|(own, ..)| own == name));
        let which = equal.map(|(name, value)| format!(" where {name} is {}", text(value))).unwrap_or_default();
        out.push_str(&format!("{}{which}\n", self.table));
        for (name, wanted, found) in self.differing(expected, actual) {
            out.push_str(&format!("- {name}: {}\n+ {name}: {}\n", text(wanted), text(found)));
        }
    }
}

/// Equal as SQLite stores it: same type, doubles by bits.
fn same(a: &SqlValue, b: &SqlValue) -> bool {
    match (a, b) {
        (SqlValue::Real(a), SqlValue::Real(b)) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

fn row_text<'a>(cells: impl Iterator<Item = (&'a str, &'a SqlValue)>) -> String {
    let cells: Vec<String> = cells.map(|(name, value)| format!("{name}: {}", text(value))).collect();
    format!("{{ {} }}", cells.join(", "))
}

/// Longest text or BLOB shown, in characters or bytes.
const SHOWN: usize = 200;

/// A value in a form that tells types apart: `NULL`, `1`, `1.0`, `"text"`, `x'00ff'`.
fn text(value: &SqlValue) -> String {
    match value {
        SqlValue::Null => "NULL".to_owned(),
        SqlValue::Integer(number) => number.to_string(),
        SqlValue::Real(number) => double_text(*number),
        SqlValue::Text(text) => {
            let short: String = text.chars().take(SHOWN).collect();
            let more = if short.len() < text.len() { format!("… ({} bytes)", text.len()) } else { String::new() };
            format!("{short:?}{more}")
        }
        SqlValue::Blob(bytes) => {
            let hex: String = bytes.iter().take(SHOWN / 2).map(|byte| format!("{byte:02x}")).collect();
            let more = if bytes.len() > SHOWN / 2 { format!("… ({} bytes)", bytes.len()) } else { String::new() };
            format!("x'{hex}'{more}")
        }
    }
}
