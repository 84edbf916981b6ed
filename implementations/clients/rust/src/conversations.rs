//! Tests of whole conversations: what the suite says, and what is said back.

use crate::connection::Connection;
use crate::driver::{self, Device, Driver, DriverDescription, Mapping};
use crate::error::Error;
use crate::iommu::{self, Effect, Iommu, IommuDescription, Request, RequestType, Width};
use crate::machine::{Machine, Ticket};
use crate::memory::Memory;
use crate::setup::{Architecture, DriverSetup, IommuSetup};

const HELLO: &str = r#"{"id":0,"do":"hello","protocol":1,"role":"ROLE","suite":"iommu-spec 0.1.0"}"#;
const PROFILE: &str = r#""profile":{"architecture":"vtd","id":"gm45","description":"","source":"",
    "version":{"major":1,"minor":0},"capability":{"low":551748210,"high":3372220448},
    "extendedCapability":{"low":4096,"high":0},"hostAddressWidth":36,"memoryPages":131072}"#;
const PLACES: &str = r#""start":"reset","rootPage":8192,"rootPages":1,"queuePage":8194,"logPage":null"#;

/// A unit that translates nothing, keeps one register, and wants somebody to make requests.
#[derive(Default)]
struct Plain {
    register: u64,
}

impl Iommu for Plain {
    fn reset(&mut self, setup: &IommuSetup, _: &mut Memory) -> Result<(), Error> {
        if setup.requesters.is_empty() {
            return Err(Error::new("nobody makes requests"));
        }
        self.register = u64::from(setup.profile.host_address_width);
        Ok(())
    }

    fn read_register(&mut self, _: &mut Memory, offset: u32, _: Width) -> u64 {
        self.register >> (offset * 8) & 0xffff_ffff
    }

    fn write_register(&mut self, _: &mut Memory, _: u32, _: Width, value: u64) {
        self.register = value;
    }

    fn translate(&mut self, _: &mut Memory, request: &Request) -> Effect {
        match request.kind {
            RequestType::ZeroLengthRead => Effect::Done,
            _ => Effect::Page(request.page),
        }
    }
}

/// A driver that loads, stores and settles.
struct Copies;

impl Driver for Copies {
    fn start(&mut self, machine: &mut Machine) -> Result<(), Error> {
        if machine.poll_register(28, 1, 1)? {
            Ok(())
        } else {
            Err(Error::new("it never came"))
        }
    }

    fn attach(&mut self, machine: &mut Machine, device: &Device, _: &str, _: Ticket) -> Result<(), Error> {
        device.requesters.iter().try_for_each(|requester| machine.reset_device(*requester))
    }

    fn detach(&mut self, machine: &mut Machine, _: &Device, ticket: Ticket) -> Result<(), Error> {
        machine.settled(ticket)
    }

    fn map(
        &mut self,
        machine: &mut Machine,
        _: &str,
        mapping: &Mapping,
        ticket: Ticket,
    ) -> Result<(), Error> {
        let value = machine.load(mapping.page, 0)?;
        machine.store(mapping.page, 1, value)?;
        machine.settled(ticket)
    }

    fn unmap(&mut self, machine: &mut Machine, _: &str, _: &Mapping, ticket: Ticket) -> Result<(), Error> {
        machine.settled(ticket)
    }

    fn protect(&mut self, machine: &mut Machine, _: &str, _: &Mapping, ticket: Ticket) -> Result<(), Error> {
        machine.settled(ticket)
    }

    fn destroy(&mut self, machine: &mut Machine, _: &str, ticket: Ticket) -> Result<(), Error> {
        machine.settled(ticket)
    }
}

fn as_input(role: &str, lines: &[&str]) -> String {
    let hello = HELLO.replace("ROLE", role);
    let lines = std::iter::once(hello.as_str()).chain(lines.iter().copied());
    lines.map(|line| line.replace('\n', " ") + "\n").collect()
}

/// What is said to these lines, but for the answer to the hello, and how it ends.
fn talk(
    input: String,
    serve: impl FnOnce(&mut Connection) -> Result<(), Error>,
) -> (Vec<String>, Result<(), String>) {
    let mut output = Vec::new();
    let mut connection = Connection::new(input.as_bytes(), &mut output);
    let end = serve(&mut connection).map_err(|error| error.to_string());
    drop(connection);
    let said = String::from_utf8(output).unwrap();
    (said.lines().skip(1).map(str::to_string).collect(), end)
}

fn to_iommu(lines: &[&str]) -> (Vec<String>, Result<(), String>) {
    let description = IommuDescription::new("plain", "1", Architecture::Vtd);
    talk(as_input("iommu", lines), |connection| {
        iommu::converse(connection, &description, &mut Plain::default())
    })
}

fn to_driver(lines: &[&str]) -> (Vec<String>, Result<(), String>) {
    let description = DriverDescription::new("copies", "1", Architecture::Vtd);
    talk(as_input("driver", lines), |connection| {
        driver::converse(connection, &description, |_: &DriverSetup| Ok(Box::new(Copies)))
    })
}

