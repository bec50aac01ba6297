//! Work that needs the destination's lease, which is given back whatever comes of it.

use super::Context;
use crate::error::Result;

/// Takes the lease, works, and gives it back. The work's error comes first.
pub(super) async fn leased<T>(ctx: &mut Context, work: impl AsyncFnOnce(&mut Context) -> Result<T>) -> Result<T> {
    ctx.destination.acquire_lease(&ctx.initiated_by).await?;
    let done = work(ctx).await;
    let released = ctx.destination.release_lease().await;
    let done = done?;
    released.map(|()| done)
}
