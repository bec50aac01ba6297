//! The order of collections: what must be in the destination before what.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use petgraph::algo::tarjan_scc;
use petgraph::graph::{DiGraph, NodeIndex};

use super::decode::nearest;
use super::resolved::Collection;
use crate::domain::document::CollectionPattern;
use crate::domain::schema::{ForeignKey, Schema};
use crate::error::{Error, ErrorKind, Result};

/// The collections of a run in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    /// Indexes into the collections given.
    pub steps: Vec<usize>,
    /// For each step what comes before it and why: `users (depends_on)`, `users (foreign key batches.teacher_id)`.
    pub after: Vec<Vec<String>>,
    /// Cycles that foreign keys take part in, each from a collection back to itself, `a → b → a` meaning that `a`
    /// needs `b`: their documents wait for each other.
    pub cycles: Vec<Vec<String>>,
    /// Collections that `only` did not name and that are in `steps` because one of its collections needs them.
    pub missing_parents: Vec<MissingParent>,
}

/// A collection that was pulled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MissingParent {
    /// The collection pulled in.
    pub collection: String,
    /// The collection that needs it.
    pub needed_by: String,
    /// Why: `depends_on`, `foreign key batches.teacher_id`.
    pub why: String,
}

/// `a → b → a`.
pub fn spell(cycle: &[String]) -> String {
    cycle.join(" → ")
}

/// Puts collections in order: what `depends_on` names and what foreign keys refer to comes first; among equals the
/// order of the file. With `only`, just those collections and what they need.
///
/// # Errors
/// `dependency_cycle` (config) when `depends_on` alone goes round in a circle, `unknown_collection` (usage) when
/// `only` names a collection that is not there.
pub fn order(collections: &[Collection], schema: Option<&Schema>, only: &[CollectionPattern]) -> Result<Order> {
    let needs = Needs::of(collections, schema);
    if let Some(cycle) = needs.declared_cycle() {
        return Err(Error::new(ErrorKind::Config, "dependency_cycle", cycle_message(&cycle)).hint(CYCLE_HINT));
    }
    let (wanted, missing_parents) = needs.closure(only)?;
    let (steps, broken) = needs.sort(&wanted);
    let cycles = needs.cycles(&wanted, &broken);
    let after = steps.iter().map(|step| needs.reasons(*step, &wanted)).collect();
    Ok(Order { steps, after, cycles, missing_parents })
}

/// The collections that `depends_on` leads round in a circle, the first one again at the end.
pub(super) fn declared_cycle(collections: &[Collection]) -> Option<Vec<String>> {
    Needs::of(collections, None).declared_cycle()
}

/// What is wrong with such a circle.
pub(super) fn cycle_message(cycle: &[String]) -> String {
    format!("the collections' `depends_on` goes round in a circle: {}", spell(cycle))
}

/// What to do about it.
pub(super) const CYCLE_HINT: &str =
    "remove one of these; documents that refer to each other wait for each other without being told";

/// Why a collection needs another.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Reason {
    /// The pipeline says so.
    Declared,
    /// `batches.teacher_id`
    ForeignKey(String),
}

impl Reason {
    fn text(&self) -> String {
        match self {
            Self::Declared => "depends_on".to_owned(),
            Self::ForeignKey(columns) => format!("foreign key {columns}"),
        }
    }
}

/// Per collection: the collections it needs, and why.
struct Needs<'a> {
    names: Vec<&'a str>,
    edges: Vec<BTreeMap<usize, Vec<Reason>>>,
}

impl<'a> Needs<'a> {
    fn of(collections: &'a [Collection], schema: Option<&Schema>) -> Self {
        let names: Vec<&str> = collections.iter().map(|collection| collection.mapping.collection.as_str()).collect();
        let mut needs = Self { edges: vec![BTreeMap::new(); names.len()], names };
        for (index, collection) in collections.iter().enumerate() {
            for parent in &collection.depends_on {
                needs.add(index, needs.index(parent.as_str()), Reason::Declared);
            }
        }
        if let Some(schema) = schema {
            needs.add_foreign_keys(collections, schema);
        }
        needs
    }

