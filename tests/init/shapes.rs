//! Sources of other shapes than the classroom.

use serde_json::{Map, Value, json};

use super::support::{column, declaration, doubts, init, lines, run};
use crate::support::Sandbox;
use crate::support::documents::Random;

/// A catalogue: maps in maps, arrays of objects with arrays of objects, dictionaries, names that SQL and YAML mind.
fn product(number: usize, random: &mut Random) -> Value {
    let number_of_variants = random.below(4);
    let variant = |variant: usize, random: &mut Random| {
        json!({
            "sku": format!("SKU-{number}-{variant}"),
            "price": { "amount": random.below(10_000) as f64 / 100.0 + 0.001, "currency": "EUR" },
            "stock": [{ "place": "north", "count": random.below(9) }],
            "order": variant
        })
    };
    let variants: Vec<Value> = (0..number_of_variants).map(|number| variant(number, random)).collect();
    let currencies = ["EUR", "USD", "GBP", "JPY", "CHF", "SEK", "PLN"];
    let prices: Map<String, Value> =
        (0..2).map(|_| ((*random.pick(&currencies)).to_owned(), json!(random.below(900)))).collect();
    let mut product = json!({
        "id": format!("p{number}"),
        "title": format!("Ding № {number}"),
        "group": "tools",
        "dimensions": { "box": { "width": random.below(90), "height": random.below(90) }, "weight": 1.5 },
        "seo": { "meta": { "deep": { "deeper": { "deepest": [1, [2, { "x": null }]] } } } },
        "variants": variants,
        "prices": prices,
        "images": (0..random.below(40)).map(|image| format!("{number}/{image}.png")).collect::<Vec<_>>(),
        "labels": (["new", "sale"][..random.below(3)].to_vec()),
        "a.b": number, "$price": "x", "`tick`": true, "no": null, "ключ": "значение", "select": 1, "Select": 2,
        "${HOME}": "not a variable"
    });
    if random.per_mille(300) {
        product["dimensions"]["box"]["depth"] = json!(random.below(90));
    }
    product
}

#[test]
fn a_deeply_nested_catalogue() {
    let sandbox = Sandbox::new();
    let mut random = Random::new(1);
    let products: Vec<Value> = (0..400).map(|number| product(number, &mut random)).collect();
    let variants: usize = products.iter().map(|product| product["variants"].as_array().unwrap().len()).sum();
    let images: usize = products.iter().map(|product| product["images"].as_array().unwrap().len()).sum();
    sandbox.write("shop/products.json", serde_json::to_string_pretty(&products).unwrap());
    init(&sandbox, "shop", &[]);
    let database = run(&sandbox, "shop", 400);
    let rows = |table: &str| database.integer(&format!("SELECT count(*) FROM {table}"));
    assert_eq!(rows("product_variants") as usize, variants);
    assert_eq!(rows("product_images") as usize, images);
    assert_eq!(column(&database, "product_variants", "price_amount"), "REAL NOT NULL");
    assert_eq!(column(&database, "product_variants", "order"), "INTEGER NOT NULL");
    assert_eq!(column(&database, "product_variants", "stock"), "TEXT NOT NULL CHECK (json_valid(stock))");
    assert_eq!(column(&database, "products", "dimensions_box_width"), "INTEGER NOT NULL");
    assert_eq!(column(&database, "products", "dimensions_box_depth"), "INTEGER");
    assert_eq!(column(&database, "products", "labels"), "TEXT NOT NULL CHECK (json_valid(labels))");
    assert!(declaration(&database, "product_prices").contains("PRIMARY KEY (product_id, entry)"));
    assert_eq!(database.integer("SELECT count(*) FROM products WHERE \"ключ\" = 'значение' AND select_2 = 1"), 400);
    assert!(declaration(&database, "products").contains("home"));
}

/// Events: what they hold depends on their type, and on when the program was written that sent them.
fn event(number: usize, random: &mut Random) -> Value {
    let value = match random.below(40) {
        0 => json!("n/a"),
        1 => json!({ "amount": 3, "unit": "m" }),
        2 => json!([1, 2]),
        3 => json!(true),
        _ => json!(random.below(1_000)),
    };
    let mut event = json!({
        "id": format!("e{number:06}"),
        "type": random.pick(&["click", "view", "purchase", "refund"]),
        "at": { "_seconds": 1_700_000_000 + number, "_nanoseconds": 123_456_000 },
        "received": 1_700_000_000_000_u64 + number as u64,
        "value": value,
        "count": if random.per_mille(10) { json!(format!("{number}")) } else { json!(number) },
        "ratio": if random.per_mille(500) { json!(0.25) } else { json!(9_007_199_254_740_993_i64 + number as i64) },
        "zero": if random.per_mille(50) { json!(-0.0) } else { json!(1.5) },
        "hits": { format!("2024-01-{:02}", random.below(28) + 1): random.below(9) },
        "nothing": null
    });
    if number >= 2_900 {
        event["session"] = json!({ "device": "phone", "version": number % 3 });
    }
    event
}

