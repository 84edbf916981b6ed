//! Lines in, lines out.

use crate::error::{Error, Kind};
use crate::json::Json;
use crate::line::Line;
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::process::ExitCode;

/// The version of the protocol that is spoken.
const PROTOCOL: u64 = 1;
/// Longest line, in bytes.
const LONGEST_LINE: u64 = 1 << 20;
const BUFFER: usize = 1 << 16;
/// Exit code of a program that could not make sense of what it was told.
const FAILURE: u8 = 2;

/// A message of the suite.
pub(crate) struct Message {
    pub id: u64,
    pub body: Json,
}

/// Standard input and output, or what stands for them in tests.
pub(crate) struct Connection<'a> {
    input: BufReader<Box<dyn Read + 'a>>,
    output: BufWriter<Box<dyn Write + 'a>>,
}

impl<'a> Connection<'a> {
    pub fn new(input: impl Read + 'a, output: impl Write + 'a) -> Connection<'a> {
        Connection {
            input: BufReader::with_capacity(BUFFER, Box::new(input)),
            output: BufWriter::with_capacity(BUFFER, Box::new(output)),
        }
    }

    /// The next message; none when the suite is done. What was sent so far is on its way before anything is waited for.
    pub fn receive(&mut self) -> Result<Option<Message>, Error> {
        if !self.input.buffer().contains(&b'\n') {
            self.output.flush()?;
        }
        let mut line = Vec::new();
        self.input.by_ref().take(LONGEST_LINE).read_until(b'\n', &mut line)?;
        if line.is_empty() {
            return Ok(None);
        }
        if line.last() != Some(&b'\n') {
            return Err(Error::conversation("a line of the suite is too long, or breaks off"));
        }
        let text = std::str::from_utf8(&line)
            .map_err(|_| Error::conversation("a line of the suite is not UTF-8"))?;
        let message =
            Json::parse(text).and_then(|body| Ok(Message { id: body.number("id", u64::MAX)?, body }));
        message.map(Some).map_err(|error| in_line(error, text))
    }

    /// Sends a line; it is on its way at the latest when the next one is waited for.
    pub fn send(&mut self, line: Line) -> Result<(), Error> {
        Ok(self.output.write_all(line.end().as_bytes())?)
    }

    /// Reads the first message and sees that the suite speaks this protocol; its id. Whether this is the role that it means
    /// is for the suite to see from the answer.
    pub fn greet(&mut self) -> Result<Option<u64>, Error> {
        let Message { id, body } = match self.receive()? {
            Some(message) => message,
            None => return Ok(None),
        };
        if body.text("do")? != "hello" {
            return Err(Error::conversation("the first message has to be a hello"));
        }
        let protocol = body.number("protocol", u64::MAX)?;
        if protocol != PROTOCOL {
            return Err(Error::conversation(format!(
                "the suite speaks protocol {protocol}, this program {PROTOCOL}"
            )));
        }
        Ok(Some(id))
    }

    /// Reads messages and has each dealt with, until there are no more. What cannot be done is told to the suite.
    pub fn serve(
        &mut self,
        mut answer: impl FnMut(&mut Self, &Message) -> Result<(), Error>,
    ) -> Result<(), Error> {
        while let Some(message) = self.receive()? {
            match answer(self, &message) {
                Err(error) if error.kind == Kind::Run => {
                    self.send(Line::with_id(message.id).text("error", &error.to_string()))?;
                }
                Err(error) => return Err(in_message(error, &message)),
                Ok(()) => {}
            }
        }
        Ok(())
    }
}

/// The answer to a hello, as far as it is the same for both roles.
pub(crate) fn greeting(id: u64, role: &str, name: &str, version: &str, architectures: &[&str]) -> Line {
    let line = Line::with_id(id).number("protocol", PROTOCOL).text("role", role).text("name", name);
    line.text("version", version).texts("architectures", architectures.iter().copied())
}

fn in_line(error: Error, line: &str) -> Error {
    let beginning: String = line.trim_end().chars().take(200).collect();
    Error::conversation(format!("{error}, in the line {beginning}"))
}

fn in_message(error: Error, Message { id, body }: &Message) -> Error {
    let what = body.text("do").unwrap_or("message");
    Error::conversation(format!("{error}, in the {what} with id {id}"))
}

/// Standard input and output: `converse` until the suite is done, its failure in words and the exit code.
pub(crate) fn with_standard_streams(converse: impl FnOnce(&mut Connection) -> Result<(), Error>) -> ExitCode {
    let mut connection = Connection::new(std::io::stdin(), std::io::stdout());
    match converse(&mut connection) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // What was asked before has its answer, if there is still anybody to read it.
            let _lost = connection.output.flush();
            eprintln!("{}: {error}", env!("CARGO_PKG_NAME"));
            ExitCode::from(FAILURE)
        }
    }
}
