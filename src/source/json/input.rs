//! Opening files: plain, gzip or Zstandard, told apart by their first bytes, not by their names.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

use crate::error::{Error, ErrorKind};

/// How a file is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    Gzip,
    Zstandard,
}

/// Bytes of a file, decompressed.
pub(super) type Input = Box<dyn Read + Send>;

/// Opens a file so that the next byte is the one at `offset` of its decompressed content.
pub(super) fn open(path: &Path, offset: u64) -> Result<(Input, Compression), Error> {
    let failed = |error| unreadable(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let compression = sniff(&mut file).map_err(failed)?;
    let mut input: Input = match compression {
        Compression::None => {
            file.seek(SeekFrom::Start(offset)).map_err(failed)?;
            return Ok((Box::new(file), compression));
        }
        // Every member of a gzip file and every frame of a Zstandard file, one after another.
        Compression::Gzip => Box::new(MultiGzDecoder::new(BufReader::with_capacity(64 * 1024, file))),
        Compression::Zstandard => Box::new(zstd::Decoder::new(file).map_err(failed)?),
    };
    let skipped = io::copy(&mut input.by_ref().take(offset), &mut io::sink());
    let skipped = skipped.map_err(|error| read_failed(path, error, compression))?;
    if skipped < offset {
        let message = format!("the file ends at byte {skipped}, before byte {offset} where reading was to go on");
        return Err(Error::new(ErrorKind::Source, "source_changed", message)
            .file(path)
            .hint("the file was changed since the run started; start a new run"));
    }
    Ok((input, compression))
}

fn sniff(file: &mut File) -> io::Result<Compression> {
    let mut magic = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut magic)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(match magic.as_slice() {
        [0x1f, 0x8b, ..] => Compression::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd] | [0x50..=0x5f, 0x2a, 0x4d, 0x18] => Compression::Zstandard,
        _ => Compression::None,
    })
}

/// The error of a file that cannot be opened.
pub(super) fn unreadable(path: &Path, error: io::Error) -> Error {
    let hint = match error.kind() {
        io::ErrorKind::PermissionDenied => "allow this user to read the file",
        io::ErrorKind::NotFound => "the file was there a moment ago; do not move files while they are read",
        _ => "check the file and the disk that it is on",
    };
    Error::new(ErrorKind::Source, "source_unreadable", "the file cannot be read").file(path).hint(hint).caused_by(error)
}

/// The error of a file that cannot be read to its end.
pub(super) fn read_failed(path: &Path, error: io::Error, compression: Compression) -> Error {
    let failed = match (compression, error.kind()) {
        (Compression::None, _) => return unreadable(path, error),
        (_, io::ErrorKind::UnexpectedEof) => {
            let message = "the compressed file is cut off";
            Error::new(ErrorKind::Source, "file_cut_off", message).hint("get a complete copy of the file and run again")
        }
        (Compression::Gzip, _) => {
            let message = "the file is not sound gzip";
            Error::new(ErrorKind::Source, "decompression_failed", message)
                .hint("test it with `gzip -t`; the copy is damaged, or something was appended to it")
        }
        (Compression::Zstandard, _) => {
            let message = "the file is not sound Zstandard";
            Error::new(ErrorKind::Source, "decompression_failed", message)
                .hint("test it with `zstd -t`; a window above 128 MiB (`--long=28` and more) is not supported")
        }
    };
    failed.file(path).caused_by(error)
}
