//! The complete file into its destination.

use super::{Entry, Stage};
use crate::engine::budget::Stop;
use crate::engine::run::{Prepared, Work, outcome};
use crate::error::Result;

/// Imports the file of a staged run whose counts are valid. From here on the destination is the server again.
pub(in super::super) async fn push(run: &mut Prepared, work: &mut Work) -> Result<()> {
    let Some(mut stage) = run.ctx.stage.take() else { return Ok(()) };
    if !work.valid() {
        work.warnings.push(format!("the counts differ, so {} was not imported", stage.file.display()));
        run.ctx.stage = Some(stage);
        return Ok(());
    }
    let pushed = seal_and_import(run, work, &mut stage).await;
    run.ctx.stage = Some(stage);
    pushed
}

async fn seal_and_import(run: &mut Prepared, work: &mut Work, stage: &mut Stage) -> Result<()> {
    if stage.entry.is_none() {
        seal(run, work, stage).await?;
    }
    let Some(target) = stage.target.take() else { return Ok(()) };
    // With its last connection, everything is in the one file.
    run.ctx.destination = target;
    run.ctx.progress.message(&format!(
        "{} is complete. To import it as a new Turso database instead: turso db create NAME --from-file {}",
        stage.file.display(),
        shell(&stage.file.display().to_string())
    ));
    run.ctx.progress.phase("import");
    // Until everything is there, nothing of the run can be recorded there.
    let record = work.record.take();
    let stop = run.ctx.stop.clone();
    let imported = tokio::select! {
        biased;
        () = stop.cancelled() => None,
        imported = run.ctx.destination.import(&stage.file) => Some(imported),
    };
    match imported {
        Some(Ok(())) => {}
        Some(Err(error)) => {
            // The error tells more than what releasing the lease would say.
            let _ = run.ctx.destination.release_lease().await;
            return Err(error);
        }
        None => {
            work.stop = Some(Stop::Requested);
            return run.ctx.destination.release_lease().await;
        }
    }
    work.record = record;
    if let Some(entry) = &mut stage.entry {
        entry.pushed = true;
        entry.store(&stage.file)?;
    }
    Ok(())
}

/// The run's final record, then its report beside the file, which does not change any more.
async fn seal(run: &mut Prepared, work: &mut Work, stage: &mut Stage) -> Result<()> {
    let status = outcome::status(work, &Ok(()));
    if let Some(record) = &mut work.record {
        let mut details = work.details.clone();
        details.reads += run.ctx.source.usage().bill.map_or(0, |bill| bill.reads);
        record.status = status.as_str().to_owned();
        record.details = details.store();
        run.ctx.destination.update_run(record).await?;
    }
    let entry = Entry { report: outcome::report(run, work, &Ok(())), pushed: false };
    entry.store(&stage.file)?;
    stage.entry = Some(entry);
    Ok(())
}

/// As a word in a shell.
fn shell(text: &str) -> String {
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || "/._-+:@%".contains(c));
    if plain { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_one_word() {
        assert_eq!(shell("/a/b-1.db"), "/a/b-1.db");
        assert_eq!(shell("/a b/it's"), r"'/a b/it'\''s'");
    }
}