#[test]
fn an_event_log_with_mixed_types_and_late_fields() {
    let sandbox = Sandbox::new();
    let mut random = Random::new(2);
    sandbox.write("log/events.ndjson", lines((0..3_000).map(|number| event(number, &mut random))));
    let answer = init(&sandbox, "log", &[]);
    let database = run(&sandbox, "log", 3_000);
    assert_eq!(column(&database, "events", "value"), "TEXT NOT NULL CHECK (json_valid(value))");
    assert_eq!(column(&database, "events", "count"), "ANY NOT NULL");
    assert_eq!(column(&database, "events", "ratio"), "ANY NOT NULL");
    assert_eq!(column(&database, "events", "zero"), "REAL NOT NULL");
    assert_eq!(column(&database, "events", "session_device"), "TEXT", "a late field may be missing");
    assert_eq!(column(&database, "events", "at"), "TEXT NOT NULL");
    let kinds = "TEXT NOT NULL CHECK (type IN ('click', 'purchase', 'refund', 'view'))";
    assert_eq!(column(&database, "events", "type"), kinds);
    assert!(database.integer("SELECT count(*) FROM event_hits") == 3_000);
    let text = "SELECT count(*) FROM events WHERE typeof(count) = 'text'";
    assert!((5..100).contains(&database.integer(text)), "texts stay texts among integers");
    let found = doubts(&answer, "count");
    assert!(found.len() == 1 && found[0].contains("integer") && found[0].contains("string, e.g. \""), "{found:?}");
    assert!(doubts(&answer, "received")[0].contains("millis"), "{answer:#}");
    assert!(doubts(&answer, "zero")[0].contains("-0.0"), "{answer:#}");
}

const ROOT: &str = "projects/demo/databases/(default)/documents";

/// One line of Firestore's REST form.
fn rest(path: &str, fields: Value) -> Value {
    let time = "2024-05-01T12:00:00.5Z";
    json!({ "name": format!("{ROOT}/{path}"), "fields": fields, "createTime": time, "updateTime": time })
}

fn text(text: &str) -> Value {
    json!({ "stringValue": text })
}

fn reference(path: &str) -> Value {
    json!({ "referenceValue": format!("{ROOT}/{path}") })
}

/// Tenants with projects with tasks with comments; members of tenants.
fn tenants() -> Vec<Value> {
    let mut found = Vec::new();
    let integer = |number: usize| json!({ "integerValue": number.to_string() });
    for tenant in 0..5 {
        let tenant = format!("tenants/t{tenant}");
        found.push(rest(&tenant, json!({ "name": text("acme"), "plan": text("pro") })));
        for member in 0..6 {
            // The same ids below every tenant: only with the tenant's they are keys.
            found.push(rest(&format!("{tenant}/members/m{member}"), json!({ "email": text("a@b.c") })));
        }
        for project in 0..8 {
            let id = format!("{}-{project}", tenant.replace('/', "-"));
            let project = format!("{tenant}/projects/{id}");
            let lead = reference(&format!("{tenant}/members/m{}", id.len() % 6));
            let owner = reference(&tenant);
            found.push(rest(&project, json!({ "title": text(&id), "lead": lead, "tenant": owner })));
            for task in 0..4 {
                let path = format!("{project}/tasks/{task}");
                let follows = reference(&format!("{project}/tasks/{}", (task + 1) % 4));
                let after = if task == 0 {
                    json!({ "nullValue": null })
                } else {
                    reference(&format!("{project}/tasks/{}", task - 1))
                };
                found.push(rest(
                    &path,
                    json!({ "title": text("do"), "rank": integer(task), "follows": follows, "after": after }),
                ));
                if task < 2 {
                    found.push(rest(&format!("{path}/comments/c"), json!({ "text": text("done?") })));
                }
            }
        }
    }
    // A parent that does not exist.
    found.push(rest("ghosts/g/notes/n", json!({ "text": text("boo") })));
    found
}

#[test]
fn a_multi_tenant_app_with_sub_collections_three_deep() {
    let sandbox = Sandbox::new();
    let documents = tenants();
    sandbox.write("app/export.ndjson", lines(documents.clone()));
    let answer = init(&sandbox, "app", &[]);
    let database = run(&sandbox, "app", documents.len() as u64);
    assert_eq!(column(&database, "members", "tenant_id"), "TEXT NOT NULL REFERENCES tenants (id)");
    assert!(declaration(&database, "members").contains("PRIMARY KEY (tenant_id, id)"));
    assert_eq!(column(&database, "projects", "id"), "TEXT NOT NULL UNIQUE");
    assert_eq!(column(&database, "projects", "tenant_id_2"), "TEXT NOT NULL REFERENCES tenants (id)");
    assert_eq!(column(&database, "projects", "lead_path"), "TEXT NOT NULL");
    assert_eq!(column(&database, "tasks", "path"), "TEXT NOT NULL PRIMARY KEY");
    assert_eq!(column(&database, "tasks", "project_id"), "TEXT NOT NULL REFERENCES projects (id)");
    assert_eq!(column(&database, "tasks", "follows_path"), "TEXT NOT NULL", "they follow each other in circles");
    assert!(doubts(&answer, "follows")[0].contains("circles"));
    assert_eq!(column(&database, "tasks", "after_path"), "TEXT REFERENCES tasks (path)");
    assert_eq!(column(&database, "comments", "task_id"), "TEXT NOT NULL", "a task's id is not unique by itself");
    assert_eq!(column(&database, "notes", "ghost_id"), "TEXT NOT NULL");
    assert!(answer["doubts"].to_string().contains("do not exist"));
}
