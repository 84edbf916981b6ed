//! A reader for the JSON of the protocol: one object a line, numbers whole and exact.

use crate::error::Error;

/// Objects within objects; the protocol needs four.
const DEEPEST: usize = 32;
/// The largest whole number below which every other one is exact in a double.
const LARGEST_EXACT: f64 = 9_007_199_254_740_991.0;

/// A value as it was read. Members of an object keep their order.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json {
    Null,
    Bool(bool),
    Number(f64),
    Text(String),
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Reads one value that fills the text but for spaces around it.
    pub fn parse(text: &str) -> Result<Json, Error> {
        let mut reader = Reader { text, at: 0 };
        reader.skip_spaces();
        let value = reader.value(0)?;
        reader.skip_spaces();
        if reader.at < text.len() {
            return Err(reader.wrong("something follows the value"));
        }
        Ok(value)
    }

    /// The member of that name; null counts as none.
    pub fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(members) => members
                .iter()
                .find(|(key, _)| key == name)
                .map(|(_, value)| value)
                .filter(|value| **value != Json::Null),
            _ => None,
        }
    }

    fn member(&self, name: &str) -> Result<&Json, Error> {
        self.get(name).ok_or_else(|| Error::conversation(format!("there is no \"{name}\"")))
    }

    /// A member that is an object.
    pub fn object(&self, name: &str) -> Result<&Json, Error> {
        match self.member(name)? {
            object @ Json::Object(_) => Ok(object),
            _ => Err(Error::conversation(format!("\"{name}\" has to be an object"))),
        }
    }

    /// A member that is a text.
    pub fn text(&self, name: &str) -> Result<&str, Error> {
        match self.member(name)? {
            Json::Text(text) => Ok(text),
            _ => Err(Error::conversation(format!("\"{name}\" has to be a text"))),
        }
    }

    /// A member that is true or false.
    pub fn flag(&self, name: &str) -> Result<bool, Error> {
        match self.member(name)? {
            Json::Bool(flag) => Ok(*flag),
            _ => Err(Error::conversation(format!("\"{name}\" has to be true or false"))),
        }
    }

    /// A member that is a whole number from 0 to `largest`.
    pub fn number(&self, name: &str, largest: u64) -> Result<u64, Error> {
        let whole = self.member(name)?.whole().filter(|number| *number <= largest);
        whole.ok_or_else(|| {
            Error::conversation(format!("\"{name}\" has to be a whole number from 0 to {largest:#x}"))
        })
    }

    /// A member that is a list of whole numbers from 0 to `largest`.
    pub fn numbers(&self, name: &str, largest: u64) -> Result<Vec<u64>, Error> {
        let wrong = || {
            Error::conversation(format!(
                "\"{name}\" has to be a list of whole numbers from 0 to {largest:#x}"
            ))
        };
        match self.member(name)? {
            Json::List(items) => items
                .iter()
                .map(|item| item.whole().filter(|number| *number <= largest).ok_or_else(wrong))
                .collect(),
            _ => Err(wrong()),
        }
    }

    /// The 64-bit value whose halves are the members `low` and `high`.
    pub fn word(&self) -> Result<u64, Error> {
        Ok(self.number("low", 0xffff_ffff)? | self.number("high", 0xffff_ffff)? << 32)
    }

    fn whole(&self) -> Option<u64> {
        match self {
            Json::Number(number) if *number >= 0.0 && *number <= LARGEST_EXACT && number.fract() == 0.0 => {
                Some(*number as u64)
            }
            _ => None,
        }
    }
}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> Error {
        Error::conversation(format!("not JSON: {what} (byte {})", self.at))
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_spaces(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// True, and past it, when that byte is next.
    fn takes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    fn value(&mut self, depth: usize) -> Result<Json, Error> {
        if depth > DEEPEST {
            return Err(self.wrong("it is nested too deeply"));
        }
        match self.peek() {
            Some(b'{') => self.object(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Json::Text(self.string()?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't') => self.word("true", Json::Bool(true)),
            Some(b'f') => self.word("false", Json::Bool(false)),
            Some(b'n') => self.word("null", Json::Null),
            _ => Err(self.wrong("a value is missing")),
        }
    }

    fn word(&mut self, word: &str, value: Json) -> Result<Json, Error> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.wrong("a value is missing"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn object(&mut self, depth: usize) -> Result<Json, Error> {
        self.at += 1;
        self.skip_spaces();
        let mut members = Vec::new();
        if self.takes(b'}') {
            return Ok(Json::Object(members));
        }
        loop {
            self.skip_spaces();
            if self.peek() != Some(b'"') {
                return Err(self.wrong("a name is missing"));
            }
            let name = self.string()?;
            self.skip_spaces();
            if !self.takes(b':') {
                return Err(self.wrong("a colon is missing"));
            }
            self.skip_spaces();
            members.push((name, self.value(depth + 1)?));
            self.skip_spaces();
            if self.takes(b'}') {
                return Ok(Json::Object(members));
            }
            if !self.takes(b',') {
                return Err(self.wrong("a comma or } is missing"));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Json, Error> {
        self.at += 1;
        self.skip_spaces();
        let mut items = Vec::new();
        if self.takes(b']') {
            return Ok(Json::List(items));
        }
        loop {
            self.skip_spaces();
            items.push(self.value(depth + 1)?);
            self.skip_spaces();
            if self.takes(b']') {
                return Ok(Json::List(items));
            }
            if !self.takes(b',') {
                return Err(self.wrong("a comma or ] is missing"));
            }
        }
    }

    fn number(&mut self) -> Result<Json, Error> {
        let start = self.at;
        self.takes(b'-');
        let leading_zero = self.takes(b'0');
        if !leading_zero {
            self.digits()?;
        }
        if self.takes(b'.') {
            self.digits()?;
        }
        if self.takes(b'e') || self.takes(b'E') {
            let _signed = self.takes(b'+') || self.takes(b'-');
            self.digits()?;
        }
        // What the grammar allows, `parse` takes.
        self.text[start..self.at].parse().map(Json::Number).map_err(|_| self.wrong("a number is wrong"))
    }

    /// One digit or more.
    fn digits(&mut self) -> Result<(), Error> {
        if !matches!(self.peek(), Some(b'0'..=b'9')) {
            return Err(self.wrong("a digit is missing"));
        }
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Error> {
        self.at += 1;
        let mut string = String::new();
        loop {
            let start = self.at;
            while !matches!(self.peek(), None | Some(b'"' | b'\\' | 0..=0x1f)) {
                self.at += 1;
            }
            // The bytes looked for are never inside a character.
            string.push_str(&self.text[start..self.at]);
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(string);
                }
                Some(b'\\') => string.push(self.escaped()?),
                _ => return Err(self.wrong("a text does not end")),
            }
        }
    }

    fn escaped(&mut self) -> Result<char, Error> {
        self.at += 1;
        let escape = self.peek().ok_or_else(|| self.wrong("a text does not end"))?;
        self.at += 1;
        match escape {
            b'"' | b'\\' | b'/' => Ok(char::from(escape)),
            b'b' => Ok('\u{8}'),
            b'f' => Ok('\u{c}'),
            b'n' => Ok('\n'),
            b'r' => Ok('\r'),
            b't' => Ok('\t'),
            b'u' => self.unicode(),
            _ => Err(self.wrong("an escape is unknown")),
        }
    }

    /// The character of `\uXXXX`, or of two of them that make a pair. Half a pair stands for no character.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hexadecimal()?;
        if (0xd800..0xdc00).contains(&first) && self.text.as_bytes()[self.at..].starts_with(b"\\u") {
            let after_first = self.at;
            self.at += 2;
            let second = self.hexadecimal()?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.at = after_first;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self) -> Result<u32, Error> {
        let mut value = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            value = value << 4 | digit.ok_or_else(|| self.wrong("a hexadecimal digit is missing"))?;
            self.at += 1;
        }
        Ok(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(text: &str) -> String {
        Json::parse(text).expect_err(text).to_string()
    }

    #[test]
    fn reads_what_the_suite_writes() {
        let line = r#"{"id":7,"do":"store", "page":8192,"low":4294967295,"high":1,"pages":[1,2],"logPage":null,"on":true}"#;
        let message = Json::parse(line).unwrap();
        assert_eq!(message.number("id", 10).unwrap(), 7);
        assert_eq!(message.text("do").unwrap(), "store");
        assert_eq!(message.word().unwrap(), 0x1_ffff_ffff);
        assert_eq!(message.numbers("pages", 2).unwrap(), [1, 2]);
        assert_eq!(message.get("logPage"), None);
        assert!(message.flag("on").unwrap());
    }

    #[test]
    fn reads_numbers_of_every_form() {
        for (text, value) in
            [("0", 0.0), ("-0", 0.0), ("12", 12.0), ("-1.5", -1.5), ("1e3", 1000.0), ("2.5E-1", 0.25)]
        {
            assert_eq!(Json::parse(text).unwrap(), Json::Number(value));
        }
        assert_eq!(Json::parse("9007199254740991").unwrap().whole(), Some(9_007_199_254_740_991));
        for text in ["9007199254740992", "-1", "0.5", "1e400"] {
            assert_eq!(Json::parse(text).unwrap().whole(), None, "{text}");
        }
    }

    #[test]
    fn reads_texts_with_escapes() {
        let text = r#""a\"b\\c\/\n\t\u00e9\ud83d\ude00 \ud83d é""#;
        assert_eq!(Json::parse(text).unwrap(), Json::Text("a\"b\\c/\n\té😀 \u{fffd} é".to_string()));
    }

    #[test]
    fn refuses_what_is_not_json() {
        for text in [
            "",
            " ",
            "{",
            "}",
            "[1",
            "[1,]",
            "{\"a\"}",
            "{\"a\":}",
            "{\"a\":1,}",
            "{a:1}",
            "tru",
            "nulll",
            "01",
            "1.",
            ".5",
            "+1",
            "1e",
            "-",
            "\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\u{1}\"",
            "1 2",
            "'a'",
            "NaN",
        ] {
            assert!(wrong(text).starts_with("not JSON"), "{text}");
        }
        assert!(wrong(&"[".repeat(1000)).contains("nested too deeply"));
    }

    #[test]
    fn says_what_a_member_has_to_be() {
        let message = Json::parse(r#"{"page":1.5,"word":512,"do":3,"pages":[1,-1],"setup":[]}"#).unwrap();
        assert_eq!(
            message.number("page", 9).unwrap_err().to_string(),
            "\"page\" has to be a whole number from 0 to 0x9"
        );
        assert!(message.number("word", 511).is_err());
        assert_eq!(message.number("line", 63).unwrap_err().to_string(), "there is no \"line\"");
        assert_eq!(message.text("do").unwrap_err().to_string(), "\"do\" has to be a text");
        assert!(message.numbers("pages", 9).is_err());
        assert!(message.object("setup").is_err());
        assert!(message.flag("do").is_err());
    }
}
