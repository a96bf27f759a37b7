// SPDX-License-Identifier: GPL-2.0

//! Archives that cannot be read at positions: compressed ones, and those from pipes.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, BufReader, Chain, Cursor, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::rc::Rc;

use bzip2::bufread::MultiBzDecoder;
use flate2::bufread::MultiGzDecoder;
use liblzma::bufread::XzDecoder;
use rustix::event::{poll, PollFd, PollFlags};

use crate::tar::is_header;
use crate::Error;

/// The name that stands for standard input.
const STDIN: &str = "-";

/// Bytes by which a format is recognised: a header of an archive.
const START_SIZE: usize = layout::SECTOR_SIZE;

/// Bytes read from the input at once.
const BUFFER_SIZE: usize = 1 << 18;

/// How an archive is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Format {
    Gzip,
    Xz,
    Zstd,
    Bzip2,
}

impl Format {
    /// Recognises a format by the first bytes. The name of an archive's first entry may begin as one
    /// of them does.
    fn of(start: &[u8]) -> Option<Self> {
        const MAGICS: [(&[u8], Format); 4] = [
            (b"\x1f\x8b", Format::Gzip),
            (b"\xfd7zXZ\0", Format::Xz),
            (b"\x28\xb5\x2f\xfd", Format::Zstd),
            (b"BZh", Format::Bzip2),
        ];
        if is_header(start) {
            return None;
        }
        let format = MAGICS.iter().find(|(magic, _)| start.starts_with(magic));
        format.map(|(_, format)| *format)
    }

    fn name(self) -> &'static str {
        match self {
            Self::Gzip => "gzip",
            Self::Xz => "xz",
            Self::Zstd => "zstd",
            Self::Bzip2 => "bzip2",
        }
    }
}

/// What was read of the input to recognise it, and the rest.
type Input = Chain<Cursor<Vec<u8>>, Counted>;

/// An archive, decompressed while it is read.
pub struct Stream {
    reader: Box<dyn Read>,
    format: Option<Format>,
    consumed: Rc<Cell<u64>>,
    /// Length of the input in bytes, where that is known.
    length: Option<u64>,
}

/// An input that counts what was read from it.
struct Counted {
    input: File,
    /// Whether it may take any time until there is something to read.
    can_wait: bool,
    consumed: Rc<Cell<u64>>,
}

impl Read for Counted {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.can_wait {
            // Unlike a read, this ends when a signal comes.
            poll(&mut [PollFd::new(&self.input, PollFlags::IN)], None)?;
        }
        let count = self.input.read(buffer)?;
        // CAST: `usize` is at most 64 bits wide.
        let consumed = self.consumed.get().saturating_add(count as u64);
        self.consumed.set(consumed);
        Ok(count)
    }
}

impl Stream {
    /// Opens the archive at `path`, `-` for standard input. `None` where it is a file or device that
    /// is not compressed, or neither.
    ///
    /// # Errors
    ///
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let mut start = Vec::with_capacity(START_SIZE);
        let (mut input, length) = if path == Path::new(STDIN) {
            let input = io::stdin().as_fd().try_clone_to_owned();
            (File::from(input.map_err(Error::io("open", path))?), None)
        } else {
            let file = File::open(path).map_err(Error::io("open", path))?;
            let metadata = file.metadata().map_err(Error::io("stat", path))?;
            let file_type = metadata.file_type();
            let is_pipe = file_type.is_fifo();
            if !is_pipe && !file_type.is_file() && !file_type.is_block_device() {
                return Ok(None);
            }
            (file, (!is_pipe).then_some(metadata.len()))
        };
        // CAST: 512.
        let mut first = input.by_ref().take(START_SIZE as u64);
        first
            .read_to_end(&mut start)
            .map_err(Error::io("read", path))?;
        let format = Format::of(&start);
        if format.is_none() && length.is_some() {
            return Ok(None);
        }
        let consumed = Rc::new(Cell::new(0));
        let counted = Counted {
            input,
            can_wait: length.is_none(),
            consumed: Rc::clone(&consumed),
        };
        let input = Cursor::new(start).chain(counted);
        let reader = decoder(format, input).map_err(Error::io("decompress", path))?;
        Ok(Some(Self {
            reader,
            format,
            consumed,
            length,
        }))
    }

    /// Bytes of the input that were read, and that it has; `None` where that is not known.
    pub fn progress(&self) -> Option<(u64, u64)> {
        self.length.map(|length| (self.consumed.get(), length))
    }

    /// Reads on; 0 bytes are the end, and `None` is because of a signal. `path` is named in errors.
    ///
    /// # Errors
    ///
    /// [`Error::Compressed`] where the data is damaged; [`Error::Io`].
    pub fn read(&mut self, buffer: &mut [u8], path: &Path) -> Result<Option<usize>, Error> {
        let error = match self.reader.read(buffer) {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(None),
            Err(error) => error,
        };
        Err(match self.format {
            // What the system says has a number, what the decompressor says has none.
            Some(format) if error.raw_os_error().is_none() => Error::Compressed {
                path: path.into(),
                format: format.name(),
                source: error,
            },
            _ => Error::io("read", path)(error),
        })
    }
}

/// Makes the reader for a format. Several compressed parts after each other are one, as for the
/// programs themselves.
fn decoder(format: Option<Format>, input: Input) -> io::Result<Box<dyn Read>> {
    let input = BufReader::with_capacity(BUFFER_SIZE, input);
    Ok(match format {
        None => Box::new(input),
        Some(Format::Gzip) => Box::new(MultiGzDecoder::new(input)),
        Some(Format::Xz) => Box::new(XzDecoder::new_multi_decoder(input)),
        Some(Format::Zstd) => Box::new(zstd::Decoder::with_buffer(input)?),
        Some(Format::Bzip2) => Box::new(MultiBzDecoder::new(input)),
    })
}
