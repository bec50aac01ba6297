//! One run as the engine does it: collection after collection, waiting documents in passes, at last those that are left.

use std::collections::{BTreeMap, VecDeque};

use async_trait::async_trait;
use fireferry::destination::{
    Batch, CommitHeader, Destination, Feed, Receipt, RejectQuery, RunRecord, StoredReject, Target,
};
use fireferry::domain::cursor::{Counts, Cursor, Partition};
use fireferry::domain::reject::{Reject, RejectCode, RejectData, RejectState, Rejection};
use fireferry::domain::row::MappedDocument;
use fireferry::error::Result;

use super::case::{Case, Load, Record};

/// Passes at the end of a run are numbered from here, as the engine does.
const RUN_PASSES: u64 = 1 << 32;
const LAST_PASS: u64 = 1 << 33;

/// What a run says of itself in the end.
#[derive(Debug, Clone, PartialEq)]
pub struct Outcome {
    pub counts: Vec<(String, Counts)>,
    pub partitions: Vec<(String, Option<Cursor>, bool)>,
    /// The error that ended it.
    pub error: Option<String>,
}

/// At most so many batches of those that are there.
struct Few<'a> {
    batches: &'a mut VecDeque<Batch>,
    most: usize,
}

#[async_trait]
impl Feed for Few<'_> {
    async fn next(&mut self) -> Result<Option<Batch>> {
        if self.most == 0 {
            return Ok(None);
        }
        self.most -= 1;
        Ok(self.batches.pop_front())
    }
}

struct Run<'a> {
    destination: &'a mut dyn Destination,
    id: String,
    load: &'a Load,
    targets: Vec<Target>,
    records: Vec<Vec<Record>>,
    /// Sums of the receipts, which must be those of the destination.
    sums: BTreeMap<String, Counts>,
    retries: u64,
}

/// Runs one load of the case.
pub async fn play(destination: &mut dyn Destination, case: &Case, number: usize) -> Outcome {
    let load = &case.loads[number];
    destination.acquire_lease("the test").await.unwrap();
    destination.initialize().await.unwrap();
    let tables = ["users", "user_tags", "groups"].map(str::to_owned);
    let rows = destination.count(&tables).await.unwrap();
    let is_empty = |table: &str| tables.iter().position(|name| name == table).is_some_and(|index| rows[index] == 0);
    let targets = case.targets(load, is_empty);
    let id = format!("r{number}");
    let record = RunRecord {
        run: id.clone(),
        pipeline: "test".to_owned(),
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        status: "running".to_owned(),
        pipeline_fingerprint: String::new(),
        schema_fingerprint: String::new(),
        details: "{}".to_owned(),
    };
    let partition = || Partition { id: "p".to_owned(), bounds: "all".to_owned() };
    let partitions: Vec<_> = targets.iter().map(|target| (target.collection.to_string(), partition())).collect();
    destination.start_run(&record, &partitions).await.unwrap();
    destination.prepare(&id, &targets).await.unwrap();
    let records = case.documents(load);
    let mut run = Run { destination, id, load, targets, records, sums: BTreeMap::new(), retries: 0 };
    let error = run.all().await.err().map(|error| format!("{:?} {}", error.kind(), error.code()));
    run.outcome(error).await
}

