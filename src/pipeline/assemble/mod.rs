//! One tree out of all that a pipeline is written in: its file, the files it includes, the environment it runs in.
//!
//! Everything happens before variables are substituted, so that those of an environment that was not chosen need not
//! be set. Every node keeps the place where it was written.

mod environment;
mod include;

use super::decode::Problems;
use super::interpolate::Environment;
use super::yaml::{Kind, Node};
use crate::error::Result;

/// Puts the tree of the pipeline file together. Mistakes in files are added to `problems`; the answer is whether all of
/// them could be read.
///
/// # Errors
/// When there is no such environment, or one must be chosen.
pub fn assemble(
    root: &mut Node,
    chosen: Option<&str>,
    env: Environment<'_>,
    problems: &mut Problems<'_>,
) -> Result<bool> {
    environment::choose(root, chosen, problems)?;
    let complete = include::include(root, env, problems);
    // Done with: variables of the environments that were not chosen are not looked up.
    for key in ["include", "environments"] {
        if let Some(node) = root.entry_mut(key) {
            node.kind = Kind::Null;
        }
    }
    Ok(complete)
}

/// Whether a node counts as written.
fn is_written(node: &Node) -> bool {
    node.kind != Kind::Null
}
