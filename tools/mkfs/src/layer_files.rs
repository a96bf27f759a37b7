// SPDX-License-Identifier: GPL-2.0

//! The files of an index's layers. A mount reads archives at positions: what is compressed is
//! decompressed to a file beside the index.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::rc::Rc;

use tempfile::NamedTempFile;

use crate::digest::Digest;
use crate::image::Existing;
use crate::interrupt::Interrupt;
use crate::make::{self, Output};
use crate::progress::Progress;
use crate::spool::Spooled;
use crate::stream::Stream;
use crate::{Error, Source};

/// A file with the archive of a layer, which may be compressed.
pub struct LayerFile {
    path: PathBuf,
    /// Where it was taken out of another file.
    extracted: Option<NamedTempFile>,
    /// The digests of the file, and of the archive in it.
    expected: Option<(Digest, Digest)>,
}

/// A layer's archive that can be read at positions.
pub(crate) struct PlainLayer {
    pub(crate) source: Rc<Source>,
    /// Of the archive, without an index that the file may have.
    pub(crate) length: u64,
    pub(crate) sha256: Option<Digest>,
    /// The file that was written for it, which is to be the one at the path of `source`.
    pub(crate) written: Option<NamedTempFile>,
}

impl LayerFile {
    /// A file that is there.
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            extracted: None,
            expected: None,
        }
    }

    /// A file that was taken out of another, where it is at `path`.
    pub(crate) fn extracted(path: PathBuf, file: NamedTempFile) -> Self {
        Self {
            extracted: Some(file),
            ..Self::at(path)
        }
    }

    /// Says what the digests of the file and of the archive in it have to be.
    pub(crate) fn expecting(self, file: Digest, archive: Digest) -> Self {
        Self {
            expected: Some((file, archive)),
            ..self
        }
    }

    /// Opens and locks the archive, verified where there is something to compare it with. It is
    /// decompressed, where it has to be, to a file that is to become number `number` of those beside
    /// the index at `index`.
    ///
    /// # Errors
    ///
    /// [`Error::Digest`]; [`Error::Unusable`] and [`Error::Index`] where the file is no archive of
    /// its own; those of reading and writing.
    pub(crate) fn open(
        self,
        index: &Path,
        number: usize,
        interrupt: &Interrupt,
        progress: &mut Progress,
    ) -> Result<PlainLayer, Error> {
        let path = self.path.as_path();
        let at = self.extracted.as_ref().map_or(path, |file| file.path());
        let verify = |source: &Source, what, expected| {
            let found = Digest::of(source, interrupt)?;
            if found != expected {
                return Err(Error::Digest {
                    path: path.into(),
                    what,
                    found,
                    expected,
                });
            }
            Ok(())
        };
        if let Some((expected, _)) = self.expected {
            let file = File::open(at).map_err(Error::io("open", path))?;
            verify(&Source::new(path, file)?, "the file", expected)?;
        }
        let stream = Stream::open(at)?;
        let is_plain = stream.is_none();
        let written = match stream {
            None => self.extracted,
            Some(stream) => {
                let spooled = Spooled::stream(stream, path, index, interrupt, progress)?;
                Some(spooled.into_temporary())
            }
        };
        let source = match &written {
            None => make::open(path, Output::IndexOnly(index))?,
            Some(file) => {
                let path = path_beside(index, number);
                let file = file.reopen().map_err(Error::io("open", &path))?;
                Source::new(&path, file)?
            }
        };
        let sha256 = match self.expected {
            Some((file, archive)) if is_plain && file == archive => Some(archive),
            Some((_, archive)) => {
                verify(&source, "its archive", archive)?;
                Some(archive)
            }
            // It is in memory still.
            None if !is_plain => Some(Digest::of(&source, interrupt)?),
            None => None,
        };
        let length = archive_length(&source)?;
        Ok(PlainLayer {
            sha256: sha256.filter(|_| length == source.length()),
            source: Rc::new(source),
            length,
            written,
        })
    }
}

/// The file for a layer that is not as it is.
fn path_beside(index: &Path, number: usize) -> PathBuf {
    let mut name = index.as_os_str().to_owned();
    name.push(format!(".layer-{number}.tar"));
    name.into()
}

/// Length of the archive in a file: of an image, without its index.
fn archive_length(source: &Source) -> Result<u64, Error> {
    match Existing::read(source)? {
        Existing::Good(superblock) if superblock.index_offset == 0 => Err(Error::Unusable {
            path: source.path().into(),
            reason: "is an index without its archive",
        }),
        Existing::Good(superblock) => Ok(superblock.tar_length),
        Existing::None => Ok(source.length()),
        Existing::Bad(error) => Err(Error::Index {
            path: source.path().into(),
            error,
        }),
    }
}
