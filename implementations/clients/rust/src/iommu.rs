//! The role of an IOMMU under test.

use crate::connection::{greeting, with_standard_streams, Connection, Message};
use crate::error::Error;
use crate::json::Json;
use crate::line::Line;
use crate::memory::Memory;
use crate::setup::{one_of, Architecture, IommuSetup, Start, LARGEST_PAGE};
use std::process::ExitCode;

/// How often a register or a word of memory is looked at before a poll gives up.
const PATIENCE: usize = 10_000;
const LARGEST_OFFSET: u64 = 0xffff_fffc;

/// How many bytes of a register are read or written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Width {
    Bits32,
    Bits64,
}

/// What a device asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestType {
    Read,
    Write,
    /// An AtomicOp: needs both rights, and writes.
    Atomic,
    /// A read of no bytes.
    ZeroLengthRead,
}

impl RequestType {
    fn id(self) -> &'static str {
        match self {
            RequestType::Read => "read",
            RequestType::Write => "write",
            RequestType::Atomic => "atomic",
            RequestType::ZeroLengthRead => "zero-length-read",
        }
    }

    const ALL: [RequestType; 4] =
        [RequestType::Read, RequestType::Write, RequestType::Atomic, RequestType::ZeroLengthRead];

    /// True for requests that change memory.
    pub fn writes(self) -> bool {
        matches!(self, RequestType::Write | RequestType::Atomic)
    }
}

/// An untranslated request without PASID. It never crosses a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// Bus, device and function.
    pub requester: u16,
    /// Page of the device's address.
    pub page: u64,
    /// Byte in the page, a multiple of 4.
    pub offset: u32,
    /// Bytes: 0 for a zero-length read, else 4 or 8.
    pub length: u32,
    pub kind: RequestType,
    /// What a write or AtomicOp puts into each 4 bytes it covers.
    pub value: u32,
}

/// What became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It reached this page of memory.
    Page(u64),
    /// Its requester was told that the request is not supported; memory was not touched.
    Blocked,
    /// Nothing was seen: blocked, or it reached a place that is no memory.
    Nowhere,
    /// It went to the interrupt unit.
    Interrupt,
    /// It completed without touching memory: a zero-length read.
    Done,
}

/// What an IOMMU under test is and can do.
#[derive(Clone, Debug)]
pub struct IommuDescription {
    /// As reports call it.
    pub name: String,
    pub version: String,
    /// At least one.
    pub architectures: Vec<Architecture>,
    /// Ids of the platforms that it can be; none: every one of its architectures.
    pub profiles: Option<Vec<String>>,
    /// Requests that its devices can make.
    pub requests: Vec<RequestType>,
    /// Where it can be brought to. Without [`Start::Translating`] runs start right after a reset.
    pub starts: Vec<Start>,
}

impl IommuDescription {
    /// One that can be every platform of the architecture, in each state, with every request.
    pub fn new(name: &str, version: &str, architecture: Architecture) -> IommuDescription {
        IommuDescription {
            name: name.to_string(),
            version: version.to_string(),
            architectures: vec![architecture],
            profiles: None,
            requests: RequestType::ALL.to_vec(),
            starts: vec![Start::Reset, Start::Translating],
        }
    }

    fn greeting(&self, id: u64) -> Line {
        let architectures: Vec<&str> = self.architectures.iter().map(|one| one.id()).collect();
        let mut line = greeting(id, "iommu", &self.name, &self.version, &architectures);
        if let Some(profiles) = &self.profiles {
            line = line.texts("profiles", profiles.iter().map(String::as_str));
        }
        line.texts("requests", self.requests.iter().map(|one| one.id()))
            .texts("starts", self.starts.iter().map(|one| one.id()))
    }
}

/// An IOMMU under test. Memory is kept by this crate, so that four methods are enough; a unit with memory of its own (a
/// simulator, a machine) has the others as well, and leaves `memory` alone.
///
/// Reads and writes of registers are aligned to their width.
pub trait Iommu {
    /// Brings registers and caches to the state that `setup` describes; memory is there already.
    ///
    /// # Errors
    /// When it cannot be that platform, or cannot be brought there.
    fn reset(&mut self, setup: &IommuSetup, memory: &mut Memory) -> Result<(), Error>;

    /// Software reads a register; the upper half is 0 for 32 bits.
    fn read_register(&mut self, memory: &mut Memory, offset: u32, width: Width) -> u64;

    /// Software writes a register; the upper half is 0 for 32 bits.
    fn write_register(&mut self, memory: &mut Memory, offset: u32, width: Width, value: u64);

    /// Decides a request, and records its fault if it has one. Memory is written by [`Iommu::request`].
    fn translate(&mut self, memory: &mut Memory, request: &Request) -> Effect;

    /// A device makes a request.
    fn request(&mut self, memory: &mut Memory, request: &Request) -> Effect {
        let effect = self.translate(memory, request);
        if let (Effect::Page(page), true) = (effect, request.kind.writes()) {
            for offset in (request.offset..request.offset + request.length).step_by(4) {
                memory.store_half(page, offset, request.value);
            }
        }
        effect
    }

    /// The processor stores a word.
    fn store(&mut self, memory: &mut Memory, page: u64, word: usize, value: u64) {
        memory.store(page, word, value);
    }

    /// The processor writes a 64-byte line, 0 to 63 of the page, back to memory.
    fn flush_line(&mut self, _memory: &mut Memory, _page: u64, _line: usize) {}