impl Run<'_> {
    async fn outcome(mut self, error: Option<String>) -> Outcome {
        let counts = self.destination.counts(&self.id).await.unwrap();
        if error.is_none() {
            let sums: Vec<(String, Counts)> = std::mem::take(&mut self.sums).into_iter().collect();
            assert_eq!(sums, counts, "the sum of the receipts is what is stored");
            counts
                .iter()
                .for_each(|(name, counts)| assert!(counts.adds_up() && counts.waiting == 0, "{name} {counts:?}"));
        }
        let states = self.destination.partitions(&self.id).await.unwrap();
        let partitions = states.into_iter().map(|state| (state.collection, state.cursor, state.done)).collect();
        self.destination.release_lease().await.unwrap();
        Outcome { counts, partitions, error }
    }

    async fn all(&mut self) -> Result<()> {
        for target in 0..self.targets.len() {
            self.load(target).await?;
            self.settle(target).await?;
        }
        if self.waiting(None) > 0 {
            let mut pass = self.destination.last_pass(&self.id, None).await?.clamp(RUN_PASSES, LAST_PASS - 1);
            loop {
                let before = self.waiting(None);
                self.pass_over_all(pass).await?;
                if self.waiting(None) == 0 || self.waiting(None) == before {
                    break;
                }
                pass += 1;
            }
            self.pass_over_all(LAST_PASS).await?;
        }
        Ok(())
    }

    fn account(&mut self, target: usize, receipts: Vec<Receipt>) {
        for receipt in receipts {
            *self.sums.entry(self.targets[target].collection.to_string()).or_default() += receipt.counts;
        }
    }

    fn waiting(&self, target: Option<usize>) -> i64 {
        let names = self.targets.iter().enumerate().filter(|(index, _)| target.is_none_or(|target| target == *index));
        names.filter_map(|(_, target)| self.sums.get(target.collection.as_str())).map(|counts| counts.waiting).sum()
    }

    async fn load(&mut self, target: usize) -> Result<()> {
        let mut batches = self.batches(target);
        let (mut from, mut sequence) = (None, 0);
        loop {
            sequence += 1;
            let header = self.header(target, "p".to_owned(), sequence, from.clone(), 0);
            let most = self.load.commits[sequence as usize % self.load.commits.len()];
            let written = self.destination.write(&header, &mut Few { batches: &mut batches, most }).await?;
            self.account(target, written.durable);
            if written.last {
                let rest = self.destination.flush().await?;
                self.account(target, rest);
                return Ok(());
            }
            from = written.to;
        }
    }

    fn header(&self, target: usize, partition: String, sequence: u64, from: Option<Cursor>, pass: u64) -> CommitHeader {
        let finalize = pass >= LAST_PASS;
        CommitHeader { run: self.id.clone(), target, partition, sequence, from, finalize, pass }
    }

    fn batches(&self, target: usize) -> VecDeque<Batch> {
        let mut records = self.records[target].iter().peekable();
        let mut batches = VecDeque::new();
        loop {
            let size = self.load.batches[batches.len() % self.load.batches.len()];
            let some: Vec<&Record> = records.by_ref().take(size).collect();
            let last = records.peek().is_none();
            batches.push_back(Batch {
                documents: some.iter().filter(|record| !record.broken).map(|record| record.document.clone()).collect(),
                rejects: some.iter().filter(|record| record.broken).map(|record| broken(&record.document)).collect(),
                skipped: some.len() as u64 % 2,
                bytes: some.len() as u64 * 10,
                to: Cursor(format!("batch {}", batches.len())),
                last,
            });
            if last {
                return batches;
            }
        }
    }

    async fn settle(&mut self, target: usize) -> Result<()> {
        if self.waiting(Some(target)) == 0 {
            return Ok(());
        }
        let name = self.targets[target].collection.to_string();
        let mut pass = self.destination.last_pass(&self.id, Some(&name)).await?;
        let mut whole = false;
        loop {
            let before = self.waiting(Some(target));
            self.pass(target, pass).await?;
            let now = self.waiting(Some(target));
            if now == 0 || (whole && now == before) {
                return Ok(());
            }
            whole = true;
            pass += 1;
        }
    }

    async fn pass_over_all(&mut self, pass: u64) -> Result<()> {
        for target in 0..self.targets.len() {
            if self.waiting(Some(target)) > 0 {
                self.pass(target, pass).await?;
            }
        }
        Ok(())
    }

    async fn pass(&mut self, target: usize, pass: u64) -> Result<()> {
        let mut query = RejectQuery {
            run: Some(self.id.clone()),
            collection: Some(self.targets[target].collection.to_string()),
            waiting: Some(true),
            after: None,
            before_pass: Some(pass),
            limit: self.load.page,
        };
        self.retries += 1;
        let partition = format!("~{}", self.retries);
        for sequence in 1.. {
            let page = self.destination.rejects(&query).await?;
            let Some(end) = page.last() else { break };
            query.after = Some(end.id);
            let header = self.header(target, partition.clone(), sequence, None, pass);
            let documents = page.iter().map(|stored| self.again(target, stored)).collect();
            let batch =
                Batch { documents, rejects: vec![], skipped: 0, bytes: 0, to: Cursor(String::new()), last: false };
            let mut batches = VecDeque::from([batch]);
            let written = self.destination.write(&header, &mut Few { batches: &mut batches, most: 1 }).await?;
            self.account(target, written.durable);
            let rest = self.destination.flush().await?;
            self.account(target, rest);
        }
        Ok(())
    }

    /// The waiting document, found by where it was read.
    fn again(&self, target: usize, stored: &StoredReject) -> MappedDocument {
        let offset = stored.reject.origin.offset;
        let record = self.records[target].iter().find(|record| record.document.document.origin.offset == offset);
        MappedDocument { waiting: Some(stored.id), ..record.unwrap().document.clone() }
    }
}

fn broken(document: &MappedDocument) -> Reject {
    Reject {
        collection: fireferry::domain::document::CollectionPattern::of("users"),
        document: None,
        key: None,
        rejection: Rejection::new(RejectCode::MalformedRecord, "it is broken"),
        state: RejectState::Rejected,
        origin: document.document.origin.clone(),
        data: RejectData::Raw(b"{\xff".to_vec()),
    }
}
