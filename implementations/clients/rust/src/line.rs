//! A writer for the lines of the protocol.

/// Writes one object as a line.
pub(crate) struct Line {
    text: String,
}

impl Line {
    /// Begins the object with the id that every message has.
    pub fn with_id(id: u64) -> Line {
        Line { text: format!("{{\"id\":{id}") }
    }

    pub fn number(mut self, name: &str, value: u64) -> Line {
        self.name(name);
        self.text.push_str(&value.to_string());
        self
    }

    pub fn flag(mut self, name: &str, value: bool) -> Line {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
        self
    }

    /// `low` and `high`, the halves of a 64-bit value.
    pub fn word(self, value: u64) -> Line {
        self.number("low", value & 0xffff_ffff).number("high", value >> 32)
    }

    pub fn text(mut self, name: &str, value: &str) -> Line {
        self.name(name);
        self.quoted(value);
        self
    }

    pub fn texts<'a>(self, name: &str, values: impl IntoIterator<Item = &'a str>) -> Line {
        self.list(name, values, |line, value| line.quoted(value))
    }

    pub fn numbers(self, name: &str, values: impl IntoIterator<Item = u64>) -> Line {
        self.list(name, values, |line, value| line.text.push_str(&value.to_string()))
    }

    /// The whole line, its end included.
    pub fn end(mut self) -> String {
        self.text.push_str("}\n");
        self.text
    }

    fn list<T>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
        write: impl Fn(&mut Line, T),
    ) -> Line {
        self.name(name);
        self.text.push('[');
        for (index, value) in values.into_iter().enumerate() {
            if index > 0 {
                self.text.push(',');
            }
            write(&mut self, value);
        }
        self.text.push(']');
        self
    }

    fn name(&mut self, name: &str) {
        self.text.push(',');
        self.quoted(name);
        self.text.push(':');
    }

    fn quoted(&mut self, value: &str) {
        self.text.push('"');
        for character in value.chars() {
            match character {
                '"' | '\\' => {
                    self.text.push('\\');
                    self.text.push(character);
                }
                '\u{0}'..='\u{1f}' => self.text.push_str(&format!("\\u{:04x}", u32::from(character))),
                _ => self.text.push(character),
            }
        }
        self.text.push('"');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::Json;

    #[test]
    fn writes_what_it_reads() {
        let line =
            Line::with_id(3).word(0x1234_5678_9abc_def0).text("error", "\"no\"\\\n é").flag("seen", true);
        let line = line.numbers("values", [1, 2]).texts("starts", ["reset"]).end();
        assert!(line.ends_with("}\n") && line.matches('\n').count() == 1);
        let read = Json::parse(&line).unwrap();
        assert_eq!(read.word().unwrap(), 0x1234_5678_9abc_def0);
        assert_eq!(read.text("error").unwrap(), "\"no\"\\\n é");
        assert_eq!(read.numbers("values", 2).unwrap(), [1, 2]);
        assert!(line.contains("\"starts\":[\"reset\"]"));
    }
}
