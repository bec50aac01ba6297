//! `pipeline-schema`: the JSON Schema of the pipeline file; needs nothing but the program.

use crate::error::Result;
use crate::pipeline::{json_schema, json_schema_of_included};

use super::App;
use super::args::PipelineSchemaArgs;
use super::exit::Exit;

/// Prints it: JSON with and without `--json`.
pub fn pipeline_schema(app: &App, args: &PipelineSchemaArgs) -> Result<Exit> {
    app.output.document(&if args.included { json_schema_of_included() } else { json_schema() })?;
    Ok(Exit::Clean)
}
