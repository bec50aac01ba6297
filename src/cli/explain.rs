//! `explain`: what a code means, why it happens, what to do next; needs nothing but the program.

use serde_json::{Value, json};

use crate::error::{Error, ErrorKind, Result};
use crate::explain::{Explanation, all, find, nearest};
use crate::report::text::clean;

use super::App;
use super::args::ExplainArgs;
use super::exit::Exit;

/// Explains one code, or lists all.
pub fn explain(app: &App, args: &ExplainArgs) -> Result<Exit> {
    match &args.code {
        Some(typed) => {
            let found = known(typed)?;
            app.output.answer(&document(&found), || found.iter().map(text).collect::<Vec<_>>().join("\n"))?;
        }
        None => app.output.answer(&document(all()), || list(all()))?,
    }
    Ok(Exit::Clean)
}

/// The explanations of a code as it was typed: also `error[CODE]` copied from the terminal.
fn known(typed: &str) -> Result<Vec<Explanation>> {
    let inner = typed.trim().trim_end_matches(':').trim_end_matches(']');
    let code = inner.rsplit('[').next().unwrap_or(inner).to_ascii_lowercase().replace('-', "_");
    let found = find(&code);
    if !found.is_empty() {
        return Ok(found);
    }
    let list = "`fireferry explain` lists all codes";
    let hint = match nearest(&code).as_slice() {
        [] => list.to_owned(),
        names => format!("did you mean `{}`?\n{list}", names.join("` or `")),
    };
    Err(Error::new(ErrorKind::Usage, "code_unknown", format!("there is no code {}", clean(typed))).hint(hint))
}

fn document(explanations: &[Explanation]) -> Value {
    let flowing = |text: &str| text.replace('\n', " ");
    let one = |explanation: &Explanation| {
        json!({
            "code": explanation.code,
            "family": explanation.family,
            "summary": explanation.summary,
            "why": flowing(explanation.why),
            "next": flowing(explanation.next),
        })
    };
    json!({ "explanations": explanations.iter().map(one).collect::<Vec<_>>() })
}

fn text(explanation: &Explanation) -> String {
    let Explanation { code, family, summary, why, next } = explanation;
    format!("{code} ({family})\n{summary}\n\n{why}\n\nNext: {}\n", next.replace('\n', "\n      "))
}

/// One line per code, family after family.
fn list(explanations: &[Explanation]) -> String {
    let width = explanations.iter().map(|explanation| explanation.code.len()).max().unwrap_or_default();
    let mut out = String::new();
    let mut family = "";
    for explanation in explanations {
        if family != explanation.family {
            out.push_str(if family.is_empty() { "" } else { "\n" });
            family = explanation.family;
            out.push_str(&format!("{family}:\n"));
        }
        out.push_str(&format!("  {:width$}  {}\n", explanation.code, explanation.summary));
    }
    out
}
