//! Just enough of SQL's grammar to find statements and clauses without being fooled by strings, quoted names and
//! comments.

/// A piece of SQL that is neither white space nor comment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Token<'a> {
    text: &'a str,
    start: usize,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A keyword or plain name.
    Word,
    /// A string or quoted name.
    Quoted,
    /// Anything else, one character.
    Symbol,
}

impl Token<'_> {
    fn is(&self, keyword: &str) -> bool {
        self.kind == Kind::Word && self.text.eq_ignore_ascii_case(keyword)
    }

    fn end(&self) -> usize {
        self.start + self.text.len()
    }
}

/// One statement of a script.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Statement<'a> {
    /// Its text without the semicolon and without comments around it.
    pub text: &'a str,
    /// The line it starts at, from 1.
    pub line: u64,
}

impl Statement<'_> {
    /// Its first word, if it begins or ends a transaction.
    pub fn transaction_control(&self) -> Option<&str> {
        let first = tokens(self.text).into_iter().next()?;
        ["BEGIN", "COMMIT", "END", "ROLLBACK", "SAVEPOINT", "RELEASE"]
            .iter()
            .any(|keyword| first.is(keyword))
            .then_some(&self.text[..first.text.len()])
    }

    /// The word that tells that the statement changes or deletes rows that are there.
    pub fn row_change(&self) -> Option<&str> {
        let all = tokens(self.text);
        let is = |token: &Token, words: &[&str]| words.iter().any(|word| token.is(word));
        // A trigger only says what will happen.
        let about_rows = is(all.first()?, &["DELETE", "UPDATE", "REPLACE", "INSERT", "WITH"]);
        let word = all.iter().find(|token| about_rows && is(token, &["DELETE", "UPDATE", "REPLACE"]))?;
        self.text.get(word.start..word.end())
    }
}

/// The statement as SQLite understands it: without comments, quotes around plain names, and differences of case and space.
pub fn normal_form(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    for token in tokens(sql) {
        if !out.is_empty() {
            out.push(' ');
        }
        match (token.kind, unquoted(token.text)) {
            (Kind::Quoted, Some(name)) => out.push_str(&name.to_ascii_lowercase()),
            (Kind::Word, _) => out.push_str(&token.text.to_ascii_lowercase()),
            _ => out.push_str(token.text),
        }
    }
    out
}

/// The plain name in quotes for names; `None` for strings, and for names that need their quotes.
fn unquoted(text: &str) -> Option<&str> {
    let name = match text.as_bytes() {
        [b'"', .., b'"'] | [b'`', .., b'`'] | [b'[', .., b']'] => text.get(1..text.len() - 1)?,
        _ => return None,
    };
    let plain = !name.is_empty() && name.bytes().all(is_word) && !name.as_bytes()[0].is_ascii_digit();
    plain.then_some(name)
}

/// The statements of a script, in order.
pub fn statements(sql: &str) -> Vec<Statement<'_>> {
    let mut found = Vec::new();
    let mut current: Vec<Token> = Vec::new();
    for token in tokens(sql) {
        let semicolon = token.kind == Kind::Symbol && token.text == ";";
        if !semicolon || (is_trigger(&current) && !ends_trigger(&current)) {
            current.push(token);
        } else if !current.is_empty() {
            found.push(statement(sql, &current));
            current.clear();
        }
    }
    if !current.is_empty() {
        found.push(statement(sql, &current));
    }
    found
}

fn statement<'a>(sql: &'a str, tokens: &[Token]) -> Statement<'a> {
    let (start, end) = match (tokens.first(), tokens.last()) {
        (Some(first), Some(last)) => (first.start, last.end()),
        _ => (0, 0),
    };
    let line = 1 + sql[..start].bytes().filter(|byte| *byte == b'\n').count() as u64;
    Statement { text: &sql[start..end], line }
}

fn is_trigger(tokens: &[Token]) -> bool {
    let mut words = tokens.iter().take(3).filter(|token| !token.is("TEMP") && !token.is("TEMPORARY"));
    words.next().is_some_and(|word| word.is("CREATE")) && words.next().is_some_and(|word| word.is("TRIGGER"))
}

