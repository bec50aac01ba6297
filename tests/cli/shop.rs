//! A small pipeline of two collections for the tests of the command line.

use crate::support::Sandbox;

const PIPELINE: &str = r#"version: 1
name: shop
source: { kind: json, path: data }
destination: { url: "file:shop.db" }
schema: schema
collections:
  users:
    table: users
    key: id
    columns:
      id: { from: $id }
      email: { from: email, type: text, required: true }
      age: { from: age, type: integer }
  orders:
    table: orders
    key: id
    depends_on: [users]
    columns:
      id: { from: $id }
      user_id: { from: user, type: text, required: true }
tests:
  - name: an order belongs to a user
    collection: orders
    document: { id: o1, user: ada }
    rows: { orders: [{ id: o1, user_id: ada }] }
"#;

const SCHEMA: &str = "
CREATE TABLE users (
    id    TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    age   INTEGER CHECK (age >= 0)
) STRICT;
CREATE TABLE orders (
    id      TEXT PRIMARY KEY,
    user_id TEXT NOT NULL REFERENCES users (id)
) STRICT;
CREATE INDEX orders_user ON orders (user_id);
";

const USERS: &str = r#"{"id":"ada","email":"ada@example.org","age":36}
{"id":"名前","email":"namae@example.org","age":null}
{"id":"grace","email":"grace@example.org"}
"#;

const ORDERS: &str = r#"{"id":"o1","user":"ada"}
{"id":"o2","user":"grace"}
"#;

const DIRTY_USERS: &str = r#"{"id":"twin","email":"ada@example.org","age":3}
{"id":"nobody","age":3}
{"id":"minus","email":"minus@example.org","age":-1}
{"id":"broken"
"#;

const DIRTY_ORDERS: &str = r#"{"id":"o3","user":"nobody"}
"#;

/// The pipeline with clean documents.
pub fn clean() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p.yaml", PIPELINE);
    sandbox.write("schema/0001_shop.up.sql", SCHEMA);
    sandbox.write("schema/0001_shop.down.sql", "DROP TABLE orders; DROP TABLE users;");
    sandbox.write("data/users.ndjson", USERS);
    sandbox.write("data/orders.ndjson", ORDERS);
    sandbox
}

/// The same with documents that must be rejected.
pub fn dirty() -> Sandbox {
    let sandbox = clean();
    sandbox.write("data/users.ndjson", USERS.to_owned() + DIRTY_USERS);
    sandbox.write("data/orders.ndjson", ORDERS.to_owned() + DIRTY_ORDERS);
    sandbox
}

/// So many users, and commits so small that a run lasts a while.
pub fn long(users: usize) -> Sandbox {
    let sandbox = clean();
    let line =
        |number: usize| format!("{{\"id\":\"u{number:06}\",\"email\":\"u{number}@example.org\",\"age\":{number}}}\n");
    sandbox.write("data/users.ndjson", (0..users).map(line).collect::<String>());
    sandbox.write("data/orders.ndjson", "{\"id\":\"o1\",\"user\":\"u000000\"}\n");
    change(&sandbox, "schema: schema", "schema: schema\ndefaults: { batch_size: 1, commit_documents: 1 }");
    sandbox
}

/// Lets a long run be resumed quickly: sizes may change between a run and its resume.
pub fn hurry(sandbox: &Sandbox) {
    change(sandbox, "{ batch_size: 1, commit_documents: 1 }", "{ batch_size: 500, commit_documents: 10000 }");
}

/// Changes the pipeline file.
pub fn change(sandbox: &Sandbox, from: &str, to: &str) {
    let text = sandbox.read("p.yaml");
    assert!(text.contains(from), "{from} is not in the pipeline");
    sandbox.write("p.yaml", text.replace(from, to));
}
