//! The role of a driver under test.

use crate::connection::{greeting, with_standard_streams, Connection, Message};
use crate::error::{Error, Kind};
use crate::json::Json;
use crate::line::Line;
use crate::machine::{Machine, Ticket};
use crate::setup::{Architecture, DriverSetup, Flushing, Invalidation, Start, LARGEST_PAGE};
use std::process::ExitCode;

/// A device with every requester id that its requests may carry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Device {
    pub name: String,
    pub requesters: Vec<u16>,
}

/// The right to read, in [`Mapping::access`].
pub const READ: u32 = 1;
/// The right to write, in [`Mapping::access`].
pub const WRITE: u32 = 2;

/// A run of pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// First page of the device's addresses.
    pub iova: u64,
    /// First page of memory.
    pub page: u64,
    /// How many pages of 4 KiB.
    pub pages: u64,
    /// [`READ`], [`WRITE`], or both.
    pub access: u32,
}

/// Intents that a driver may do without.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Intent {
    Protect,
    Merge,
    Destroy,
}

impl Intent {
    fn id(self) -> &'static str {
        match self {
            Intent::Protect => "protect",
            Intent::Merge => "merge",
            Intent::Destroy => "destroy",
        }
    }
}

/// What a driver under test is and can do. It carries out one intent after the other.
#[derive(Clone, Debug)]
pub struct DriverDescription {
    /// As reports call it.
    pub name: String,
    pub version: String,
    /// At least one.
    pub architectures: Vec<Architecture>,
    /// Ids of the platforms that it is for; none: every one of its architectures.
    pub profiles: Option<Vec<String>>,
    pub invalidation: Vec<Invalidation>,
    pub flushing: Vec<Flushing>,
    pub starts: Vec<Start>,
    /// Which of these intents it knows.
    pub intents: Vec<Intent>,
    /// False when its devices have one requester id each.
    pub aliases: bool,
}

impl DriverDescription {
    /// One for every platform of the architecture, that can do everything.
    pub fn new(name: &str, version: &str, architecture: Architecture) -> DriverDescription {
        DriverDescription {
            name: name.to_string(),
            version: version.to_string(),
            architectures: vec![architecture],
            profiles: None,
            invalidation: vec![Invalidation::Queue, Invalidation::Registers],
            flushing: vec![Flushing::Strict, Flushing::Deferred],
            starts: vec![Start::Reset, Start::Translating],
            intents: vec![Intent::Protect, Intent::Merge, Intent::Destroy],
            aliases: true,
        }
    }

    fn greeting(&self, id: u64) -> Line {
        let architectures: Vec<&str> = self.architectures.iter().map(|one| one.id()).collect();
        let mut line = greeting(id, "driver", &self.name, &self.version, &architectures);
        if let Some(profiles) = &self.profiles {
            line = line.texts("profiles", profiles.iter().map(String::as_str));
        }
        line.texts("invalidation", self.invalidation.iter().map(|one| one.id()))
            .texts("flushing", self.flushing.iter().map(|one| one.id()))
            .texts("starts", self.starts.iter().map(|one| one.id()))
            .texts("intents", self.intents.iter().map(|one| one.id()))
            .flag("aliases", self.aliases)
            .flag("concurrent", false)
    }
}

/// A driver under test, for one run. Domains are names; which domain id a domain has is the driver's business. A domain
/// comes into being with its first `attach` or `map`, and may come back after `destroy`.
///
/// An error, also one of the machine's, ends the run without a verdict.
pub trait Driver {
    /// Takes the unit over, from either start; afterwards translation is on.
    fn start(&mut self, machine: &mut Machine) -> Result<(), Error>;

    /// The device uses the domain's mappings under all its ids; one that has another domain is switched over.
    fn attach(
        &mut self,
        machine: &mut Machine,
        device: &Device,
        domain: &str,
        ticket: Ticket,
    ) -> Result<(), Error>;

    /// The device reaches nothing any more.
    fn detach(&mut self, machine: &mut Machine, device: &Device, ticket: Ticket) -> Result<(), Error>;

