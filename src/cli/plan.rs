//! `plan`: order, counts, estimate; changes nothing.

use crate::engine::plan;
use crate::error::Result;
use crate::report::text;

use super::App;
use super::args::PlanArgs;
use super::connect::{Access, connect};
use super::exit::Exit;
use super::settings::plan_options;

/// Shows the plan.
pub async fn plan(app: &App, args: &PlanArgs) -> Result<Exit> {
    let mut connected = connect(app, &args.pipeline.file, Access::Read)?;
    let result = app.interruptible(plan::plan(&mut connected.context, &plan_options(args))).await;
    connected.close();
    let report = result?;
    app.output.answer(&report, || text::plan(&report))?;
    Ok(Exit::Clean)
}
