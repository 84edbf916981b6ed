//! A small AMD-Vi unit: device table, host page tables, command buffer, event log. It reads tables anew for every request
//! and executes commands at once, so that invalidations have nothing to do.
//!
//! Section numbers are those of the AMD I/O Virtualization Technology specification, 48882. Where it leaves something
//! open, this unit does what is simplest.

mod commands;
mod events;
mod features;
mod ring;
mod walk;

use events::EventLog;
use features::Features;
use iommu_spec::{Effect, Error, Iommu, IommuSetup, Memory, Request, Start, Width};
use ring::Ring;

/// Offsets of registers (3.4).
const DEV_TAB_BASE: u32 = 0x0000;
const CMD_BASE: u32 = 0x0008;
const EVT_BASE: u32 = 0x0010;
const CONTROL: u32 = 0x0018;
const EXCL_BASE: u32 = 0x0020;
const EXCL_LIMIT: u32 = 0x0028;
const EFR: u32 = 0x0030;
const EFR2: u32 = 0x01a0;
const CMD_HEAD: u32 = 0x2000;
const CMD_TAIL: u32 = 0x2008;
const EVT_HEAD: u32 = 0x2010;
const EVT_TAIL: u32 = 0x2018;
const STATUS: u32 = 0x2020;

/// Bits 51:12.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// Base registers of rings: address, and in bits 59:56 the logarithm of the number of entries.
const RING_BASE: u64 = ADDRESS | 0xf << 56;
/// Every bit of Control but 21:18, 49 and 57.
const CONTROL_BITS: u64 = !(0xf << 18 | 1 << 49 | 1 << 57);

/// Bits of Control.
const IOMMU_EN: u64 = 1;
const EVENT_LOG_EN: u64 = 1 << 2;
const CMD_BUF_EN: u64 = 1 << 12;

/// Bits of Status; the first three are cleared by writing 1.
const EVENT_OVERFLOW: u64 = 1;
const EVENT_LOG_INT: u64 = 1 << 1;
const COM_WAIT_INT: u64 = 1 << 2;
const EVENT_LOG_RUN: u64 = 1 << 3;
const CMD_BUF_RUN: u64 = 1 << 4;

/// Registers that read what was written to them.
#[derive(Default)]
struct Registers {
    device_table: u64,
    command_base: u64,
    event_base: u64,
    control: u64,
    exclusion_base: u64,
    exclusion_limit: u64,
}

#[derive(Default)]
pub struct AmdViUnit {
    features: Features,
    registers: Registers,
    commands: Ring,
    /// The buffer has stopped at a command that is illegal, or cannot be read or carried out (2.4).
    halted: bool,
    /// ComWaitInt.
    wait_completed: bool,
    events: EventLog,
}

impl Iommu for AmdViUnit {
    fn reset(&mut self, setup: &IommuSetup, memory: &mut Memory) -> Result<(), Error> {
        *self = AmdViUnit { features: Features::of(&setup.profile)?, ..AmdViUnit::default() };
        if setup.start == Start::Translating {
            let log_page = setup.log_page.ok_or_else(|| Error::new("there is no page for the event log"))?;
            // ComLen and EventLen 8: 256 entries.
            self.write(memory, DEV_TAB_BASE, setup.root_page << 12 | setup.root_pages.saturating_sub(1));
            self.write(memory, CMD_BASE, setup.queue_page << 12 | 8 << 56);
            self.write(memory, EVT_BASE, log_page << 12 | 8 << 56);
            self.write(memory, CONTROL, IOMMU_EN | EVENT_LOG_EN | CMD_BUF_EN);
        }
        Ok(())
    }

    fn read_register(&mut self, _: &mut Memory, offset: u32, width: Width) -> u64 {
        let value = self.read(offset & !7);
        match width {
            Width::Bits64 => value,
            Width::Bits32 => value >> (offset % 8 * 8) & 0xffff_ffff,
        }
    }

