//! Translation of requests without PASID through the device table and host page tables (2.2).

use super::events::*;
use super::features::*;
use super::{Registers, IOMMU_EN};
use iommu_spec::{Effect, Memory, Request, RequestType};

/// What becomes of a request, and the event that tells of it.
pub struct Decision {
    pub effect: Effect,
    pub event: Option<Event>,
}

/// Why a request is blocked.
enum Fault {
    /// To be logged with this code and these flags, at the address of the request.
    Event(u64, u64),
    /// Nothing answers where an entry should be.
    NoMemory { code: u64, address: u64 },
}

/// A check of the page tables that failed, with its flags.
const fn page_fault(flags: u64) -> Fault {
    Fault::Event(IO_PAGE_FAULT, flags)
}

const fn illegal_entry(flags: u64) -> Fault {
    Fault::Event(ILLEGAL_DEV_TABLE_ENTRY, flags)
}

/// 2.5.9: an INVALID_DEVICE_REQUEST of that type, bits 59:57.
const fn invalid_request(kind: u64) -> Fault {
    Fault::Event(INVALID_DEVICE_REQUEST, kind << 57)
}

/// The interrupt address range and the HyperTransport ranges, as pages (2.1.2).
const INTERRUPTS: std::ops::RangeInclusive<u64> = 0xfee00..=0xfeeff;
const HYPERTRANSPORT: std::ops::RangeInclusive<u64> = 0xfd0_0000..=0xfff_ffff;

/// Bits of a device table entry's first word (2.2.2).
const V: u64 = 1;
const TV: u64 = 1 << 1;
const GIOV: u64 = 1 << 54;
const GV: u64 = 1 << 55;
const GLX: u64 = 3 << 56;
/// Bits of its second word.
const SA: u64 = 1 << (98 - 64);
const IO_CONTROL: u64 = 3 << (99 - 64);
const EX: u64 = 1 << (103 - 64);
const SYS_MGT: u64 = 3 << (104 - 64);

/// IR and IW in entries of either kind.
const MAY_READ: u64 = 1 << 61;
const MAY_WRITE: u64 = 1 << 62;

/// What a device table entry says of a request that it lets go on.
enum Route {
    /// As it came.
    Untranslated,
    Tables {
        entry: u64,
    },
}

/// Decides a request.
pub(super) fn decide(
    features: &Features,
    registers: &Registers,
    memory: &Memory,
    request: &Request,
) -> Decision {
    let mut walk = Walk { features, registers, memory, request, suppresses: false, domain_id: 0 };
    match walk.translate() {
        Ok(effect) => Decision { effect, event: None },
        Err(fault) => Decision { effect: Effect::Blocked, event: walk.event_of(fault) },
    }
}

struct Walk<'a> {
    features: &'a Features,
    registers: &'a Registers,
    memory: &'a Memory,
    request: &'a Request,
    /// SA: I/O page faults are not logged.
    suppresses: bool,
    /// Of the device table entry; 0 before there is one.
    domain_id: u64,
}

