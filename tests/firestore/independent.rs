//! A Firestore server that others wrote: `@firestore-emulator/server`, installed by `scripts/test`.
//!
//! It knows nothing of our own server, so the two cannot share a misunderstanding. It keeps every type, but ignores where
//! a query starts, and its integers end at 2^53.

use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use fireferry::domain::value::{GeoPoint, Map, Timestamp, Value};
use firestore::gcloud_sdk::google::firestore::v1 as proto;
use firestore::gcloud_sdk::google::r#type::LatLng;
use firestore::gcloud_sdk::prost_types;
use firestore::gcloud_sdk::tonic::Request;
use proptest::strategy::{Strategy, ValueTree};
use proptest::test_runner::TestRunner;
use proto::firestore_client::FirestoreClient;
use proto::value::ValueType;
use proto::write::Operation;

use crate::proof::program::{Workspace, assert_adds_up};
use crate::proof::types::{PIPELINE, Thing, any_thing, write};
use crate::support::database::assert_same;
use crate::support::{Sandbox, repository, servers};

/// The only database here.
const DATABASE: &str = "projects/demo/databases/(default)";
/// Beyond these, numbers of JavaScript are no longer whole.
const SAFE: i64 = (1 << 53) - 1;
/// Documents that fit into one page.
const FEW: usize = 15;

/// The server on a free port; gone when it is dropped.
struct Independent {
    child: Child,
    address: String,
}

impl Independent {
    /// Starts one. Without it, a test fails in CI and is skipped elsewhere.
    fn start() -> Option<Self> {
        let installed = servers::installed("independent")?;
        let mut child = Command::new("node")
            .arg(repository("tests/firestore/independent/serve.mjs"))
            .arg(installed)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("node, which scripts/test looks for");
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let started: serde_json::Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        Some(Self { child, address: started["listening"].as_str().unwrap().to_owned() })
    }

    /// Writes documents through the server's own Commit.
    #[tokio::main(flavor = "current_thread")]
    async fn commit(&self, collection: &str, documents: &BTreeMap<String, Thing>) {
        let mut client = FirestoreClient::connect(format!("http://{}", self.address)).await.unwrap();
        let writes = documents.iter().map(|(id, thing)| {
            let name = format!("{DATABASE}/documents/{collection}/{id}");
            let fields = thing.iter().map(|(name, value)| ((*name).to_owned(), message(value))).collect();
            let document = proto::Document { name, fields, ..proto::Document::default() };
            proto::Write { operation: Some(Operation::Update(document)), ..proto::Write::default() }
        });
        let writes = writes.collect();
        let commit = proto::CommitRequest { database: DATABASE.to_owned(), writes, ..proto::CommitRequest::default() };
        let mut request = Request::new(commit);
        request.metadata_mut().insert("authorization", "Bearer owner".parse().unwrap());
        let answer = client.commit(request).await.unwrap().into_inner();
        assert_eq!(answer.write_results.len(), documents.len());
    }

    /// A workspace that reads from here.
    fn workspace(&self, pipeline: std::path::PathBuf) -> Workspace {
        let mut workspace = Workspace::new(pipeline, "firestore:demo");
        workspace.server = Some(self.address.clone());
        workspace
    }
}

impl Drop for Independent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn message(value: &Value) -> proto::Value {
    let list = |values: &mut dyn Iterator<Item = proto::Value>| {
        ValueType::ArrayValue(proto::ArrayValue { values: values.collect() })
    };
    let kind = match value {
        Value::Null => ValueType::NullValue(0),
        Value::Boolean(flag) => ValueType::BooleanValue(*flag),
        Value::Integer(number) => ValueType::IntegerValue(*number),
        Value::Double(number) => ValueType::DoubleValue(*number),
        Value::Timestamp(time) => ValueType::TimestampValue(prost_types::Timestamp {
            seconds: time.as_second(),
            nanos: time.subsec_nanosecond(),
        }),
        Value::String(text) => ValueType::StringValue(text.clone()),
        Value::Bytes(bytes) => ValueType::BytesValue(bytes.clone()),
        Value::Reference(path) => ValueType::ReferenceValue(format!("{DATABASE}/documents/{path}")),
        Value::GeoPoint(GeoPoint { latitude, longitude }) => {
            ValueType::GeoPointValue(LatLng { latitude: *latitude, longitude: *longitude })
        }
        Value::Array(values) => list(&mut values.iter().map(message)),
        Value::Vector(numbers) => {
            let kind = message(&Value::String("__vector__".to_owned()));
            let numbers = list(&mut numbers.iter().map(|number| message(&Value::Double(*number))));
            let numbers = proto::Value { value_type: Some(numbers) };
            let fields = HashMap::from([("__type__".to_owned(), kind), ("value".to_owned(), numbers)]);
            ValueType::MapValue(proto::MapValue { fields })
        }
        Value::Map(map) => {
            let fields = map.iter().map(|(name, value)| (name.to_owned(), message(value))).collect();
            ValueType::MapValue(proto::MapValue { fields })
        }
        Value::Invalid(_) => unreachable!("no document holds it"),
    };
    proto::Value { value_type: Some(kind) }
}

