//! `export`: the destination's rows as documents again.

use std::path::Path;

use crate::engine::export::{self, ExportOptions};
use crate::error::Result;
use crate::report::text;

use super::App;
use super::args::ExportArgs;
use super::connect::{Access, Connected, connect};
use super::exit::Exit;

/// Exit code 5 when not every row is exactly in the export, 4 when documents were rejected by the newest run.
pub async fn export(app: &App, args: &ExportArgs) -> Result<Exit> {
    let Connected { context, progress, state, fresh: _fresh } = connect(app, &args.pipeline.file, Access::Read)?;
    let out = args.out.clone().unwrap_or_else(|| Path::new("export").join(&context.pipeline.name));
    let options = ExportOptions { out, only: args.only.clone(), force: args.force };
    let result = export::export(context, options).await;
    progress.close();
    drop(state);
    let report = result?;
    app.output.answer(&report, || text::export(&report))?;
    Ok(Exit::of([
        if report.complete { Exit::Clean } else { Exit::Differences },
        if report.rejects > 0 { Exit::Rejects } else { Exit::Clean },
    ]))
}