    fn write_register(&mut self, memory: &mut Memory, offset: u32, width: Width, value: u64) {
        let register = offset & !7;
        let written = match width {
            Width::Bits64 => value,
            Width::Bits32 => {
                let shift = offset % 8 * 8;
                // What is not written stays; of bits that are cleared by 1, that is zeros.
                let kept = if register == STATUS { 0 } else { self.read(register) };
                kept & !(0xffff_ffff << shift) | value << shift
            }
        };
        self.write(memory, register, written);
    }

    fn translate(&mut self, memory: &mut Memory, request: &Request) -> Effect {
        let decision = walk::decide(&self.features, &self.registers, memory, request);
        if let Some(event) = decision.event {
            self.events.log(memory, event);
        }
        decision.effect
    }
}

impl AmdViUnit {
    fn read(&self, register: u32) -> u64 {
        match register {
            DEV_TAB_BASE => self.registers.device_table,
            CMD_BASE => self.registers.command_base,
            EVT_BASE => self.registers.event_base,
            CONTROL => self.registers.control,
            EXCL_BASE => self.registers.exclusion_base,
            EXCL_LIMIT => self.registers.exclusion_limit,
            EFR => self.features.efr,
            EFR2 => self.features.efr2,
            CMD_HEAD => self.commands.head << 4,
            CMD_TAIL => self.commands.tail << 4,
            EVT_HEAD => self.events.ring.head << 4,
            EVT_TAIL => self.events.ring.tail << 4,
            STATUS => self.status(),
            _ => 0,
        }
    }

    fn status(&self) -> u64 {
        let bit = |is_set: bool, mask: u64| if is_set { mask } else { 0 };
        bit(self.events.overflow, EVENT_OVERFLOW)
            | bit(self.events.interrupt, EVENT_LOG_INT)
            | bit(self.wait_completed, COM_WAIT_INT)
            | bit(self.events.running, EVENT_LOG_RUN)
            | bit(self.fetches(), CMD_BUF_RUN)
    }

    /// Software writes all 64 bits; they are in force at once.
    fn write(&mut self, memory: &mut Memory, register: u32, value: u64) {
        match register {
            DEV_TAB_BASE => self.registers.device_table = value & (ADDRESS | 0x1ff),
            CMD_BASE => {
                self.registers.command_base = value & RING_BASE;
                self.commands = Ring::at(value);
            }
            EVT_BASE => {
                self.registers.event_base = value & RING_BASE;
                self.events.ring = Ring::at(value);
            }
            CONTROL => self.write_control(value & CONTROL_BITS),
            EXCL_BASE => self.registers.exclusion_base = value & (ADDRESS | 3),
            EXCL_LIMIT => self.registers.exclusion_limit = value & ADDRESS,
            CMD_HEAD => self.commands.head = self.commands.index(value),
            CMD_TAIL => self.commands.tail = self.commands.index(value),
            EVT_HEAD => self.events.ring.head = self.events.ring.index(value),
            EVT_TAIL => self.events.ring.tail = self.events.ring.index(value),
            STATUS => self.clear_status(value),
            _ => {}
        }
        self.execute_commands(memory);
    }

    fn write_control(&mut self, value: u64) {
        let before = self.registers.control;
        self.registers.control = value;
        // 2.4: CmdBufEn 0 ends the halt.
        if before & !value & CMD_BUF_EN != 0 {
            self.halted = false;
        }
        if (before ^ value) & EVENT_LOG_EN != 0 {
            self.events.enable(value & EVENT_LOG_EN != 0);
        }
    }

    fn clear_status(&mut self, value: u64) {
        self.events.overflow &= value & EVENT_OVERFLOW == 0;
        self.events.interrupt &= value & EVENT_LOG_INT == 0;
        self.wait_completed &= value & COM_WAIT_INT == 0;
    }

    /// CmdBufRun.
    fn fetches(&self) -> bool {
        let enabled = IOMMU_EN | CMD_BUF_EN;
        self.registers.control & enabled == enabled && !self.halted
    }
}