fn reset(requesters: &str) -> String {
    format!(
        r#"{{"id":1,"do":"reset","setup":{{{PROFILE},{PLACES},"requesters":{requesters},"dataPages":[4096],"tablePages":[8192],"timing":7}}}}"#
    )
}

fn setup() -> String {
    format!(
        r#"{{"id":1,"do":"setup","setup":{{{PROFILE},{PLACES},"invalidation":"registers","flushing":"strict","statusPage":8195}}}}"#
    )
}

#[test]
fn an_iommu_says_what_it_is() {
    let mut output = Vec::new();
    let mut description = IommuDescription::new("plain", "1.0", Architecture::Vtd);
    description.profiles = Some(vec!["gm45".to_string()]);
    description.requests = vec![RequestType::Read];
    let input = as_input("iommu", &[]);
    let mut connection = Connection::new(input.as_bytes(), &mut output);
    iommu::converse(&mut connection, &description, &mut Plain::default()).unwrap();
    drop(connection);
    let expected = concat!(
        r#"{"id":0,"protocol":1,"role":"iommu","name":"plain","version":"1.0","architectures":["vtd"],"#,
        r#""profiles":["gm45"],"requests":["read"],"starts":["reset","translating"]}"#,
        "\n"
    );
    assert_eq!(String::from_utf8(output).unwrap(), expected);
}

#[test]
fn an_iommu_answers_every_message() {
    let (said, end) = to_iommu(&[
        &reset("[32]"),
        r#"{"id":2,"do":"store","page":8192,"word":8,"low":5,"high":6}"#,
        r#"{"id":3,"do":"flush-line","page":8192,"line":1}"#,
        r#"{"id":4,"do":"write-register","offset":0,"width":8,"low":1,"high":2}"#,
        r#"{"id":5,"do":"read-register","offset":4,"width":4}"#,
        r#"{"id":6,"do":"poll-register","offset":4,"mask":3,"value":2}"#,
        r#"{"id":7,"do":"poll-register","offset":4,"mask":3,"value":1}"#,
        r#"{"id":8,"do":"read-memory","page":8192,"word":8}"#,
        r#"{"id":9,"do":"poll-memory","page":8192,"word":8,"value":5}"#,
        r#"{"id":10,"do":"request","requester":32,"page":4096,"offset":8,"length":8,"type":"write","value":3489660930,"slot":1}"#,
        r#"{"id":11,"do":"request","requester":32,"page":4096,"offset":8,"length":0,"type":"zero-length-read","value":0,"slot":2}"#,
        r#"{"id":12,"do":"read-data","offset":12,"pages":[4096,4097]}"#,
        r#"{"id":13,"do":"read-data","offset":4,"pages":[4096]}"#,
    ]);
    assert_eq!(end, Ok(()));
    let expected = [
        r#"{"id":1}"#,
        r#"{"id":2}"#,
        r#"{"id":3}"#,
        r#"{"id":4}"#,
        r#"{"id":5,"low":2,"high":0}"#,
        r#"{"id":6,"seen":true}"#,
        r#"{"id":7,"seen":false}"#,
        r#"{"id":8,"low":5,"high":6}"#,
        r#"{"id":9,"seen":true}"#,
        r#"{"id":10,"page":4096}"#,
        r#"{"id":11,"effect":"done"}"#,
        r#"{"id":12,"values":[3489660930,0]}"#,
        r#"{"id":13,"values":[1077936129]}"#,
    ];
    assert_eq!(said, expected);
}