/// A trigger's body ends with `; END`; the `END` of a CASE has no semicolon before it.
fn ends_trigger(tokens: &[Token]) -> bool {
    matches!(tokens, [.., before, last] if before.text == ";" && last.is("END"))
}

/// Conflict clauses in a declaration that change what a conflict does, as written: `ON CONFLICT REPLACE`.
pub fn conflict_clauses(create: &str) -> Vec<String> {
    let tokens = tokens(create);
    tokens
        .windows(3)
        .filter(|window| window[0].is("ON") && window[1].is("CONFLICT") && !window[2].is("ABORT"))
        .map(|window| create[window[0].start..window[2].end()].to_owned())
        .collect()
}

/// The texts that a declaration allows in a column: those of `column IN ('a', 'b')`. `None` where it says no such thing.
pub fn allowed_texts(create: &str, column: &str) -> Option<Vec<String>> {
    let tokens = tokens(create);
    let name = |token: &Token| {
        let bare = unquoted(token.text).unwrap_or_else(|| token.text.trim_matches('"'));
        token.kind != Kind::Symbol && bare.eq_ignore_ascii_case(column)
    };
    let start = tokens.windows(3).position(|at| name(&at[0]) && at[1].is("IN") && at[2].text == "(")? + 3;
    let list = tokens[start..].iter().take_while(|token| token.text != ")").filter(|token| token.text != ",");
    list.map(|token| {
        let inside = token.text.strip_prefix('\'')?.strip_suffix('\'')?;
        Some(inside.replace("''", "'"))
    })
    .collect()
}

/// For every REFERENCES of a declaration, in order: whether it is deferred until COMMIT.
pub fn deferred_references(create: &str) -> Vec<bool> {
    let tokens = tokens(create);
    let mut found = Vec::new();
    for (index, token) in tokens.iter().enumerate() {
        if token.is("REFERENCES") {
            found.push(false);
        } else if let ([deferrable, initially, deferred], Some(last)) =
            (&tokens[index..tokens.len().min(index + 3)], found.last_mut())
        {
            let negated = index > 0 && tokens[index - 1].is("NOT");
            *last |= !negated && deferrable.is("DEFERRABLE") && initially.is("INITIALLY") && deferred.is("DEFERRED");
        }
    }
    found
}

fn tokens(sql: &str) -> Vec<Token<'_>> {
    let bytes = sql.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (end, kind) = match bytes[at] {
            byte if byte.is_ascii_whitespace() => (at + 1, None),
            b'-' if bytes[at..].starts_with(b"--") => (after(sql, at, "\n"), None),
            b'/' if bytes[at..].starts_with(b"/*") => (after(sql, at + 2, "*/"), None),
            b'[' => (after(sql, at, "]"), Some(Kind::Quoted)),
            quote @ (b'\'' | b'"' | b'`') => (after_quoted(bytes, at, quote), Some(Kind::Quoted)),
            byte if is_word(byte) => (after_word(bytes, at), Some(Kind::Word)),
            _ => (at + 1, Some(Kind::Symbol)),
        };
        if let Some(kind) = kind {
            found.push(Token { text: &sql[at..end], start: at, kind });
        }
        at = end;
    }
    found
}

/// Bytes above ASCII belong to names, so a token never cuts a character.
fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$') || byte >= 0x80
}

fn after_word(bytes: &[u8], at: usize) -> usize {
    bytes[at..].iter().position(|byte| !is_word(*byte)).map_or(bytes.len(), |length| at + length)
}

fn after(sql: &str, at: usize, end: &str) -> usize {
    sql.get(at..).and_then(|rest| rest.find(end)).map_or(sql.len(), |length| at + length + end.len())
}

