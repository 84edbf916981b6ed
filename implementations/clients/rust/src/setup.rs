//! What the suite says of a platform and of a run before it starts.

use crate::error::Error;
use crate::json::Json;

/// Page numbers have 52 bits at most: addresses have 64.
pub(crate) const LARGEST_PAGE: u64 = (1 << 52) - 1;

/// The architectures of the suite.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// Intel VT-d.
    Vtd,
    /// AMD I/O Virtualization Technology.
    AmdVi,
}

impl Architecture {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Architecture::Vtd => "vtd",
            Architecture::AmdVi => "amdvi",
        }
    }
}

/// Where a run starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// Right after a platform reset: registers as the profile has them, nothing enabled.
    Reset,
    /// Translation is on. VT-d: an empty root table is in force, and so is the queue where there is one (128-bit
    /// entries, 256 of them, head = tail = 0). AMD-Vi: every device table entry has V = 1 and TV = 0, command buffer and
    /// event log are on.
    Translating,
}

impl Start {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Start::Reset => "reset",
            Start::Translating => "translating",
        }
    }

    fn of(setup: &Json) -> Result<Start, Error> {
        one_of(setup, "start", &[("reset", Start::Reset), ("translating", Start::Translating)])
    }
}

/// A platform: what its registers read, and its habits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// No two platforms have the same.
    pub id: String,
    /// Physical address bits of the machine.
    pub host_address_width: u32,
    /// Pages of memory from address zero on.
    pub memory_pages: u64,
    /// What there is in this architecture only.
    pub platform: Platform,
}

/// The part of a [`Profile`] that is its architecture's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Platform {
    Vtd(VtdPlatform),
    AmdVi(AmdViPlatform),
}

/// What a VT-d unit reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VtdPlatform {
    /// VER_REG: major and minor.
    pub version: (u32, u32),
    /// CAP_REG.
    pub capability: u64,
    /// ECAP_REG.
    pub extended_capability: u64,
}

/// What an AMD-Vi unit reads, and what of its capability header matters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AmdViPlatform {
    /// EFR, MMIO 0030h.
    pub extended_features: u64,
    /// EFR2, MMIO 01A0h.
    pub extended_features_2: u64,
    /// NpCache: not-present entries may be cached.
    pub np_cache: bool,
    /// IotlbSup: devices may have TLBs of their own.
    pub remote_iotlbs: bool,
    /// Table walks snoop the caches of processors.
    pub coherent_walks: bool,
}

impl Profile {
    fn of(setup: &Json) -> Result<Profile, Error> {
        let profile = setup.object("profile")?;
        let platform = match profile.text("architecture")? {
            "vtd" => Platform::Vtd(VtdPlatform::of(profile)?),
            "amdvi" => Platform::AmdVi(AmdViPlatform::of(profile)?),
            other => {
                return Err(Error::conversation(format!("\"{other}\" is no architecture that is known")))
            }
        };
        Ok(Profile {
            id: profile.text("id")?.to_string(),
            host_address_width: profile.number("hostAddressWidth", 0xffff_ffff)? as u32,
            memory_pages: profile.number("memoryPages", LARGEST_PAGE)?,
            platform,
        })
    }
}

impl VtdPlatform {
    fn of(profile: &Json) -> Result<VtdPlatform, Error> {
        let version = profile.object("version")?;
        let part = |name| version.number(name, 0xffff_ffff).map(|number| number as u32);
        Ok(VtdPlatform {
            version: (part("major")?, part("minor")?),
            capability: profile.object("capability")?.word()?,
            extended_capability: profile.object("extendedCapability")?.word()?,
        })
    }
}

impl AmdViPlatform {
    fn of(profile: &Json) -> Result<AmdViPlatform, Error> {
        Ok(AmdViPlatform {
            extended_features: profile.object("extendedFeatures")?.word()?,
            extended_features_2: profile.object("extendedFeatures2")?.word()?,
            np_cache: profile.flag("npCache")?,
            remote_iotlbs: profile.flag("remoteIotlbs")?,
            coherent_walks: profile.flag("coherentWalks")?,
        })
    }
}