    /// The processor loads a word that the unit may have written.
    fn load(&mut self, memory: &mut Memory, page: u64, word: usize) -> u64 {
        memory.load(page, word).unwrap_or(0)
    }

    /// The 32-bit value of a data page when everything under way has come to rest; `offset` is a multiple of 4.
    fn read_data(&mut self, memory: &mut Memory, page: u64, offset: u32) -> u32 {
        memory.load_half(page, offset).unwrap_or(0)
    }
}

/// Speaks the protocol on standard input and output until the suite is done; what `main` returns. Exit code 2 and words on
/// standard error when the suite says what cannot be understood.
pub fn serve_iommu(description: &IommuDescription, iommu: &mut dyn Iommu) -> ExitCode {
    with_standard_streams(|connection| converse(connection, description, iommu))
}

pub(crate) fn converse(
    connection: &mut Connection,
    description: &IommuDescription,
    iommu: &mut dyn Iommu,
) -> Result<(), Error> {
    if let Some(id) = connection.greet()? {
        connection.send(description.greeting(id))?;
    }
    let mut unit = Unit { iommu, memory: Memory::default() };
    connection.serve(|connection, message| {
        let answer = unit.answer(message)?;
        connection.send(answer)
    })
}

/// The unit with its memory.
struct Unit<'a> {
    iommu: &'a mut dyn Iommu,
    memory: Memory,
}

impl Unit<'_> {
    fn answer(&mut self, Message { id, body }: &Message) -> Result<Line, Error> {
        let Unit { iommu, memory } = self;
        let answer = Line::with_id(*id);
        Ok(match body.text("do")? {
            "reset" => {
                let setup = IommuSetup::of(body)?;
                *memory = Memory::at_start(&setup);
                iommu.reset(&setup, memory)?;
                answer
            }
            "store" => {
                let (page, word) = place(body)?;
                iommu.store(memory, page, word, body.word()?);
                answer
            }
            "flush-line" => {
                iommu.flush_line(memory, page(body)?, body.number("line", 63)? as usize);
                answer
            }
            "write-register" => {
                let (offset, width) = register(body)?;
                iommu.write_register(memory, offset, width, body.word()?);
                answer
            }
            "read-register" => {
                let (offset, width) = register(body)?;
                answer.word(iommu.read_register(memory, offset, width))
            }
            "poll-register" => answer.flag("seen", poll_register(*iommu, memory, body)?),
            "read-memory" => {
                let (page, word) = place(body)?;
                answer.word(iommu.load(memory, page, word))
            }
            "poll-memory" => answer.flag("seen", poll_memory(*iommu, memory, body)?),
            "request" => with_effect(answer, iommu.request(memory, &request_of(body)?)),
            "read-data" => {
                let offset = body.number("offset", 4095)? as u32 & !3;
                let pages = body.numbers("pages", LARGEST_PAGE)?;
                answer.numbers(
                    "values",
                    pages.into_iter().map(|page| iommu.read_data(memory, page, offset).into()),
                )
            }
            other => return Err(Error::conversation(format!("\"{other}\" is nothing this role knows"))),
        })
    }
}

fn with_effect(answer: Line, effect: Effect) -> Line {
    match effect {
        Effect::Page(page) => answer.number("page", page),
        Effect::Blocked => answer.text("effect", "blocked"),
        Effect::Nowhere => answer.text("effect", "nowhere"),
        Effect::Interrupt => answer.text("effect", "interrupt"),
        Effect::Done => answer.text("effect", "done"),
    }
}

fn page(body: &Json) -> Result<u64, Error> {
    body.number("page", LARGEST_PAGE)
}

fn place(body: &Json) -> Result<(u64, usize), Error> {
    Ok((page(body)?, body.number("word", 511)? as usize))
}

fn register(body: &Json) -> Result<(u32, Width), Error> {
    let width = match body.number("width", 8)? {
        4 => Width::Bits32,
        8 => Width::Bits64,
        _ => return Err(Error::conversation("\"width\" has to be 4 or 8")),
    };
    Ok((body.number("offset", LARGEST_OFFSET)? as u32, width))
}

fn poll_register(iommu: &mut dyn Iommu, memory: &mut Memory, body: &Json) -> Result<bool, Error> {
    let offset = body.number("offset", LARGEST_OFFSET)? as u32;
    let mask = body.number("mask", 0xffff_ffff)?;
    let value = body.number("value", 0xffff_ffff)?;
    Ok((0..PATIENCE).any(|_| iommu.read_register(memory, offset, Width::Bits32) & mask == value))
}

fn poll_memory(iommu: &mut dyn Iommu, memory: &mut Memory, body: &Json) -> Result<bool, Error> {
    let (page, word) = place(body)?;
    let value = body.number("value", 0xffff_ffff)?;
    Ok((0..PATIENCE).any(|_| iommu.load(memory, page, word) & 0xffff_ffff == value))
}

fn request_of(body: &Json) -> Result<Request, Error> {
    let request = Request {
        requester: body.number("requester", 0xffff)? as u16,
        page: page(body)?,
        offset: body.number("offset", 4092)? as u32,
        length: body.number("length", 8)? as u32,
        kind: one_of(body, "type", &RequestType::ALL.map(|one| (one.id(), one)))?,
        value: body.number("value", 0xffff_ffff)? as u32,
    };
    if request.offset % 4 != 0 || request.length % 4 != 0 || request.offset + request.length > 4096 {
        return Err(Error::conversation("a request has to be about 4-byte units of one page"));
    }
    Ok(request)
}