#[test]
fn what_cannot_be_done_is_told_and_the_conversation_goes_on() {
    let (said, end) = to_iommu(&[&reset("[]"), r#"{"id":2,"do":"flush-line","page":0,"line":0}"#]);
    assert_eq!(said, [r#"{"id":1,"error":"nobody makes requests"}"#, r#"{"id":2}"#]);
    assert_eq!(end, Ok(()));
}

#[test]
fn what_cannot_be_understood_ends_the_conversation() {
    for (line, complaint) in [
        ("nonsense", "not JSON: a value is missing (byte 0), in the line nonsense"),
        (r#"{"do":"store"}"#, "there is no \"id\", in the line {\"do\":\"store\"}"),
        (r#"{"id":2,"do":"dance"}"#, "\"dance\" is nothing this role knows, in the dance with id 2"),
        (
            r#"{"id":2,"do":"store","page":1,"word":512,"low":0,"high":0}"#,
            "\"word\" has to be a whole number from 0 to 0x1ff, in the store with id 2",
        ),
        (
            r#"{"id":2,"do":"read-register","offset":0,"width":2}"#,
            "\"width\" has to be 4 or 8, in the read-register with id 2",
        ),
        (
            r#"{"id":2,"do":"request","requester":32,"page":1,"offset":4092,"length":8,"type":"read","value":0}"#,
            "a request has to be about 4-byte units of one page, in the request with id 2",
        ),
    ] {
        let (said, end) = to_iommu(&[&reset("[1]"), line]);
        assert_eq!(said, [r#"{"id":1}"#]);
        assert_eq!(end, Err(complaint.to_string()));
    }
}

#[test]
fn another_role_is_answered_and_another_version_refused() {
    let plain = |hello: &str| {
        let description = IommuDescription::new("plain", "1", Architecture::Vtd);
        talk(hello.to_string() + "\n", |connection| {
            iommu::converse(connection, &description, &mut Plain::default())
        })
        .1
    };
    assert_eq!(plain(&HELLO.replace("ROLE", "driver")), Ok(()));
    let later = plain(&HELLO.replace("\"protocol\":1", "\"protocol\":2"));
    assert_eq!(later, Err("the suite speaks protocol 2, this program 1".to_string()));
    assert_eq!(plain(r#"{"id":0,"do":"reset"}"#), Err("the first message has to be a hello".to_string()));
    assert_eq!(talk(String::new(), |connection| connection.greet().map(drop)).1, Ok(()));
}

#[test]
fn a_driver_makes_accesses_until_it_is_done() {
    let (said, end) = to_driver(&[
        &setup(),
        r#"{"id":2,"do":"map","domain":"d0","mapping":{"iova":4096,"page":4097,"pages":1,"access":3},"ticket":5}"#,
        r#"{"id":2,"low":7,"high":8}"#,
        r#"{"id":2,"low":0,"high":0}"#,
        r#"{"id":2,"low":0,"high":0}"#,
        r#"{"id":3,"do":"sync"}"#,
        r#"{"id":4,"do":"start"}"#,
        r#"{"id":4,"low":0,"high":0}"#,
    ]);
    let expected = [
        r#"{"id":1}"#,
        r#"{"id":2,"do":"load","page":4097,"word":0}"#,
        r#"{"id":2,"do":"store","page":4097,"word":1,"low":7,"high":8}"#,
        r#"{"id":2,"do":"settled","ticket":5}"#,
        r#"{"id":2,"done":true}"#,
        r#"{"id":3,"done":true}"#,
        r#"{"id":4,"do":"poll-register","offset":28,"mask":1,"value":1}"#,
        r#"{"id":4,"error":"it never came"}"#,
    ];
    assert_eq!(said, expected);
    assert_eq!(end, Ok(()));
}

#[test]
fn a_driver_is_told_what_is_wrong_with_the_suite() {
    let intent = r#"{"id":2,"do":"attach","device":{"name":"a","requesters":[32]},"domain":"d0","ticket":1}"#;
    assert_eq!(to_driver(&[intent]).1, Err("a setup has to come first, in the attach with id 2".to_string()));
    let other = to_driver(&[&setup(), intent, r#"{"id":3,"low":0,"high":0}"#]).1;
    let complaint = "an answer has id 3, the intent 2, in the attach with id 2";
    assert_eq!(other, Err(complaint.to_string()));
    let ended = to_driver(&[&setup(), intent]).1;
    assert!(ended.unwrap_err().starts_with("the suite ended while an answer was awaited"));
}

/// Whatever arrives: an error or an answer, and no panic.
#[test]
fn no_line_brings_it_down() {
    let reset = reset("[32]").replace('\n', " ");
    let setup = setup().replace('\n', " ");
    let iommu = [
        reset.as_str(),
        r#"{"id":2,"do":"store","page":4503599627370495,"word":511,"low":5,"high":6}"#,
        r#"{"id":3,"do":"write-register","offset":4,"width":8,"low":1,"high":2}"#,
        r#"{"id":4,"do":"request","requester":32,"page":4096,"offset":8,"length":8,"type":"write","value":1}"#,
        r#"{"id":5,"do":"read-data","offset":12,"pages":[4096,4097]}"#,
    ];
    let driver = [
        setup.as_str(),
        r#"{"id":2,"do":"attach","device":{"name":"a","requesters":[32]},"domain":"d0","ticket":1}"#,
        r#"{"id":2,"low":0,"high":0}"#,
    ];
    for at in 0..iommu.len() {
        for line in damaged(iommu[at]) {
            let _end = to_iommu(&[&iommu[..at], &[&line], &iommu[1..]].concat());
        }
    }
    for at in 0..driver.len() {
        for line in damaged(driver[at]) {
            let _end = to_driver(&[&driver[..at], &[&line], &driver[1..]].concat());
        }
    }
}

/// The line broken off, and with one character replaced, anywhere.
fn damaged(line: &str) -> Vec<String> {
    let places = 0..line.len();
    let cut = places.clone().map(|at| line[..at].to_string());
    let replaced = places.flat_map(|at| {
        ["9", "\"", "}", "é"].map(|other| format!("{}{other}{}", &line[..at], &line[at + 1..]))
    });
    cut.chain(replaced).collect()
}
