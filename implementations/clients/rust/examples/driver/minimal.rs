//! The smallest AMD-Vi driver that is right on every platform: 4 KiB pages only, and after every intent everything that
//! may be cached is invalidated. Slow, and a good place to start: copy it, change it, and see what the suite finds.
//!
//! Section numbers are those of the AMD I/O Virtualization Technology specification, 48882.

use iommu_spec::{
    Device, Driver, DriverSetup, Error, Machine, Mapping, Platform, Start, Ticket, Width, READ, WRITE,
};
use std::collections::{BTreeMap, BTreeSet};

/// Offsets of registers (3.4).
const DEV_TAB_BASE: u32 = 0x0000;
const CMD_BASE: u32 = 0x0008;
const EVT_BASE: u32 = 0x0010;
const CONTROL: u32 = 0x0018;
const CMD_TAIL: u32 = 0x2008;

/// Bits of Control: IommuEn, EventLogEn, CmdBufEn.
const ENABLE: u64 = 1 | 1 << 2 | 1 << 12;
/// ComLen and EventLen, bits 59:56: 2^8 entries.
const LENGTH: u64 = 8 << 56;
const QUEUE_ENTRIES: u64 = 256;

/// Opcodes, bits 63:60 (2.4).
const COMPLETION_WAIT: u64 = 1 << 60;
const INVALIDATE_DEVTAB_ENTRY: u64 = 2 << 60;
const INVALIDATE_IOMMU_PAGES: u64 = 3 << 60;
/// S and PDE, and an address that stands for every page (2.4.3).
const EVERYTHING: u64 = 0x7fff_ffff_ffff_f003;

/// First word of a device table entry that lets nothing through: V = 1, TV = 0. V = 0 would let everything through.
const BLOCKING: u64 = 1;
/// V and TV.
const VALID: u64 = 3;
/// PR of an entry of a page table.
const PRESENT: u64 = 1;
/// IR and IW, in device table entries and page tables.
const MAY_READ: u64 = 1 << 61;
const MAY_WRITE: u64 = 1 << 62;
const DEVICE_TABLE_ENTRIES_OF_PAGE: u64 = 128;

/// Tables of 4 levels, 48 bits of address, fit every unit (EFR.HATS).
const LEVELS: u64 = 4;

struct Domain {
    id: u64,
    top: u64,
    /// Every table page, the top one included.
    tables: Vec<u64>,
}

pub struct MinimalDriver {
    setup: DriverSetup,
    /// Table walks do not snoop the caches of processors: what was stored has to be written back.
    needs_line_flush: bool,
    domains: BTreeMap<String, Domain>,
    free_ids: Vec<u64>,
    /// Requesters that have a domain.
    attached: BTreeSet<u16>,
    /// DeviceIDs and DomainIDs that something may be cached of.
    device_ids: BTreeSet<u16>,
    domain_ids: BTreeSet<u64>,
    tail: u64,
    waits: u32,
}

impl Driver for MinimalDriver {
    fn start(&mut self, machine: &mut Machine) -> Result<(), Error> {
        if self.setup.start == Start::Translating {
            self.tail = machine.read_register(CMD_TAIL, Width::Bits64)? >> 4;
            return Ok(());
        }
        let DriverSetup { root_page, root_pages, queue_page, log_page, .. } = self.setup;
        let log_page = log_page.ok_or_else(|| Error::new("there is no page for the event log"))?;
        for device_id in 0..root_pages * DEVICE_TABLE_ENTRIES_OF_PAGE {
            self.store_device(machine, device_id, 0, BLOCKING)?;
        }
        machine.write_register(
            DEV_TAB_BASE,
            Width::Bits64,
            root_page << 12 | root_pages.saturating_sub(1),
        )?;
        machine.write_register(CMD_BASE, Width::Bits64, queue_page << 12 | LENGTH)?;
        machine.write_register(EVT_BASE, Width::Bits64, log_page << 12 | LENGTH)?;
        machine.write_register(CONTROL, Width::Bits64, ENABLE)
    }

    fn attach(
        &mut self,
        machine: &mut Machine,
        device: &Device,
        domain: &str,
        ticket: Ticket,
    ) -> Result<(), Error> {
        // A device that has another domain loses it first, completely.
        self.take_away(machine, device)?;
        let Domain { id, top, .. } = *self.domain(machine, domain)?;
        self.fill_entries(machine, device, id, top)?;
        self.flush(machine)?;
        machine.settled(ticket)
    }