impl Walk<'_> {
    fn translate(&mut self) -> Result<Effect, Fault> {
        let page = self.request.page;
        if self.registers.control & IOMMU_EN == 0 {
            return Ok(self.effect(page, true));
        }
        match self.device_entry()? {
            Route::Untranslated => Ok(self.effect(page, true)),
            Route::Tables { entry } => {
                let page = self.page_tables(entry)?;
                Ok(self.effect(page, false))
            }
        }
    }

    /// Where a request that is served takes effect. Interrupts are not remapped.
    fn effect(&self, page: u64, untranslated: bool) -> Effect {
        let Request { kind, length, .. } = *self.request;
        if INTERRUPTS.contains(&self.request.page) && kind == RequestType::Write && length == 4 {
            return Effect::Interrupt;
        }
        if untranslated && self.in_hypertransport_ranges() {
            return Effect::Nowhere;
        }
        if kind == RequestType::ZeroLengthRead {
            return Effect::Done;
        }
        Effect::Page(page)
    }

    fn in_hypertransport_ranges(&self) -> bool {
        HYPERTRANSPORT.contains(&self.request.page) && !self.features.ignores_hypertransport_ranges()
    }

    /// 2.2.2: the device table entry of the requester, its checks in order.
    fn device_entry(&mut self) -> Result<Route, Fault> {
        let size = self.registers.device_table & 0x1ff;
        let requester = u64::from(self.request.requester);
        if requester >= (size + 1) * 128 {
            return Err(page_fault(0));
        }
        let page = page_of(self.registers.device_table) + requester / 128;
        let word = (requester % 128 * 4) as usize;
        let missing =
            || Fault::NoMemory { code: DEV_TAB_HARDWARE_ERROR, address: page << 12 | (word as u64 * 8) };
        let first = self.memory.load(page, word).ok_or_else(missing)?;
        let second = self.memory.load(page, word + 1).ok_or_else(missing)?;
        if first & V == 0 {
            return Ok(Route::Untranslated);
        }
        self.suppresses = second & SA != 0;
        let (reserved, reserved2) = self.reserved_in_device_entry();
        if first & reserved != 0 || second & reserved2 != 0 {
            return Err(illegal_entry(RZ));
        }
        if second & IO_CONTROL == IO_CONTROL {
            return Err(illegal_entry(0));
        }
        if let Some(route) = self.special_range(second)? {
            return Ok(route);
        }
        if self.excluded(second & EX != 0) {
            return Ok(Route::Untranslated);
        }
        if first & TV == 0 {
            return Err(page_fault(0));
        }
        self.page_translation_fields(first, second)
    }

    fn reserved_in_device_entry(&self) -> (u64, u64) {
        let unless = |bit: u64, reserved: u64| if self.features.has(bit) { 0 } else { reserved };
        let first = 0x7c
            | 1 << 63
            | unless(ENHANCED_PAGE_REQUESTS, 3 << 52)
            | unless(GUEST_WITHOUT_PASID, GIOV)
            | unless(GUEST_TRANSLATION, GV | GLX | 7 << 58);
        let second =
            unless(GUEST_TRANSLATION, 0xffff_0000 | !0 << (107 - 64)) | unless(SECURE_ATS, 1 << (106 - 64));
        (first, second)
    }

    /// 2.1.2: what a special range makes of the request; nothing when it is to be translated like any other.
    fn special_range(&self, second: u64) -> Result<Option<Route>, Fault> {
        let page = self.request.page;
        let posted = self.request.kind == RequestType::Write;
        if INTERRUPTS.contains(&page) {
            let interrupt = posted && self.request.length == 4;
            return if interrupt { Ok(Some(Route::Untranslated)) } else { Err(invalid_request(1)) };
        }
        if !self.in_hypertransport_ranges() {
            return Ok(None);
        }
        let (field, translates, blocked) = match page {
            0xfd0_0000..=0xfdf_7fff => return Err(invalid_request(if posted { 6 } else { 1 })),
            0xfdf_9100..=0xfdf_91ff => (SYS_MGT, SYS_MGT, 4),
            0xfdf_c000..=0xfdf_dfff => (IO_CONTROL, IO_CONTROL & (IO_CONTROL << 1), 3),
            _ => return Ok(Some(Route::Untranslated)),
        };
        match second & field {
            0 => Err(invalid_request(blocked)),
            value if value == translates => Ok(None),
            _ => Ok(Some(Route::Untranslated)),
        }
    }

    /// MMIO 0020h, 0028h: the exclusion range holds for the request.
    fn excluded(&self, device_may_use: bool) -> bool {
        let Registers { exclusion_base, exclusion_limit, .. } = *self.registers;
        let enabled = exclusion_base & 1 != 0 && (exclusion_base & 2 != 0 || device_may_use);
        enabled && (page_of(exclusion_base)..=page_of(exclusion_limit)).contains(&self.request.page)
    }

    /// 2.2.2: the fields that are valid with TV = 1.
    fn page_translation_fields(&mut self, first: u64, second: u64) -> Result<Route, Fault> {
        if first >> 9 & 7 > self.features.host_levels() {
            return Err(illegal_entry(0));
        }
        // Units without accessed bits do not look at HAD.
        if self.features.has(HOST_ACCESSED) && first >> 7 & 3 == 2 {
            return Err(illegal_entry(0));
        }
        if first & GV != 0 && first & GLX == GLX && self.features.several_guest_levels() {
            return Err(illegal_entry(0));
        }
        self.domain_id = second & 0xffff;
        Ok(Route::Tables { entry: first })
    }

    /// 2.2.3: the page that the host page tables lead to.
    fn page_tables(&self, entry: u64) -> Result<u64, Fault> {
        let request = self.request;
        let mut rights = entry;
        self.check_rights(rights)?;
        let mut level = entry >> 9 & 7;
        if level == 0 {
            return Ok(request.page);
        }
        if request.page >> (9 * level).min(52) != 0 {
            return Err(page_fault(PR));
        }
        let mut table = page_of(entry);
        loop {
            let word = (request.page >> (9 * (level - 1)) & 511) as usize;
            let found = self.memory.load(table, word).ok_or(Fault::NoMemory {
                code: PAGE_TAB_HARDWARE_ERROR,
                address: table << 12 | (word as u64 * 8),
            })?;
            if found & 1 == 0 {
                return Err(page_fault(0));
            }
            rights &= found;
            let next = found >> 9 & 7;
            let leaf = next == 0 || next == 7;
            if found & self.reserved_in_table(leaf) != 0 {
                return Err(page_fault(PR | RZ));
            }
            if leaf {
                let page = leaf_page(page_of(found), level, next == 7, request.page)
                    .ok_or_else(|| page_fault(PR))?;
                self.check_rights(rights)?;
                return Ok(page);
            }
            // Address bits of levels that are skipped are zero.
            let skipped = request.page >> (9 * next) & ((1 << (9 * (level - 1).saturating_sub(next))) - 1);
            if next >= level || skipped != 0 {
                return Err(page_fault(PR));
            }
            table = page_of(found);
            level = next;
        }
    }

    fn reserved_in_table(&self, leaf: bool) -> u64 {
        match (leaf, self.features.page_migration()) {
            (false, _) => 0x1ff << 52,
            (true, true) => 0x1f << 52,
            (true, false) => 0x7f << 52,
        }
    }

    /// An AtomicOp needs both rights, a zero-length read either.
    fn check_rights(&self, rights: u64) -> Result<(), Fault> {
        let (may_read, may_write) = (rights & MAY_READ != 0, rights & MAY_WRITE != 0);
        let allowed = match self.request.kind {
            RequestType::Read => may_read,
            RequestType::Write => may_write,
            RequestType::Atomic => may_read && may_write,
            RequestType::ZeroLengthRead => may_read || may_write,
        };
        if allowed {
            Ok(())
        } else {
            Err(page_fault(PR | PE))
        }
    }

    /// 2.5: the event of a fault; none for an I/O page fault of a device with SA.
    fn event_of(&self, fault: Fault) -> Option<Event> {
        let request = self.request;
        let writes = if request.kind.writes() { RW } else { 0 };
        let device = u64::from(request.requester);
        let domain = self.domain_id << 32;
        let (code, flags, address) = match fault {
            Fault::Event(code, flags) => (code, flags, request.page << 12 | u64::from(request.offset)),
            Fault::NoMemory { code, address } => (code, MASTER_ABORT, address),
        };
        let fields = match code {
            IO_PAGE_FAULT if self.suppresses => return None,
            IO_PAGE_FAULT | PAGE_TAB_HARDWARE_ERROR => flags | writes | domain,
            INVALID_DEVICE_REQUEST => flags,
            _ => flags | writes,
        };
        Some(Event::new(code, device | fields, address))
    }
}

/// 2.2.3: the page that a leaf of that level maps `input` to; none when it has an illegal size.
fn leaf_page(address: u64, level: u64, size_coded: bool, input: u64) -> Option<u64> {
    let default = |level: u64| 9 * (level - 1);
    // Level 6 has no leaves: its default size would exceed every address.
    if level >= 6 {
        return None;
    }
    // With NextLevel 7 the lowest zero bit codes the size.
    let order = if size_coded { u64::from(address.trailing_ones()) + 1 } else { default(level) };
    if order > 40 || size_coded && (order <= default(level) || order >= default(level + 1)) {
        return None;
    }
    let within = (1 << order) - 1;
    Some(address & !within | input & within)
}

/// The page in bits 51:12 of an entry or register.
fn page_of(word: u64) -> u64 {
    word >> 12 & 0xff_ffff_ffff
}
