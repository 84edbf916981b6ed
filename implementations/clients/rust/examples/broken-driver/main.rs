//! The driver of `examples/driver` with one mistake: `unmap` gives pages back before the invalidation is complete. Their
//! next owner has them while a device may still write to them through an old translation.
//!
//! ```text
//! iommu-spec check --driver "exec:target/debug/examples/broken-driver"
//! ```

#[path = "../driver/minimal.rs"]
mod minimal;

use iommu_spec::{
    serve_driver, Architecture, Device, Driver, DriverDescription, Error, Machine, Mapping, Ticket,
};
use minimal::MinimalDriver;
use std::process::ExitCode;

struct SettlesBeforeFlush(MinimalDriver);

impl Driver for SettlesBeforeFlush {
    fn unmap(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.0.clear_leaves(machine, domain, mapping)?;
        machine.settled(ticket)?;
        self.0.flush(machine)
    }

    fn start(&mut self, machine: &mut Machine) -> Result<(), Error> {
        self.0.start(machine)
    }

    fn attach(
        &mut self,
        machine: &mut Machine,
        device: &Device,
        domain: &str,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.0.attach(machine, device, domain, ticket)
    }

    fn detach(&mut self, machine: &mut Machine, device: &Device, ticket: Ticket) -> Result<(), Error> {
        self.0.detach(machine, device, ticket)
    }

    fn map(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.0.map(machine, domain, mapping, ticket)
    }

    fn protect(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        self.0.protect(machine, domain, mapping, ticket)
    }

    fn destroy(&mut self, machine: &mut Machine, domain: &str, ticket: Ticket) -> Result<(), Error> {
        self.0.destroy(machine, domain, ticket)
    }
}

fn main() -> ExitCode {
    let description = DriverDescription::new("rust-broken", "1.0", Architecture::AmdVi);
    serve_driver(&description, |setup| Ok(Box::new(SettlesBeforeFlush(MinimalDriver::new(setup)?))))
}