/// What the server keeps of a value: whole numbers within 2^53, no -0.0 in a place, no field without a name.
fn carried(value: Value) -> Value {
    match value {
        Value::Integer(number) => Value::Integer(number.clamp(-SAFE, SAFE)),
        Value::GeoPoint(place) => {
            Value::GeoPoint(GeoPoint { latitude: place.latitude + 0.0, longitude: place.longitude + 0.0 })
        }
        Value::Array(values) => Value::Array(values.into_iter().map(carried).collect()),
        Value::Map(map) => {
            let named = map.into_iter().filter(|(name, _)| !name.is_empty());
            Value::Map(named.map(|(name, value)| (name, carried(value))).collect())
        }
        other => other,
    }
}

/// Random documents, one with the ends of every type, and one that no REAL column can hold.
fn things(number: usize) -> BTreeMap<String, Thing> {
    let mut runner = TestRunner::deterministic();
    let strategy = any_thing();
    let random = (2..number).map(|number| {
        let thing = strategy.new_tree(&mut runner).unwrap().current();
        (format!("t{number:05}"), thing.into_iter().map(|(name, value)| (name, carried(value))).collect())
    });
    let mut things: BTreeMap<String, Thing> = random.collect();
    things.insert("all ends 😀".to_owned(), ends());
    things.insert("no number".to_owned(), Thing::from([("number", Value::Double(f64::NAN))]));
    things
}

fn ends() -> Thing {
    let time = |seconds, nanos| Value::Timestamp(Timestamp::new(seconds, nanos).unwrap());
    let doubles = [f64::MIN_POSITIVE / 4.0, f64::MAX, -0.0, f64::NEG_INFINITY, f64::NAN].map(Value::Double);
    let map: Map = [
        ("doubles".to_owned(), Value::Array(doubles.to_vec())),
        ("first".to_owned(), time(-62_135_596_800, 0)),
        ("empty".to_owned(), Value::Array(vec![Value::Map(Map::default()), Value::Bytes(Vec::new())])),
        ("vector".to_owned(), Value::Vector(vec![0.1, -0.0])),
        ("a.b`\\".to_owned(), Value::Null),
    ]
    .into_iter()
    .collect();
    Thing::from([
        ("truth", Value::Boolean(false)),
        ("whole", Value::Integer(-SAFE)),
        ("number", Value::Double(5e-324)),
        ("moment", time(253_402_300_799, 999_999_999)),
        ("text", Value::String("\u{0}e\u{301}\u{10ffff}".to_owned())),
        ("bytes", Value::Bytes((0..=255).collect())),
        ("reference", Value::Reference("users/ü 7".to_owned())),
        ("place", Value::GeoPoint(GeoPoint { latitude: -90.0, longitude: 180.0 })),
        ("anything", Value::Map(map)),
    ])
}

/// The pipeline of all types, reading from the server page by page of at most so many documents.
fn pipeline(files: &Sandbox, batch_size: usize) -> std::path::PathBuf {
    // One request at a time leaves it the room of all: the page may be as large as it is said here.
    let source = "source: { kind: firestore, project: demo, concurrency: 1 }";
    let defaults =
        format!("defaults: {{ max_rejects: 100%, max_retries: 2, batch_bytes: 8MiB, batch_size: {batch_size} }}");
    let pipeline = PIPELINE
        .replace("source: { kind: json, path: things, shape: firestore_rest }", source)
        .replace("defaults: { max_rejects: 100% }", &defaults);
    assert!(pipeline.contains(source) && pipeline.contains(&defaults));
    files.write("live.yaml", pipeline)
}

#[test]
fn documents_of_an_independent_server_are_those_from_files() {
    let Some(server) = Independent::start() else { return };
    // Few enough that the first query asks for more, though it does not know yet how large they are.
    let (files, things) = (Sandbox::new(), things(FEW));
    write(&files, &things);
    server.commit("things", &things);
    let from_files = Workspace::new(files.write("types.yaml", PIPELINE), files.path("things"));
    let expected = from_files.run(&[]).exits(4).json();
    let live = server.workspace(pipeline(&files, 100));
    let report = live.run(&[]).exits(4).json();
    assert_adds_up(&report);
    assert_eq!(report["totals"]["read"], FEW);
    for part in ["read", "inserted", "rejected"] {
        assert_eq!(report["totals"][part], expected["totals"][part], "{part}");
    }
    assert_same(&live.destination(), &from_files.destination(), "from an independent server");
}

#[test]
fn a_server_that_ignores_where_a_query_starts_is_an_error_and_no_loop() {
    let Some(server) = Independent::start() else { return };
    let (files, things) = (Sandbox::new(), things(20));
    write(&files, &things);
    server.commit("things", &things);
    // The limit of time is for the case that it does loop: the exit code is then another one.
    let report = server.workspace(pipeline(&files, 10)).run(&["--max-time", "60s"]).exits(1).json();
    assert!(report["error"]["message"].as_str().unwrap().contains("the source does not advance"), "{report:#}");
    assert_eq!(report["status"], "failed");
}
