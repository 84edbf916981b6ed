//! Physical memory: sparse, zero where nothing was stored.

use crate::setup::{IommuSetup, Platform, Start};
use std::collections::HashMap;

/// 64-bit words of a page.
const WORDS: usize = 512;
/// 64-bit words of an AMD-Vi device table entry.
const DEVICE_TABLE_ENTRY_WORDS: usize = 4;
/// First word of a device table entry that lets nothing through: V = 1, TV = 0.
const BLOCKING_ENTRY: u64 = 1;

/// The 32-bit value that byte `offset`, a multiple of 4, of a data page holds before any device writes to it.
pub fn page_tag(page: u64, offset: u32) -> u32 {
    0x4000_0000 | ((page & 0xf_ffff) as u32) << 10 | offset >> 2
}

/// Memory of the machine, from address zero up to the size its profile says. Pages are page numbers, words the indices
/// of aligned 64-bit words in a page, 0 to 511. Nothing is cached: a store is there for every load from then on.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    pages: HashMap<u64, Box<[u64; WORDS]>>,
    limit: u64,
}

impl Memory {
    /// Memory as a run starts with it: data pages with their tags, for [`Start::Translating`] on AMD-Vi a device table
    /// that lets nothing through, else zero.
    pub fn at_start(setup: &IommuSetup) -> Memory {
        let mut memory = Memory { pages: HashMap::new(), limit: setup.profile.memory_pages };
        for &page in &setup.data_pages {
            for word in 0..WORDS {
                let offset = word as u32 * 8;
                let tags = u64::from(page_tag(page, offset)) | u64::from(page_tag(page, offset + 4)) << 32;
                memory.store(page, word, tags);
            }
        }
        if setup.start == Start::Translating && matches!(setup.profile.platform, Platform::AmdVi(_)) {
            // The size register of the device table has room for 512 pages.
            for page in 0..setup.root_pages.min(512) {
                for word in (0..WORDS).step_by(DEVICE_TABLE_ENTRY_WORDS) {
                    memory.store(setup.root_page + page, word, BLOCKING_ENTRY);
                }
            }
        }
        memory
    }

    /// The word there; none where there is no memory.
    pub fn load(&self, page: u64, word: usize) -> Option<u64> {
        if page >= self.limit || word >= WORDS {
            return None;
        }
        Some(self.pages.get(&page).map_or(0, |words| words[word]))
    }

    /// Stores a word; nothing happens where there is no memory.
    pub fn store(&mut self, page: u64, word: usize, value: u64) {
        if page < self.limit && word < WORDS {
            self.pages.entry(page).or_insert_with(|| Box::new([0; WORDS]))[word] = value;
        }
    }

    /// The 32-bit value at `offset`, a multiple of 4; none where there is no memory.
    pub fn load_half(&self, page: u64, offset: u32) -> Option<u32> {
        let word = self.load(page, offset as usize / 8)?;
        Some((word >> (offset % 8 * 8)) as u32)
    }

    /// Stores 32 bits at `offset`, a multiple of 4; nothing happens where there is no memory.
    pub fn store_half(&mut self, page: u64, offset: u32, value: u32) {
        let word = offset as usize / 8;
        let shift = offset % 8 * 8;
        if let Some(before) = self.load(page, word) {
            self.store(page, word, before & !(0xffff_ffff << shift) | u64::from(value) << shift);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_name_page_and_offset() {
        assert_eq!(page_tag(0x1000, 0), 0x4040_0000);
        assert_eq!(page_tag(0x1200, 0xffc), 0x4048_03ff);
        assert_eq!(page_tag(0x12_3456, 8), 0x48d1_5802);
    }

    #[test]
    fn halves_leave_their_neighbours_alone() {
        let mut memory = Memory { pages: HashMap::new(), limit: 2 };
        memory.store(1, 3, 0x1111_2222_3333_4444);
        memory.store_half(1, 28, 0xaaaa_bbbb);
        assert_eq!(memory.load(1, 3), Some(0xaaaa_bbbb_3333_4444));
        assert_eq!(memory.load_half(1, 24), Some(0x3333_4444));
        assert_eq!(memory.load_half(1, 28), Some(0xaaaa_bbbb));
    }

    #[test]
    fn there_is_nothing_beyond_the_end() {
        let mut memory = Memory { pages: HashMap::new(), limit: 2 };
        memory.store(2, 0, 1);
        memory.store_half(2, 0, 1);
        assert_eq!(memory.load(2, 0), None);
        assert_eq!(memory.load(0, 512), None);
        assert_eq!(memory.load(0, 511), Some(0));
    }
}
