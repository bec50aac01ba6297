//! What a database's schema looks like, as plain data. Filled by the destination, judged by preflight.

/// A database's tables.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Schema {
    /// Tables (no views, no internal tables, none of fireferry's own, not `schema_migrations`), by name.
    pub tables: Vec<Table>,
    /// Names of views.
    pub views: Vec<String>,
    /// Everything that has a declaration: tables, indexes, triggers, views; by kind and name.
    pub objects: Vec<Object>,
    /// Fingerprint (BLAKE3 hex) of all schema SQL in a normal order; equal text means equal schema.
    pub fingerprint: String,
}

/// One declaration.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Object {
    /// `table`, `index`, `trigger` or `view`.
    pub kind: String,
    /// Name as declared.
    pub name: String,
    /// The CREATE text.
    pub sql: String,
}

/// One table.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Table {
    /// Name as declared.
    pub name: String,
    /// The CREATE TABLE text.
    pub sql: String,
    /// Declared STRICT.
    pub strict: bool,
    /// Declared WITHOUT ROWID.
    pub without_rowid: bool,
    /// Columns in order, generated and hidden ones included.
    pub columns: Vec<Column>,
    /// Column names of the primary key, in key order; empty without one.
    pub primary_key: Vec<String>,
    /// Column sets with a full (not partial, not expression) unique index or constraint, primary key included.
    pub unique: Vec<Vec<String>>,
    /// Leading column lists of all non-partial indexes, primary key included; for "is this foreign key indexed".
    pub indexes: Vec<Vec<String>>,
    /// Foreign keys.
    pub foreign_keys: Vec<ForeignKey>,
    /// Names of triggers on it.
    pub triggers: Vec<String>,
    /// Conflict clauses in the declaration, as written (`ON CONFLICT REPLACE`).
    pub conflict_clauses: Vec<String>,
}

/// One column.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Column {
    /// Name as declared.
    pub name: String,
    /// Declared type, upper case; empty without one.
    pub declared_type: String,
    /// NOT NULL.
    pub not_null: bool,
    /// Default expression as text.
    pub default: Option<String>,
    /// Generated: cannot be written.
    pub generated: bool,
}

/// One foreign key.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ForeignKey {
    /// Columns of this table.
    pub columns: Vec<String>,
    /// The parent table.
    pub parent: String,
    /// Columns of the parent (its primary key where the declaration names none).
    pub parent_columns: Vec<String>,
    /// DEFERRABLE INITIALLY DEFERRED.
    pub deferred: bool,
    /// ON DELETE action, upper case (`NO ACTION`).
    pub on_delete: String,
}

/// How SQLite treats values in a column: what it would coerce.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Affinity {
    /// TEXT.
    Text,
    /// INTEGER.
    Integer,
    /// REAL.
    Real,
    /// NUMERIC.
    Numeric,
    /// BLOB or none: nothing is coerced.
    Blob,
}

impl Schema {
    /// A table by name; SQL names compare case-insensitively (ASCII).
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name.eq_ignore_ascii_case(name))
    }
}

impl Table {
    /// A column by name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Whether a unique index covers exactly these columns, in any order.
    pub fn is_unique(&self, columns: &[&str]) -> bool {
        self.unique.iter().any(|set| {
            set.len() == columns.len()
                && columns.iter().all(|name| set.iter().any(|own| own.eq_ignore_ascii_case(name)))
        })
    }

    /// The affinity of a column by SQLite's rules; in a STRICT table `ANY` coerces nothing.
    pub fn affinity(&self, column: &Column) -> Affinity {
        let declared = column.declared_type.to_ascii_uppercase();
        let has = |part: &str| declared.contains(part);
        if self.strict && declared == "ANY" {
            Affinity::Blob
        } else if has("INT") {
            Affinity::Integer
        } else if has("CHAR") || has("CLOB") || has("TEXT") {
            Affinity::Text
        } else if has("BLOB") || declared.is_empty() {
            Affinity::Blob
        } else if has("REAL") || has("FLOA") || has("DOUB") {
            Affinity::Real
        } else {
            Affinity::Numeric
        }
    }
}