    fn index(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|own| *own == name)
    }

    fn add(&mut self, child: usize, parent: Option<usize>, reason: Reason) {
        if let Some(parent) = parent.filter(|parent| *parent != child) {
            let reasons = self.edges[child].entry(parent).or_default();
            if !reasons.contains(&reason) {
                reasons.push(reason);
            }
        }
    }

    fn add_foreign_keys(&mut self, collections: &[Collection], schema: &Schema) {
        let owners: BTreeMap<String, usize> = collections
            .iter()
            .enumerate()
            .flat_map(|(index, collection)| tables(collection).map(move |table| (table.to_ascii_lowercase(), index)))
            .collect();
        for (index, collection) in collections.iter().enumerate() {
            for table in tables(collection).filter_map(|name| schema.table(name)) {
                for key in &table.foreign_keys {
                    let parent = owners.get(&key.parent.to_ascii_lowercase()).copied();
                    self.add(index, parent, Reason::ForeignKey(spelled(&table.name, key)));
                }
            }
        }
    }

    /// A circle of declared edges, if there is one.
    fn declared_cycle(&self) -> Option<Vec<String>> {
        let declared = |child: usize| {
            let edges = self.edges[child].iter();
            edges.filter(|(_, reasons)| reasons.contains(&Reason::Declared)).map(|(parent, _)| *parent).collect()
        };
        let cycle = (0..self.names.len()).find_map(|start| shortest_path(start, start, &declared))?;
        Some(self.named(&cycle))
    }

    /// The collections of a run, and those among them that were not asked for.
    fn closure(&self, only: &[CollectionPattern]) -> Result<(BTreeSet<usize>, Vec<MissingParent>)> {
        if only.is_empty() {
            return Ok(((0..self.names.len()).collect(), Vec::new()));
        }
        let mut wanted = BTreeSet::new();
        for name in only {
            wanted.insert(self.index(name.as_str()).ok_or_else(|| self.unknown(name))?);
        }
        let mut pulled = Vec::new();
        let mut queue: VecDeque<usize> = wanted.iter().copied().collect();
        while let Some(child) = queue.pop_front() {
            for (parent, reasons) in &self.edges[child] {
                if wanted.insert(*parent) {
                    queue.push_back(*parent);
                    pulled.push(MissingParent {
                        collection: self.names[*parent].to_owned(),
                        needed_by: self.names[child].to_owned(),
                        why: reasons.first().map(Reason::text).unwrap_or_default(),
                    });
                }
            }
        }
        Ok((wanted, pulled))
    }

    fn unknown(&self, name: &CollectionPattern) -> Error {
        let hint = match nearest(name.as_str(), self.names.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("defined are: {}", self.names.join(", ")),
        };
        let message = format!("`{name}` is not a collection of this pipeline");
        Error::new(ErrorKind::Usage, "unknown_collection", message).hint(hint)
    }

    /// The order, and the edges (child, parent) that it could not keep.
    ///
    /// Always takes the first collection of the file that needs nothing more. Where a cycle leaves none, it takes the
    /// one that leaves the fewest foreign keys open; what `depends_on` says is always kept.
    fn sort(&self, wanted: &BTreeSet<usize>) -> (Vec<usize>, Vec<(usize, usize)>) {
        let mut rest = wanted.clone();
        let mut steps = Vec::with_capacity(rest.len());
        let mut broken = Vec::new();
        let cyclic = self.cyclic(wanted);
        while !rest.is_empty() {
            let open = |child: usize| self.edges[child].iter().filter(|(parent, _)| rest.contains(parent));
            let declared_open = |child: usize| open(child).any(|(_, reasons)| reasons.contains(&Reason::Declared));
            let free = rest.iter().copied().find(|child| open(*child).next().is_none());
            let next = free.or_else(|| {
                let within = |child: &usize| open(*child).all(|(parent, _)| cyclic[child] == cyclic[parent]);
                let candidates = rest.iter().copied().filter(|child| !declared_open(*child));
                candidates.min_by_key(|child| (!within(child), open(*child).count(), *child))
            });
            // Declared edges have no cycle, so a candidate exists as long as something is left.
            let Some(next) = next else { break };
            broken.extend(open(next).map(|(parent, _)| (next, *parent)));
            rest.remove(&next);
            steps.push(next);
        }
        (steps, broken)
    }

    /// For every collection the cycle group it is in.
    fn cyclic(&self, wanted: &BTreeSet<usize>) -> BTreeMap<usize, usize> {
        let mut graph: DiGraph<usize, ()> = DiGraph::new();
        let nodes: BTreeMap<usize, NodeIndex> = wanted.iter().map(|index| (*index, graph.add_node(*index))).collect();
        for (child, node) in &nodes {
            for parent in self.edges[*child].keys().filter_map(|parent| nodes.get(parent)) {
                graph.add_edge(*node, *parent, ());
            }
        }
        let groups = tarjan_scc(&graph).into_iter().enumerate();
        groups
            .flat_map(|(group, members)| members.into_iter().map(move |node| (node, group)))
            .map(|(node, group)| (graph[node], group))
            .collect()
    }

    /// A shortest cycle through every edge that the order broke, each once.
    fn cycles(&self, wanted: &BTreeSet<usize>, broken: &[(usize, usize)]) -> Vec<Vec<String>> {
        let parents =
            |child: usize| self.edges[child].keys().copied().filter(|parent| wanted.contains(parent)).collect();
        let mut seen = BTreeSet::new();
        let mut cycles = Vec::new();
        for (child, parent) in broken {
            let Some(mut cycle) = shortest_path(*parent, *child, &parents) else { continue };
            cycle.insert(0, *child);
            let members: BTreeSet<usize> = cycle.iter().copied().collect();
            if seen.insert(members) {
                cycles.push(self.named(&cycle));
            }
        }
        cycles
    }

    fn named(&self, path: &[usize]) -> Vec<String> {
        path.iter().map(|index| self.names[*index].to_owned()).collect()
    }

    fn reasons(&self, child: usize, wanted: &BTreeSet<usize>) -> Vec<String> {
        let parents = self.edges[child].iter().filter(|(parent, _)| wanted.contains(parent));
        parents
            .flat_map(|(parent, reasons)| reasons.iter().map(|reason| (self.names[*parent], reason)))
            .map(|(name, reason)| format!("{name} ({})", reason.text()))
            .collect()
    }
}

