//! A ring of 128-bit entries in memory: command buffer and event log.

/// Entries of a page.
const ENTRIES: u64 = 256;

pub struct Ring {
    page: u64,
    length: u64,
    /// Index of the entry that is read next.
    pub head: u64,
    /// Index of the first entry that was not written.
    pub tail: u64,
}

impl Default for Ring {
    fn default() -> Ring {
        Ring::at(0)
    }
}

impl Ring {
    /// The empty ring that a base register names: its page, and in bits 59:56 the logarithm of its length. Lengths below
    /// 8 are reserved and taken for 8.
    pub fn at(base: u64) -> Ring {
        let length = 1 << (base >> 56 & 0xf).max(8);
        Ring { page: base >> 12 & 0xff_ffff_ffff, length, head: 0, tail: 0 }
    }

    /// The index that bits 18:4 of a head or tail register name.
    pub fn index(&self, pointer: u64) -> u64 {
        (pointer >> 4 & 0x7fff) % self.length
    }

    pub fn after(&self, index: u64) -> u64 {
        (index + 1) % self.length
    }

    /// Where an entry is: its page, and its first word there.
    pub fn place(&self, index: u64) -> (u64, usize) {
        (self.page + index / ENTRIES, (index % ENTRIES * 2) as usize)
    }
}
