//! `test`: the pipeline's own tests; reads only the pipeline file.

use crate::error::Result;
use crate::pipeline::tests::run_tests;

use super::App;
use super::args::PipelineArg;
use super::connect::load;
use super::exit::Exit;

/// Exit code 1 when a test fails.
pub fn test(app: &App, args: &PipelineArg) -> Result<Exit> {
    let pipeline = load(app, &args.file)?;
    let outcomes = run_tests(&pipeline, None);
    let passed = outcomes.iter().all(|outcome| outcome.passed());
    let _ = passed;
    Ok(if passed { Exit::Clean } else { Exit::Failed })
}