/// The tables that a collection fills.
fn tables(collection: &Collection) -> impl Iterator<Item = &str> {
    let children = collection.mapping.children.iter().map(|child| child.table.as_str());
    std::iter::once(collection.mapping.table.as_str()).chain(children)
}

fn spelled(table: &str, key: &ForeignKey) -> String {
    match key.columns.as_slice() {
        [column] => format!("{table}.{column}"),
        columns => format!("{table}.({})", columns.join(", ")),
    }
}

/// The shortest path of at least one edge from a node to another, both included.
fn shortest_path(from: usize, to: usize, next: &dyn Fn(usize) -> Vec<usize>) -> Option<Vec<usize>> {
    let mut before: BTreeMap<usize, usize> = BTreeMap::new();
    let mut queue = VecDeque::from([from]);
    while let Some(node) = queue.pop_front() {
        for neighbour in next(node) {
            if neighbour == to {
                let mut path = vec![to, node];
                let mut at = node;
                while at != from {
                    at = *before.get(&at)?;
                    path.push(at);
                }
                path.reverse();
                return Some(path);
            }
            if neighbour != from && !before.contains_key(&neighbour) {
                before.insert(neighbour, node);
                queue.push_back(neighbour);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::sync::Arc;

    use super::*;
    use crate::destination::OnConflict;
    use crate::domain::filter::Filter;
    use crate::domain::mapping::{Mapping, UnknownFields};
    use crate::domain::schema::Table;

    /// `child: parent parent` per collection.
    fn collections(lines: &[&str]) -> Vec<Collection> {
        let pattern = |name: &str| CollectionPattern::parse(name).unwrap();
        lines
            .iter()
            .map(|line| {
                let (name, parents) = line.split_once(':').unwrap();
                Collection {
                    mapping: Arc::new(Mapping {
                        collection: pattern(name),
                        table: name.to_owned(),
                        columns: Vec::new(),
                        key: Vec::new(),
                        children: Vec::new(),
                        filter: Filter::default(),
                        unknown_fields: UnknownFields::Ignore,
                        id_field: None,
                        max_value_bytes: 0,
                    }),
                    depends_on: parents.split_whitespace().map(pattern).collect(),
                    on_conflict: OnConflict::Replace,
                    batch_size: 1,
                    expect_documents: true,
                    hidden_columns: Vec::new(),
                    watermark: None,
                    deletes: crate::pipeline::resolved::Deletes::Ignore,
                }
            })
            .collect()
    }

    /// `child.column parent` per foreign key.
    fn schema(keys: &[&str]) -> Schema {
        let mut schema = Schema::default();
        for key in keys {
            let (from, parent) = key.split_once(' ').unwrap();
            let (table, column) = from.split_once('.').unwrap();
            let key =
                ForeignKey { columns: vec![column.to_owned()], parent: parent.to_owned(), ..ForeignKey::default() };
            match schema.tables.iter_mut().find(|own| own.name == table) {
                Some(table) => table.foreign_keys.push(key),
                None => {
                    schema.tables.push(Table { name: table.to_owned(), foreign_keys: vec![key], ..Table::default() })
                }
            }
        }
        schema
    }

    fn names(collections: &[Collection], order: &Order) -> Vec<String> {
        order.steps.iter().map(|step| collections[*step].mapping.collection.to_string()).collect()
    }

    #[test]
    fn parents_come_first_and_equals_in_the_order_of_the_file() {
        let all = collections(&["submissions: tasks users", "batches: users", "users:", "words:", "tasks: batches"]);
        let order = order(&all, None, &[]).unwrap();
        assert_eq!(names(&all, &order), ["users", "batches", "words", "tasks", "submissions"]);
        assert_eq!(order.after.last().unwrap(), &["users (depends_on)", "tasks (depends_on)"]);
        assert!(order.cycles.is_empty() && order.missing_parents.is_empty());
    }

    #[test]
    fn foreign_keys_order_collections_whatever_the_case_of_table_names() {
        let all = collections(&["a:", "b:"]);
        let order = order(&all, Some(&schema(&["a.b_id B"])), &[]).unwrap();
        assert_eq!(names(&all, &order), ["b", "a"]);
        assert_eq!(order.after, [vec![], vec!["b (foreign key a.b_id)".to_owned()]]);
    }

    #[test]
    fn child_tables_need_and_are_needed_like_their_collection() {
        let mut all = collections(&["a:", "b:", "c:"]);
        let mut with_child = (*all[2].mapping).clone();
        with_child.children.push(crate::domain::mapping::ChildMapping {
            table: "c_parts".to_owned(),
            each: crate::domain::field_path::FieldPath::parse("parts").unwrap(),
            columns: Vec::new(),
            key: Vec::new(),
            link: Vec::new(),
        });
        all[2].mapping = Arc::new(with_child);
        let order = order(&all, Some(&schema(&["a.part c_parts", "c_parts.b_id b", "c_parts.c_id c"])), &[]).unwrap();
        assert_eq!(names(&all, &order), ["b", "c", "a"]);
    }

    #[test]
    fn a_self_reference_is_no_cycle() {
        let all = collections(&["users:"]);
        let order = order(&all, Some(&schema(&["users.mentor_id users"])), &[]).unwrap();
        assert!(order.cycles.is_empty() && order.after[0].is_empty());
    }

    #[test]
    fn a_declared_cycle_is_spelled_out_and_refused() {
        let all = collections(&["x: a", "a: b", "b: c", "c: a"]);
        let error = order(&all, None, &[]).unwrap_err();
        assert_eq!(error.code(), "dependency_cycle");
        assert!(error.message().ends_with("a → b → c → a"), "{}", error.message());
    }

    #[test]
    fn a_cycle_of_foreign_keys_is_named_and_broken_the_same_way_every_time() {
        let all = collections(&["late: b", "a:", "b:", "other:"]);
        let schema = schema(&["a.b_id b", "b.a_id a"]);
        let order = order(&all, Some(&schema), &[]).unwrap();
        assert_eq!(names(&all, &order), ["other", "a", "b", "late"]);
        assert_eq!(order.cycles, [["a", "b", "a"]]);
        assert_eq!(spell(&order.cycles[0]), "a → b → a");
    }

    #[test]
    fn what_depends_on_says_is_kept_in_a_cycle_with_foreign_keys() {
        let all = collections(&["a: b", "b:"]);
        let order = order(&all, Some(&schema(&["b.a_id a"])), &[]).unwrap();
        assert_eq!(names(&all, &order), ["b", "a"]);
        assert_eq!(order.cycles, [["b", "a", "b"]]);
    }

    #[test]
    fn collections_outside_of_a_cycle_never_pay_for_it() {
        // `z` needs one of the cycle and nothing needs `z`: taking it first would break an edge for nothing.
        let all = collections(&["z:", "a:", "b:", "c:"]);
        let schema = schema(&["z.a_id a", "a.b_id b", "a.c_id c", "b.a_id a", "b.c_id c", "c.a_id a", "c.b_id b"]);
        let order = order(&all, Some(&schema), &[]).unwrap();
        let names = names(&all, &order);
        let at = |name: &str| names.iter().position(|own| own == name).unwrap();
        assert!(at("a") < at("z"), "{names:?}");
        assert!(!order.cycles.is_empty() && !order.cycles.concat().contains(&"z".to_owned()), "{:?}", order.cycles);
    }

    #[test]
    fn only_pulls_in_parents_and_says_which_and_why() {
        let all = collections(&["users:", "batches: users", "tasks:", "words:"]);
        let only = [CollectionPattern::parse("tasks").unwrap()];
        let order = order(&all, Some(&schema(&["tasks.batch_id batches"])), &only).unwrap();
        assert_eq!(names(&all, &order), ["users", "batches", "tasks"]);
        let pulled: Vec<_> = order
            .missing_parents
            .iter()
            .map(|one| format!("{} for {} ({})", one.collection, one.needed_by, one.why))
            .collect();
        assert_eq!(pulled, ["batches for tasks (foreign key tasks.batch_id)", "users for batches (depends_on)"]);
    }

    #[test]
    fn only_of_an_unknown_collection_is_a_usage_error_with_a_suggestion() {
        let all = collections(&["users:", "batches:"]);
        let error = order(&all, None, &[CollectionPattern::parse("user").unwrap()]).unwrap_err();
        assert_eq!((error.kind(), error.hint_text()), (ErrorKind::Usage, Some("did you mean `users`?")));
    }
}
