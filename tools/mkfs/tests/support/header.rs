// SPDX-License-Identifier: GPL-2.0

//! Archives put together by hand, to be wrong in one place.

/// A header block under construction.
pub struct Header([u8; 512]);

impl Header {
    /// The ustar header of a regular file of `size` bytes.
    pub fn new(name: &str, size: u64) -> Self {
        let mut header = Self([0; 512]);
        header.set(0, name.as_bytes());
        header.set(100, b"0000644\0");
        header.set(108, b"0000000\0");
        header.set(116, b"0000000\0");
        header.set(124, format!("{size:011o}\0").as_bytes());
        header.set(136, b"14524700000\0");
        header.set(156, b"0");
        header.set(257, b"ustar\x0000");
        header
    }

    /// Writes `bytes` at byte `at`.
    pub fn set(&mut self, at: usize, bytes: &[u8]) {
        self.0[at..at + bytes.len()].copy_from_slice(bytes);
    }

    /// Makes it the header of another type.
    pub fn typed(mut self, typeflag: u8) -> Self {
        self.set(156, &[typeflag]);
        self
    }

    /// Gives it a link name.
    pub fn link(mut self, name: &str) -> Self {
        self.set(157, name.as_bytes());
        self
    }

    /// Writes `bytes` at byte `at`.
    pub fn with(mut self, at: usize, bytes: &[u8]) -> Self {
        self.set(at, bytes);
        self
    }

    /// The block, with its checksum.
    pub fn block(mut self) -> Vec<u8> {
        self.set(148, b"        ");
        let sum: u32 = self.0.iter().map(|&byte| u32::from(byte)).sum();
        self.set(148, format!("{sum:06o}\0 ").as_bytes());
        self.0.to_vec()
    }
}

/// A regular file.
pub fn file(name: &str, contents: &[u8]) -> Vec<u8> {
    [
        Header::new(name, contents.len() as u64).block(),
        padded(contents),
    ]
    .concat()
}

/// A directory.
pub fn directory(name: &str) -> Vec<u8> {
    Header::new(name, 0).typed(b'5').block()
}

/// A symbolic link.
pub fn symlink(name: &str, target: &str) -> Vec<u8> {
    Header::new(name, 0).typed(b'2').link(target).block()
}

/// A hard link.
pub fn hard_link(name: &str, target: &str) -> Vec<u8> {
    Header::new(name, 0).typed(b'1').link(target).block()
}

/// An extended header with these contents.
pub fn extended(typeflag: u8, contents: &[u8]) -> Vec<u8> {
    let header = Header::new("extended", contents.len() as u64).typed(typeflag);
    [header.block(), padded(contents)].concat()
}

/// An extended header with one pax record.
pub fn pax(keyword: &str, value: &[u8]) -> Vec<u8> {
    extended(b'x', &record(keyword, value))
}

/// A pax record.
pub fn record(keyword: &str, value: &[u8]) -> Vec<u8> {
    let rest = keyword.len() + value.len() + 3;
    let length = (rest..).find(|length| rest + length.to_string().len() == *length);
    let prefix = format!("{} {keyword}=", length.unwrap());
    [prefix.as_bytes(), value, b"\n"].concat()
}

/// The members, and the mark that ends an archive.
pub fn archive(members: &[Vec<u8>]) -> Vec<u8> {
    [members.concat(), vec![0; 1024]].concat()
}

fn padded(contents: &[u8]) -> Vec<u8> {
    let mut contents = contents.to_vec();
    contents.resize(contents.len().next_multiple_of(512), 0);
    contents
}
