//! What somebody would write by hand for exactly these documents: typed structs that borrow from the line, one
//! prepared statement, one transaction. No checks, no rejects, no resume.
//!
//! `baseline DOCUMENTS.ndjson SCHEMA.sql DESTINATION.db` prints the number of rows.

use std::borrow::Cow;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader};

use rusqlite::{Connection, params};
use serde::Deserialize;
use sonic_rs::LazyValue;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct User<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    email: Cow<'a, str>,
    #[serde(borrow)]
    name: Cow<'a, str>,
    active: bool,
    #[serde(borrow)]
    role: Cow<'a, str>,
    points: i64,
    score: f64,
    #[serde(borrow)]
    created_at: Cow<'a, str>,
    #[serde(borrow)]
    city: Cow<'a, str>,
    #[serde(borrow)]
    bio: Cow<'a, str>,
    #[serde(borrow)]
    settings: LazyValue<'a>,
}

const INSERT: &str = "INSERT INTO users (id, email, name, active, role, points, score, created_at, city, bio, settings)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)";

fn main() -> Result<(), Box<dyn Error>> {
    let [input, schema, destination] = [1, 2, 3].map(|at| std::env::args().nth(at));
    let (Some(input), Some(schema), Some(destination)) = (input, schema, destination) else {
        return Err("usage: baseline DOCUMENTS.ndjson SCHEMA.sql DESTINATION.db".into());
    };
    let mut database = Connection::open(destination)?;
    database.execute_batch(&fs::read_to_string(schema)?)?;
    let transaction = database.transaction()?;
    let mut rows = 0_u64;
    {
        let mut insert = transaction.prepare(INSERT)?;
        let mut reader = BufReader::with_capacity(1 << 20, File::open(input)?);
        let mut line = Vec::new();
        while reader.read_until(b'\n', &mut line)? > 0 {
            let user: User = sonic_rs::from_slice(&line)?;
            insert.execute(params![
                user.id,
                user.email,
                user.name,
                user.active,
                user.role,
                user.points,
                user.score,
                user.created_at,
                user.city,
                user.bio,
                user.settings.as_raw_str(),
            ])?;
            rows += 1;
            line.clear();
        }
    }
    transaction.commit()?;
    println!("{rows}");
    Ok(())
}
