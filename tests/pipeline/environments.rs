//! `environments`: one pipeline, several places.

use fireferry::error::ErrorKind;
use fireferry::pipeline::resolved::{BackupPolicy, DestinationUrl, Pipeline};
use secrecy::ExposeSecret;

use super::support::Case;

const PIPELINE: &str = r#"version: 1
name: shop
source: { kind: json, path: data, id_field: uid }
destination: { url: "file:dev.db", auth_token: "${DEV_TOKEN:-dev}", lease_time: 5s }
defaults: { batch_size: 7, readers: 3 }
collections: { users: { key: id, columns: { id: $id } } }
environments:
  dev: {}
  prod:
    destination: { url: "${PROD_URL}", auth_token: "${PROD_TOKEN}" }
    backup: daily
    defaults: { batch_size: 9 }
  elsewhere: { name: other, destination: { url: "libsql://other.example" } }
  live: { source: { kind: firestore, project: p1 } }
"#;

fn file(pipeline: &Pipeline) -> String {
    match &pipeline.destination.url {
        DestinationUrl::File(path) => path.file_name().unwrap().to_string_lossy().into_owned(),
        DestinationUrl::Remote(url) => url.clone(),
    }
}

#[test]
fn without_one_the_file_counts_as_it_is_and_no_variable_of_another_is_needed() {
    let pipeline = Case::new(PIPELINE).load().unwrap();
    assert_eq!((pipeline.name.as_str(), file(&pipeline).as_str(), pipeline.environment), ("shop", "dev.db", None));
    let dev = Case::new(PIPELINE).environment("dev").load().unwrap();
    assert_eq!((dev.name.as_str(), dev.destination.auth_token.unwrap().expose_secret()), ("shop.dev", "dev"));
}

#[test]
fn the_chosen_one_is_laid_over_the_file_key_by_key() {
    let case =
        Case::new(PIPELINE).environment("prod").variable("PROD_URL", "file:prod.db").variable("PROD_TOKEN", "t0");
    let pipeline = case.load().unwrap();
    assert_eq!((pipeline.name.as_str(), file(&pipeline).as_str()), ("shop.prod", "prod.db"));
    assert_eq!(pipeline.destination.auth_token.as_ref().unwrap().expose_secret(), "t0");
    assert_eq!(pipeline.destination.lease_time.as_secs(), 5, "what it does not say stays");
    assert_eq!((pipeline.collections[0].batch_size, pipeline.settings.readers), (9, 3));
    assert_eq!((pipeline.backup, pipeline.source.id_field()), (BackupPolicy::Daily, Some("uid")));
    assert!(pipeline.arguments().ends_with("pipeline.yaml --env prod"));
}

#[test]
fn a_token_is_not_sent_to_another_address() {
    let pipeline = Case::new(PIPELINE).environment("elsewhere").load().unwrap();
    assert_eq!((pipeline.name.as_str(), file(&pipeline).as_str()), ("other", "libsql://other.example"));
    assert!(pipeline.destination.auth_token.is_none());
}

#[test]
fn another_kind_of_source_replaces_the_whole_source() {
    let pipeline = Case::new(PIPELINE).environment("live").load().unwrap();
    assert_eq!(pipeline.source.id_field(), None, "the keys of files are gone");
}

#[test]
fn rows_are_made_the_same_way_everywhere() {
    let of = |case: Case| case.load().unwrap().fingerprint;
    assert_eq!(of(Case::new(PIPELINE)), of(Case::new(PIPELINE).environment("dev")));
}

#[test]
fn one_must_be_chosen_where_only_they_have_a_destination() {
    let yaml = PIPELINE.lines().filter(|line| !line.starts_with("destination")).collect::<Vec<_>>().join("\n");
    let error = Case::new(&yaml).load().unwrap_err();
    assert_eq!((error.code(), error.kind()), ("environment_missing", ErrorKind::Usage));
    assert_eq!(error.hint_text(), Some("say --env dev or --env prod or --env elsewhere or --env live"));
    Case::new(&yaml).environment("elsewhere").load().unwrap();
}

#[test]
fn mistakes_are_shown_where_they_are_also_in_those_not_chosen() {
    let mut all = String::new();
    let mut add = |title: &str, case: Case| all.push_str(&format!("## {title}\n{}\n\n", case.complaint()));
    let change = |from: &str, to: &str| PIPELINE.replace(from, to);
    add("an unknown one", Case::new(PIPELINE).environment("porduction"));
    add("nearly", Case::new(PIPELINE).environment("prd"));
    let none = PIPELINE.split("environments:").next().unwrap();
    add("none at all", Case::new(none).environment("prod"));
    add("a variable of the chosen one", Case::new(PIPELINE).environment("prod").variable("PROD_URL", "file:a.db"));
    add("a key that is not an environment's", Case::new(&change("backup: daily", "collections: {}")));
    add("a typo in a section of one that is not chosen", Case::new(&change("{ batch_size: 9 }", "{ batchsize: 9 }")));
    add("the same, chosen", {
        let case = Case::new(&change("{ batch_size: 9 }", "{ batchsize: 9 }")).environment("prod");
        case.variable("PROD_URL", "file:a.db").variable("PROD_TOKEN", "t")
    });
    add("a name that cannot be a part of one", Case::new(&change("  live:", "  \"li ve\":")));
    insta::assert_snapshot!(all);
}
