//! What a driver does to the machine.

use crate::connection::{Connection, Message};
use crate::error::Error;
use crate::iommu::Width;
use crate::json::Json;
use crate::line::Line;
use crate::setup::LARGEST_PAGE;

/// So many lines fit into a pipe, whichever way they go.
const MOST_UNREAD: usize = 256;

/// What every intent but `start` and `sync` comes with: to be settled exactly once, when the intent has taken full effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ticket(pub(crate) u64);

/// The machine that a driver runs on: each call is one access, and they come to pass in order. Pages are page numbers,
/// words the indices of aligned 64-bit words in a page, register offsets multiples of the width.
pub struct Machine<'a, 'b> {
    connection: &'a mut Connection<'b>,
    /// Of the intent under way.
    id: u64,
    /// Accesses whose answers tell nothing, and were not read yet.
    unread: usize,
}

impl<'a, 'b> Machine<'a, 'b> {
    pub(crate) fn new(connection: &'a mut Connection<'b>, id: u64) -> Machine<'a, 'b> {
        Machine { connection, id, unread: 0 }
    }

    /// Stores an aligned 64-bit word, 0 to 511 of the page.
    pub fn store(&mut self, page: u64, word: u64, value: u64) -> Result<(), Error> {
        self.tell("store", |line| line.number("page", page).number("word", word).word(value))
    }

    /// Stores zero to every word of a page.
    pub fn clear_page(&mut self, page: u64) -> Result<(), Error> {
        self.tell("clear-page", |line| line.number("page", page))
    }

    /// Loads a word as the processor sees it.
    pub fn load(&mut self, page: u64, word: u64) -> Result<u64, Error> {
        self.ask("load", |line| line.number("page", page).number("word", word))
    }

    /// Writes a 64-byte line, 0 to 63 of the page, back to memory.
    pub fn flush_line(&mut self, page: u64, line: u64) -> Result<(), Error> {
        self.tell("flush-line", |message| message.number("page", page).number("line", line))
    }

    /// Writes every line of a page back to memory.
    pub fn flush_page(&mut self, page: u64) -> Result<(), Error> {
        self.tell("flush-page", |line| line.number("page", page))
    }

    /// Loads a word that the unit may have written, on record.
    pub fn read_memory(&mut self, page: u64, word: u64) -> Result<u64, Error> {
        self.ask("read-memory", |line| line.number("page", page).number("word", word))
    }

    /// Writes a register. Of 32 bits only the lower half of the value counts.
    pub fn write_register(&mut self, offset: u32, width: Width, value: u64) -> Result<(), Error> {
        let written = if width == Width::Bits32 { value & 0xffff_ffff } else { value };
        self.tell("write-register", |line| register(line, offset, width).word(written))
    }

    /// Reads a register; the upper half is 0 for 32 bits.
    pub fn read_register(&mut self, offset: u32, width: Width) -> Result<u64, Error> {
        self.ask("read-register", |line| register(line, offset, width))
    }

    /// Reads a 32-bit register until `register & mask == value`; false when the machine gave up.
    pub fn poll_register(&mut self, offset: u32, mask: u32, value: u32) -> Result<bool, Error> {
        let seen = self.ask("poll-register", |line| {
            line.number("offset", offset.into()).number("mask", mask.into()).number("value", value.into())
        });
        Ok(seen? == 1)
    }

    /// Reads the lower half of a word until it is `value`; false when the machine gave up.
    pub fn poll_memory(&mut self, page: u64, word: u64, value: u32) -> Result<bool, Error> {
        let seen = self.ask("poll-memory", |line| {
            line.number("page", page).number("word", word).number("value", value.into())
        });
        Ok(seen? == 1)
    }

    /// A page for entries. It holds what its last user left there.
    pub fn allocate_table(&mut self) -> Result<u64, Error> {
        self.send("allocate-table", |line| line)?;
        self.catch_up()?;
        self.answer()?.number("low", LARGEST_PAGE)
    }

    /// Gives such a page back: anybody may get it next.
    pub fn free_table(&mut self, page: u64) -> Result<(), Error> {
        self.tell("free-table", |line| line.number("page", page))
    }

    /// Resets a function: what it was told to do is forgotten.
    pub fn reset_device(&mut self, requester: u16) -> Result<(), Error> {
        self.tell("reset-device", |line| line.number("requester", requester.into()))
    }

    /// Says that an intent has taken full effect: what it gives works, what it takes away is gone for every device.
    pub fn settled(&mut self, ticket: Ticket) -> Result<(), Error> {
        self.tell("settled", |line| line.number("ticket", ticket.0))
    }

    /// Reads the answers that were not read yet.
    pub(crate) fn catch_up(&mut self) -> Result<(), Error> {
        while self.unread > 0 {
            self.answer()?;
            self.unread -= 1;
        }
        Ok(())
    }

    /// Sends an access whose answer tells nothing, and does not wait for it.
    fn tell(&mut self, access: &str, fields: impl FnOnce(Line) -> Line) -> Result<(), Error> {
        self.send(access, fields)?;
        self.unread += 1;
        if self.unread < MOST_UNREAD {
            return Ok(());
        }
        self.catch_up()
    }

    /// Sends an access and waits for the word that answers it.
    fn ask(&mut self, access: &str, fields: impl FnOnce(Line) -> Line) -> Result<u64, Error> {
        self.send(access, fields)?;
        self.catch_up()?;
        self.answer()?.word()
    }

    fn send(&mut self, access: &str, fields: impl FnOnce(Line) -> Line) -> Result<(), Error> {
        self.connection.send(fields(Line::with_id(self.id).text("do", access)))
    }

    fn answer(&mut self) -> Result<Json, Error> {
        let answer = self.connection.receive()?;
        let Message { id, body } =
            answer.ok_or_else(|| Error::conversation("the suite ended while an answer was awaited"))?;
        if id != self.id {
            let expected = self.id;
            return Err(Error::conversation(format!("an answer has id {id}, the intent {expected}")));
        }
        Ok(body)
    }
}

fn register(line: Line, offset: u32, width: Width) -> Line {
    line.number("offset", offset.into()).number("width", if width == Width::Bits32 { 4 } else { 8 })
}