    fn detach(&mut self, machine: &mut Machine, device: &Device, ticket: Ticket) -> Result<(), Error> {
        self.take_away(machine, device)?;
        machine.settled(ticket)
    }

    fn map(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.store_leaves(machine, domain, mapping, mapping.access)?;
        // A unit with NpCache may have cached that nothing was there.
        self.flush(machine)?;
        machine.settled(ticket)
    }

    fn protect(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.map(machine, domain, mapping, ticket)
    }

    fn unmap(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.clear_leaves(machine, domain, mapping)?;
        // Settled means that the pages may be used for something else: not before the flush is complete.
        self.flush(machine)?;
        machine.settled(ticket)
    }

    fn destroy(&mut self, machine: &mut Machine, name: &str, ticket: Ticket) -> Result<(), Error> {
        let domain =
            self.domains.remove(name).ok_or_else(|| Error::new(format!("there is no domain {name}")))?;
        // Id and tables may be used for something else when no cache leads to them any more.
        self.flush(machine)?;
        for page in domain.tables {
            machine.free_table(page)?;
        }
        self.free_ids.push(domain.id);
        machine.settled(ticket)
    }
}

impl MinimalDriver {
    pub fn new(setup: &DriverSetup) -> Result<MinimalDriver, Error> {
        let coherent_walks = match &setup.profile.platform {
            Platform::AmdVi(platform) => platform.coherent_walks,
            Platform::Vtd(_) => return Err(Error::new("this is a driver for AMD-Vi")),
        };
        Ok(MinimalDriver {
            setup: setup.clone(),
            needs_line_flush: !coherent_walks,
            domains: BTreeMap::new(),
            free_ids: (1..16).rev().collect(),
            attached: BTreeSet::new(),
            device_ids: BTreeSet::new(),
            domain_ids: BTreeSet::new(),
            tail: 0,
            waits: 0,
        })
    }

    /// A domain has its id and top table from the first time it is used.
    fn domain(&mut self, machine: &mut Machine, name: &str) -> Result<&mut Domain, Error> {
        if !self.domains.contains_key(name) {
            let id = self.free_ids.pop().ok_or_else(|| Error::new("every domain id is taken"))?;
            self.domain_ids.insert(id);
            let top = self.new_table(machine)?;
            self.domains.insert(name.to_string(), Domain { id, top, tables: vec![top] });
        }
        self.domains.get_mut(name).ok_or_else(|| Error::new("a domain is missing"))
    }

    // Device table.

    /// 2.2.2: a unit may read the words of an entry at different moments. So each is known to be everywhere before the
    /// other changes: no unit uses the tables of one domain under the DomainID of another.
    fn fill_entries(
        &mut self,
        machine: &mut Machine,
        device: &Device,
        id: u64,
        top: u64,
    ) -> Result<(), Error> {
        self.device_ids.extend(&device.requesters);
        for &requester in &device.requesters {
            self.store_device(machine, requester.into(), 1, id)?;
        }
        self.flush(machine)?;
        for &requester in &device.requesters {
            let entry = VALID | LEVELS << 9 | top << 12 | MAY_READ | MAY_WRITE;
            self.store_device(machine, requester.into(), 0, entry)?;
            self.attached.insert(requester);
        }
        Ok(())
    }

    /// The device reaches nothing any more, under none of its requester ids.
    fn take_away(&mut self, machine: &mut Machine, device: &Device) -> Result<(), Error> {
        let attached = &mut self.attached;
        let gone: Vec<u16> =
            device.requesters.iter().copied().filter(|requester| attached.remove(requester)).collect();
        if gone.is_empty() {
            return Ok(());
        }
        for &requester in &gone {
            self.store_device(machine, requester.into(), 0, BLOCKING)?;
        }
        self.flush(machine)?;
        // Its former owner may have told it to make requests later: they must not come to pass under the next one.
        for requester in gone {
            machine.reset_device(requester)?;
        }
        Ok(())
    }

    fn store_device(
        &self,
        machine: &mut Machine,
        device_id: u64,
        word: u64,
        value: u64,
    ) -> Result<(), Error> {
        let page = self.setup.root_page + device_id / DEVICE_TABLE_ENTRIES_OF_PAGE;
        self.store(machine, page, device_id % DEVICE_TABLE_ENTRIES_OF_PAGE * 4 + word, value)
    }

    // Page tables.

