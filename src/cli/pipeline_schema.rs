//! `pipeline-schema`: the JSON Schema of the pipeline file; needs nothing but the program.

use crate::error::Result;
use crate::pipeline::json_schema;

use super::App;
use super::exit::Exit;

/// Prints it: JSON with and without `--json`.
pub fn pipeline_schema(app: &App) -> Result<Exit> {
    app.output.document(&json_schema())?;
    Ok(Exit::Clean)
}
