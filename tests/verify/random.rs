//! Random damage is found exactly, repaired, and found to be clean.

use std::collections::BTreeSet;

use super::damage::{Damage, THINGS, listed, workspace};
use crate::proof::setting;
use crate::remote::server::Sqld;
use crate::support::Sandbox;
use crate::support::database::{Database, change};
use crate::support::dump::Dump;

/// Where the rows are.
trait Rows {
    fn damage(&self, sql: &str);
    fn dump(&self) -> Dump;
}

struct InFile(std::path::PathBuf);

impl Rows for InFile {
    fn damage(&self, sql: &str) {
        change(&self.0, sql);
    }

    fn dump(&self) -> Dump {
        Database::open(&self.0).dump()
    }
}

impl Rows for Sqld {
    fn damage(&self, sql: &str) {
        self.execute_all(sql);
    }

    fn dump(&self) -> Dump {
        (**self).dump()
    }
}

/// Damages, compares, repairs and compares again.
fn damage_and_repair(sandbox: &Sandbox, rows: &dyn Rows, undamaged: &Dump, seed: u64) {
    let damage = Damage::random(seed, THINGS, 25);
    rows.damage(&damage.sql);
    let what = format!("seed {seed}\n{}", damage.sql);
    let outcome = sandbox.run(&["verify", "p.yaml", "--contents", "--json"]);
    assert_eq!(outcome.code, 5, "{what}{}{}", outcome.stdout, outcome.stderr);
    assert_eq!(listed(sandbox), damage.found, "{what}");
    let report = outcome.json();
    let number = |kind: &str| damage.found.iter().filter(|found| found.starts_with(kind)).count() as u64;
    for kind in ["missing", "extra", "changed"] {
        assert_eq!(report["totals"][kind], number(kind), "{kind} {what}");
    }
    let things = (THINGS + 7) as u64;
    assert_eq!(report["totals"]["read"], things);
    assert_eq!(report["totals"]["consistent"], things - number("missing") - number("changed"), "{what}");

    let repaired = sandbox.run(&["verify", "p.yaml", "--repair", "--delete-extra", "--yes", "--json"]);
    assert_eq!(repaired.code, 0, "{what}{}{}", repaired.stdout, repaired.stderr);
    let repair = &repaired.json()["repair"];
    assert_eq!(repair["written"], number("missing") + number("changed"), "{what}{repair}");
    assert_eq!(repair["still_different"], 0, "{what}{repair}");

    let clean = sandbox.run(&["verify", "p.yaml", "--contents", "--json"]);
    assert_eq!(clean.code, 0, "{what}{}{}", clean.stdout, clean.stderr);
    assert_eq!(listed(sandbox), BTreeSet::new());
    assert_eq!(clean.json()["consistency_rate"], 100.0);
    assert_eq!(sandbox.run(&["verify", "p.yaml"]).code, 0, "{what}");
    let dump = rows.dump();
    assert_eq!(sets(&dump), sets(undamaged), "{what}");
}

/// Rows of every table as sets: rows without a key have no order.
fn sets(dump: &Dump) -> Vec<String> {
    let mut rows: Vec<String> =
        dump.rows.iter().flat_map(|(table, rows)| rows.iter().map(move |row| format!("{table} {row:?}"))).collect();
    rows.sort();
    rows
}

fn seeds(name: &str, default: usize) -> impl Iterator<Item = u64> {
    let first = setting("FIREFERRY_TEST_SEED", 1) as u64 * 10_000;
    (0..setting(name, default) as u64).map(move |number| first + number)
}

#[test]
fn damage_in_a_file_is_found_exactly_and_repaired() {
    let sandbox = workspace("file:damage.db", THINGS, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let rows = InFile(sandbox.path("damage.db"));
    let undamaged = rows.dump();
    for seed in seeds("FIREFERRY_TEST_DAMAGES", 100) {
        damage_and_repair(&sandbox, &rows, &undamaged, seed);
    }
}

#[test]
fn damage_on_a_server_is_found_exactly_and_repaired() {
    let Some(server) = Sqld::start() else { return };
    let sandbox = workspace(&server.url(), THINGS, "");
    sandbox.run(&["run", "p.yaml"]).exits(0);
    let undamaged = Rows::dump(&server);
    for seed in seeds("FIREFERRY_TEST_REMOTE_DAMAGES", 8) {
        damage_and_repair(&sandbox, &server, &undamaged, seed);
    }
}
