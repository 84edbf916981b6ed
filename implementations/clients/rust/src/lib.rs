//! Have an IOMMU, or a driver of one, checked by iommu-spec: both roles of its protocol, version 1.
//!
//! The suite starts a program and speaks with it through standard input and output, one JSON object a line. This crate
//! speaks; what is under test is a trait:
//!
//! - [`Iommu`]: it is reset, its registers are read and written, requests of devices are translated. Memory is here.
//!   Serve it with [`serve_iommu`], and check it with `iommu-spec check --on "exec:PROGRAM"`.
//! - [`Driver`]: it is asked to attach, map, unmap …, and does so by stores and register accesses on a [`Machine`].
//!   Serve it with [`serve_driver`], and check it with `iommu-spec check --driver "exec:PROGRAM"`.
//!
//! ```no_run
//! use iommu_spec::*;
//!
//! /// An IOMMU that blocks everything.
//! struct Wall;
//!
//! impl Iommu for Wall {
//!     fn reset(&mut self, _: &IommuSetup, _: &mut Memory) -> Result<(), Error> {
//!         Ok(())
//!     }
//!     fn read_register(&mut self, _: &mut Memory, _offset: u32, _: Width) -> u64 {
//!         0
//!     }
//!     fn write_register(&mut self, _: &mut Memory, _offset: u32, _: Width, _value: u64) {}
//!     fn translate(&mut self, _: &mut Memory, _: &Request) -> Effect {
//!         Effect::Blocked
//!     }
//! }
//!
//! fn main() -> std::process::ExitCode {
//!     serve_iommu(&IommuDescription::new("wall", "1.0", Architecture::Vtd), &mut Wall)
//! }
//! ```
//!
//! Standard output belongs to the protocol; say what there is to say with `eprintln!`. Pages are page numbers, addresses
//! divided by 4096.

#![forbid(unsafe_code)]

mod connection;
#[cfg(test)]
mod conversations;
mod driver;
mod error;
mod iommu;
mod json;
mod line;
mod machine;
mod memory;
mod setup;

pub use driver::{serve_driver, Device, Driver, DriverDescription, Intent, Mapping, READ, WRITE};
pub use error::Error;
pub use iommu::{serve_iommu, Effect, Iommu, IommuDescription, Request, RequestType, Width};
pub use machine::{Machine, Ticket};
pub use memory::{page_tag, Memory};
pub use setup::{
    AmdViPlatform, Architecture, DriverSetup, Flushing, Invalidation, IommuSetup, Platform, Profile, Start,
    VtdPlatform,
};
