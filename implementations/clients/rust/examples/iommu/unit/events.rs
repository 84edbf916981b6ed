//! The event log (2.5).

use super::ring::Ring;
use iommu_spec::Memory;

/// Event codes, bits 63:60.
pub const ILLEGAL_DEV_TABLE_ENTRY: u64 = 1;
pub const IO_PAGE_FAULT: u64 = 2;
pub const DEV_TAB_HARDWARE_ERROR: u64 = 3;
pub const PAGE_TAB_HARDWARE_ERROR: u64 = 4;
pub const ILLEGAL_COMMAND_ERROR: u64 = 5;
pub const COMMAND_HARDWARE_ERROR: u64 = 6;
pub const INVALID_DEVICE_REQUEST: u64 = 8;

/// Flags: the entry was present, the request writes, a right was missing, a reserved bit was set.
pub const PR: u64 = 1 << 52;
pub const RW: u64 = 1 << 53;
pub const PE: u64 = 1 << 54;
pub const RZ: u64 = 1 << 55;
/// Type of a hardware error: nothing answered (2.5.4).
pub const MASTER_ABORT: u64 = 1 << 57;

/// The two words of an entry.
#[derive(Clone, Copy)]
pub struct Event(pub u64, pub u64);

impl Event {
    /// An event about an address that is as exact as events of this kind are.
    pub fn new(code: u64, first: u64, address: u64) -> Event {
        let unit = match code {
            ILLEGAL_DEV_TABLE_ENTRY => 4,
            PAGE_TAB_HARDWARE_ERROR => 8,
            IO_PAGE_FAULT | INVALID_DEVICE_REQUEST => 1,
            _ => 16,
        };
        Event(code << 60 | first, address & !(unit - 1))
    }
}

#[derive(Default)]
pub struct EventLog {
    pub ring: Ring,
    /// EventOverflow: an event was lost.
    pub overflow: bool,
    /// EventLogRun.
    pub running: bool,
    /// EventLogInt. Set by every event, whatever EventIntEn says.
    pub interrupt: bool,
}

impl EventLog {
    /// EventLogEn changes: after an overflow the log starts when that has been cleared before.
    pub fn enable(&mut self, on: bool) {
        self.running = on && !self.overflow;
    }

    /// 2.5: an event that finds no room is lost, and with it every later one until software starts the log again.
    pub fn log(&mut self, memory: &mut Memory, event: Event) {
        if !self.running {
            return;
        }
        self.interrupt = true;
        let next = self.ring.after(self.ring.tail);
        if next == self.ring.head {
            self.overflow = true;
            self.running = false;
            return;
        }
        let (page, word) = self.ring.place(self.ring.tail);
        memory.store(page, word, event.0);
        memory.store(page, word + 1, event.1);
        self.ring.tail = next;
    }
}
