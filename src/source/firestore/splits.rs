//! Where a collection can be cut: names that lie about evenly among its documents.

use firestore::gcloud_sdk::google::firestore::v1 as proto;
use proto::partition_query_request::{ConsistencySelector, QueryType};
use proto::value::ValueType;

use super::scope::{Range, Scope};
use super::session::{Session, request};
use super::{names, peek};
use crate::error::Result;

/// Points asked for in one request.
const PAGE: i32 = 1_000;
/// More points would not make reading quicker.
const MOST: u64 = 10_000;
/// Samples taken at most where the service offers no points.
const SAMPLES: usize = 48;

/// About `wanted` names that cut the collection, ascending, without ends; fewer where the service says so.
pub(super) async fn splits(session: &Session, scope: &Scope, wanted: u64) -> Result<Vec<String>> {
    let wanted = wanted.min(MOST);
    if wanted == 0 {
        return Ok(Vec::new());
    }
    let mut points = match partition_query(session, scope, wanted).await {
        Ok(points) => points,
        Err(error) if error.code() == "source_lacks" => sampled(session, scope, wanted).await?,
        Err(error) => return Err(error),
    };
    let whole = scope.whole();
    points.retain(|point| whole.contains(point));
    points.sort_unstable_by(|a, b| names::compare(a, b));
    points.dedup();
    Ok(points)
}

async fn partition_query(session: &Session, scope: &Scope, wanted: u64) -> Result<Vec<String>> {
    let connection = session.connection().await?;
    let doing = format!("cutting {}", scope.pattern());
    let mut points = Vec::new();
    let mut page_token = String::new();
    loop {
        let answer = session
            .ask(
                &doing,
                1,
                |_| 1,
                |_| {
                    let page_token = page_token.clone();
                    Box::pin(async move {
                        let message = proto::PartitionQueryRequest {
                            parent: connection.documents.clone(),
                            partition_count: i64::try_from(wanted).unwrap_or(i64::MAX),
                            page_token,
                            page_size: PAGE,
                            query_type: Some(QueryType::StructuredQuery(scope.group())),
                            consistency_selector: session.read_time_message().map(ConsistencySelector::ReadTime),
                            ..proto::PartitionQueryRequest::default()
                        };
                        Ok(connection.client().partition_query(request(message)).await?.into_inner())
                    })
                },
            )
            .await?;
        points.extend(answer.partitions.iter().filter_map(|cursor| point(scope, cursor)));
        // A token that stays the same would go on for ever.
        if answer.next_page_token.is_empty() || answer.next_page_token == page_token || points.len() as u64 >= wanted {
            return Ok(points);
        }
        page_token = answer.next_page_token;
    }
}

/// The path of a cursor. Points within other collections of the same name are as good as any: they are names.
fn point(scope: &Scope, cursor: &proto::Cursor) -> Option<String> {
    match &cursor.values.first()?.value_type {
        Some(ValueType::ReferenceValue(name)) => names::relative(scope.documents(), name).map(str::to_owned),
        _ => None,
    }
}

/// Asks which document follows names that lie evenly among all possible ids. Automatic ids are spread evenly; others
/// give fewer points, and so larger stretches.
async fn sampled(session: &Session, scope: &Scope, wanted: u64) -> Result<Vec<String>> {
    let root = scope.pattern().as_str().split('/').next().unwrap_or_default();
    let count = usize::try_from(wanted).unwrap_or(SAMPLES).min(SAMPLES);
    let mut points = Vec::new();
    for guess in guesses(count) {
        let range = Range { from: Some(format!("{root}/{guess}")), to: scope.whole().to };
        points.extend(peek::paths(session, &scope.unfiltered(), &range, None, 1).await?);
    }
    Ok(points)
}

/// Beginnings of ids, evenly spread over those of letters and digits.
fn guesses(count: usize) -> Vec<String> {
    const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let whole = LETTERS.len() * LETTERS.len();
    let letter = |index: usize| char::from(LETTERS.get(index % LETTERS.len()).copied().unwrap_or(b'0'));
    let guess = |number: usize| {
        let place = whole * number / (count + 1);
        String::from_iter([letter(place / LETTERS.len()), letter(place)])
    };
    (1..=count).map(guess).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn guesses_are_spread_over_all_ids_and_ascending() {
        let found = guesses(7);
        assert_eq!(found.len(), 7);
        assert!(found.windows(2).all(|pair| pair[0] < pair[1]), "{found:?}");
        assert!(
            found.first().is_some_and(|first| first.as_str() > "5")
                && found.last().is_some_and(|last| last.as_str() > "q")
        );
    }
}
