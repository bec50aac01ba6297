//! Which points in time can be read.

use tonic::Status;

use crate::args::Args;
use crate::proto::{Timestamp, micros, timestamp};
use crate::store::{Clock, Snapshot, Store};

const MINUTE: i64 = 60_000_000;
const WEEK: i64 = 7 * 24 * 60 * MINUTE;

/// A database as of a read time, or as of now.
pub fn snapshot(store: &Store, args: &Args, database: &str, wanted: Option<&Timestamp>) -> Result<Snapshot, Status> {
    let now = store.clock.read();
    let retention = i64::try_from(args.retention).unwrap_or(i64::MAX / 4_000_000).saturating_mul(1_000_000);
    let at = wanted.map_or(Ok(now), |time| readable(time, now))?;
    let whole_minute = args.pitr && at % MINUTE == 0;
    let kept = if whole_minute { WEEK.max(retention) } else { retention };
    let expires = at.saturating_add(kept);
    if wanted.is_some() && Clock::wall() > expires {
        return Err(too_old(at));
    }
    Ok(Snapshot { database: store.database(database), at, expires })
}

fn readable(time: &Timestamp, now: i64) -> Result<i64, Status> {
    if !(0..1_000_000_000).contains(&time.nanos) {
        return Err(Status::invalid_argument("The requested 'read_time' is not a valid timestamp."));
    }
    if time.nanos % 1_000 != 0 {
        return Err(Status::invalid_argument("The requested 'read_time' must have microsecond precision."));
    }
    let at = micros(time);
    if at > now {
        return Err(Status::invalid_argument("The requested 'read_time' cannot be in the future."));
    }
    Ok(at)
}

/// The refusal of a time that is no longer kept.
pub fn too_old(at: i64) -> Status {
    let text =
        jiff::Timestamp::from_microsecond(at).map_or_else(|_| format!("{:?}", timestamp(at)), |at| at.to_string());
    Status::failed_precondition(format!(
        "The requested 'read_time' {text} is too old: the snapshot version is too old."
    ))
}
