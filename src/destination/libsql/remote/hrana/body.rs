//! The body of a request. Written by hand: nearly all of it is one text per commit, which goes in by the stretch.

use std::fmt::Write;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::wire::{Condition, Request, Step, Stmt};
use crate::domain::json;
use crate::domain::row::SqlValue;

/// `POST /v3/pipeline`: requests on one stream, executed one after another; an error does not stop the later ones. The
/// baton names the stream that they go on with; without one they open one.
pub(super) fn encode(baton: Option<&str>, requests: &[Request]) -> bytes::Bytes {
    let mut out = String::with_capacity(100 + requests.iter().map(size).sum::<usize>());
    out.push_str("{\"baton\":");
    match baton {
        Some(baton) => json::string(&mut out, baton),
        None => out.push_str("null"),
    }
    out.push_str(",\"requests\":");
    list(&mut out, requests, request);
    out.push('}');
    out.into_bytes().into()
}

fn request(out: &mut String, request: &Request) {
    match request {
        Request::Execute { stmt } => {
            out.push_str("{\"type\":\"execute\",\"stmt\":");
            statement(out, stmt);
        }
        Request::Batch { batch } => {
            out.push_str("{\"type\":\"batch\",\"batch\":{\"steps\":");
            list(out, &batch.steps, step);
            out.push('}');
        }
        Request::Close => out.push_str("{\"type\":\"close\""),
    }
    out.push('}');
}

fn step(out: &mut String, step: &Step) {
    out.push('{');
    if let Some(depends) = &step.condition {
        out.push_str("\"condition\":");
        condition(out, depends);
        out.push(',');
    }
    out.push_str("\"stmt\":");
    statement(out, &step.stmt);
    out.push('}');
}

fn condition(out: &mut String, depends: &Condition) {
    match depends {
        // Writing into a string cannot fail.
        Condition::Ok { step } => drop(write!(out, "{{\"type\":\"ok\",\"step\":{step}}}")),
        Condition::Not { cond } => {
            out.push_str("{\"type\":\"not\",\"cond\":");
            condition(out, cond);
            out.push('}');
        }
        Condition::And { conds } | Condition::Or { conds } => {
            let kind = if matches!(depends, Condition::And { .. }) { "and" } else { "or" };
            let _ = write!(out, "{{\"type\":\"{kind}\",\"conds\":");
            list(out, conds, condition);
            out.push('}');
        }
    }
}

fn statement(out: &mut String, stmt: &Stmt) {
    out.push_str("{\"sql\":");
    json::string(out, &stmt.sql);
    out.push_str(",\"args\":");
    list(out, &stmt.args, value);
    let _ = write!(out, ",\"want_rows\":{}}}", stmt.want_rows);
}

/// Integers as text, doubles as numbers that are read back by bits, BLOBs as base64. A double that is not finite has no
/// number: the server refuses it.
fn value(out: &mut String, value: &SqlValue) {
    match value {
        SqlValue::Null => out.push_str("{\"type\":\"null\"}"),
        SqlValue::Integer(number) => drop(write!(out, "{{\"type\":\"integer\",\"value\":\"{number}\"}}")),
        SqlValue::Real(double) if double.is_finite() => {
            let _ = write!(out, "{{\"type\":\"float\",\"value\":{double:?}}}");
        }
        SqlValue::Real(_) => out.push_str("{\"type\":\"float\",\"value\":null}"),
        SqlValue::Text(text) => {
            out.push_str("{\"type\":\"text\",\"value\":");
            json::string(out, text);
            out.push('}');
        }
        SqlValue::Blob(bytes) => {
            out.push_str("{\"type\":\"blob\",\"base64\":\"");
            STANDARD.encode_string(bytes, out);
            out.push_str("\"}");
        }
    }
}

fn list<T>(out: &mut String, items: &[T], each: fn(&mut String, &T)) {
    out.push('[');
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        each(out, item);
    }
    out.push(']');
}

/// About how many bytes it takes: a body that grows is copied again and again.
fn size(request: &Request) -> usize {
    match request {
        Request::Execute { stmt } => stmt.size(),
        Request::Batch { batch } => batch.steps.iter().map(|step| 40 + step.stmt.size()).sum(),
        Request::Close => 20,
    }
}

#[cfg(test)]
mod tests {
    use super::super::batch::{both, either, not_ok, ok};
    use super::super::wire::Batch;
    use super::*;
    use crate::destination::libsql::statement::Statement;

    #[test]
    fn a_body_is_what_the_protocol_says() {
        let stmt =
            || Stmt::effect(Statement::new("SELECT ?1", vec![SqlValue::Integer(-7), SqlValue::Text("a\"\n".into())]));
        let conditions = [both(ok(0), not_ok(1)), either(ok(0), ok(2))];
        let steps = conditions.map(|condition| Step { condition: Some(condition), stmt: stmt() }).to_vec();
        let body =
            encode(Some("b"), &[Request::batch(Batch { steps }), Request::Execute { stmt: stmt() }, Request::Close]);
        let expected = serde_json::json!({ "sql": "SELECT ?1", "want_rows": false,
            "args": [{ "type": "integer", "value": "-7" }, { "type": "text", "value": "a\"\n" }] });
        let ok = |step: usize| serde_json::json!({ "type": "ok", "step": step });
        let and = serde_json::json!({ "type": "and", "conds": [ok(0), { "type": "not", "cond": ok(1) }] });
        let or = serde_json::json!({ "type": "or", "conds": [ok(0), ok(2)] });
        let read: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
        assert_eq!(
            read,
            serde_json::json!({ "baton": "b", "requests": [
                { "type": "batch", "batch": { "steps": [
                    { "condition": and, "stmt": expected }, { "condition": or, "stmt": expected }
                ] } },
                { "type": "execute", "stmt": expected },
                { "type": "close" }
            ] })
        );
    }
}
