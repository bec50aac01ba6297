//! Names of documents: their order, and where they stand in the database.

use std::cmp::Ordering;

/// The smallest id there is: ranges of sub-collections begin and end at it.
pub(super) const FIRST_ID: &str = "__id-9223372036854775808__";

/// Firestore's order of document paths: segment by segment, numeric ids (`__id7__`) before all others and as numbers,
/// everything else by UTF-8 bytes.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut left, mut right) = (a.split('/'), b.split('/'));
    loop {
        match (left.next(), right.next()) {
            (None, None) => return Ordering::Equal,
            (None, Some(_)) => return Ordering::Less,
            (Some(_), None) => return Ordering::Greater,
            (Some(a), Some(b)) => match compare_ids(a, b) {
                Ordering::Equal => {}
                differing => return differing,
            },
        }
    }
}

fn compare_ids(a: &str, b: &str) -> Ordering {
    match (numeric(a), numeric(b)) {
        (Some(a), Some(b)) => a.cmp(&b),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => a.cmp(b),
    }
}

fn numeric(id: &str) -> Option<i64> {
    id.strip_prefix("__id")?.strip_suffix("__")?.parse().ok()
}

/// The path below the database root of a full resource name; `None` when it belongs to another database.
pub(super) fn relative<'a>(documents: &str, name: &'a str) -> Option<&'a str> {
    name.strip_prefix(documents)?.strip_prefix('/')
}

/// The first path that can follow all documents below a root collection.
pub(super) fn after_root(root: &str) -> String {
    format!("{root}\0/{FIRST_ID}")
}

/// The first path that documents below a root collection can have.
pub(super) fn start_of_root(root: &str) -> String {
    format!("{root}/{FIRST_ID}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_ordered_segment_by_segment() {
        let ordered = [
            "users/__id-9223372036854775808__",
            "users/__id-3__",
            "users/__id7__",
            "users/__id12__",
            "users/A",
            "users/a",
            "users/a/orders/9",
            "users/a!/orders/1",
            "users/ab",
            "users/é",
            "users/😀",
            "users\0/__id-9223372036854775808__",
            "users2/a",
        ];
        for pair in ordered.windows(2) {
            assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
            assert_eq!(compare(pair[1], pair[0]), Ordering::Greater, "{pair:?}");
        }
        assert_eq!(compare("users/a", "users/a"), Ordering::Equal);
    }

    #[test]
    fn the_range_of_a_root_holds_all_below_it_and_nothing_else() {
        let (from, to) = (start_of_root("users"), after_root("users"));
        let inside = |path: &str| compare(&from, path).is_le() && compare(path, &to).is_lt();
        assert!(inside("users/a/orders/1") && inside("users/__id5__/orders/x") && inside("users/😀/orders/1"));
        assert!(!inside("user/a/orders/1") && !inside("users2/a/orders/1") && !inside("usersx/a/orders/1"));
    }

    #[test]
    fn names_of_other_databases_are_not_relative() {
        let documents = "projects/p/databases/(default)/documents";
        assert_eq!(relative(documents, &format!("{documents}/users/a")), Some("users/a"));
        assert_eq!(relative(documents, "projects/p/databases/other/documents/users/a"), None);
    }
}