    /// Pages from `mapping.iova` on lead to those from `mapping.page` on.
    fn map(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error>;

    /// Pages are removed: all or part of what was mapped at once.
    fn unmap(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error>;

    /// Pages that are mapped get other rights.
    fn protect(
        &mut self,
        machine: &mut Machine,
        domain: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error>;

    /// The domain is gone; its id and tables may serve another.
    fn destroy(&mut self, machine: &mut Machine, domain: &str, ticket: Ticket) -> Result<(), Error>;

    /// Pages that were mapped piece by piece may be mapped by one larger entry; a driver need not.
    fn merge(
        &mut self,
        machine: &mut Machine,
        _domain: &str,
        _: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        machine.settled(ticket)
    }

    /// What was put off is carried out; for drivers that put nothing off there is nothing to do.
    fn sync(&mut self, _machine: &mut Machine) -> Result<(), Error> {
        Ok(())
    }
}

/// Speaks the protocol on standard input and output until the suite is done; what `main` returns. Exit code 2 and words on
/// standard error when the suite says what cannot be understood.
///
/// `create` makes a driver for one run; an error says that it cannot be one for this setup.
pub fn serve_driver<F>(description: &DriverDescription, create: F) -> ExitCode
where
    F: FnMut(&DriverSetup) -> Result<Box<dyn Driver>, Error>,
{
    with_standard_streams(|connection| converse(connection, description, create))
}

pub(crate) fn converse<F>(
    connection: &mut Connection,
    description: &DriverDescription,
    mut create: F,
) -> Result<(), Error>
where
    F: FnMut(&DriverSetup) -> Result<Box<dyn Driver>, Error>,
{
    if let Some(id) = connection.greet()? {
        connection.send(description.greeting(id))?;
    }
    let mut current: Option<Box<dyn Driver>> = None;
    connection.serve(|connection, Message { id, body }| {
        if body.text("do")? == "setup" {
            current = Some(create(&DriverSetup::of(body)?)?);
            return connection.send(Line::with_id(*id));
        }
        let driver = current.as_mut().ok_or_else(|| Error::conversation("a setup has to come first"))?;
        let mut machine = Machine::new(connection, *id);
        match carry_out(driver.as_mut(), &mut machine, body) {
            Err(error) if error.kind == Kind::Conversation => return Err(error),
            outcome => {
                machine.catch_up()?;
                outcome?;
            }
        }
        connection.send(Line::with_id(*id).flag("done", true))
    })
}

fn carry_out(driver: &mut dyn Driver, machine: &mut Machine, body: &Json) -> Result<(), Error> {
    let domain = || body.text("domain");
    match body.text("do")? {
        "start" => driver.start(machine),
        "sync" => driver.sync(machine),
        "attach" => driver.attach(machine, &device(body)?, domain()?, ticket(body)?),
        "detach" => driver.detach(machine, &device(body)?, ticket(body)?),
        "map" => driver.map(machine, domain()?, &mapping(body)?, ticket(body)?),
        "protect" => driver.protect(machine, domain()?, &mapping(body)?, ticket(body)?),
        "unmap" => driver.unmap(machine, domain()?, &mapping(body)?, ticket(body)?),
        "merge" => driver.merge(machine, domain()?, &mapping(body)?, ticket(body)?),
        "destroy" => driver.destroy(machine, domain()?, ticket(body)?),
        other => Err(Error::conversation(format!("\"{other}\" is nothing this role knows"))),
    }
}

fn ticket(body: &Json) -> Result<Ticket, Error> {
    body.number("ticket", u64::MAX).map(Ticket)
}

fn device(body: &Json) -> Result<Device, Error> {
    let device = body.object("device")?;
    let requesters = device.numbers("requesters", 0xffff)?;
    Ok(Device {
        name: device.text("name")?.to_string(),
        requesters: requesters.into_iter().map(|requester| requester as u16).collect(),
    })
}

fn mapping(body: &Json) -> Result<Mapping, Error> {
    let mapping = body.object("mapping")?;
    Ok(Mapping {
        iova: mapping.number("iova", LARGEST_PAGE)?,
        page: mapping.number("page", LARGEST_PAGE)?,
        pages: mapping.number("pages", LARGEST_PAGE)?,
        access: mapping.number("access", 3)? as u32,
    })
}
