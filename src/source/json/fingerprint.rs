//! What a file looked like, to notice that it changed.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use super::files::Stamp;
use super::input::unreadable;
use super::scan;
use super::split::Mark;
use crate::error::Result;

/// Bytes hashed at each place.
const SAMPLE: u64 = 4096;

/// Size, time of the last change and hashes of a file: of its first and last bytes and, unless it is compressed, of
/// those before the mark.
pub(super) fn fingerprint(path: &Path, mark: Option<&Mark>) -> Result<String> {
    let stamp = Stamp::of(path)?;
    let mut places = vec![("head", 0), ("tail", stamp.size.saturating_sub(SAMPLE))];
    if let Some(mark) = mark
        && scan::is_plain(path)?
    {
        places.push(("before", mark.position.offset.saturating_sub(SAMPLE)));
    }
    let mut text = format!("size={} modified={}", stamp.size, stamp.modified);
    for (name, offset) in places {
        let end = if name == "before" { mark.map_or(0, |mark| mark.position.offset) } else { stamp.size };
        let hash =
            hash(path, offset, end.saturating_sub(offset).min(SAMPLE)).map_err(|error| unreadable(path, error))?;
        text.push_str(&format!(" {name}={hash}"));
    }
    Ok(text)
}

fn hash(path: &Path, offset: u64, length: u64) -> io::Result<blake3::Hash> {
    let mut file = File::open(path)?;
    file.seek(SeekFrom::Start(offset))?;
    let mut sample = Vec::new();
    file.take(length).read_to_end(&mut sample)?;
    Ok(blake3::hash(&sample))
}
