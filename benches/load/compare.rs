//! Whether both loaders did the same work: the same rows, value by value.

use std::error::Error;
use std::path::Path;

use libsql::{Builder, Connection, Rows, Value};

/// Fails unless both databases hold so many users, and (when `contents` is asked for) the same ones.
pub fn compare(ours: &Path, theirs: &Path, documents: u64, contents: bool) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    runtime.block_on(async {
        let (ours, theirs) = (open(ours).await?, open(theirs).await?);
        for database in [&ours, &theirs] {
            let mut rows = database.query("SELECT count(*) FROM users", ()).await?;
            let count = next(&mut rows).await?.and_then(|row| row.first().cloned());
            if count != Some(Value::Integer(i64::try_from(documents)?)) {
                return Err(format!("{documents} documents, but {count:?} rows").into());
            }
        }
        if contents { same_rows(&ours, &theirs).await } else { Ok(()) }
    })
}

async fn open(file: &Path) -> Result<Connection, Box<dyn Error>> {
    Ok(Builder::new_local(file).build().await?.connect()?)
}

async fn same_rows(ours: &Connection, theirs: &Connection) -> Result<(), Box<dyn Error>> {
    const ALL: &str = "SELECT * FROM users ORDER BY id";
    let (mut ours, mut theirs) = (ours.query(ALL, ()).await?, theirs.query(ALL, ()).await?);
    loop {
        match (next(&mut ours).await?, next(&mut theirs).await?) {
            (None, None) => return Ok(()),
            (our, their) if our == their => {}
            (our, their) => return Err(format!("different rows:\n  {our:?}\n  {their:?}").into()),
        }
    }
}

/// The next row's values.
async fn next(rows: &mut Rows) -> Result<Option<Vec<Value>>, Box<dyn Error>> {
    let Some(row) = rows.next().await? else { return Ok(None) };
    Ok(Some((0..row.column_count()).map(|column| row.get_value(column)).collect::<Result<_, _>>()?))
}
