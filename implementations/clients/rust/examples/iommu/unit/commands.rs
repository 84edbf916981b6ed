//! The command buffer (2.4). Nothing is cached, so that all there is to do is to find illegal commands and to complete
//! waits.

use super::events::{Event, COMMAND_HARDWARE_ERROR, ILLEGAL_COMMAND_ERROR, MASTER_ABORT};
use super::features::{Features, INVALIDATE_ALL, INVALIDATION_TYPES, PAGE_REQUESTS, PREFETCH, VIRTUAL_IOMMU};
use super::AmdViUnit;
use iommu_spec::Memory;

/// Bits of COMPLETION_WAIT (2.4.1): store, interrupt.
const STORE: u64 = 1;
const INTERRUPT: u64 = 2;

impl AmdViUnit {
    /// Executes what is in the buffer, while it runs.
    pub fn execute_commands(&mut self, memory: &mut Memory) {
        while self.fetches() && self.commands.head != self.commands.tail {
            if let Err(event) = self.execute_one(memory) {
                // 2.5.6: the head stays at a command that cannot be executed.
                self.halted = true;
                self.events.log(memory, event);
                return;
            }
            self.commands.head = self.commands.after(self.commands.head);
        }
    }

    /// Executes the command at the head; the event when that cannot be done.
    fn execute_one(&mut self, memory: &mut Memory) -> Result<(), Event> {
        let (page, word) = self.commands.place(self.commands.head);
        let address = page << 12 | (word as u64 * 8);
        let no_memory = |address| Event::new(COMMAND_HARDWARE_ERROR, MASTER_ABORT, address);
        let first = memory.load(page, word).ok_or_else(|| no_memory(address))?;
        let second = memory.load(page, word + 1).ok_or_else(|| no_memory(address))?;
        match reserved_bits(&self.features, first >> 60) {
            Some((reserved, reserved2)) if first & reserved == 0 && second & reserved2 == 0 => {}
            _ => return Err(Event::new(ILLEGAL_COMMAND_ERROR, 0, address)),
        }
        if first >> 60 != 1 {
            return Ok(());
        }
        if first & STORE != 0 {
            let (page, word) = (first >> 12 & 0xff_ffff_ffff, (first >> 3 & 511) as usize);
            memory.load(page, word).ok_or_else(|| no_memory(first & 0x000f_ffff_ffff_fff8))?;
            memory.store(page, word, second);
        }
        self.wait_completed |= first & INTERRUPT != 0;
        Ok(())
    }
}

/// The bits from `high` down to `low`.
const fn bits(high: u32, low: u32) -> u64 {
    (u64::MAX >> (63 - high)) & (u64::MAX << low)
}

/// Reserved bits of the two words of a command, by opcode; none when the unit has no such command.
fn reserved_bits(features: &Features, opcode: u64) -> Option<(u64, u64)> {
    let when = |supported: bool, reserved| if supported { Some(reserved) } else { None };
    let type_field = if features.has(INVALIDATION_TYPES) { 0 } else { bits(5, 4) };
    match opcode {
        // COMPLETION_WAIT
        1 => Some((bits(59, 52), 0)),
        // INVALIDATE_DEVTAB_ENTRY, INVALIDATE_INTERRUPT_TABLE
        2 | 5 => Some((bits(59, 16), u64::MAX)),
        // INVALIDATE_IOMMU_PAGES
        3 => Some((bits(31, 20) | bits(59, 48), bits(11, 3))),
        // INVALIDATE_IOTLB_PAGES
        4 => when(features.remote_iotlbs, (0, 1 << 1 | 1 << 3 | type_field | bits(11, 6))),
        // PREFETCH_IOMMU_PAGES
        6 => when(features.has(PREFETCH), (bits(23, 16) | bits(59, 52), 1 << 1 | 1 << 3 | bits(11, 5))),
        // COMPLETE_PPR_REQUEST
        7 => when(
            features.has(PAGE_REQUESTS),
            (bits(31, 16) | bits(59, 52), bits(1, 0) | bits(31, 3) | bits(63, 48)),
        ),
        // INVALIDATE_IOMMU_ALL
        8 => when(features.has(INVALIDATE_ALL), (bits(59, 0), u64::MAX)),
        // INSERT_GUEST_EVENT
        9 => when(features.has(VIRTUAL_IOMMU), (0, 0)),
        // RESET_VMMIO
        10 => when(features.has(VIRTUAL_IOMMU), (bits(26, 16) | bits(30, 28) | bits(59, 32), u64::MAX)),
        _ => None,
    }
}