/// What an IOMMU is brought to before a run.
#[derive(Clone, Debug)]
pub struct IommuSetup {
    pub profile: Profile,
    pub start: Start,
    /// The functions that will make requests.
    pub requesters: Vec<u16>,
    /// Pages that devices read and write; they hold [`page_tag`](crate::page_tag) before the run.
    pub data_pages: Vec<u64>,
    /// Pages for tables, queue, log and status words; zero before the run.
    pub table_pages: Vec<u64>,
    /// First page of the root table (VT-d) or device table (AMD-Vi) that is in force where a run starts translating.
    pub root_page: u64,
    /// How many pages it has.
    pub root_pages: u64,
    /// Page of the invalidation queue or command buffer.
    pub queue_page: u64,
    /// Page of the event log; none for VT-d.
    pub log_page: Option<u64>,
    /// Seed of whatever the unit leaves to chance.
    pub timing: u64,
}

impl IommuSetup {
    pub(crate) fn of(message: &Json) -> Result<IommuSetup, Error> {
        let setup = message.object("setup")?;
        let requesters = setup.numbers("requesters", 0xffff)?;
        Ok(IommuSetup {
            profile: Profile::of(setup)?,
            start: Start::of(setup)?,
            requesters: requesters.into_iter().map(|requester| requester as u16).collect(),
            data_pages: setup.numbers("dataPages", LARGEST_PAGE)?,
            table_pages: setup.numbers("tablePages", LARGEST_PAGE)?,
            root_page: setup.number("rootPage", LARGEST_PAGE)?,
            root_pages: setup.number("rootPages", LARGEST_PAGE)?,
            queue_page: setup.number("queuePage", LARGEST_PAGE)?,
            log_page: optional_page(setup, "logPage")?,
            timing: setup.number("timing", 0xffff_ffff)?,
        })
    }
}

/// Which interface a driver has to invalidate through. The platform has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Invalidation {
    /// The invalidation queue, or the command buffer.
    Queue,
    Registers,
}

impl Invalidation {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Invalidation::Queue => "queue",
            Invalidation::Registers => "registers",
        }
    }
}

/// When a ticket has to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flushing {
    /// Before the intent ends.
    Strict,
    /// Before the next `sync` ends.
    Deferred,
}

impl Flushing {
    pub(crate) fn id(self) -> &'static str {
        match self {
            Flushing::Strict => "strict",
            Flushing::Deferred => "deferred",
        }
    }
}

/// What a driver may know about the machine before it starts.
#[derive(Clone, Debug)]
pub struct DriverSetup {
    pub profile: Profile,
    pub invalidation: Invalidation,
    pub flushing: Flushing,
    pub start: Start,
    /// First page set aside for the root table (VT-d) or device table (AMD-Vi).
    pub root_page: u64,
    /// How many pages it has.
    pub root_pages: u64,
    /// Page set aside for the invalidation queue or command buffer: 256 entries of 128 bits, all zero.
    pub queue_page: u64,
    /// Page set aside for status words, all zero.
    pub status_page: u64,
    /// Page set aside for the event log, 256 entries of 128 bits; none for VT-d.
    pub log_page: Option<u64>,
}

impl DriverSetup {
    pub(crate) fn of(message: &Json) -> Result<DriverSetup, Error> {
        let setup = message.object("setup")?;
        let invalidations = [("queue", Invalidation::Queue), ("registers", Invalidation::Registers)];
        let flushings = [("strict", Flushing::Strict), ("deferred", Flushing::Deferred)];
        Ok(DriverSetup {
            profile: Profile::of(setup)?,
            invalidation: one_of(setup, "invalidation", &invalidations)?,
            flushing: one_of(setup, "flushing", &flushings)?,
            start: Start::of(setup)?,
            root_page: setup.number("rootPage", LARGEST_PAGE)?,
            root_pages: setup.number("rootPages", LARGEST_PAGE)?,
            queue_page: setup.number("queuePage", LARGEST_PAGE)?,
            status_page: setup.number("statusPage", LARGEST_PAGE)?,
            log_page: optional_page(setup, "logPage")?,
        })
    }
}

fn optional_page(setup: &Json, name: &str) -> Result<Option<u64>, Error> {
    match setup.get(name) {
        None => Ok(None),
        Some(_) => setup.number(name, LARGEST_PAGE).map(Some),
    }
}

/// The value that the text of a member names.
pub(crate) fn one_of<T: Copy>(object: &Json, name: &str, values: &[(&str, T)]) -> Result<T, Error> {
    let text = object.text(name)?;
    let found = values.iter().find(|(known, _)| *known == text);
    found
        .map(|(_, value)| *value)
        .ok_or_else(|| Error::conversation(format!("\"{name}\" cannot be \"{text}\"")))
}