/// A doubled quote stands for itself.
fn after_quoted(bytes: &[u8], at: usize, quote: u8) -> usize {
    let mut position = at + 1;
    while position < bytes.len() {
        if bytes[position] == quote {
            if bytes.get(position + 1) != Some(&quote) {
                return position + 1;
            }
            position += 1;
        }
        position += 1;
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<&str> {
        statements(sql).iter().map(|statement| statement.text).collect()
    }

    #[test]
    fn semicolons_inside_of_strings_names_and_comments_end_nothing() {
        let sql = "-- a; b\nCREATE TABLE \"x;y\" (a TEXT DEFAULT 'it''s; ok'); /* ; */ SELECT [a;b], `c;d`;;\n";
        assert_eq!(texts(sql), ["CREATE TABLE \"x;y\" (a TEXT DEFAULT 'it''s; ok')", "SELECT [a;b], `c;d`"]);
        assert_eq!(statements(sql)[0].line, 2);
    }

    #[test]
    fn a_trigger_is_one_statement() {
        let trigger = "CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN \
                       SELECT CASE WHEN 1 THEN 2 END; UPDATE b SET c = 1; END";
        assert_eq!(texts(&format!("{trigger}; SELECT 1")), [trigger, "SELECT 1"]);
    }

    #[test]
    fn statements_that_would_end_the_transaction_are_found() {
        let found = statements("begin; -- x\nINSERT INTO t VALUES ('COMMIT'); End transaction");
        assert_eq!(found[0].transaction_control(), Some("begin"));
        assert_eq!(found[1].transaction_control(), None);
        assert_eq!(found[2].transaction_control(), Some("End"));
    }

    #[test]
    fn statements_that_change_rows_are_told_from_those_that_change_the_schema() {
        let sql = "delete from t; CREATE TABLE \"update\" (a); INSERT INTO t SELECT 1; INSERT OR REPLACE INTO t VALUES (1);
                   WITH x AS (SELECT 1) UPDATE t SET a = 1; CREATE TRIGGER x AFTER INSERT ON t BEGIN DELETE FROM u; END";
        let found = statements(sql);
        let changes: Vec<_> = found.iter().map(Statement::row_change).collect();
        assert_eq!(changes, [Some("delete"), None, None, Some("REPLACE"), Some("UPDATE"), None]);
    }

    #[test]
    fn the_normal_form_knows_no_space_case_comments_and_needless_quotes() {
        let written = "CREATE TABLE \"Users\" (\n  [id] text PRIMARY KEY, -- key\n  `a b` TEXT DEFAULT 'It'\n)";
        assert_eq!(normal_form(written), "create table users ( id text primary key , `a b` text default 'It' )");
        assert_eq!(
            normal_form("create table users(id TEXT primary key,`a b` text default 'It')"),
            normal_form(written)
        );
        assert_ne!(normal_form("SELECT 'a'"), normal_form("SELECT a"));
    }

    #[test]
    fn conflict_clauses_are_found_only_where_they_are_clauses() {
        let sql = "CREATE TABLE t (a TEXT UNIQUE on  conflict replace, b TEXT DEFAULT 'ON CONFLICT IGNORE', \
                   \"ON CONFLICT FAIL\" TEXT, -- ON CONFLICT FAIL\n c INT NOT NULL ON CONFLICT ABORT)";
        assert_eq!(conflict_clauses(sql), ["on  conflict replace"]);
    }

    #[test]
    fn allowed_texts_are_those_of_the_columns_own_list() {
        let sql = "CREATE TABLE t (\"a\" TEXT CHECK (\"a\" IN ('x', 'it''s')), b INT CHECK (b IN (1, 2)), c TEXT)";
        assert_eq!(allowed_texts(sql, "A"), Some(vec!["x".to_owned(), "it's".to_owned()]));
        assert_eq!(allowed_texts(sql, "b"), None);
        assert_eq!(allowed_texts(sql, "c"), None);
    }

    #[test]
    fn deferred_foreign_keys_are_told_apart() {
        let sql = "CREATE TABLE t (a REFERENCES p DEFERRABLE INITIALLY DEFERRED, b REFERENCES q, \
                   c REFERENCES r NOT DEFERRABLE INITIALLY DEFERRED, FOREIGN KEY (a) REFERENCES s (x) \
                   ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED)";
        assert_eq!(deferred_references(sql), [true, false, false, true]);
    }

    #[test]
    fn unfinished_sql_is_taken_as_it_is() {
        for sql in ["SELECT 'a", "SELECT \"a", "/* a", "-- a", "[", "ü", "/*"] {
            let _ = statements(sql);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_cut_without_panic(sql in "[-/*'\"`;\\[\\]aüON \n]{0,40}") {
            let total: usize = statements(&sql).iter().map(|statement| statement.text.len()).sum();
            proptest::prop_assert!(total <= sql.len());
            let _ = conflict_clauses(&sql);
        }
    }
}
