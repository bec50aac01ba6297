//! A commit that the server does not take in one request: sent in several, on one stream, in the same transaction.
//!
//! Slower, and the write lock is held for the way between the parts; but applied whole or not at all like every other.

use crate::destination::libsql::remote::connection::unexpected;
use crate::destination::libsql::remote::hrana::{Answer, Batch, BatchAnswer, Client, Request, Response, Step, Trouble};

/// Bytes of one part, unless a single statement is larger.
const BYTES: usize = 1_000_000;

/// Sends the steps of a commit, given by its body, part by part; the answer is as if they had been sent at once. A step's condition may only
/// be that the one before it succeeded, except for the last one, which is left out: a stream that is closed rolls back.
pub(super) async fn post_in_parts(client: &Client, body: &[u8]) -> Result<Answer, Trouble> {
    let batch = Batch::of_body(body)?;
    let steps = batch.steps.split_last().map_or(&[][..], |(_rollback, steps)| steps);
    let mut all = BatchAnswer::default();
    let mut stream = None;
    for part in parts(steps) {
        let conditions = part.iter().enumerate().map(|(index, step)| Step {
            condition: index.checked_sub(1).map(crate::destination::libsql::remote::hrana::batch::ok),
            stmt: step.stmt.clone(),
        });
        let request = Request::batch(Batch { steps: conditions.collect() });
        let answer = client.pipeline(stream.as_ref(), &[request]).await?;
        stream = answer.stream;
        let result = match answer.responses.into_iter().next() {
            Some(Ok(Response::Batch { result })) => result,
            Some(Err(trouble)) => return Err(trouble),
            _ => return Err(unexpected("something else than a batch")),
        };
        let failed = result.first_error().is_some();
        all.step_results.extend(result.step_results);
        all.step_errors.extend(result.step_errors);
        if failed {
            break;
        }
    }
    if let Some(stream) = &stream {
        // What is not closed expires, and is rolled back with that.
        let _ = client.pipeline(Some(stream), &[Request::Close]).await;
    }
    Ok(Answer { responses: vec![Ok(Response::Batch { result: all })], stream: None })
}

fn parts(steps: &[Step]) -> Vec<&[Step]> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, step) in steps.iter().enumerate() {
        let own = step.stmt.size();
        if index > start && bytes + own > BYTES {
            parts.extend(steps.get(start..index));
            (start, bytes) = (index, 0);
        }
        bytes += own;
    }
    parts.extend(steps.get(start..));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::destination::libsql::remote::hrana::Stmt;
    use crate::destination::libsql::statement::Statement;
    use crate::domain::row::SqlValue;

    #[test]
    fn parts_keep_the_order_and_are_bounded() {
        let step = |bytes: usize| Step {
            condition: None,
            stmt: Stmt::effect(Statement::new("", vec![SqlValue::Text("x".repeat(bytes))])),
        };
        let steps: Vec<Step> = [10, 400_000, 700_000, 2_000_000, 5, 5].map(step).into_iter().collect();
        let lengths: Vec<usize> = parts(&steps).iter().map(|part| part.len()).collect();
        assert_eq!(lengths, [2, 1, 1, 2]);
        assert_eq!(parts(&[]).iter().map(|part| part.len()).sum::<usize>(), 0);
    }
}