    fn store_leaves(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        access: u32,
    ) -> Result<(), Error> {
        let first = mapping.page;
        self.store_each(machine, domain, mapping, |index| entry(first + index, access))
    }

    /// Afterwards nothing is mapped there; what is cached may say otherwise.
    pub fn clear_leaves(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
    ) -> Result<(), Error> {
        self.store_each(machine, domain, mapping, |_| 0)
    }

    fn store_each(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        value: impl Fn(u64) -> u64,
    ) -> Result<(), Error> {
        let mut table = 0;
        for index in 0..mapping.pages {
            let iova = mapping.iova + index;
            // A table is good for the entries up to its last.
            if index == 0 || entry_of(iova, 1) == 0 {
                table = self.leaf_table(machine, domain, iova)?;
            }
            self.store(machine, table, entry_of(iova, 1), value(index))?;
        }
        Ok(())
    }

    /// The page of the table whose entries map the address; tables that are missing on the way are added.
    fn leaf_table(&mut self, machine: &mut Machine, domain: &str, iova: u64) -> Result<u64, Error> {
        let mut table = self.domain(machine, domain)?.top;
        for level in (2..=LEVELS).rev() {
            let word = entry_of(iova, level);
            let found = machine.load(table, word)?;
            if found & PRESENT != 0 {
                table = page_of(found);
                continue;
            }
            let below = self.new_table(machine)?;
            self.domain(machine, domain)?.tables.push(below);
            // 2.2.3: NextLevel, bits 11:9. Rights are given by leaves.
            self.store(machine, table, word, entry(below, READ | WRITE) | (level - 1) << 9)?;
            table = below;
        }
        Ok(table)
    }

    /// An empty table. The page still holds what its last user left there, and may be linked when walks see it clear.
    fn new_table(&mut self, machine: &mut Machine) -> Result<u64, Error> {
        let page = machine.allocate_table()?;
        machine.clear_page(page)?;
        if self.needs_line_flush {
            machine.flush_page(page)?;
        }
        Ok(page)
    }

    fn store(&self, machine: &mut Machine, page: u64, word: u64, value: u64) -> Result<(), Error> {
        machine.store(page, word, value)?;
        if self.needs_line_flush {
            machine.flush_line(page, word / 8)?;
        }
        Ok(())
    }

    // Invalidation.

    /// When this is over, nothing older than now is in any cache. 2.4.1: commands are executed in any order, but for a
    /// COMPLETION_WAIT with f = 1 between them.
    pub fn flush(&mut self, machine: &mut Machine) -> Result<(), Error> {
        let status_page = self.setup.status_page;
        for device_id in self.device_ids.clone() {
            self.submit(machine, INVALIDATE_DEVTAB_ENTRY | u64::from(device_id), 0)?;
        }
        self.submit(machine, COMPLETION_WAIT | 4, 0)?;
        for domain_id in self.domain_ids.clone() {
            self.submit(machine, INVALIDATE_IOMMU_PAGES | domain_id << 32, EVERYTHING)?;
        }
        self.waits += 1;
        self.submit(machine, COMPLETION_WAIT | status_page << 12 | 1, self.waits.into())?;
        machine.write_register(CMD_TAIL, Width::Bits64, self.tail << 4)?;
        // Submitted is not done: done is when the status word shows the value of this wait.
        if machine.poll_memory(status_page, 0, self.waits)? {
            Ok(())
        } else {
            Err(Error::new("COMPLETION_WAIT was never done"))
        }
    }

    fn submit(&mut self, machine: &mut Machine, first: u64, second: u64) -> Result<(), Error> {
        machine.store(self.setup.queue_page, self.tail * 2, first)?;
        machine.store(self.setup.queue_page, self.tail * 2 + 1, second)?;
        self.tail = (self.tail + 1) % QUEUE_ENTRIES;
        Ok(())
    }
}

/// 2.2.3: PR, the page, IR and IW.
fn entry(page: u64, access: u32) -> u64 {
    let may_read = if access & READ != 0 { MAY_READ } else { 0 };
    let may_write = if access & WRITE != 0 { MAY_WRITE } else { 0 };
    PRESENT | page << 12 | may_read | may_write
}

/// The page that an entry points to: bits 51:12.
fn page_of(entry: u64) -> u64 {
    entry >> 12 & 0xff_ffff_ffff
}

/// Every level of tables takes 9 bits of the address.
fn entry_of(iova: u64, level: u64) -> u64 {
    iova >> ((level - 1) * 9) & 511
}
